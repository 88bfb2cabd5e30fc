//! Does the work of an `imageInference` task: loads images, draws, keeps the files and writes the bill.

use super::ask::{Ask, OutputType};
use super::errors;
use super::models::{Kind, Price};
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::inputs;
use crate::latency::Pace;
use crate::names::random_uuid;
use crate::pictures::{DEFAULT_KEEP, Drawing, Drawn, white_to_clear};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Made, Order, Work};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use imaging::Bitmap;
use scenes::Detail;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Result files live for a week.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What is known of a task by its UUID.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work<Ask>,
    /// None while it is being worked on.
    end: Mutex<Option<Result<Vec<Value>, Refused>>>,
}

impl Job {
    /// A task that has not begun.
    pub(super) fn new(work: Work<Ask>) -> Arc<Self> {
        let end = Mutex::new(None);
        Arc::new(Self { work, end })
    }

    /// Works on it until it ends; the entries of its images, or what went wrong, can be asked for ever after.
    pub(super) async fn run(&self, core: &Core) -> Result<Vec<Value>, Refused> {
        let made = self.work.make(core).await;
        let end = made.map(|made| entries(core, &self.work, made));
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end.clone());
        end
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<Result<Vec<Value>, Refused>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        let (pace, quality) = match self.model.kind {
            Kind::Diffusion | Kind::Edit => (Pace::Fast, ""),
            Kind::OpenAi => (Pace::Slow, self.quality.as_str()),
        };
        Order {
            provider: Provider::Runware,
            model: self.model.id,
            prompt: &self.prompt,
            count: self.count,
            seed: self.seed,
            seed_less_bits: 11,
            pace,
            quality,
            steps: 1,
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images = Vec::with_capacity(self.inputs.len());
        for image in &self.inputs {
            images.push(open(core, image, "seedImage").await?);
        }
        let mut mask = None;
        if let Some(image) = &self.mask {
            let image = open(core, image, "maskImage").await?;
            mask = Some(Arc::new(white_to_clear(&image)));
        }
        if mask.is_some() && images.is_empty() {
            return Err(errors::missing("seedImage"));
        }
        Ok(Inputs {
            images: images.into(),
            mask,
        })
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            detail: match (self.model.kind, self.quality.as_str()) {
                (Kind::Diffusion, _) | (_, "medium") => Detail::Medium,
                (_, "low") => Detail::Low,
                _ => Detail::High,
            },
            transparent: self.transparent,
            keep: match self.model.kind {
                Kind::Diffusion => (1.0 - self.strength) as f32,
                Kind::OpenAi | Kind::Edit => DEFAULT_KEEP,
            },
            format: self.format,
            quality: Some(self.compression),
            ..drawing
        }
    }

    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, _held: bool) -> Cost {
        let (model, quality) = (self.model, &self.quality);
        Cost {
            images: self.count,
            micros: model.micros(size_px, quality, self.count, &self.prompt, &inputs.sizes_px()),
            quality: (model.kind != Kind::Diffusion).then(|| quality.clone()),
            tokens: None,
            reason: match model.price {
                Price::Image(_) => "listed price of an image".to_owned(),
                Price::ByQuality { .. } => "by image, size and quality, and the tokens of its inputs".to_owned(),
                Price::Unpublished => "a stand-in by pixels: no price is published".to_owned(),
            },
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        Some(match end {
            End::Moderated(stage) => errors::content(stage),
            End::Failed | End::Broken => errors::failed(),
        })
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

/// What is told of each image.
fn entries(core: &Core, work: &Work<Ask>, made: Made) -> Vec<Value> {
    let (ask, micros) = (&work.ask, made.micros);
    let count = i64::from(ask.count);
    let entry = |(index, drawn): (usize, Drawn)| {
        let index = index as u32;
        let id = random_uuid();
        let mut entry = json!({
            "taskType": "imageInference", "taskUUID": work.id, "imageUUID": id, "seed": work.seed(index),
        });
        let (key, image) = image(core, work, &id, drawn.bytes);
        entry[key] = json!(image);
        if ask.tells_cost {
            // What does not divide evenly is in the first.
            let rest = if index == 0 { micros % count } else { 0 };
            entry["cost"] = json!((micros / count + rest) as f64 / 1e6);
        }
        if ask.tells_nsfw {
            entry["NSFWContent"] = json!(false);
        }
        entry
    };
    made.pictures.into_iter().enumerate().map(entry).collect()
}

fn image(core: &Core, work: &Work<Ask>, id: &str, bytes: Bytes) -> (&'static str, String) {
    let format = work.ask.format;
    let kind = format.mime_type();
    match work.ask.output {
        OutputType::Base64 => ("imageBase64Data", STANDARD.encode(bytes)),
        OutputType::DataUri => ("imageDataURI", format!("data:{kind};base64,{}", STANDARD.encode(bytes))),
        OutputType::Url => {
            let extension = format.extension();
            let place = work.publish(core, bytes, kind, KEPT);
            (
                "imageURL",
                format!("{}/runware/media/{place}/{id}.{extension}", work.base_url),
            )
        }
    }
}

/// An image by its link, data URI, bare base64 or the UUID of an upload.
async fn open(core: &Core, image: &str, parameter: &str) -> Result<Bitmap, Refused> {
    let invalid = |why: &str| errors::invalid(parameter, why);
    let bytes = if image.contains("://") || image.starts_with("data:") {
        inputs::load(core, image)
            .map_err(|error| invalid(&error.to_string()))?
            .bytes
    } else if let Ok(item) = core.media.get(&image.replace('-', ""), core.now()) {
        item.bytes
    } else {
        let bytes = STANDARD.decode(image);
        bytes
            .map_err(|_| invalid("It must be a UUID, a URL, a data URI or base64."))?
            .into()
    };
    let decoded = core.pictures.decode(bytes).await;
    decoded.map_err(|_| invalid("The image cannot be read."))
}
