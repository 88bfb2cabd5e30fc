//! What an order means to one model: its inputs, and the plan to serve it there. Nothing is called and nothing is written.

use imaging::Ending;
use planner::catalog::lookup::Found;
use planner::explain::{Explanation, explain};
use planner::fault::Fault;
use planner::format::Format;
use planner::health::Health;
use planner::mode::Mode;
use planner::plan::{Circumstances, RoutePlan, plan};
use planner::request::{InputFacts, Inputs};
use planner::resolve::{Adjustment, resolve};
use planner::route::Route;
use planner::rules::Breach;
use serde_json::json;

use super::{Generator, Order, Upload};
use crate::media::process::{Processor, format_of, mask_turn};
use crate::outcome::GenerationError;

/// An order, understood.
struct Intent<'a> {
    found: Found<'a>,
    /// That another model takes the place of the one that was named.
    replaced: Option<Adjustment>,
    inputs: Inputs,
    faults: Vec<Fault>,
    /// Whether an input image is not there or cannot be read, so that its absence is no fault of its own.
    unreadable: bool,
}

/// A name of a model, and where it stands in a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    /// In `model`.
    Own(&'a str),
    /// In `route.models`.
    Other(&'a str),
}

impl<'a> Named<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Own(name) | Self::Other(name) => name,
        }
    }

    fn param(self) -> &'static str {
        match self {
            Self::Own(_) => "model",
            Self::Other(_) => "route.models",
        }
    }
}

impl Generator {
    /// The route plan of an order at one of its models.
    ///
    /// # Errors
    /// As for [`Self::generate`], up to the plan.
    pub(super) fn plan_for(
        &self,
        order: &Order,
        named: Named<'_>,
        route: &Route,
    ) -> Result<RoutePlan<'_>, GenerationError> {
        let intent = self.intent(order, named)?;
        let mut faults = intent.faults;
        let mut resolution = match resolve(&self.catalog, intent.found.model, &order.request, &intent.inputs) {
            Ok(resolution) if faults.is_empty() => resolution,
            Ok(_) => return Err(GenerationError::Request(faults)),
            Err(more) => {
                let awaits = !order.links.is_empty();
                let hidden = |fault: &Fault| {
                    (intent.unreadable && fault.param == "image") || (awaits && is_of_inputs(&fault.param))
                };
                faults.extend(more.into_iter().filter(|fault| !hidden(fault)));
                return Err(GenerationError::Request(faults));
            }
        };
        for resolved in &mut resolution.offers {
            resolved.adjustments.splice(0..0, intent.replaced.clone());
        }
        let health = self.routing.health();
        plan(resolution, &self.circumstances(order, &intent.found, route, &health)).map_err(|cause| {
            GenerationError::NoRoute {
                model: intent.found.model.id.clone(),
                cause,
            }
        })
    }

    /// What is wrong with an order for which links are yet to be fetched, as far as that can be known without them.
    ///
    /// # Errors
    /// As for [`Self::plan`].
    pub fn check_before_links(&self, order: &Order) -> Result<(), GenerationError> {
        match self.plan(order) {
            Ok(_) => Ok(()),
            Err(GenerationError::Request(faults)) if faults.is_empty() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Why an order would go where it would go among the offers of one of its models.
    ///
    /// # Errors
    /// When the model cannot be found.
    pub(super) fn explain_for(
        &self,
        order: &Order,
        named: Named<'_>,
        route: &Route,
    ) -> Result<Explanation, GenerationError> {
        let intent = self.intent(order, named)?;
        let health = self.routing.health();
        let now = self.circumstances(order, &intent.found, route, &health);
        let model = intent.found.model;
        Ok(explain(
            &self.catalog,
            model,
            &order.request,
            &intent.inputs,
            &now,
            intent.faults,
        ))
    }

    fn intent(&self, order: &Order, named: Named<'_>) -> Result<Intent<'_>, GenerationError> {
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
        let (found, replaced) = self.find(named.name())?;
        let allowed = &order.caller.models;
        if !allowed.is_empty() && !allowed.contains(&found.model.id) {
            return Err(GenerationError::Forbidden(Box::new(Breach {
                rule: "models",
                param: Some(named.param()),
                message: format!(
                    "This API key may not use the model '{}'. Its models: {}",
                    found.model.id,
                    allowed.join(", ")
                ),
                allowed: json!(allowed),
            })));
        }
        let open = order.caller.rules.check_hour(self.clock.now());
        open.map_err(|breach| GenerationError::Forbidden(Box::new(breach)))?;
        // Without readable inputs the other faults are still told.
        let inputs = self.inspect_inputs(order, &found).unwrap_or_else(|more| {
            faults.extend(more);
            Inputs::default()
        });
        Ok(Intent {
            found,
            replaced,
            inputs,
            unreadable: !order.links.is_empty() || faults.iter().any(|fault| fault.param.starts_with("image")),
            faults,
        })
    }

    /// The model of a name, and what to tell when another takes its place.
    fn find(&self, name: &str) -> Result<(Found<'_>, Option<Adjustment>), GenerationError> {
        let (found, replaced) = self
            .catalog
            .find_or_successor(name, &self.successors)
            .map_err(|cause| GenerationError::Model {
                name: name.to_owned(),
                cause,
            })?;
        let adjustment = || Adjustment {
            parameter: "model".to_owned(),
            requested: name.into(),
            used: found.model.id.clone().into(),
            reason: "disabled; the operator named its successor".to_owned(),
        };
        Ok((found, replaced.then(adjustment)))
    }

    /// The wishes of the request, over those of its key.
    pub(crate) fn route(&self, order: &Order) -> Route {
        let own = order.request.route.clone().unwrap_or_default();
        own.over(&order.caller.route)
    }

    fn circumstances<'a>(
        &'a self,
        order: &'a Order,
        found: &Found<'a>,
        route: &'a Route,
        health: &'a Health,
    ) -> Circumstances<'a> {
        let allowed = order.caller.providers.as_slice();
        Circumstances {
            forced_provider: found.forced_provider,
            allowed_providers: (!allowed.is_empty()).then_some(allowed),
            rules: &order.caller.rules,
            regions: self.upstreams.regions(),
            route,
            strategy: self.routing.strategy,
            priorities: &self.routing.priorities,
            health,
            seed: order.seed,
            ..Circumstances::new(self.upstreams.available(), self.clock.now())
        }
    }

    fn inspect_inputs(&self, order: &Order, found: &Found<'_>) -> Result<Inputs, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut inputs = Inputs::default();
        let passes_heic = passes_on(found, order.request.mode, Format::Heic);
        for upload in &order.images {
            match self.facts(upload) {
                Ok(facts) if facts.format == Format::Heic && !passes_heic => {
                    faults.push(unusable(upload, &imaging::ImagingError::heic()));
                }
                Ok(facts) => inputs.images.push(facts),
                Err(fault) => faults.push(fault),
            }
        }
        if let Some(mask) = &order.mask {
            match self.facts(mask) {
                Ok(facts) if facts.format == Format::Heic => {
                    faults.push(unusable(mask, &imaging::ImagingError::heic()));
                }
                Ok(facts) => inputs.mask = Some(as_shown(facts, mask, order.images.first())),
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
        let info = Processor::inspect(&upload.blob).map_err(|error| unusable(upload, &error))?;
        let ending = imaging::ending(info.format, upload.blob.reader(), None);
        if matches!(ending, Ok(Ending::Cut | Ending::Unmarked)) {
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
            is_plain: info.is_plain,
            size_bytes: upload.blob.len(),
        })
    }
}

/// Whether the provider that the caller forces reads a format that nobody here can draw.
fn passes_on(found: &Found<'_>, mode: Mode, format: Format) -> bool {
    let Some(provider) = found.forced_provider else {
        return false;
    };
    let mut own = found.model.live_offers().filter(|offer| offer.provider == provider);
    own.any(|offer| {
        let inputs = offer.in_mode(mode).and_then(|mode| mode.inputs.as_ref());
        inputs.is_some_and(|inputs| inputs.formats.contains(&format))
    })
}

fn unusable(upload: &Upload, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(&upload.param, format!("the image cannot be used: {error}"))
}

/// Whether a field is about input images or the mask.
fn is_of_inputs(param: &str) -> bool {
    param.starts_with("image") || param.starts_with("mask")
}

/// A mask's facts as it is laid on the first image: turned, where it was drawn over the stored pixels of one that is
/// shown turned.
fn as_shown(facts: InputFacts, mask: &Upload, image: Option<&Upload>) -> InputFacts {
    let info = |upload: &Upload| Processor::inspect(&upload.blob).ok();
    match (image.and_then(info), info(mask)) {
        (Some(image), Some(mask)) if mask_turn(&image, &mask).swaps_sides() => InputFacts {
            width_px: facts.height_px,
            height_px: facts.width_px,
            ..facts
        },
        _ => facts,
    }
}
