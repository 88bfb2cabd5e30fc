//! Does the work of one fal call: reads the input, loads images, draws, keeps the files and writes the bill.

use super::ask::{self, Ask};
use super::chosen::format_of;
use super::endpoints::{Endpoint, Images, Sizes};
use super::errors::{Detail, Failure};
use super::prices::{Charge, charge};
use super::sizes;
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults, Stage};
use crate::inputs::{self, LoadError};
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{DEFAULT_KEEP, Drawing};
use crate::provider::Provider;
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::{Bitmap, ImageFormat, inspect};
use scenes::Detail as SceneDetail;
use serde_json::{Value, json};
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest input image, in bytes: the limit of the GPT Image models.
const MAX_INPUT_BYTES: usize = 50 * 1024 * 1024;

/// One call to be worked on.
#[derive(Debug)]
pub(super) struct Task {
    /// The request id.
    pub(super) id: String,
    pub(super) endpoint: &'static Endpoint,
    pub(super) body: Value,
    pub(super) faults: Faults,
    /// Base of the links to result files.
    pub(super) base_url: String,
    /// How long result files are kept.
    pub(super) media_ttl: Duration,
    /// How long the caller allows the work to wait for its start.
    pub(super) start_limit: Option<Duration>,
}

/// A call that went well.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The result as JSON text.
    pub(super) body: Bytes,
    /// Value of `x-fal-billable-units`.
    pub(super) units: u64,
}

/// How a call ended.
pub(super) type Outcome = Result<Done, Failure>;

/// The pictures that a caller sent.
struct Inputs {
    images: Vec<Bitmap>,
    mask: Option<Bitmap>,
}

impl Task {
    /// The prompt, if the body has one.
    pub(super) fn prompt(&self) -> &str {
        self.body["prompt"].as_str().unwrap_or_default()
    }

    /// Waits until a worker would take the call: half of a fault's delay, and the queue where time is realistic.
    pub(super) async fn wait_for_start(&self, core: &Core) -> Result<(), Failure> {
        let wait = core.latency.queue() + self.faults.delay.unwrap_or_default() / 2;
        if let Some(limit) = self.start_limit
            && wait > limit
        {
            tokio::time::sleep(limit).await;
            return Err(Failure::Platform {
                status: 504,
                kind: "request_timeout",
                detail: "Request timed out before a runner could start it".to_owned(),
                by_caller: true,
            });
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Does the work; `log` takes the lines a runner would print.
    pub(super) async fn work(&self, core: &Core, log: &(dyn Fn(&str) + Send + Sync)) -> Outcome {
        let started = Instant::now();
        let ask = ask::read(self.endpoint, &self.body).map_err(Failure::invalid)?;
        if self.faults.moderation == Some(Stage::Input) {
            log("The prompt was flagged by the content checker.");
            self.record_if_billed(core, &ask, &[]);
            return Err(Failure::refused());
        }
        let inputs = self.load_inputs(core, &ask).await?;
        let input_sizes: Vec<(u32, u32)> = inputs.images.iter().map(size_of).collect();
        let size = ask.resolve_size(self.endpoint, input_sizes.first().copied());
        if let Some(problem) = sizes::check_resolved(self.endpoint, size) {
            return Err(Failure::invalid(vec![problem]));
        }
        self.pretend_to_work(core, &ask, size).await;
        if let Some(failure) = self.asked_failure() {
            log("The run ended without a result.");
            self.record_if_billed(core, &ask, &input_sizes);
            return Err(failure);
        }
        let charge = charge(self.endpoint, &ask, size, &input_sizes);
        if self.faults.body == Some(BodyFault::Empty) {
            let result = self.result(&ask, Vec::new(), started);
            return Ok(Done {
                body: result.to_string().into(),
                units: 0,
            });
        }
        log("Generating images.");
        let seed = self.seed(&ask);
        let drawn = self.draw(core, &ask, size, seed, inputs).await?;
        let images: Vec<Value> = drawn
            .into_iter()
            .map(|picture| self.publish(core, &ask, size, picture))
            .collect();
        log("Done.");
        let units = charge.units;
        self.record(core, &ask, size, charge);
        Ok(Done {
            body: self.result(&ask, images, started).to_string().into(),
            units,
        })
    }

    /// The failure that a fault asks for after the work.
    fn asked_failure(&self) -> Option<Failure> {
        if self.faults.moderation == Some(Stage::Output) {
            return Some(Failure::refused());
        }
        self.faults.failed.then(|| Failure::Platform {
            status: 500,
            kind: "runner_server_error",
            detail: "The runner ended with an error".to_owned(),
            by_caller: false,
        })
    }

    async fn pretend_to_work(&self, core: &Core, ask: &Ask, (width, height): (u32, u32)) {
        let pixels = u64::from(width) * u64::from(height);
        let spread = seed_from(&self.id, 0);
        let usual = core
            .latency
            .work(self.endpoint.pace, ask.resolved_quality(), pixels, spread);
        let pause = usual + self.faults.delay.unwrap_or_default() / 2;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    async fn load_inputs(&self, core: &Core, ask: &Ask) -> Result<Inputs, Failure> {
        let mut images = Vec::with_capacity(ask.image_urls.len());
        for (index, url) in ask.image_urls.iter().enumerate() {
            images.push(match self.endpoint.images {
                Images::Many { field, .. } => {
                    let place = |detail: Detail| detail.item(ask.unused_before + index);
                    load_image(core, field, url, false, &place).await?
                }
                Images::Png { field } => load_image(core, field, url, true, &|detail| detail).await?,
                Images::One { field, .. } => load_image(core, field, url, false, &|detail| detail).await?,
                Images::None => continue,
            });
        }
        let mask = match (&ask.mask_url, self.endpoint.mask_field) {
            (Some(url), Some(field)) => Some(load_image(core, field, url, false, &|detail| detail).await?),
            _ => None,
        };
        Ok(Inputs { images, mask })
    }

    /// The seed of the first picture. One that was not given is small enough to be told in any JSON and given again.
    pub(super) fn seed(&self, ask: &Ask) -> u64 {
        ask.seed.unwrap_or_else(|| seed_from(&self.id, 0) >> 32)
    }

    async fn draw(
        &self,
        core: &Core,
        ask: &Ask,
        size: (u32, u32),
        seed: u64,
        inputs: Inputs,
    ) -> Result<Vec<Bytes>, Failure> {
        if let (Sizes::Times { .. }, Some(first)) = (self.endpoint.sizes, inputs.images.first()) {
            let scaled = core.pictures.scale(first.clone(), size, format_of(ask.format), None);
            return scaled.await.map(|bytes| vec![bytes]).map_err(|_| Failure::broken());
        }
        let images: Arc<[Bitmap]> = inputs.images.into();
        let mask = inputs.mask.map(Arc::new);
        // How far an image prompt shows where it is not an edit; a tenth is the documented default.
        let keep = match self.endpoint.sizes {
            Sizes::AnyRatio { .. } => ask
                .chosen
                .number("image_prompt_strength")
                .map_or(0.1, |share| share as f32),
            _ => DEFAULT_KEEP,
        };
        let drawings = (0..ask.count).map(|index| {
            let seed = seed.wrapping_add(u64::from(index));
            core.pictures.draw(Drawing {
                detail: match ask.resolved_quality() {
                    "low" => SceneDetail::Low,
                    "medium" | "" => SceneDetail::Medium,
                    _ => SceneDetail::High,
                },
                transparent: ask.transparent(),
                keep,
                inputs: Arc::clone(&images),
                mask: mask.clone(),
                format: format_of(ask.format),
                file: self.faults.file,
                ..Drawing::new(&ask.prompt, self.endpoint.id, size, seed)
            })
        });
        let drawn = try_join_all(drawings).await.map_err(|_| Failure::broken())?;
        Ok(drawn.into_iter().map(|picture| picture.bytes).collect())
    }

    /// Charges a call that did not go well, where a fault asks for that.
    fn record_if_billed(&self, core: &Core, ask: &Ask, input_sizes: &[(u32, u32)]) {
        if self.faults.billed {
            let size = ask.resolve_size(self.endpoint, input_sizes.first().copied());
            let charge = charge(self.endpoint, ask, size, input_sizes);
            self.record(core, ask, size, charge);
        }
    }

    /// Charges a call that was refused before any work, where a fault asks for that.
    pub(super) fn record_refusal(&self, core: &Core) {
        if let Ok(ask) = ask::read(self.endpoint, &self.body) {
            self.record_if_billed(core, &ask, &[]);
        }
    }

    fn record(&self, core: &Core, ask: &Ask, (width, height): (u32, u32), charge: Charge) {
        core.bill.record(BillEntry {
            provider: Provider::Fal,
            model: self.endpoint.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&ask.prompt),
            images: ask.count,
            quality: Some(ask.resolved_quality().to_owned()).filter(|quality| !quality.is_empty()),
            size: Some(format!("{width}x{height}")),
            micros: charge.micros,
            tokens: charge.tokens,
            at: core.now(),
            reason: charge.reason,
        });
    }
}

/// Loads and decodes one input image.
async fn load_image(
    core: &Core,
    field: &str,
    url: &str,
    png_only: bool,
    place: &(dyn Fn(Detail) -> Detail + Send + Sync),
) -> Result<Bitmap, Failure> {
    let fail = |kind, msg: &str, ctx: Option<Value>| {
        let detail = Detail {
            ctx,
            ..place(Detail::field(field, kind, msg)).with_input(&json!(url))
        };
        Failure::invalid(vec![detail])
    };
    let loaded = inputs::load(core, url).map_err(|error| match error {
        LoadError::BadDataUrl => fail("image_load_error", LOAD_MSG, None),
        LoadError::OtherHost | LoadError::Missing | LoadError::NotAUrl => fail(
            "file_download_error",
            "Failed to download the file. Please check if the URL is accessible and try again.",
            None,
        ),
    })?;
    if loaded.bytes.len() > MAX_INPUT_BYTES {
        let ctx = json!({ "max_size": MAX_INPUT_BYTES });
        return Err(fail(
            "file_too_large",
            "The file size exceeds the maximum allowed limit.",
            Some(ctx),
        ));
    }
    let is_png = || inspect(Cursor::new(&loaded.bytes)).is_ok_and(|info| info.format == ImageFormat::Png);
    if png_only && !is_png() {
        return Err(fail(
            "unsupported_image_format",
            "Unsupported image format.",
            Some(json!({ "supported_formats": ["png"] })),
        ));
    }
    let decoded = core.pictures.decode(loaded.bytes).await;
    decoded.map_err(|_| fail("image_load_error", LOAD_MSG, None))
}

const LOAD_MSG: &str =
    "Failed to load the image. Please ensure the image file is not corrupted and is in a supported format.";

fn size_of(bitmap: &Bitmap) -> (u32, u32) {
    (bitmap.width_px(), bitmap.height_px())
}
