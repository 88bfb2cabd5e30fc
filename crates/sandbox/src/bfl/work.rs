//! Does the work of a task: the size, the picture, its file and the bill.

use super::models::{FREE_PIXELS, MEGAPIXEL, Model, Price, Sizing};
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults, Stage};
use crate::inputs;
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::Drawing;
use crate::provider::Provider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::{Bitmap, ImageFormat};
use jiff::Timestamp;
use scenes::Detail;
use serde_json::{Value, json};
use std::sync::Arc;
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
    pub(super) inputs: Arc<[Bitmap]>,
    /// White is to be painted over.
    pub(super) mask: Option<Bitmap>,
}

/// What a task has to do.
#[derive(Debug)]
pub(super) struct Work {
    /// The task's id.
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) faults: Faults,
    /// Base of the links in answers.
    pub(super) base_url: String,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// The `result` of the answer.
    Ready(Value),
    RequestModerated,
    ContentModerated,
    Failed(String),
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
    pub(super) fn size_px(&self) -> (u32, u32) {
        let first = self.inputs.first().map(|input| (input.width_px(), input.height_px()));
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

    fn inputs_px(&self) -> Vec<(u32, u32)> {
        let sizes = self.inputs.iter();
        sizes.map(|input| (input.width_px(), input.height_px())).collect()
    }

    /// The price in tenths of a credit.
    pub(super) fn tenths(&self) -> i64 {
        self.model.price_of(self.size_px(), &self.inputs_px())
    }

    /// Megapixels of all input images.
    pub(super) fn input_megapixels(&self) -> f64 {
        self.inputs_px().into_iter().map(megapixels).sum()
    }

    /// Megapixels of the picture.
    pub(super) fn output_megapixels(&self) -> f64 {
        megapixels(self.size_px())
    }

    /// Writes the bill.
    pub(super) fn charge(&self, core: &Core, id: &str) {
        let (width, height) = self.size_px();
        let reason = match self.model.price {
            Price::Picture(_) => "one price per picture".to_owned(),
            Price::Megapixels { .. } => format!(
                "{:.2} megapixels out, {:.2} in, each rounded up",
                self.output_megapixels(),
                self.input_megapixels()
            ),
        };
        core.bill.record(BillEntry {
            provider: Provider::Bfl,
            model: self.model.path.to_owned(),
            call_id: id.to_owned(),
            prompt_sha256: sha256_hex(&self.prompt),
            images: 1,
            quality: None,
            size: Some(format!("{width}x{height}")),
            micros: self.tenths() * MICROS_PER_TENTH,
            tokens: None,
            at: core.now(),
            reason,
        });
    }

    fn format(&self) -> ImageFormat {
        if self.png { ImageFormat::Png } else { ImageFormat::Jpeg }
    }

    fn pace(&self) -> Pace {
        if self.model.path.contains("klein") {
            Pace::Fast
        } else {
            Pace::Medium
        }
    }
}

impl Work {
    /// Does it. What is blocked or fails is not charged.
    pub(super) async fn run(&self, core: &Core) -> Made {
        let (ask, faults) = (&self.ask, &self.faults);
        let (width, height) = ask.size_px();
        let pixels = u64::from(width) * u64::from(height);
        let started = core.now();
        let usual = core.latency.work(ask.pace(), "medium", pixels, seed_from(&self.id, 0));
        pause(core.latency.queue() + usual + faults.delay.unwrap_or_default()).await;
        let failure = match faults.moderation {
            Some(Stage::Input) => Some(Made::RequestModerated),
            Some(Stage::Output) => Some(Made::ContentModerated),
            None => faults.failed.then(|| Made::Failed("Generation failed".to_owned())),
        };
        if let Some(failure) = failure {
            if faults.billed {
                ask.charge(core, &self.id);
            }
            return failure;
        }
        if faults.body == Some(BodyFault::Empty) {
            return Made::Ready(json!({ "prompt": ask.prompt }));
        }
        let seed = ask.seed.unwrap_or_else(|| i64::from(seed_from(&self.id, 0) as u32));
        let Ok(drawn) = core.pictures.draw(self.drawing(seed)).await else {
            return Made::Failed("The picture could not be drawn".to_owned());
        };
        ask.charge(core, &self.id);
        let media = NewMedia {
            bytes: drawn.bytes,
            content_type: ask.format().mime_type().to_owned(),
            ttl: MEDIA_TTL,
            fault: faults.media,
        };
        let file = core.media.put(media, core.now());
        let (base_url, extension) = (&self.base_url, if ask.png { "png" } else { "jpeg" });
        let (from, to) = (seconds(started), seconds(core.now()));
        Made::Ready(json!({
            "sample": format!("{base_url}/bfl/media/{file}/sample.{extension}?sig=sandbox"),
            "prompt": ask.prompt,
            "seed": seed,
            "start_time": from,
            "end_time": to,
            "duration": to - from,
        }))
    }

    fn drawing(&self, seed: i64) -> Drawing {
        let ask = &self.ask;
        Drawing {
            detail: match ask.pace() {
                Pace::Fast => Detail::Medium,
                Pace::Medium | Pace::Slow => Detail::High,
            },
            inputs: Arc::clone(&ask.inputs),
            mask: ask.mask.as_ref().and_then(white_to_alpha).map(Arc::new),
            format: ask.format(),
            quality: Some(95),
            file: self.faults.file,
            ..Drawing::new(&ask.prompt, ask.model.path, ask.size_px(), seed.cast_unsigned())
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1_000.0
}

fn megapixels((width, height): (u32, u32)) -> f64 {
    f64::from(width) * f64::from(height) / MEGAPIXEL as f64
}

/// A mask whose white is to be painted over, as one that is transparent there.
fn white_to_alpha(mask: &Bitmap) -> Option<Bitmap> {
    let mut rgba = mask.rgba().to_vec();
    for pixel in rgba.chunks_exact_mut(4) {
        let gray = (u16::from(pixel[0]) + u16::from(pixel[1]) + u16::from(pixel[2])) / 3;
        pixel[3] = u8::MAX - u8::try_from(gray).unwrap_or(u8::MAX);
    }
    Bitmap::new(mask.width_px(), mask.height_px(), rgba).ok()
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

    #[test]
    fn white_is_where_the_mask_becomes_transparent() {
        let mask = Bitmap::new(3, 1, vec![255, 255, 255, 255, 0, 0, 0, 255, 128, 128, 128, 255]).expect("three pixels");
        let alpha = white_to_alpha(&mask).expect("the same size").into_rgba();
        assert_eq!([alpha[3], alpha[7], alpha[11]], [0, 255, 127]);
    }
}
