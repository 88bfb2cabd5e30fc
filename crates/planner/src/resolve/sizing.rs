//! The size of a request in the words of one offer.

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Adjustment, Context};
use crate::catalog::offer::{Field, Form, ModeOffer, key_of};
use crate::catalog::pricing::Pricing;
use crate::mode::Mode;
use crate::size::{
    MAX_SIDE_PX, NativeSize, Reason, Size, SizeArgument, SizeRange, SizeRequest, SizeSupport, Tier, resolve_size,
};

/// What became of the size.
pub(super) struct Sizing {
    /// The size that the image will probably have; `None` when the provider decides.
    pub(super) expected: Option<Size>,
    /// The exact size to make of it.
    pub(super) cover: Option<Size>,
}

/// Writes the native size fields.
pub(super) fn apply(
    context: &Context<'_>,
    pricing: &Pricing,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
    adjustments: &mut Vec<Adjustment>,
) -> Sizing {
    let resolved = resolve_size(&context.request.size, &context.model.sizes(), &mode_offer.sizes);
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
    adjustments.extend(resolved.adjustments.into_iter().map(|change| {
        let reason = match &change.reason {
            Reason::Emulated { from: Some(from) } => format!("made from {from} by cropping and resampling"),
            reason => reason.as_str().to_owned(),
        };
        Adjustment::new(change.parameter, change.requested, change.used, reason)
    }));
    // Of an input a provider may keep the shape alone: where the prices name the size that comes, it says nothing of it.
    let keeps_input = mode_offer.sizes.auto_by_default && pricing.auto_size.is_none();
    let kept = || match resolved.native {
        NativeSize::Auto if keeps_input => like_input(context, mode_offer),
        _ => None,
    };
    Sizing {
        expected: enlarged(context, mode_offer).or_else(kept).or(resolved.nominal),
        cover: resolved.cover,
    }
}

/// The size nearest to that of the first input: what an edit has that keeps its input's size.
fn like_input(context: &Context<'_>, mode_offer: &ModeOffer) -> Option<Size> {
    let first = context.inputs.images.first()?;
    let size = Size::new(first.width_px, first.height_px);
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
fn enlarged(context: &Context<'_>, mode_offer: &ModeOffer) -> Option<Size> {
    if context.request.mode != Mode::Upscale {
        return None;
    }
    let first = context.inputs.images.first()?;
    let asked = context.request.arguments.get("scale_factor").and_then(Value::as_f64);
    let default = || mode_offer.fields.get("scale_factor")?.default.as_ref()?.as_f64();
    let factor = mode_offer.scale.or(asked).or_else(default)?;
    let side = |px: u32| (f64::from(px) * factor).round().max(1.0) as u32;
    Some(Size::new(side(first.width_px), side(first.height_px)))
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
