//! Does the work of a task: the size, the picture, its file and the bill.

use super::errors;
use super::models::{FREE_PIXELS, Model, Price, Sizing};
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::inputs;
use crate::latency::Pace;
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::shapes::MEGAPIXEL;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::{Bitmap, ImageFormat};
use jiff::Timestamp;
use scenes::Detail;
use serde_json::{Value, json};
use std::time::Duration;

/// Result files are gone ten minutes after they were made.
const MEDIA_TTL: Duration = Duration::from_secs(600);
/// Thousandths of a dollar in a tenth of a credit, in USD 1e-6.
const MICROS_PER_TENTH: i64 = 1_000;
/// Edges of free sizes are multiples of this, in pixels.
const STEP_PX: u32 = 16;
/// The shortest edge, in pixels.
const SHORTEST_PX: u32 = 64;

/// A checked request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) asked_px: Option<(u32, u32)>,
    pub(super) asked_ratio: Option<(u32, u32)>,
    pub(super) seed: Option<i64>,
    pub(super) png: bool,
    pub(super) inputs: Inputs,
}

/// An image given as base64, as a data URL or as a link to this sandbox.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn load(core: &Core, text: &str) -> Result<Bitmap, String> {
    let is_link = ["http://", "https://", "data:"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let bytes = if is_link {
        inputs::load(core, text)
            .map_err(|error| format!("the image could not be loaded: {error}"))?
            .bytes
    } else {
        let decoded = STANDARD.decode(text.trim());
        decoded
            .map_err(|_| "the image is neither base64 nor a URL".to_owned())?
            .into()
    };
    let decoded = core.pictures.decode(bytes).await;
    decoded.map_err(|_| "the image could not be decoded".to_owned())
}

impl Ask {
    /// The size of the picture.
    pub(super) fn size(&self) -> (u32, u32) {
        let first = self.inputs.first_px();
        match self.model.sizing {
            Sizing::Free => match (self.asked_px, self.asked_ratio) {
                (Some(asked), _) => asked,
                (None, Some(ratio)) => of_ratio(ratio, MEGAPIXEL),
                (None, None) => first.map_or((1024, 1024), fit),
            },
            Sizing::Bounded => self.asked_px.unwrap_or((1024, 768)),
            Sizing::Input => first.map_or((1024, 1024), fit),
            Sizing::Ratio { pixels, default } => {
                let ratio = self.asked_ratio.or(first).unwrap_or(default);
                of_ratio(ratio, pixels)
            }
        }
    }

    /// The price in tenths of a credit.
    pub(super) fn tenths(&self) -> i64 {
        self.model.price_of(self.size(), &self.inputs.sizes_px())
    }

    /// Megapixels of all input images.
    pub(super) fn input_megapixels(&self) -> f64 {
        self.inputs.sizes_px().into_iter().map(megapixels).sum()
    }

    /// Megapixels of the picture.
    pub(super) fn output_megapixels(&self) -> f64 {
        megapixels(self.size())
    }

    fn format(&self) -> ImageFormat {
        if self.png { ImageFormat::Png } else { ImageFormat::Jpeg }
    }
}

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        let is_small = self.model.id.contains("klein");
        Order {
            seed: self.seed.map(i64::cast_unsigned),
            seed_less_bits: 32,
            pace: if is_small { Pace::Fast } else { Pace::Medium },
            ..Order::new(Provider::Bfl, self.model.id, &self.prompt, 1)
        }
    }

    async fn load(&self, _core: &Core) -> Result<Inputs, Refused> {
        Ok(self.inputs.clone())
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size()
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            detail: match self.order().pace {
                Pace::Fast => Detail::Medium,
                Pace::Medium | Pace::Slow => Detail::High,
            },
            format: self.format(),
            quality: Some(95),
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        Cost {
            images: 1,
            micros: self.tenths() * MICROS_PER_TENTH,
            quality: None,
            tokens: None,
            reason: match self.model.price {
                Price::Picture(_) => "one price per picture".to_owned(),
                Price::Megapixels { .. } => format!(
                    "{:.2} megapixels out, {:.2} in, each rounded up",
                    self.output_megapixels(),
                    self.input_megapixels()
                ),
            },
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        // Only the state of the task tells it.
        let why = match end {
            // One reason is enough for a client to show; the sandbox judges nothing.
            End::Moderated(_) => json!({"Moderation Reasons": ["Violence"]}),
            End::Failed | End::Broken => json!({ "error": "Generation failed" }),
        };
        Some(Refused::new(200, why))
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

/// Does the work of a task and gives the `result` of its answer. What is blocked or fails is not charged.
pub(super) async fn run(core: &Core, work: &Work<Ask>) -> Result<Value, Refused> {
    let started = core.now();
    tokio::time::sleep(core.latency.queue()).await;
    let made = work.make(core).await?;
    let ask = &work.ask;
    let Some(drawn) = made.pictures.into_iter().next() else {
        return Ok(json!({ "prompt": ask.prompt }));
    };
    let file = work.publish(core, drawn.bytes, ask.format().mime_type(), MEDIA_TTL);
    let (base_url, extension) = (&work.base_url, if ask.png { "png" } else { "jpeg" });
    let (from, to) = (seconds(started), seconds(core.now()));
    Ok(json!({
        "sample": format!("{base_url}/bfl/media/{file}/sample.{extension}?sig=sandbox"),
        "prompt": ask.prompt,
        "seed": work.seed(0).cast_signed(),
        "start_time": from,
        "end_time": to,
        "duration": to - from,
    }))
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1_000.0
}

fn megapixels((width, height): (u32, u32)) -> f64 {
    f64::from(width) * f64::from(height) / MEGAPIXEL as f64
}

/// The nearest free size: same shape, at most four megapixels.
fn fit((width, height): (u32, u32)) -> (u32, u32) {
    let pixels = f64::from(width) * f64::from(height);
    let scale = (FREE_PIXELS as f64 / pixels).sqrt().min(1.0);
    let edge = |px: u32| ((f64::from(px) * scale) as u32 / STEP_PX * STEP_PX).max(SHORTEST_PX);
    (edge(width), edge(height))
}

/// The size of about this many pixels with this shape.
fn of_ratio((width, height): (u32, u32), pixels: u64) -> (u32, u32) {
    let shape = f64::from(width) / f64::from(height.max(1));
    let shape = shape.clamp(9.0 / 21.0, 21.0 / 9.0);
    let edge = |px: f64| ((px / f64::from(STEP_PX)).round() as u32 * STEP_PX).max(SHORTEST_PX);
    let short = (pixels as f64 / shape).sqrt();
    (edge(short * shape), edge(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_shape_and_their_bounds() {
        assert_eq!(fit((800, 600)), (800, 592));
        assert_eq!(fit((4096, 4096)), (2048, 2048));
        assert_eq!(fit((10, 9_000)), (64, 8_992));
        assert_eq!(of_ratio((1, 1), MEGAPIXEL), (1024, 1024));
        assert_eq!(of_ratio((16, 9), 4 * MEGAPIXEL), (2736, 1536));
        assert_eq!(of_ratio((100, 1), MEGAPIXEL), (1568, 672));
    }
}
