//! Does the work of an `imageInference` task: loads images, draws, keeps the files and writes the bill.

use super::ask::{Ask, OutputType};
use super::errors::TaskError;
use super::models::Kind;
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults};
use crate::inputs;
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{random_uuid, seed_from, sha256_hex};
use crate::pictures::{DEFAULT_KEEP, Drawing, Drawn};
use crate::provider::Provider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::{Bitmap, ImageFormat};
use scenes::Detail;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Result files live for a week.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Seeds that are told fit a JavaScript number.
const SEED_BITS: u32 = 11;

/// One task to be worked on.
#[derive(Debug)]
pub(super) struct Work {
    /// The caller's UUID of it.
    pub(super) id: String,
    pub(super) ask: Ask,
    pub(super) faults: Faults,
    /// Base of the links in the answer.
    pub(super) base_url: String,
}

/// What is known of a task by its UUID.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    /// None while it is being worked on.
    pub(super) end: Mutex<Option<Result<Vec<Value>, TaskError>>>,
}

impl Job {
    /// A task that has not begun.
    pub(super) fn new(work: Work) -> Arc<Self> {
        let end = Mutex::new(None);
        Arc::new(Self { work, end })
    }

    /// Works on it until it ends; the entries of its images, or what went wrong, can be asked for ever after.
    pub(super) async fn run(&self, core: &Core) -> Result<Vec<Value>, TaskError> {
        let end = self.work.run(core).await;
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end.clone());
        end
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<Result<Vec<Value>, TaskError>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Inputs {
    images: Vec<Bitmap>,
    mask: Option<Bitmap>,
}

impl Work {
    async fn run(&self, core: &Core) -> Result<Vec<Value>, TaskError> {
        let inputs = self.load(core).await?;
        let (width, height) = self.ask.size;
        let (pace, quality) = match self.ask.model.kind {
            Kind::Diffusion | Kind::Edit => (Pace::Fast, ""),
            Kind::Classic | Kind::Free | Kind::Unknown => (Pace::Slow, self.ask.quality.as_str()),
        };
        let pixels = u64::from(width) * u64::from(height);
        let usual = core.latency.work(pace, quality, pixels, seed_from(&self.id, 0));
        if !usual.is_zero() {
            tokio::time::sleep(usual).await;
        }
        let sizes: Vec<(u32, u32)> = inputs
            .images
            .iter()
            .map(|image| (image.width_px(), image.height_px()))
            .collect();
        let moderation = self.faults.moderation.map(TaskError::content);
        if let Some(error) = moderation.or_else(|| self.faults.failed.then(TaskError::failed)) {
            if self.faults.billed {
                self.charge(core, &sizes);
            }
            return Err(error);
        }
        if self.faults.body == Some(BodyFault::Empty) {
            return Ok(Vec::new());
        }
        let drawn = self.draw(core, inputs).await?;
        let micros = self.charge(core, &sizes);
        Ok(self.entries(core, drawn, micros))
    }

    async fn load(&self, core: &Core) -> Result<Inputs, TaskError> {
        let mut images = Vec::with_capacity(self.ask.inputs.len());
        for image in &self.ask.inputs {
            images.push(open(core, image, "seedImage").await?);
        }
        let mask = match &self.ask.mask {
            Some(mask) => Some(cut_out(&open(core, mask, "maskImage").await?)?),
            None => None,
        };
        if mask.is_some() && images.is_empty() {
            return Err(TaskError::missing("seedImage"));
        }
        Ok(Inputs { images, mask })
    }

    fn seed(&self, index: u32) -> u64 {
        match self.ask.seed {
            Some(seed) => seed.wrapping_add(u64::from(index)),
            None => seed_from(&self.id, index) >> SEED_BITS,
        }
    }

    async fn draw(&self, core: &Core, inputs: Inputs) -> Result<Vec<Drawn>, TaskError> {
        let ask = &self.ask;
        let images: Arc<[Bitmap]> = inputs.images.into();
        let mask = inputs.mask.map(Arc::new);
        let keep = match ask.model.kind {
            Kind::Diffusion => (1.0 - ask.strength) as f32,
            Kind::Classic | Kind::Free | Kind::Edit | Kind::Unknown => DEFAULT_KEEP,
        };
        let drawings = (0..ask.count).map(|index| {
            core.pictures.draw(Drawing {
                detail: match (ask.model.kind, ask.quality.as_str()) {
                    (Kind::Diffusion, _) | (_, "medium") => Detail::Medium,
                    (_, "low") => Detail::Low,
                    _ => Detail::High,
                },
                transparent: ask.transparent,
                inputs: Arc::clone(&images),
                mask: mask.clone(),
                keep,
                format: ask.format,
                quality: Some(ask.compression),
                file: self.faults.file,
                ..Drawing::new(&ask.prompt, ask.model.id, ask.size, self.seed(index))
            })
        });
        try_join_all(drawings).await.map_err(|_| TaskError::failed())
    }

    fn entries(&self, core: &Core, drawn: Vec<Drawn>, micros: i64) -> Vec<Value> {
        let count = i64::from(self.ask.count);
        let entry = |(index, drawn): (usize, Drawn)| {
            let index = index as u32;
            let id = random_uuid();
            let mut entry = json!({
                "taskType": "imageInference", "taskUUID": self.id, "imageUUID": id, "seed": self.seed(index),
            });
            let (key, image) = self.image(core, &id, drawn.bytes);
            entry[key] = json!(image);
            if self.ask.tells_cost {
                // What does not divide evenly is in the first.
                let rest = if index == 0 { micros % count } else { 0 };
                entry["cost"] = json!((micros / count + rest) as f64 / 1e6);
            }
            if self.ask.tells_nsfw {
                entry["NSFWContent"] = json!(false);
            }
            entry
        };
        drawn.into_iter().enumerate().map(entry).collect()
    }

    fn image(&self, core: &Core, id: &str, bytes: Bytes) -> (&'static str, String) {
        let kind = self.ask.format.mime_type();
        match self.ask.output {
            OutputType::Base64 => ("imageBase64Data", STANDARD.encode(bytes)),
            OutputType::DataUri => ("imageDataURI", format!("data:{kind};base64,{}", STANDARD.encode(bytes))),
            OutputType::Url => {
                let media = NewMedia {
                    bytes,
                    content_type: kind.to_owned(),
                    ttl: KEPT,
                    fault: self.faults.media,
                };
                let extension = match self.ask.format {
                    ImageFormat::Jpeg => "jpg",
                    ImageFormat::Webp => "webp",
                    _ => "png",
                };
                let place = core.media.put(media, core.now());
                (
                    "imageURL",
                    format!("{}/runware/media/{place}/{id}.{extension}", self.base_url),
                )
            }
        }
    }

    /// Writes the bill and tells the amount, in USD 1e-6.
    fn charge(&self, core: &Core, inputs: &[(u32, u32)]) -> i64 {
        let ask = &self.ask;
        let micros = ask.model.micros(ask.size, &ask.quality, ask.count, &ask.prompt, inputs);
        core.bill.record(BillEntry {
            provider: Provider::Runware,
            model: ask.model.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&ask.prompt),
            images: ask.count,
            quality: (ask.model.kind != Kind::Diffusion).then(|| ask.quality.clone()),
            size: Some(format!("{}x{}", ask.size.0, ask.size.1)),
            micros,
            tokens: None,
            at: core.now(),
            reason: match ask.model.kind {
                Kind::Edit => "listed price of an image".to_owned(),
                Kind::Classic => "by image, size and quality, and the tokens of its inputs".to_owned(),
                Kind::Diffusion | Kind::Free | Kind::Unknown => {
                    "a stand-in by pixels: no price is published".to_owned()
                }
            },
        });
        micros
    }

    /// Charges a task that was refused, where a fault asks for that.
    pub(super) fn charge_refused(&self, core: &Core) {
        if self.faults.billed {
            self.charge(core, &[]);
        }
    }
}

/// An image by its link, data URI, bare base64 or the UUID of an upload.
async fn open(core: &Core, image: &str, parameter: &str) -> Result<Bitmap, TaskError> {
    let invalid = |why: &str| TaskError::invalid(parameter, why);
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

/// A mask whose white is to be painted, as one whose clear parts are.
fn cut_out(mask: &Bitmap) -> Result<Bitmap, TaskError> {
    let rgba = mask
        .rgba()
        .chunks_exact(4)
        .flat_map(|pixel| [0, 0, 0, 255 - pixel[0]])
        .collect();
    Bitmap::new(mask.width_px(), mask.height_px(), rgba)
        .map_err(|_| TaskError::invalid("maskImage", "The mask cannot be read."))
}
