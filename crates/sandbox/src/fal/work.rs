//! The work of one fal call: the images it loads, what is drawn, its price, and how long it may wait to begin.

use super::ask::Ask;
use super::chosen::format_of;
use super::endpoints::{Images, Sizes};
use super::errors::{self, Detail};
use super::prices;
use super::sizes;
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::inputs::{self, LoadError};
use crate::pictures::{DEFAULT_KEEP, Drawing, detail_of};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use bytes::Bytes;
use imaging::{Bitmap, ImageFormat, inspect};
use serde_json::{Value, json};
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest input image, in bytes: the limit of the GPT Image models.
const MAX_INPUT_BYTES: usize = 50 * 1024 * 1024;

/// One call to be worked on.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) work: Work<Ask>,
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
pub(super) type Outcome = Result<Done, Refused>;

impl Task {
    /// Waits until a worker would take the call.
    pub(super) async fn wait_for_start(&self, core: &Core) -> Result<(), Refused> {
        let wait = self.work.in_queue(core);
        if let Some(limit) = self.start_limit.filter(|limit| wait > *limit) {
            tokio::time::sleep(limit).await;
            return Err(errors::not_started());
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Does the work.
    pub(super) async fn perform(&self, core: &Core) -> Outcome {
        let started = Instant::now();
        let made = self.work.make(core).await?;
        let units = match made.pictures.is_empty() {
            true => 0,
            false => prices::charge(&self.work.ask, made.size_px, &made.inputs_px).1,
        };
        let pictures = made.pictures.into_iter();
        let images = pictures.map(|drawn| self.publish(core, made.size_px, drawn.bytes));
        Ok(Done {
            body: self.result(images.collect(), started).to_string().into(),
            units,
        })
    }
}

impl Asked for Ask {
    const IS_QUEUED: bool = true;

    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed,
            // Small enough to be told in any JSON and given again.
            seed_less_bits: 32,
            pace: self.endpoint.pace,
            quality: self.resolved_quality(),
            ..Order::new(Provider::Fal, self.endpoint.id, &self.prompt, self.count)
        }
    }

    fn check(&self) -> Result<(), Refused> {
        match self.problems.as_slice() {
            [] => Ok(()),
            problems => Err(errors::invalid(problems)),
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images = Vec::with_capacity(self.image_urls.len());
        for (index, url) in self.image_urls.iter().enumerate() {
            images.push(match self.endpoint.images {
                Images::Many { field, .. } => {
                    let place = |detail: Detail| detail.item(self.unused_before + index);
                    load_image(core, field, url, false, &place).await?
                }
                Images::Png { field } => load_image(core, field, url, true, &|detail| detail).await?,
                Images::One { field, .. } => load_image(core, field, url, false, &|detail| detail).await?,
                Images::None => continue,
            });
        }
        let mask = match (&self.mask_url, self.endpoint.mask_field) {
            (Some(url), Some(field)) => Some(load_image(core, field, url, false, &|detail| detail).await?),
            _ => None,
        };
        let inputs = Inputs {
            images: images.into(),
            mask: mask.map(Arc::new),
        };
        match sizes::check_resolved(self.endpoint, self.size_px(&inputs)) {
            None => Ok(inputs),
            Some(problem) => Err(errors::invalid(&[problem])),
        }
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        sizes::resolve(self.endpoint, self.wanted, inputs.first_px())
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            detail: detail_of(self.resolved_quality()),
            transparent: self.transparent(),
            is_scaled: matches!(self.endpoint.sizes, Sizes::Times { .. }),
            // How far an image prompt shows where it is not an edit; a tenth is the documented default.
            keep: match self.endpoint.sizes {
                Sizes::AnyRatio { .. } => self
                    .chosen
                    .number("image_prompt_strength")
                    .map_or(0.1, |share| share as f32),
                _ => DEFAULT_KEEP,
            },
            format: format_of(self.format),
            ..drawing
        }
    }

    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, _held: bool) -> Cost {
        match self.problems.is_empty() {
            true => prices::charge(self, size_px, &inputs.sizes_px()).0,
            false => Cost::default(),
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        Some(match end {
            End::Moderated(_) => errors::flagged(),
            End::Failed => errors::of_platform(500, "runner_server_error", "The runner ended with an error"),
            End::Broken => errors::broken(),
        })
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.endpoint.id)
    }
}

/// Loads and decodes one input image.
async fn load_image(
    core: &Core,
    field: &str,
    url: &str,
    png_only: bool,
    place: &(dyn Fn(Detail) -> Detail + Send + Sync),
) -> Result<Bitmap, Refused> {
    let fail = |kind, msg: &str, ctx: Option<Value>| {
        let detail = Detail {
            ctx,
            ..place(Detail::field(field, kind, msg)).with_input(&json!(url))
        };
        errors::invalid(&[detail])
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
