//! From a request and the catalogue to what each offer would be sent.

mod arguments;
mod changes;
mod fields;
mod inputs;
mod output;
mod prompt;
mod sizing;
mod streaming;

use indexmap::IndexMap;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{MaskPolarity, ModeOffer, Offer, key_of};
use crate::catalog::parameter::Parameter;
use crate::fault::{Fault, listing};
use crate::fit::Fit;
use crate::format::Format;
use crate::native::{NativeRequest, NativeValue};
use crate::price::estimate::{Estimate, Work, estimate};
use crate::request::{ImageRequest, Inputs};
use crate::size::Size;
use arguments::Argument;
use changes::Changes;
use fields::Fields;

/// A value that was changed or dropped on the way.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Adjustment {
    /// The parameter in canonical spelling.
    pub parameter: String,
    /// What the caller asked for.
    pub requested: Value,
    /// What is used instead; null when nothing is.
    pub used: Value,
    /// Why, in a word or a few.
    pub reason: String,
}

impl Adjustment {
    fn new(parameter: &str, requested: impl Into<Value>, used: impl Into<Value>, reason: impl Into<String>) -> Self {
        Self {
            parameter: parameter.to_owned(),
            requested: requested.into(),
            used: used.into(),
            reason: reason.into(),
        }
    }
}

/// What is done to an image after it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Finish {
    /// The format to hand out; the one that came when absent.
    pub format: Option<Format>,
    /// Quality where Pictor encodes a lossy format.
    pub quality: Option<u8>,
    /// The exact size to crop and resample to.
    pub cover: Option<Size>,
}

/// What is done to the inputs before they go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputWork {
    /// By input: whether the provider cannot read it, so that it becomes a PNG.
    pub to_png: Vec<bool>,
    /// By input: whether the provider refuses how its pixels are stored, so that it is drawn anew.
    pub redrawn: Vec<bool>,
    /// How the provider wants the mask, when it is not as the caller sent it.
    pub mask: Option<MaskPolarity>,
    /// By input: the size to which it is scaled down, when it is larger than the provider takes. The mask goes with the
    /// first one.
    pub scaled: Vec<Option<Size>>,
    /// Bytes that one file may have at the most. One that has more, before or after all conversion, is scaled down until it
    /// fits.
    pub max_bytes: Option<u64>,
}

impl InputWork {
    /// The sizes of the inputs as they are sent.
    fn sizes(&self, inputs: &Inputs) -> Vec<Size> {
        let scaled = |place: usize| self.scaled.get(place).copied().flatten();
        let images = inputs.images.iter().enumerate();
        images
            .map(|(place, image)| scaled(place).unwrap_or(image.size()))
            .collect()
    }
}

/// What one offer would be sent, and what it would cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved<'a> {
    /// The model.
    pub model: &'a Model,
    /// The offer.
    pub offer: &'a Offer,
    /// The call, without the number of images.
    pub native: NativeRequest,
    /// The parameter for whose sake each native field is there, by native name.
    pub origins: IndexMap<String, String>,
    /// Whether it is sent something of the caller's that the catalogue does not know.
    pub has_unknown: bool,
    /// Native name of the number of images, when the offer takes one.
    pub n_field: Option<String>,
    /// Native name of the seed, when one is sent.
    pub seed_field: Option<String>,
    /// Images in one call.
    pub max_n: u32,
    /// What is done to the inputs.
    pub inputs: InputWork,
    /// What is done to the images.
    pub finish: Finish,
    /// What was changed.
    pub adjustments: Vec<Adjustment>,
    /// How near it comes to what was asked for.
    pub fit: Fit,
    /// What the work is, as prices see it.
    pub work: Work,
    /// What it would cost.
    pub estimate: Estimate,
}

impl Resolved<'_> {
    /// The request for `images` images after `before` others. A seed is raised by the images before it, as
    /// parallel calls with one seed would all give the same image.
    #[must_use]
    pub fn call(&self, images: u32, before: u32) -> NativeRequest {
        let mut native = self.native.clone();
        if let Some(field) = &self.n_field {
            native
                .fields
                .insert(field.clone(), NativeValue::Json(Value::from(images)));
        }
        if let Some(field) = &self.seed_field
            && let Some(NativeValue::Json(seed)) = native.fields.get_mut(field)
            && let Some(number) = seed.as_i64()
        {
            *seed = Value::from(number.wrapping_add(i64::from(before)));
        }
        native
    }

    /// What would be changed of what was asked for, in words; empty where nothing is.
    #[must_use]
    pub fn departures(&self) -> String {
        let departs = |change: &&Adjustment| self.fit.departures.contains(&change.parameter);
        let told = self
            .adjustments
            .iter()
            .filter(departs)
            .map(|change| match &change.used {
                Value::Null => format!("drop {}", change.parameter),
                used => format!(
                    "change {} from {} to {}",
                    change.parameter,
                    key_of(&change.requested),
                    key_of(used)
                ),
            });
        told.collect::<Vec<_>>().join(", ")
    }

    /// Images of each call when `n` are still wanted.
    #[must_use]
    pub fn fan_out(&self, n: u32) -> Vec<u32> {
        fan_out(n, self.max_n)
    }
}

/// Why an offer cannot serve a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal<'a> {
    /// The offer.
    pub offer: &'a Offer,
    /// The parameter that it cannot meet.
    pub param: String,
    /// What it lacks, as the end of "offer ... ".
    pub reason: String,
}

/// A request seen through the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution<'a> {
    /// The model.
    pub model: &'a Model,
    /// Offers that can serve it, in the order of the catalogue.
    pub offers: Vec<Resolved<'a>>,
    /// Offers that cannot, and why.
    pub refusals: Vec<Refusal<'a>>,
}

/// Everything that resolving one offer reads.
struct Context<'a> {
    request: &'a ImageRequest,
    inputs: &'a Inputs,
    model: &'a Model,
    parameters: &'a IndexMap<String, Parameter>,
    arguments: &'a [Argument<'a>],
}

/// Resolves `request` for every live offer of `model`; at least one can serve it.
///
/// # Errors
/// All faults of the request together, or what keeps every offer from serving it.
pub fn resolve<'a>(
    catalog: &Catalog,
    model: &'a Model,
    request: &ImageRequest,
    inputs: &Inputs,
) -> Result<Resolution<'a>, Vec<Fault>> {
    let resolution = survey(catalog, model, request, inputs)?;
    if resolution.offers.is_empty() {
        return Err(nothing_left(&resolution));
    }
    Ok(resolution)
}

/// The same, where no offer may be able to serve it.
///
/// # Errors
/// Faults of the request that no offer could serve.
pub(crate) fn survey<'a>(
    catalog: &Catalog,
    model: &'a Model,
    request: &ImageRequest,
    inputs: &Inputs,
) -> Result<Resolution<'a>, Vec<Fault>> {
    let parameters = catalog.parameters_of(model);
    let arguments = arguments::read(catalog, request, parameters);
    let context = Context {
        request,
        inputs,
        model,
        parameters,
        arguments: &arguments,
    };
    let mut faults = mode_faults(&context);
    if faults.is_empty() {
        faults.extend(prompt::faults(&context));
        faults.extend(inputs::faults(&context));
        faults.extend(output::faults(&context));
        faults.extend(arguments::faults(&context));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut resolution = Resolution {
        model,
        offers: Vec::new(),
        refusals: Vec::new(),
    };
    for offer in model.live_offers() {
        let Some(mode_offer) = offer.in_mode(request.mode) else {
            let reason = format!("does not serve {}", request.mode);
            resolution.refusals.push(Refusal {
                offer,
                param: "model".to_owned(),
                reason,
            });
            continue;
        };
        match resolve_offer(&context, (model, offer), mode_offer) {
            Ok(resolved) => resolution.offers.push(resolved),
            Err(refusal) => resolution.refusals.push(refusal),
        }
    }
    Ok(resolution)
}

/// No offer meets the hard needs: one fault for each distinct reason.
pub(crate) fn nothing_left(resolution: &Resolution<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for refusal in &resolution.refusals {
        let message = format!(
            "No offer of model '{}' can serve this: {} {}",
            resolution.model.id, refusal.offer.provider, refusal.reason
        );
        if !faults.iter().any(|fault| fault.message == message) {
            faults.push(Fault::new(refusal.param.clone(), message));
        }
    }
    faults
}

fn mode_faults(context: &Context<'_>) -> Vec<Fault> {
    let modes = context.model.modes();
    if modes.contains(&context.request.mode) {
        return Vec::new();
    }
    let names: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
    let message = format!(
        "Model '{}' does not support {}. Supported modes: {}",
        context.model.id,
        context.request.mode,
        listing(&names)
    );
    vec![Fault::new("model", message)]
}

fn resolve_offer<'a>(
    context: &Context<'_>,
    (model, offer): (&'a Model, &'a Offer),
    mode_offer: &ModeOffer,
) -> Result<Resolved<'a>, Refusal<'a>> {
    let refuse = |param: &str, reason: String| Refusal {
        offer,
        param: param.to_owned(),
        reason,
    };
    let mut fields = Fields::default();
    let mut changes = Changes::default();
    if let (Some(prompt), Some(field)) = (&context.request.prompt, mode_offer.fields.get("prompt")) {
        if let Some(reason) = prompt::refusal(field, prompt) {
            return Err(refuse("prompt", reason));
        }
        fields.set("prompt", field.native_name("prompt"), prompt.as_str());
    }
    let input_work = inputs::place(context, mode_offer, &mut fields, &mut changes)
        .map_err(|(param, reason)| refuse(param, reason))?;
    let inputs = input_work.sizes(context.inputs);
    let sizing = sizing::apply(context, &offer.pricing, mode_offer, &inputs, &mut fields, &mut changes);
    let finish = output::apply(
        context,
        mode_offer,
        (sizing.cover, sizing.is_remade),
        &mut fields,
        &mut changes,
    );
    let taken = arguments::apply(context, &offer.pricing, mode_offer, &mut fields, &mut changes)
        .map_err(|(param, reason)| refuse(&param, reason))?;
    if let Some(needed) = missing(context, offer, &taken) {
        return Err(refuse(needed, format!("needs the argument '{needed}'")));
    }
    let streams = streaming::apply(context, mode_offer, &mut fields, &mut changes);
    for (name, value) in &mode_offer.constants {
        fields.set_constant(name, value.clone());
    }
    // An event of a stream does not say to which of several images it belongs.
    let max_n = if streams { 1 } else { mode_offer.max_n };
    let partials = if streams { context.request.partial_images } else { 0 };
    let work = Work {
        size: sizing.expected,
        calls: fan_out(context.request.n, max_n),
        partials,
        inputs,
        ..asked(context, mode_offer, taken)
    };
    let (adjustments, fit) = changes.into_parts();
    let estimate = estimate(&offer.pricing, &work);
    let has_unknown = fields.has_unknown();
    let (fields, origins) = fields.into_parts();
    Ok(Resolved {
        model,
        offer,
        native: NativeRequest {
            model: mode_offer.model.clone(),
            mode: context.request.mode,
            fields,
        },
        origins,
        has_unknown,
        n_field: mode_offer
            .fields
            .get("n")
            .map(|field| field.native_name("n").to_owned()),
        seed_field: work
            .arguments
            .get("seed")
            .and_then(|_| mode_offer.fields.get("seed"))
            .map(|field| field.native_name("seed").to_owned()),
        max_n,
        inputs: input_work,
        finish,
        adjustments,
        fit,
        work,
        estimate,
    })
}

/// An argument without which `offer` does not serve, and that it is not sent.
fn missing<'a>(context: &Context<'_>, offer: &'a Offer, taken: &IndexMap<String, Value>) -> Option<&'a str> {
    let given = |needed: &str| match needed {
        "mask" => context.inputs.mask.is_some(),
        needed => taken.contains_key(needed),
    };
    offer.requires.iter().map(String::as_str).find(|needed| !given(needed))
}

/// The part of the work that the request itself says; `taken` holds the arguments that the offer is sent.
fn asked(context: &Context<'_>, mode_offer: &ModeOffer, taken: IndexMap<String, Value>) -> Work {
    let text = |name: &str| {
        let default = || mode_offer.fields.get(name)?.default.as_ref();
        taken.get(name).or_else(default).and_then(Value::as_str)
    };
    Work {
        mode: context.request.mode,
        quality: taken.get("quality").and_then(Value::as_str).map(ToOwned::to_owned),
        size: None,
        calls: Vec::new(),
        partials: 0,
        prompt_bytes: context.request.prompt.as_ref().map_or(0, String::len) as u64,
        inputs: Vec::new(),
        high_fidelity: text("input_fidelity") == Some("high"),
        arguments: taken,
    }
}

/// `n` images in as few calls as the offer's own limit allows.
fn fan_out(n: u32, max_n: u32) -> Vec<u32> {
    let most = max_n.max(1);
    let mut calls = vec![most; (n / most) as usize];
    if !n.is_multiple_of(most) {
        calls.push(n % most);
    }
    calls
}
