//! The work behind every service: what is drawn and what it costs.

use super::answer::{Accept, Picture};
use super::ask::Ask;
use super::errors;
use super::services::Outcome;
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::pictures::{DEFAULT_KEEP, DrawError, Drawing};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::{Asked, Cost, End, Inputs, Made, Order, Work};
use axum::response::Response;
use bytes::Bytes;
use imaging::ImageFormat;
use std::sync::Arc;
use tracing::warn;

/// How much smaller a picture becomes on its way to a blurred one.
const BLUR: u32 = 32;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed.map(u64::from),
            seed_less_bits: 32,
            ..Order::new(Provider::Stability, &self.label, &self.prompt, 1)
        }
    }

    async fn load(&self, _core: &Core) -> Result<Inputs, Refused> {
        Ok(self.inputs.clone())
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size_px
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            keep: self.keep.unwrap_or(DEFAULT_KEEP),
            format: self.format,
            is_scaled: matches!(self.service.outcome, Outcome::Multiplied(_) | Outcome::Enlarged),
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        let micros = self.service.micros(&self.label);
        Cost {
            images: 1,
            micros,
            reason: format!("{} tenths of a credit, a credit is a cent", micros / 1_000),
            ..Cost::default()
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            End::Moderated(Moderation::Input) => Some(errors::flagged()),
            // A filtered picture is a successful one that was blurred.
            End::Moderated(Moderation::Output) => None,
            End::Failed | End::Broken => Some(errors::internal()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

/// Does the work of a service that answers at once.
pub(super) async fn run(core: &Arc<Core>, work: Work<Ask>, accept: Accept) -> Result<Response, Refused> {
    let (work, made) = work.run(core).await?;
    let picture = picture(core, &work, made).await?;
    Ok(wire::spoil(picture.answer(accept), work.faults.body).await)
}

/// What is handed out of finished work.
pub(super) async fn picture(core: &Core, work: &Work<Ask>, made: Made) -> Result<Picture, Refused> {
    let filtered = work.faults.moderation == Some(Moderation::Output);
    let drawn = made.pictures.into_iter().next();
    let mut bytes = drawn.map(|drawn| drawn.bytes).unwrap_or_default();
    if filtered && !bytes.is_empty() {
        bytes = blurred(core, &work.ask, bytes).await.map_err(|error| {
            warn!(%error, "a picture could not be blurred");
            errors::internal()
        })?;
    }
    Ok(Picture {
        bytes,
        format: work.ask.format,
        seed: u32::try_from(work.seed(0)).unwrap_or(u32::MAX),
        filtered,
    })
}

async fn blurred(core: &Core, ask: &Ask, bytes: Bytes) -> Result<Bytes, DrawError> {
    let (width, height) = ask.size_px;
    let small = ((width / BLUR).max(1), (height / BLUR).max(1));
    let whole = core.pictures.decode(bytes).await?;
    let small = core.pictures.scale(whole, small, ImageFormat::Png).await?;
    let small = core.pictures.decode(small).await?;
    core.pictures.scale(small, ask.size_px, ask.format).await
}
