//! From a request and the catalogue to what each offer would be sent.

mod arguments;
mod output;
mod sizing;

use indexmap::IndexMap;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{Form, MaskPolarity, ModeOffer, Offer};
use crate::catalog::parameter::Parameter;
use crate::fault::{Fault, listing};
use crate::format::Format;
use crate::mode::Mode;
use crate::native::{ImageForm, NativeRequest, NativeValue};
use crate::price::estimate::{Estimate, Work, estimate};
use crate::request::{ImageRequest, Inputs};
use crate::size::Size;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// How the provider wants the mask, when it is not as the caller sent it.
    pub mask: Option<MaskPolarity>,
}

/// What one offer would be sent, and what it would cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved<'a> {
    /// The offer.
    pub offer: &'a Offer,
    /// The call, without the number of images.
    pub native: NativeRequest,
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

    /// Images of each call when `n` are still wanted.
    #[must_use]
    pub fn fan_out(&self, n: u32) -> Vec<u32> {
        fan_out(n, self.max_n)
    }
}

/// Why an offer cannot serve a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The offer's provider.
    pub provider: String,
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
    pub refusals: Vec<Refusal>,
}

/// Everything that resolving one offer reads.
struct Context<'a> {
    catalog: &'a Catalog,
    request: &'a ImageRequest,
    inputs: &'a Inputs,
    model: &'a Model,
    parameters: &'a IndexMap<String, Parameter>,
}

/// Resolves `request` for every live offer of `model`.
///
/// # Errors
/// All faults of the request together.
pub fn resolve<'a>(
    catalog: &Catalog,
    model: &'a Model,
    request: &ImageRequest,
    inputs: &Inputs,
) -> Result<Resolution<'a>, Vec<Fault>> {
    let parameters = catalog.parameters_of(model);
    let context = Context {
        catalog,
        request,
        inputs,
        model,
        parameters: &parameters,
    };
    let mut faults = mode_faults(&context);
    if faults.is_empty() {
        faults.extend(prompt_faults(&context));
        faults.extend(input_faults(&context));
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
                provider: offer.provider.clone(),
                param: "model".to_owned(),
                reason,
            });
            continue;
        };
        match resolve_offer(&context, offer, &mode_offer) {
            Ok(resolved) => resolution.offers.push(resolved),
            Err(refusal) => resolution.refusals.push(refusal),
        }
    }
    if resolution.offers.is_empty() {
        return Err(nothing_left(&resolution));
    }
    Ok(resolution)
}

/// No offer meets the hard needs: one fault for each distinct reason.
fn nothing_left(resolution: &Resolution<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for refusal in &resolution.refusals {
        let message = format!(
            "No offer of model '{}' can serve this: {} {}",
            resolution.model.id, refusal.provider, refusal.reason
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

fn prompt_faults(context: &Context<'_>) -> Vec<Fault> {
    let given = context.request.prompt.as_deref();
    if given.is_none_or(|prompt| prompt.trim().is_empty()) {
        if context.request.mode == Mode::Upscale {
            return Vec::new();
        }
        let what = if given.is_none() { "is missing" } else { "is empty" };
        return vec![Fault::new(
            "prompt",
            format!("'prompt' {what}: describe the image that you want"),
        )];
    }
    let chars = given.map_or(0, |prompt| prompt.chars().count());
    match context.parameters.get("prompt").and_then(|prompt| prompt.max_chars) {
        Some(max) if chars > max => {
            vec![Fault::new(
                "prompt",
                format!(
                    "'prompt' has {chars} characters; model '{}' takes at most {max}",
                    context.model.id
                ),
            )]
        }
        _ => Vec::new(),
    }
}

fn input_faults(context: &Context<'_>) -> Vec<Fault> {
    let Inputs { images, mask } = context.inputs;
    if context.request.mode == Mode::TextToImage {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if images.is_empty() {
        faults.push(Fault::new(
            "image",
            "'image' is missing: an edit needs at least one input image",
        ));
    }
    let offers = || {
        context
            .model
            .live_offers()
            .filter_map(|offer| offer.in_mode(context.request.mode))
            .filter_map(|offer| offer.inputs)
    };
    let max = offers().map(|inputs| inputs.max).max().unwrap_or(0);
    if images.len() > max as usize {
        faults.push(Fault::new(
            "image",
            format!(
                "{} input images were sent; model '{}' takes at most {max}",
                images.len(),
                context.model.id
            ),
        ));
    }
    if let (Some(mask), Some(first)) = (mask, images.first()) {
        if (mask.width_px, mask.height_px) != (first.width_px, first.height_px) {
            let message = format!(
                "the mask is {}x{} but the first image is {}x{}; they must have the same size",
                mask.width_px, mask.height_px, first.width_px, first.height_px
            );
            faults.push(Fault::new("mask", message));
        }
        if !mask.has_alpha {
            faults.push(Fault::new(
                "mask",
                "the mask has no alpha channel; pixels to edit are those with alpha 0",
            ));
        }
    }
    faults
}

fn resolve_offer<'a>(context: &Context<'_>, offer: &'a Offer, mode_offer: &ModeOffer) -> Result<Resolved<'a>, Refusal> {
    let refuse = |param: &str, reason: String| Refusal {
        provider: offer.provider.clone(),
        param: param.to_owned(),
        reason,
    };
    for needed in &offer.requires {
        if !context.request.arguments.contains_key(needed) {
            return Err(refuse(needed, format!("needs the argument '{needed}'")));
        }
    }
    let mut fields = Fields::default();
    if let (Some(prompt), Some(field)) = (&context.request.prompt, mode_offer.fields.get("prompt")) {
        fields.set(field.native_name("prompt"), Value::from(prompt.as_str()));
    }
    let input_work = place_inputs(context, mode_offer, &mut fields).map_err(|(param, reason)| refuse(param, reason))?;
    let mut adjustments = Vec::new();
    let sizing = sizing::apply(context, mode_offer, &mut fields, &mut adjustments);
    let finish = output::apply(context, mode_offer, sizing.cover, &mut fields, &mut adjustments);
    let taken = arguments::apply(context, mode_offer, &mut fields, &mut adjustments)
        .map_err(|(param, reason)| refuse(&param, reason))?;
    for (name, value) in &mode_offer.constants {
        fields.set(name, value.clone());
    }
    let fidelity_default = mode_offer
        .fields
        .get("input_fidelity")
        .and_then(|field| field.default.as_ref());
    let work = Work {
        mode: context.request.mode,
        quality: taken.get("quality").and_then(Value::as_str).map(ToOwned::to_owned),
        size: sizing.expected,
        calls: fan_out(context.request.n, mode_offer.max_n),
        prompt_bytes: context.request.prompt.as_ref().map_or(0, String::len) as u64,
        inputs: context
            .inputs
            .images
            .iter()
            .map(|image| Size {
                width_px: image.width_px,
                height_px: image.height_px,
            })
            .collect(),
        high_fidelity: taken.get("input_fidelity").or(fidelity_default).and_then(Value::as_str) == Some("high"),
    };
    let estimate = estimate(&offer.pricing, &work);
    Ok(Resolved {
        offer,
        native: NativeRequest {
            model: mode_offer.model.clone(),
            mode: context.request.mode,
            fields: fields.0,
        },
        n_field: mode_offer
            .fields
            .get("n")
            .map(|field| field.native_name("n").to_owned()),
        seed_field: taken
            .get("seed")
            .and_then(|_| mode_offer.fields.get("seed"))
            .map(|field| field.native_name("seed").to_owned()),
        max_n: mode_offer.max_n,
        inputs: input_work,
        finish,
        adjustments,
        work,
        estimate,
    })
}

/// Native fields in the order in which they are sent.
#[derive(Default)]
struct Fields(IndexMap<String, NativeValue>);

impl Fields {
    fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), NativeValue::Json(value));
    }
}

fn place_inputs(
    context: &Context<'_>,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
) -> Result<InputWork, (&'static str, String)> {
    let Inputs { images, mask } = context.inputs;
    let mut work = InputWork::default();
    if context.request.mode == Mode::TextToImage {
        return Ok(work);
    }
    let (Some(spec), Some(field)) = (&mode_offer.inputs, mode_offer.fields.get("image")) else {
        return Err(("image", "takes no input images".to_owned()));
    };
    if images.len() > spec.max as usize {
        return Err(("image", format!("takes at most {} input images", spec.max)));
    }
    let indices: Vec<usize> = (0..images.len()).collect();
    let value = match field.form {
        Form::File => NativeValue::Images(indices, ImageForm::File),
        Form::LinkList => NativeValue::Images(indices, ImageForm::Link),
        _ => NativeValue::Image(0, ImageForm::Link),
    };
    fields.0.insert(field.native_name("image").to_owned(), value);
    work.to_png = images
        .iter()
        .map(|image| !spec.formats.contains(&image.format))
        .collect();
    if let Some(mask) = mask {
        let (Some(polarity), Some(field)) = (spec.mask, mode_offer.fields.get("mask")) else {
            return Err(("mask", "takes no mask".to_owned()));
        };
        let form = if field.form == Form::File {
            ImageForm::File
        } else {
            ImageForm::Link
        };
        fields
            .0
            .insert(field.native_name("mask").to_owned(), NativeValue::Mask(form));
        // Providers that read alpha want it from a PNG.
        if polarity != MaskPolarity::Alpha || mask.format != Format::Png {
            work.mask = Some(polarity);
        }
    }
    Ok(work)
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
