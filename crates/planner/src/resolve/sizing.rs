//! The size of a request in the words of one offer.

use serde_json::{Value, json};

use super::changes::Changes;
use super::fields::Fields;
use super::{Adjustment, Context};
use crate::catalog::offer::{Field, Form, ModeOffer, key_of};
use crate::catalog::pricing::Pricing;
use crate::mode::Mode;
use crate::size::{
    MAX_SIDE_PX, NativeSize, Reason, ResolvedSize, Size, SizeArgument, SizeRange, SizeRequest, SizeSupport, Tier,
    resolve_size, resolve_size_like,
};

/// What became of the size.
pub(super) struct Sizing {
    /// The size that the image will probably have; `None` when the provider decides.
    pub(super) expected: Option<Size>,
    /// The exact size to make of it.
    pub(super) cover: Option<Size>,
    /// Whether that takes work, as far as is known: the image may come in this size.
    pub(super) is_remade: bool,
}

/// Writes the native size fields.
pub(super) fn apply(
    context: &Context<'_>,
    pricing: &Pricing,
    mode_offer: &ModeOffer,
    inputs: &[Size],
    fields: &mut Fields,
    changes: &mut Changes,
) -> Sizing {
    let like = inputs
        .first()
        .copied()
        .filter(|_| context.request.mode == Mode::ImageEdit);
    let resolved = resolve_size_like(&context.request.size, &context.model.sizes(), &mode_offer.sizes, like);
    let mut set = |name: &str, value: &dyn Fn(&Field) -> Option<Value>| {
        if let Some(field) = mode_offer.fields.get(name)
            && let Some(value) = value(field)
        {
            let value = field.map.get(&key_of(&value)).cloned().unwrap_or(value);
            fields.set(name, field.native_name(name), value);
        }
    };
    match &resolved.native {
        NativeSize::Unset => {}
        NativeSize::Auto if mode_offer.sizes.auto_by_absence => {}
        NativeSize::Auto => {
            let name = if mode_offer.fields.contains_key("size") {
                "size"
            } else {
                "aspect_ratio"
            };
            set(name, &|_| Some(Value::from("auto")));
        }
        NativeSize::Exact(size) => set("size", &|field| Some(size_value(*size, field.form))),
        NativeSize::Tier(tier) => {
            if mode_offer.sizes.auto && !mode_offer.sizes.auto_by_absence {
                // A provider's own default shape would otherwise take the place of the one it would choose.
                set("aspect_ratio", &|_| Some(Value::from("auto")));
            }
            set("resolution", &|field| Some(tier_value(*tier, field.form)));
        }
        NativeSize::RatioTier(ratio, tier) => {
            set("aspect_ratio", &|_| Some(Value::from(ratio.to_string())));
            set("resolution", &|field| tier.map(|tier| tier_value(tier, field.form)));
        }
    }
    tell(&resolved, changes);
    // Of an input a provider may keep the shape alone: where the prices name the size that comes, it says nothing of it.
    let keeps_input = mode_offer.sizes.auto_by_default && pricing.auto_size.is_none();
    let kept = || match resolved.native {
        NativeSize::Auto if keeps_input => inputs.first().and_then(|first| like_input(context, mode_offer, *first)),
        _ => None,
    };
    let comes_so = resolved.known && resolved.nominal == resolved.cover;
    Sizing {
        expected: enlarged(context, mode_offer, inputs).or_else(kept).or(resolved.nominal),
        cover: resolved.cover,
        is_remade: resolved.cover.is_some() && !comes_so,
    }
}

/// Tells what became of the size parameters, and how far off the size is.
fn tell(resolved: &ResolvedSize, changes: &mut Changes) {
    let mut departs = false;
    for change in &resolved.adjustments {
        let told =
            |reason: String| Adjustment::new(change.parameter, change.requested.as_str(), change.used.clone(), reason);
        match change.reason {
            Reason::Emulated { to } => {
                changes.tell(told(format!("emulated: cropped at the centre and resampled to {to}")));
            }
            // The caller's own `size` went first.
            Reason::Overridden => changes.tell(told(change.reason.as_str().to_owned())),
            Reason::Nearest | Reason::Unsupported => {
                departs = true;
                changes.depart(told(change.reason.as_str().to_owned()));
            }
        }
    }
    if departs {
        changes.size_off(resolved.wanted, resolved.nominal);
    }
}

/// The size nearest to that of the first input: what an edit has that keeps its input's size.
fn like_input(context: &Context<'_>, mode_offer: &ModeOffer, size: Size) -> Option<Size> {
    if let SizeSupport::Range(range) = &mode_offer.sizes.support {
        // Longest edge and multiples bind what may be asked for; an image that keeps its input's size may be past both.
        let free = SizeRange {
            max_edge_px: MAX_SIDE_PX,
            multiple_of: 1,
            ..*range
        };
        return free.nearest(size);
    }
    let request = SizeRequest {
        size: Some(SizeArgument::Exact(size)),
        ..SizeRequest::default()
    };
    resolve_size(&request, &context.model.sizes(), &mode_offer.sizes).nominal
}

/// The size that enlarging the first input gives; `None` in other modes.
fn enlarged(context: &Context<'_>, mode_offer: &ModeOffer, inputs: &[Size]) -> Option<Size> {
    let factor = factor(context, mode_offer)?;
    let first = inputs.first()?;
    let side = |px: u32| (f64::from(px) * factor).round().max(1.0) as u32;
    Some(Size::new(side(first.width_px), side(first.height_px)))
}

/// How many times larger each side becomes, where that is known; `None` in modes that do not enlarge.
pub(super) fn factor(context: &Context<'_>, mode_offer: &ModeOffer) -> Option<f64> {
    if context.request.mode != Mode::Upscale {
        return None;
    }
    // In a form a number is text.
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let asked = context
        .request
        .arguments
        .get("scale_factor")
        .and_then(|value| number(value));
    let default = || mode_offer.fields.get("scale_factor")?.default.as_ref()?.as_f64();
    mode_offer.scale.or(asked).or_else(default)
}

fn size_value(size: Size, form: Form) -> Value {
    if form == Form::SizeObject {
        json!({ "width": size.width_px, "height": size.height_px })
    } else {
        Value::from(size.to_string())
    }
}

fn tier_value(tier: Tier, form: Form) -> Value {
    let text = tier.to_string();
    if form == Form::Megapixels {
        // `1K` is the square of 1024 pixels, which is one megapixel.
        let edge = tier.scale() / 1024.0;
        // To thousandths, as tiers are.
        return Value::from(((edge * edge * 1000.0).round() / 1000.0).to_string());
    }
    Value::from(text)
}
