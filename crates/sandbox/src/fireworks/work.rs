//! Does the work of a call: loads the input, draws, and writes the bill.

use super::ask::Ask;
use super::errors::ApiError;
use super::models::{Price, Way};
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::Faults;
use crate::inputs;
use crate::latency::Pace;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::Drawing;
use crate::provider::Provider;
use bytes::Bytes;
use imaging::Bitmap;
use std::sync::Arc;

/// Sizes that follow an input are multiples of this, and about a megapixel.
const GRID_PX: u32 = 16;

/// One call to be worked on.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) faults: Faults,
    /// Base of the links in answers.
    pub(super) base_url: String,
}

impl Work {
    /// Draws the image and charges for it.
    ///
    /// # Errors
    /// What is wrong with the input image.
    pub(super) async fn draw(&self, core: &Core) -> Result<Bytes, ApiError> {
        let image = match &self.ask.image {
            Some(image) => Some(open(core, image).await?),
            None => None,
        };
        let size = self.size(image.as_ref());
        let pixels = u64::from(size.0) * u64::from(size.1);
        let pace = if self.ask.model.way == Way::Job {
            Pace::Medium
        } else {
            Pace::Fast
        };
        let usual = core.latency.work(pace, "medium", pixels, seed_from(&self.id, 0));
        if !usual.is_zero() {
            tokio::time::sleep(usual).await;
        }
        let inputs: Arc<[Bitmap]> = image.into_iter().collect();
        let drawing = Drawing {
            inputs,
            format: self.ask.format,
            file: self.faults.file,
            ..Drawing::new(&self.ask.prompt, self.ask.model.id, size, self.seed())
        };
        let drawn = core.pictures.draw(drawing).await.map_err(|_| ApiError::internal())?;
        self.charge(core, size);
        Ok(drawn.bytes)
    }

    /// The seed of the picture, whether given or not.
    pub(super) fn seed(&self) -> u64 {
        // A seed that is told can be given again.
        self.ask.seed.unwrap_or_else(|| seed_from(&self.id, 0) >> 32)
    }

    fn size(&self, image: Option<&Bitmap>) -> (u32, u32) {
        match (self.ask.size, image) {
            (Some(size), _) => size,
            (None, Some(image)) => {
                let ratio = f64::from(image.width_px()) / f64::from(image.height_px());
                let height = (1_048_576.0 / ratio).sqrt();
                let on_grid = |side: f64| ((side / f64::from(GRID_PX)).round() as u32).max(1) * GRID_PX;
                (on_grid(height * ratio), on_grid(height))
            }
            (None, None) => (1024, 1024),
        }
    }

    fn charge(&self, core: &Core, size: (u32, u32)) {
        let ask = &self.ask;
        let micros = ask.model.image_micros(ask.steps);
        core.bill.record(BillEntry {
            provider: Provider::Fireworks,
            model: ask.model.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&ask.prompt),
            images: 1,
            quality: None,
            size: Some(format!("{}x{}", size.0, size.1)),
            micros,
            tokens: None,
            at: core.now(),
            reason: match ask.model.price {
                Price::Step(_) => format!("{} steps", ask.steps),
                Price::Image(_) => "by image".to_owned(),
            },
        });
    }

    /// Charges a call that came to nothing, where a fault asks for that.
    pub(super) fn charge_if_asked(&self, core: &Core) {
        if self.faults.billed {
            self.charge(core, self.size(None));
        }
    }
}

async fn open(core: &Core, image: &str) -> Result<Bitmap, ApiError> {
    let loaded = inputs::load(core, image)
        .map_err(|error| ApiError::invalid(format!("Could not load the image: {error}: 'input_image'")))?;
    let decoded = core.pictures.decode(loaded.bytes).await;
    decoded.map_err(|_| ApiError::invalid("Could not read the image: 'input_image'"))
}
