//! The work behind a request: faults, drawing, files and the bill.

use super::ask::Ask;
use super::errors::Refused;
use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Faults, Stage};
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
use futures_util::future::try_join_all;
use imaging::Bitmap;
use scenes::Detail;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Links live a day.
const MEDIA_TTL: Duration = Duration::from_secs(24 * 3_600);
/// Pixels of one output token.
const PIXELS_PER_TOKEN: u64 = 256;

/// A request that is being worked on.
pub(super) struct Job {
    pub(super) core: Arc<Core>,
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) inputs: Arc<[Bitmap]>,
    pub(super) faults: Faults,
    /// Base of the links in answers.
    pub(super) base_url: String,
}

/// What came of it, picture by picture.
pub(super) struct Made {
    pub(super) created: i64,
    pub(super) pictures: Vec<Result<Picture, Refused>>,
}

/// One picture, as base64 or as a link.
pub(super) enum Picture {
    Bytes(Drawn),
    Link(String),
}

impl Job {
    /// Does the work; the bill is written by the pictures that came out.
    pub(super) async fn run(self) -> Result<(Self, Made), Refused> {
        self.faults.wait().await;
        let failure = self.failure();
        if let Some(failure) = failure {
            if self.faults.billed {
                self.charge(self.ask.count);
            }
            return Err(failure);
        }
        let (width, height) = self.size_px();
        let pixels = u64::from(width) * u64::from(height);
        let pace = self
            .core
            .latency
            .work(Pace::Medium, "low", pixels, seed_from(&self.id, 0));
        tokio::time::sleep(pace).await;
        let count = match self.faults.body {
            Some(BodyFault::Empty) => 0,
            _ => self.ask.count,
        };
        let drawings = (0..count).map(|index| self.core.pictures.draw(self.drawing(index)));
        let drawn = try_join_all(drawings).await.map_err(|error| {
            warn!(%error, "a picture could not be drawn");
            Refused::server_error()
        })?;
        let pictures: Vec<Result<Picture, Refused>> = drawn
            .into_iter()
            .enumerate()
            .map(|(index, drawn)| self.picture(index, drawn))
            .collect();
        let made = Made {
            created: self.core.now().as_second(),
            pictures,
        };
        if made.count() > 0 {
            self.charge(made.count());
        }
        Ok((self, made))
    }

    /// Why there will be no picture at all. Of a group only the first is held back.
    fn failure(&self) -> Option<Refused> {
        if let Some(refusal) = &self.faults.refusal {
            return Some(Refused::by_fault(refusal, self.ask.model.id));
        }
        match self.faults.moderation {
            Some(Stage::Output) if self.ask.group => {}
            Some(stage) => return Some(Refused::moderated(stage)),
            None => {}
        }
        self.faults.failed.then(Refused::server_error)
    }

    fn picture(&self, index: usize, drawn: Drawn) -> Result<Picture, Refused> {
        if index == 0 && self.faults.moderation == Some(Stage::Output) {
            return Err(Refused::moderated(Stage::Output));
        }
        if self.ask.base64 {
            return Ok(Picture::Bytes(drawn));
        }
        let media = NewMedia {
            bytes: drawn.bytes,
            content_type: self.ask.format().mime_type().to_owned(),
            ttl: MEDIA_TTL,
            fault: self.faults.media,
        };
        let file = self.core.media.put(media, self.core.now());
        let extension = if self.ask.png { "png" } else { "jpeg" };
        Ok(Picture::Link(format!(
            "{}/byteplus/media/{file}/{index}.{extension}",
            self.base_url
        )))
    }

    /// The size of every picture.
    fn size_px(&self) -> (u32, u32) {
        let first = self.inputs.first();
        self.ask
            .size_px(first.map(|first| (first.width_px(), first.height_px())))
    }

    /// `WxH`.
    pub(super) fn size(&self) -> String {
        let (width, height) = self.size_px();
        format!("{width}x{height}")
    }

    fn drawing(&self, index: u32) -> Drawing {
        let ask = &self.ask;
        Drawing {
            detail: Detail::Medium,
            transparent: ask.transparent,
            inputs: Arc::clone(&self.inputs),
            format: ask.format(),
            quality: Some(90),
            file: self.faults.file,
            ..Drawing::new(&ask.prompt, ask.model.id, self.size_px(), seed_from(&self.id, index))
        }
    }

    fn tokens(&self, count: u32) -> u64 {
        let (width, height) = self.size_px();
        u64::from(width) * u64::from(height) / PIXELS_PER_TOKEN * u64::from(count)
    }

    /// What so many pictures come to.
    pub(super) fn usage(&self, count: u32) -> Value {
        let tokens = self.tokens(count);
        let mut usage = json!({"generated_images": count, "output_tokens": tokens, "total_tokens": tokens});
        if !self.inputs.is_empty() {
            usage["input_images"] = json!(self.inputs.len());
        }
        usage
    }

    /// Writes the bill: by the pictures that came out.
    fn charge(&self, count: u32) {
        let model = self.ask.model;
        let micros = model.price_micros(self.size_px(), count, self.inputs.len());
        self.core.bill.record(BillEntry {
            provider: Provider::Byteplus,
            model: model.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&self.ask.prompt),
            images: count,
            quality: None,
            size: Some(self.size()),
            micros,
            tokens: Some(BilledTokens {
                image_out: self.tokens(count),
                ..BilledTokens::default()
            }),
            at: self.core.now(),
            reason: format!("{count} pictures of {} from {} images", self.size(), self.inputs.len()),
        });
    }
}

impl Made {
    /// Pictures that came out.
    pub(super) fn count(&self) -> u32 {
        let out = self.pictures.iter().filter(|picture| picture.is_ok()).count();
        u32::try_from(out).unwrap_or(u32::MAX)
    }
}
