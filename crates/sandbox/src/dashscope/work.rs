//! The work behind a call or task: its images, what is drawn, its files and its price.

use super::ask::{Ask, Size};
use super::errors;
use super::models::{Sizes, Tells};
use crate::core::Core;
use crate::faults::{RefusalFault, strip};
use crate::inputs;
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::shapes::shaped;
use crate::work::{self, Asked, Cost, End, Inputs, Order, Work};
use imaging::ImageFormat;
use serde_json::{Value, json};
use std::time::Duration;

/// Result files live for a day.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// An input image may be this large.
const MAX_IMAGE_BYTES: usize = 10 * 1024 * 1024;

/// What an answer tells of finished work.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    links: Vec<String>,
    size: (u32, u32),
    /// The prompt that was drawn, where the model tells it.
    told_prompt: Option<String>,
    tells: Tells,
}

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed,
            ..Order::new(Provider::Alibaba, self.model.id, &self.prompt, self.n)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images = Vec::with_capacity(self.images.len());
        for url in &self.images {
            let loaded = inputs::load(core, url).map_err(|error| {
                errors::error(
                    400,
                    "InvalidParameter.DataInspection",
                    format!("Unable to download the media resource during the data inspection process: {error}"),
                )
            })?;
            if loaded.bytes.len() > MAX_IMAGE_BYTES {
                return Err(errors::parameter("an image must not be larger than 10 MB"));
            }
            let decoded = core.pictures.decode(loaded.bytes).await;
            images.push(decoded.map_err(|_| errors::parameter("an image cannot be opened"))?);
        }
        Ok(images.into())
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        let default = self.model.default_size;
        let square = |side_px: u32| u64::from(side_px) * u64::from(side_px);
        match (self.size, inputs.first_px()) {
            (Size::Exact(width, height), _) => (width, height),
            (Size::Tier(side_px), None) => (side_px, side_px),
            (Size::Tier(side_px), Some(first)) => shaped(first, square(side_px)),
            (Size::Default, None) => default,
            (Size::Default, Some(first)) if matches!(self.model.sizes, Sizes::Area { .. }) => {
                shaped(first, u64::from(default.0) * u64::from(default.1))
            }
            (Size::Default, Some(first)) => shaped(first, square(1024)),
        }
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        drawing
    }

    fn charge(&self, size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        let (each, why) = self.model.image_micros(size_px);
        let count = self.n;
        Cost {
            images: count,
            micros: each * i64::from(count),
            quality: None,
            tokens: None,
            reason: format!("{count} x {each}, {why}"),
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        Some(match end {
            End::Moderated(stage) => errors::inspection(stage),
            End::Failed | End::Broken => errors::internal(),
        })
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

impl Ask {
    /// The prompt, and what rewriting adds to it.
    fn told_prompt(&self) -> String {
        if self.extends {
            format!("{}, in fine detail and soft light", strip(&self.prompt))
        } else {
            self.prompt.clone()
        }
    }
}

/// Keeps the pictures, and tells of them.
pub(super) fn told(core: &Core, work: &Work<Ask>, made: work::Made) -> Summary {
    let keep = |bytes| {
        let expires = core.now().as_second() + KEPT.as_secs().cast_signed();
        let id = work.publish(core, bytes, ImageFormat::Png.mime_type(), KEPT);
        format!("{}/alibaba/media/{id}/image.png?Expires={expires}", work.base_url)
    };
    Summary {
        links: made.pictures.into_iter().map(|drawn| keep(drawn.bytes)).collect(),
        size: made.size_px,
        told_prompt: (work.ask.model.id == "z-image-turbo").then(|| work.ask.told_prompt()),
        tells: work.ask.model.tells,
    }
}

impl Summary {
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
