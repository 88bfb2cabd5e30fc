//! The work behind generations and edits: what is drawn and what it costs.

use super::errors;
use super::generation::Generation;
use super::images::{self, Upload};
use super::usage;
use super::validate::{Ask, FIXED_SIZES};
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::gpt_image::nearest;
use crate::latency::Pace;
use crate::pictures::{Drawing, detail_of};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Order};

/// What `auto` comes to without an input image.
const AUTO_SIZE_PX: (u32, u32) = (1024, 1024);

/// A checked request with the images as they were sent.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) ask: Ask,
    pub(super) images: Vec<Upload>,
    pub(super) mask: Option<Upload>,
    pub(super) edit: bool,
}

impl Asked for Submission {
    fn order(&self) -> Order<'_> {
        let ask = &self.ask;
        Order {
            pace: match ask.model.generation {
                Generation::Mini => Pace::Medium,
                _ => Pace::Slow,
            },
            quality: ask.quality,
            steps: if ask.stream { ask.partials() + 1 } else { 1 },
            ..Order::new(Provider::Openai, ask.model.id, &ask.prompt, ask.count)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        images::decode(core, &self.images, self.mask.as_ref()).await
    }

    /// `auto` is square, or for an edit the fixed size nearest to the first image.
    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        let first = inputs.first_px();
        let automatic = || first.map_or(AUTO_SIZE_PX, |first| nearest(FIXED_SIZES, first));
        self.ask.size_px.unwrap_or_else(automatic)
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        let ask = &self.ask;
        Drawing {
            detail: detail_of(ask.quality),
            transparent: ask.transparent,
            format: ask.format,
            quality: Some(ask.compression),
            partials: ask.partials(),
            ..drawing
        }
    }

    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, _held: bool) -> Cost {
        let tokens = usage::tokens(&self.ask, size_px, &inputs.sizes_px());
        Cost {
            images: self.ask.count,
            micros: usage::micros(self.ask.model.generation, &tokens),
            quality: Some(self.ask.quality.to_owned()),
            tokens: Some(tokens),
            reason: "tokens times rates".to_owned(),
        }
    }

    /// A stream begins before it fails.
    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            End::Moderated(Moderation::Input) => Some(errors::moderation(Moderation::Input)),
            End::Broken => Some(errors::server_error()),
            _ if self.ask.stream => None,
            End::Moderated(Moderation::Output) => Some(errors::moderation(Moderation::Output)),
            End::Failed => Some(errors::server_error()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.ask.model.id)
    }
}
