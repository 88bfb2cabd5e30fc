//! One caller request and everything that comes of it.

pub mod executor;
mod outputs;
pub mod record;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::failure::FailoverPolicy;
use planner::fault::Fault;
use planner::money::Micros;
use planner::plan::{Circumstances, RoutePlan, plan};
use planner::price::Line;
use planner::request::{ImageRequest, InputFacts, Inputs, ResponseFormat};
use planner::resolve::{Adjustment, resolve};
use planner::usage::Usage;
use providers::{Blob, Driver, SpoolScope};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::db::Database;
use crate::media::links::Links;
use crate::media::process::{Inspected, Processor, format_of};
use crate::media::store::MediaStore;
use crate::media::whole::is_whole;
use crate::outcome::{Attempt, GenerationError};
use crate::settings::limits::Limits;
use crate::upstreams::Upstreams;

use executor::{Execution, Executor, Sources};

/// Everything that generations need. Cheap to clone.
#[derive(Clone)]
pub struct Generator {
    /// The catalogue.
    pub catalog: Arc<Catalog>,
    /// Providers as they can be reached.
    pub upstreams: Arc<Upstreams>,
    /// The one HTTP client to providers.
    pub driver: Arc<Driver>,
    /// Image work.
    pub processor: Processor,
    /// Where images are kept.
    pub store: MediaStore,
    /// Links to them.
    pub links: Links,
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// What follows failures.
    pub policy: FailoverPolicy,
    /// Limits.
    pub limits: Arc<Limits>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Account.
    pub account_id: String,
    /// API key.
    pub key_id: String,
}

/// A file that the caller sent or pointed to.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The field that it came in.
    pub param: String,
    /// Its bytes.
    pub blob: Blob,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Id of the generation, made by us before anything happens.
    pub id: String,
    /// Who asks.
    pub caller: Caller,
    /// Path that was called.
    pub endpoint: &'static str,
    /// The request as it was read.
    pub request: ImageRequest,
    /// What was wrong with it already when it was read.
    pub faults: Vec<Fault>,
    /// Input images in order.
    pub images: Vec<Upload>,
    /// The mask.
    pub mask: Option<Upload>,
    /// How images are handed over.
    pub response_format: ResponseFormat,
    /// Marks of the caller's own.
    pub marks: record::Marks,
    /// Size of the body that came.
    pub request_size_bytes: u64,
    /// Where this generation's bytes are held.
    pub scope: SpoolScope,
}

/// An image as the caller gets it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The image.
    pub image: Inspected,
    /// A link to it, when it is kept.
    pub url: Option<String>,
    /// The prompt as the provider rewrote it.
    pub revised_prompt: Option<String>,
    /// Who made it.
    pub provider: String,
    /// Its part of the charge.
    pub cost: Micros,
}

/// A generation that gave at least one image.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Id.
    pub id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// The model's id.
    pub model: String,
    /// The provider of the first image.
    pub provider: String,
    /// Its name for people.
    pub provider_name: String,
    /// Its model id.
    pub native_model: String,
    /// The quality that was asked of it, in canonical words.
    pub quality: Option<String>,
    /// Whether the sandbox made any of the images.
    pub sandbox: bool,
    /// The images.
    pub images: Vec<Delivered>,
    /// What was changed on the way.
    pub adjustments: Vec<Adjustment>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// The announced last day of the offer that served.
    pub sunset: Option<jiff::civil::Date>,
    /// Every call to a provider.
    pub attempts: Vec<Attempt>,
    /// Failures of images that are missing.
    pub errors: Vec<planner::failure::Failure>,
    /// What the providers say they used.
    pub usage: Option<Usage>,
    /// The charge.
    pub cost: Micros,
    /// How it was found.
    pub cost_basis: planner::catalog::pricing::Basis,
    /// Its lines.
    pub cost_components: Vec<Line>,
}

impl Generator {
    /// The whole life of a generation.
    ///
    /// # Errors
    /// [`GenerationError`], one variant for each stage that can fail.
    pub async fn generate(&self, order: &Order) -> Result<Generated, GenerationError> {
        let started = Instant::now();
        let created_at = self.clock.now();
        let inputs = self.inspect_inputs(order);
        let plan = match self.plan(order, inputs) {
            Ok(plan) => plan,
            Err(error) => return Err(self.reject(order, created_at, error).await),
        };
        self.record_start(order, &plan, created_at).await?;
        let execution = self.execute(order, &plan, started + self.deadline(&plan)).await;
        let produced = outputs::finish(self, order, &plan, execution).await;
        let result = match produced {
            Ok(produced) => Ok(outputs::deliver(self, order, &plan, produced, created_at).await),
            Err(error) => Err(error),
        };
        if let Err(error) = self.record_end(order, &result).await {
            // The images are paid for: they are handed out even when nobody can note it.
            tracing::error!(generation.id = %order.id, error = %error, "the end of a generation could not be noted");
        }
        result
    }

    /// The route plan of an order, and nothing more.
    ///
    /// # Errors
    /// As for [`Self::generate`], up to the plan.
    pub fn dry_run(&self, order: &Order) -> Result<RoutePlan<'_>, GenerationError> {
        let inputs = self.inspect_inputs(order);
        self.plan(order, inputs)
    }

    /// Keeps the images of a generation whose caller has gone, so that they can still be fetched.
    pub async fn keep(&self, order: &Order, generated: &mut Generated) {
        outputs::keep(self, order, generated).await;
    }

    fn inspect_inputs(&self, order: &Order) -> Result<Inputs, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut inputs = Inputs::default();
        for upload in &order.images {
            match self.facts(upload) {
                Ok(facts) => inputs.images.push(facts),
                Err(fault) => faults.push(fault),
            }
        }
        if let Some(mask) = &order.mask {
            match self.facts(mask) {
                Ok(facts) => inputs.mask = Some(facts),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(faults) }
    }

    fn facts(&self, upload: &Upload) -> Result<InputFacts, Fault> {
        let limits = &self.limits;
        if upload.blob.len() > limits.input_image_bytes {
            let message = format!(
                "the image has {} bytes; input_image_bytes allows {}",
                upload.blob.len(),
                limits.input_image_bytes
            );
            return Err(Fault::new(&upload.param, message));
        }
        let info = Processor::inspect(&upload.blob)
            .map_err(|error| Fault::new(&upload.param, format!("the image cannot be used: {error}")))?;
        if !is_whole(info.format, upload.blob.reader(), upload.blob.len()).unwrap_or(true) {
            let message = format!(
                "the image cannot be used: the {} file breaks off before its end",
                info.format
            );
            return Err(Fault::new(&upload.param, message));
        }
        let pixels = u64::from(info.width_px) * u64::from(info.height_px);
        if pixels > limits.input_image_pixels {
            let message = format!(
                "the image says it is {}x{}; input_image_pixels allows {} pixels",
                info.width_px, info.height_px, limits.input_image_pixels
            );
            return Err(Fault::new(&upload.param, message));
        }
        Ok(InputFacts {
            format: format_of(info.format),
            width_px: info.width_px,
            height_px: info.height_px,
            has_alpha: info.has_alpha,
        })
    }

    fn plan(&self, order: &Order, inputs: Result<Inputs, Vec<Fault>>) -> Result<RoutePlan<'_>, GenerationError> {
        let mut faults = order.faults.clone();
        if order.request.model.is_empty() {
            if !faults.iter().any(|fault| fault.param == "model") {
                faults.push(Fault::new(
                    "model",
                    "'model' is missing: name a model, such as one of GET /openai/v1/models",
                ));
            }
            return Err(GenerationError::Request(faults));
        }
        let found = self
            .catalog
            .find(&order.request.model)
            .map_err(|cause| GenerationError::Model {
                name: order.request.model.clone(),
                cause,
            })?;
        // Without readable inputs the other faults are still told.
        let inputs = inputs.unwrap_or_else(|more| {
            faults.extend(more);
            Inputs::default()
        });
        let unreadable = faults.iter().any(|fault| fault.param.starts_with("image"));
        let resolution = match resolve(&self.catalog, found.model, &order.request, &inputs) {
            Ok(resolution) if faults.is_empty() => resolution,
            Ok(_) => return Err(GenerationError::Request(faults)),
            Err(more) => {
                faults.extend(more.into_iter().filter(|fault| !(unreadable && fault.param == "image")));
                return Err(GenerationError::Request(faults));
            }
        };
        let today = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let now = Circumstances {
            available: self.upstreams.available(),
            forced_provider: found.forced_provider,
            today,
        };
        plan(resolution, &now).map_err(|cause| GenerationError::NoRoute {
            model: found.model.id.clone(),
            cause,
        })
    }

    fn deadline(&self, plan: &RoutePlan<'_>) -> Duration {
        Duration::from_secs(plan.model.deadline_s.unwrap_or(self.limits.generation_deadline_s))
    }

    async fn execute(&self, order: &Order, plan: &RoutePlan<'_>, deadline: Instant) -> Execution {
        let sources = Sources {
            images: &order.images,
            mask: order.mask.as_ref(),
            scope: &order.scope,
        };
        let executor = Executor {
            upstreams: &self.upstreams,
            driver: &self.driver,
            processor: &self.processor,
            clock: &self.clock,
            policy: &self.policy,
            deadline,
        };
        executor.execute(plan, order.request.n, &sources).await
    }
}
