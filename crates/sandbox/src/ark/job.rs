//! The work behind a request: what is drawn, its files and its price.

use super::ask::Ask;
use super::errors;
use crate::bill::BilledTokens;
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Made, Order, Work};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// Links live a day.
const MEDIA_TTL: Duration = Duration::from_secs(24 * 3_600);
/// Pixels of one output token.
const PIXELS_PER_TOKEN: u64 = 256;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            quality: "low",
            ..Order::new(Provider::Byteplus, self.model.id, &self.prompt, self.count)
        }
    }

    async fn load(&self, _core: &Core) -> Result<Inputs, Refused> {
        Ok(self.inputs.clone())
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        self.size_beside(inputs.first_px())
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            transparent: self.transparent,
            format: self.format(),
            quality: Some(90),
            ..drawing
        }
    }

    /// By the pictures that come out: of a group the first may be held back.
    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, held: bool) -> Cost {
        let inputs = inputs.images.len();
        let count = self.count.saturating_sub(u32::from(held));
        Cost {
            images: count,
            micros: self.model.price_micros(size_px, count, inputs),
            quality: None,
            tokens: Some(BilledTokens {
                image_out: tokens(size_px, count),
                ..BilledTokens::default()
            }),
            reason: format!("{count} pictures of {}x{} from {inputs} images", size_px.0, size_px.1),
        }
    }

    /// Of a group only the first is held back.
    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            End::Moderated(Moderation::Output) if self.group => None,
            End::Moderated(stage) => Some(errors::moderated(stage)),
            End::Failed | End::Broken => Some(errors::server_error()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.model.id)
    }
}

/// One picture, as base64 or as a link.
pub(super) enum Picture {
    Bytes(Bytes),
    Link(String),
}

/// What came of a request, picture by picture.
pub(super) struct Told {
    pub(super) created: i64,
    /// `WxH`.
    pub(super) size: String,
    pub(super) pictures: Vec<Result<Picture, Refused>>,
    pub(super) usage: Value,
}

/// What an answer tells of finished work.
pub(super) fn told(core: &Core, work: &Work<Ask>, made: Made) -> Told {
    let held = work.faults.moderation == Some(Moderation::Output);
    let inputs = made.inputs_px.len();
    let pictures = made.pictures.into_iter().enumerate();
    let pictures: Vec<_> = pictures
        .map(|(index, drawn)| match held && index == 0 {
            true => Err(errors::moderated(Moderation::Output)),
            false => Ok(picture(core, work, index, drawn)),
        })
        .collect();
    let count = pictures.iter().filter(|picture| picture.is_ok()).count();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let tokens = tokens(made.size_px, count);
    let mut usage = json!({"generated_images": count, "output_tokens": tokens, "total_tokens": tokens});
    if inputs > 0 {
        usage["input_images"] = json!(inputs);
    }
    Told {
        created: core.now().as_second(),
        size: format!("{}x{}", made.size_px.0, made.size_px.1),
        pictures,
        usage,
    }
}

fn picture(core: &Core, work: &Work<Ask>, index: usize, drawn: Drawn) -> Picture {
    if work.ask.base64 {
        return Picture::Bytes(drawn.bytes);
    }
    let extension = if work.ask.png { "png" } else { "jpeg" };
    let file = work.publish(core, drawn.bytes, work.ask.format().mime_type(), MEDIA_TTL);
    Picture::Link(format!("{}/byteplus/media/{file}/{index}.{extension}", work.base_url))
}

fn tokens((width, height): (u32, u32), count: u32) -> u64 {
    u64::from(width) * u64::from(height) / PIXELS_PER_TOKEN * u64::from(count)
}
