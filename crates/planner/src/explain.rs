//! Why a request goes where it goes, and what each offer would be sent: everything that resolving and planning know,
//! told for people and programs.

mod parameters;
mod places;
mod reasons;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{MaskPolarity, Offer};
use crate::catalog::pricing::Basis;
use crate::fault::Fault;
use crate::fit::{Fit, FitRule};
use crate::health::OfferHealth;
use crate::mode::Mode;
use crate::money::Micros;
use crate::native::{ImageForm, NativeValue};
use crate::plan::{Candidate, Circumstances, RoutePlan, plan};
use crate::price::Line;
use crate::price::unbounded::unbounded;
use crate::request::{ImageRequest, Inputs};
use crate::resolve::{Adjustment, Resolved, nothing_left, survey};
use crate::secret;
use crate::strategy::Strategy;

pub use parameters::ParameterExplanation;
pub use places::{Place, places};

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The model.
    pub model: String,
    /// What is asked of it.
    pub mode: Mode,
    /// What the order goes by.
    pub strategy: Strategy,
    /// What fit counts for in it.
    pub fit: FitRule,
    /// What is wrong with the request. With any fault nothing is sent.
    pub faults: Vec<Fault>,
    /// Every offer: those that would be tried first, in order, then the others.
    pub offers: Vec<OfferExplanation>,
}

/// What becomes of one request at one offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfferExplanation {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// Its model id in this mode, where it serves it.
    pub native_model: Option<String>,
    /// The place in the plan, from 1; null when the offer is not tried.
    pub place: Option<usize>,
    /// Why it stands there, or why it is not tried.
    pub reason: String,
    /// How it has been doing; null when it is not tried.
    pub health: Option<OfferHealth>,
    /// What would be sent and done; null where that is not known.
    pub sent: Option<Sent>,
}

/// What an offer would be sent, and what is done before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sent {
    /// Images of each call.
    pub calls: Vec<u32>,
    /// The native fields of the first call. Secrets are hidden, images stand as what they are.
    pub fields: Map<String, Value>,
    /// Each parameter of the request.
    pub parameters: Vec<ParameterExplanation>,
    /// What is done to the input images first.
    pub before: Vec<String>,
    /// What is done to the images that come.
    pub after: Vec<String>,
    /// What was changed or dropped.
    pub adjustments: Vec<Adjustment>,
    /// How near it comes to what was asked for.
    pub fit: Fit,
    /// Further native fields that the provider documents: a request may hold them, and they go through as they are.
    pub passthrough: Vec<String>,
    /// What it would cost at the most.
    pub total_cost_micros: Micros,
    /// Parts of the price for which no bound is published.
    pub warnings: Vec<String>,
    /// How the charge will be found.
    pub cost_basis: Basis,
    /// The lines of the price.
    pub components: Vec<Line>,
}

impl Explanation {
    /// Adds what becomes of the same request at `others`, models that may serve it too; `plan` is that of all of them. Faults
    /// of one model do not count where another serves.
    pub fn join(&mut self, others: Vec<Self>, plan: &RoutePlan<'_>) {
        self.faults.clear();
        for other in others {
            // The same model by another name has the same offers.
            if !self.offers.iter().any(|offer| offer.model == other.model) {
                self.offers.extend(other.offers);
            }
        }
        let native = |one: &Candidate<'_>| one.resolved.native.model.clone();
        for offer in &mut self.offers {
            let is_it = |one: &Candidate<'_>| {
                let resolved = &one.resolved;
                resolved.model.id == offer.model
                    && resolved.offer.provider == offer.provider
                    && Some(native(one)) == offer.native_model
            };
            let place = plan.candidates.iter().position(is_it);
            if let Some(index) = place {
                offer.reason = reasons::place(&plan.candidates, plan.fit, index);
            }
            offer.place = place.map(|index| index + 1);
        }
        self.offers.sort_by_key(|offer| offer.place.unwrap_or(usize::MAX));
    }
}

/// Explains `request`. `faults` are those that showed when it was read.
#[must_use]
pub fn explain(
    catalog: &Catalog,
    model: &Model,
    request: &ImageRequest,
    inputs: &Inputs,
    now: &Circumstances<'_>,
    faults: Vec<Fault>,
) -> Explanation {
    let mut explanation = Explanation {
        model: model.id.clone(),
        mode: request.mode,
        strategy: now.strategy(),
        fit: now.fit_rule(),
        faults,
        offers: Vec::new(),
    };
    let resolution = match survey(catalog, model, request, inputs) {
        Ok(resolution) => resolution,
        Err(faults) => {
            explanation.faults.extend(faults);
            let offers = model.offers.iter();
            explanation.offers = offers.map(|offer| unresolved(model, offer, request)).collect();
            return explanation;
        }
    };
    if resolution.offers.is_empty() {
        explanation.faults.extend(nothing_left(&resolution));
    }
    let planned = plan(resolution.clone(), now);
    let candidates: &[Candidate<'_>] = planned.as_ref().map_or(&[], |plan| &plan.candidates);
    let told = |resolved: &Resolved<'_>| sent(catalog, model, request, inputs, resolved);
    for (index, candidate) in candidates.iter().enumerate() {
        explanation.offers.push(OfferExplanation {
            model: model.id.clone(),
            provider: candidate.resolved.offer.provider.clone(),
            native_model: Some(candidate.resolved.native.model.clone()),
            place: Some(index + 1),
            reason: reasons::place(candidates, now.fit_rule(), index),
            health: Some(candidate.health),
            sent: Some(told(&candidate.resolved)),
        });
    }
    for offer in &model.offers {
        if candidates
            .iter()
            .any(|candidate| std::ptr::eq(candidate.resolved.offer, offer))
        {
            continue;
        }
        let resolved = resolution
            .offers
            .iter()
            .find(|resolved| std::ptr::eq(resolved.offer, offer));
        explanation.offers.push(OfferExplanation {
            model: model.id.clone(),
            provider: offer.provider.clone(),
            native_model: offer.in_mode(request.mode).map(|mode| mode.model.clone()),
            place: None,
            reason: reasons::absence(offer, &resolution, now),
            health: None,
            sent: resolved.map(told),
        });
    }
    explanation
}

fn unresolved(model: &Model, offer: &Offer, request: &ImageRequest) -> OfferExplanation {
    OfferExplanation {
        model: model.id.clone(),
        provider: offer.provider.clone(),
        native_model: offer.in_mode(request.mode).map(|mode| mode.model.clone()),
        place: None,
        reason: "the request has faults, so nothing is sent".to_owned(),
        health: None,
        sent: None,
    }
}

fn sent(catalog: &Catalog, model: &Model, request: &ImageRequest, inputs: &Inputs, resolved: &Resolved<'_>) -> Sent {
    let first = resolved.call(resolved.work.calls.first().copied().unwrap_or(1), 0);
    let fields = first
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), shown(value)))
        .collect();
    Sent {
        calls: resolved.work.calls.clone(),
        parameters: parameters::explain(catalog, model, request, inputs, resolved, &fields),
        fields,
        before: before(inputs, resolved),
        after: after(request, resolved),
        adjustments: resolved.adjustments.clone(),
        fit: resolved.fit.clone(),
        passthrough: resolved
            .offer
            .in_mode(request.mode)
            .map_or_else(Vec::new, |offer| offer.passthrough.clone()),
        total_cost_micros: resolved.estimate.total,
        warnings: unbounded(&resolved.offer.pricing, &resolved.work),
        cost_basis: resolved.estimate.basis,
        components: resolved.estimate.components.clone(),
    }
}

/// A native value as it may be shown.
fn shown(value: &NativeValue) -> Value {
    let way = |form: &ImageForm| match form {
        ImageForm::File => "file",
        ImageForm::Link => "link",
    };
    match value {
        NativeValue::Json(value) => value.clone(),
        NativeValue::Shared(value) => secret::shown("", value),
        NativeValue::Secret(_) => json!(secret::SHOWN),
        NativeValue::Image(index, form) => json!(format!("(input image {} as a {})", index + 1, way(form))),
        NativeValue::Images(indices, form) => indices
            .iter()
            .map(|index| json!(format!("(input image {} as a {})", index + 1, way(form))))
            .collect(),
        NativeValue::Mask(form) => json!(format!("(mask as a {})", way(form))),
    }
}

fn before(inputs: &Inputs, resolved: &Resolved<'_>) -> Vec<String> {
    let converted = resolved.inputs.to_png.iter().zip(&inputs.images).enumerate();
    let mut steps: Vec<String> = converted
        .filter(|(_, (to_png, _))| **to_png)
        .map(|(index, (_, image))| format!("input image {} is converted from {} to png", index + 1, image.format))
        .collect();
    let scaled = resolved.inputs.scaled.iter().enumerate();
    steps.extend(scaled.filter_map(|(index, size)| {
        let size = (*size)?;
        Some(format!("input image {} is scaled down to {size}", index + 1))
    }));
    steps.extend(resolved.inputs.mask.map(|polarity| match polarity {
        MaskPolarity::Alpha => "the mask is converted to png".to_owned(),
        MaskPolarity::White => "the mask is turned into one whose white is edited".to_owned(),
        MaskPolarity::Black => "the mask is turned into one whose black is edited".to_owned(),
    }));
    steps
}

fn after(request: &ImageRequest, resolved: &Resolved<'_>) -> Vec<String> {
    let finish = &resolved.finish;
    let mut steps = Vec::new();
    if let Some(size) = finish.cover {
        steps.push(format!(
            "each image is cropped at its centre and resampled to {size}, unless it comes in that size"
        ));
    }
    if let Some(format) = finish.format {
        let quality = finish.quality.filter(|_| format.is_lossy());
        let quality = quality.map_or_else(String::new, |quality| {
            format!(", quality {quality} where Pictor encodes it")
        });
        steps.push(format!(
            "each image is handed out as {format}, converted when it comes as something else{quality}"
        ));
    }
    if resolved.work.calls.len() > 1 {
        steps.push(format!(
            "the images of {} calls are put together",
            resolved.work.calls.len()
        ));
    }
    if request.stream && resolved.work.partials == 0 {
        steps.push("the events of the stream are made by Pictor".to_owned());
    }
    steps
}
