//! The work behind a call: its input, what is drawn, and its price.

use super::ask::Ask;
use super::errors;
use super::models::{Price, Way};
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::inputs;
use crate::latency::Pace;
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::shapes::{MEGAPIXEL, shaped};
use crate::work::{Asked, Cost, End, Inputs, Order};
use imaging::Bitmap;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed,
            seed_less_bits: 32,
            pace: match self.model.way {
                Way::Job => Pace::Medium,
                Way::Workflow | Way::Generation => Pace::Fast,
            },
            ..Order::new(Provider::Fireworks, self.model.id, &self.prompt, 1)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images: Vec<Bitmap> = Vec::new();
        if let Some(image) = &self.image {
            images.push(open(core, image).await?);
        }
        Ok(images.into())
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        match (self.size, inputs.first_px()) {
            (Some(size), _) => size,
            (None, Some(first)) => shaped(first, MEGAPIXEL),
            (None, None) => (1024, 1024),
        }
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            format: self.format,
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        Cost {
            images: 1,
            micros: self.model.image_micros(self.steps),
            quality: None,
            tokens: None,
            reason: match self.model.price {
                Price::Step(_) => format!("{} steps", self.steps),
                Price::Image(_) => "by image".to_owned(),
            },
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            // It comes all the same, with a header that tells it.
            End::Moderated(Moderation::Output) if self.model.way != Way::Job => None,
            End::Moderated(_) => Some(errors::flagged()),
            End::Failed | End::Broken => Some(errors::internal()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

async fn open(core: &Core, image: &str) -> Result<Bitmap, Refused> {
    let loaded = inputs::load(core, image)
        .map_err(|error| errors::invalid(format!("Could not load the image: {error}: 'input_image'")))?;
    let decoded = core.pictures.decode(loaded.bytes).await;
    decoded.map_err(|_| errors::invalid("Could not read the image: 'input_image'"))
}
