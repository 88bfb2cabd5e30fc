//! Does the work of a call or task: loads images, draws, keeps the files and writes the bill.

use super::ask::{Ask, Size};
use super::errors::Refused;
use super::models::{Sizes, Tells};
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults, strip};
use crate::inputs;
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::Drawing;
use crate::provider::Provider;
use futures_util::future::try_join_all;
use imaging::{Bitmap, ImageFormat};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Result files live for a day.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// An input image may be this large.
const MAX_IMAGE_BYTES: usize = 10 * 1024 * 1024;
/// Sizes that follow an input are multiples of this.
const GRID_PX: u32 = 16;

/// One call to be worked on.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) faults: Faults,
    /// Base of the links in the answer.
    pub(super) base_url: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    links: Vec<String>,
    size: (u32, u32),
    /// The prompt that was drawn, where the model tells it.
    told_prompt: Option<String>,
    tells: Tells,
}

impl Work {
    /// Makes the images.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn run(&self, core: &Core) -> Result<Made, Refused> {
        let images = self.load(core).await?;
        let size = self.size(images.first());
        let pixels = u64::from(size.0) * u64::from(size.1);
        let usual = core
            .latency
            .work(Pace::Medium, "medium", pixels, seed_from(&self.id, 0));
        if !usual.is_zero() {
            tokio::time::sleep(usual).await;
        }
        if let Some(refused) = self.failure() {
            if self.faults.billed {
                self.charge(core, size);
            }
            return Err(refused);
        }
        let links = if self.faults.body == Some(BodyFault::Empty) {
            Vec::new()
        } else {
            let links = self.draw(core, size, images).await?;
            self.charge(core, size);
            links
        };
        Ok(Made {
            links,
            size,
            told_prompt: (self.ask.model.id == "z-image-turbo").then(|| self.told_prompt()),
            tells: self.ask.model.tells,
        })
    }

    fn failure(&self) -> Option<Refused> {
        let moderation = self.faults.moderation.map(Refused::inspection);
        moderation.or_else(|| self.faults.failed.then(Refused::internal))
    }

    /// The prompt, and what rewriting adds to it.
    fn told_prompt(&self) -> String {
        let prompt = strip(&self.ask.prompt);
        if self.ask.extends {
            format!("{prompt}, in fine detail and soft light")
        } else {
            self.ask.prompt.clone()
        }
    }

    async fn load(&self, core: &Core) -> Result<Vec<Bitmap>, Refused> {
        let mut images = Vec::with_capacity(self.ask.images.len());
        for url in &self.ask.images {
            let loaded = inputs::load(core, url).map_err(|error| {
                Refused::new(
                    400,
                    "InvalidParameter.DataInspection",
                    format!("Unable to download the media resource during the data inspection process: {error}"),
                )
            })?;
            if loaded.bytes.len() > MAX_IMAGE_BYTES {
                return Err(Refused::parameter("an image must not be larger than 10 MB"));
            }
            let decoded = core.pictures.decode(loaded.bytes).await;
            images.push(decoded.map_err(|_| Refused::parameter("an image cannot be opened"))?);
        }
        Ok(images)
    }

    fn size(&self, first: Option<&Bitmap>) -> (u32, u32) {
        let default = self.ask.model.default_size;
        let square = |side_px: u32| u64::from(side_px) * u64::from(side_px);
        match (self.ask.size, first) {
            (Size::Exact(width, height), _) => (width, height),
            (Size::Tier(side_px), None) => (side_px, side_px),
            (Size::Tier(side_px), Some(first)) => alike(first, square(side_px)),
            (Size::Default, None) => default,
            (Size::Default, Some(first)) if matches!(self.ask.model.sizes, Sizes::Area { .. }) => {
                alike(first, u64::from(default.0) * u64::from(default.1))
            }
            (Size::Default, Some(first)) => alike(first, square(1024)),
        }
    }

    async fn draw(&self, core: &Core, size: (u32, u32), images: Vec<Bitmap>) -> Result<Vec<String>, Refused> {
        let inputs: Arc<[Bitmap]> = images.into();
        let drawings = (0..self.ask.n).map(|index| {
            let seed = match self.ask.seed {
                Some(seed) => seed.wrapping_add(u64::from(index)),
                None => seed_from(&self.id, index),
            };
            core.pictures.draw(Drawing {
                inputs: Arc::clone(&inputs),
                file: self.faults.file,
                ..Drawing::new(&self.ask.prompt, self.ask.model.id, size, seed)
            })
        });
        let drawn = try_join_all(drawings).await.map_err(|_| Refused::internal())?;
        let keep = |bytes| {
            let media = NewMedia {
                bytes,
                content_type: ImageFormat::Png.mime_type().to_owned(),
                ttl: KEPT,
                fault: self.faults.media,
            };
            let expires = core.now().as_second() + KEPT.as_secs().cast_signed();
            let id = core.media.put(media, core.now());
            format!("{}/alibaba/media/{id}/image.png?Expires={expires}", self.base_url)
        };
        Ok(drawn.into_iter().map(|drawn| keep(drawn.bytes)).collect())
    }

    fn charge(&self, core: &Core, size: (u32, u32)) {
        let (each, why) = self.ask.model.image_micros(size);
        core.bill.record(BillEntry {
            provider: Provider::Alibaba,
            model: self.ask.model.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&self.ask.prompt),
            images: self.ask.n,
            quality: None,
            size: Some(format!("{}x{}", size.0, size.1)),
            micros: each * i64::from(self.ask.n),
            tokens: None,
            at: core.now(),
            reason: format!("{} x {each}, {why}", self.ask.n),
        });
    }

    /// Charges a call that was refused, where a fault asks for that.
    pub(super) fn charge_refused(&self, core: &Core) {
        if self.faults.billed {
            self.charge(core, self.size(None));
        }
    }
}

/// About this many pixels in the shape of `like`.
fn alike(like: &Bitmap, pixels: u64) -> (u32, u32) {
    let ratio = f64::from(like.width_px()) / f64::from(like.height_px());
    let on_grid = |side: f64| ((side / f64::from(GRID_PX)).round() as u32).max(1) * GRID_PX;
    let height = (pixels as f64 / ratio).sqrt();
    (on_grid(height * ratio), on_grid(height))
}

impl Made {
    /// `choices` as the model tells them: one for each image at Wan, one for all elsewhere.
    pub(super) fn choices(&self) -> Value {
        let choice = |content: Vec<Value>| json!({"finish_reason": "stop", "message": {"role": "assistant", "content": content}});
        if self.tells == Tells::Size {
            let each = self.links.iter();
            return each
                .map(|link| choice(vec![json!({"image": link, "type": "image"})]))
                .collect();
        }
        let mut content: Vec<Value> = self.links.iter().map(|link| json!({ "image": link })).collect();
        content.extend(self.told_prompt.as_ref().map(|prompt| json!({ "text": prompt })));
        json!([choice(content)])
    }

    /// `usage` as the model tells it.
    pub(super) fn usage(&self) -> Value {
        let ((width, height), count) = (self.size, self.links.len());
        match self.tells {
            Tells::Sides => json!({"width": width, "height": height, "image_count": count}),
            Tells::Output => json!({
                "output_width": width, "output_height": height,
                "output_image_type": if u64::from(width) * u64::from(height) > 1024 * 1024 { "2K" } else { "1K" },
                "image_count": count,
            }),
            Tells::Size => json!({"size": format!("{width}*{height}"), "image_count": count}),
        }
    }
}
