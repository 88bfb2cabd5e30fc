//! The output format: what the provider makes, and what is left to the gateway.

use serde_json::Value;

use super::changes::Changes;
use super::fields::Fields;
use super::{Adjustment, Context, Finish};
use crate::catalog::offer::{Field, ModeOffer, key_of};
use crate::fault::Fault;
use crate::format::Format;
use crate::size::Size;

/// What cannot come out whichever offer serves.
pub(super) fn faults(context: &Context<'_>) -> Vec<Fault> {
    let transparent = context
        .request
        .arguments
        .get("background")
        .and_then(|value| value.as_str())
        == Some("transparent");
    match context.request.output_format {
        Some(format) if transparent && !format.has_alpha() => {
            vec![Fault::new(
                "background",
                format!("a transparent background needs png, webp, avif or gif; {format} has no transparency"),
            )]
        }
        _ => Vec::new(),
    }
}

/// Writes the native output fields and says what is done afterwards.
pub(super) fn apply(
    context: &Context<'_>,
    mode_offer: &ModeOffer,
    (cover, is_remade): (Option<Size>, bool),
    fields: &mut Fields,
    changes: &mut Changes,
) -> Finish {
    let wanted = context.request.output_format;
    let mut made = mode_offer.default_format;
    if let Some(field) = mode_offer.fields.get("output_format")
        && let Some(asked) = wanted
    {
        // What the provider cannot make, or not in the quality asked for, is made from its lossless format.
        let quality = quality(context).filter(|_| asked.is_lossy());
        let made_so = |quality: u8| takes_quality(mode_offer, quality);
        let as_asked = quality.is_none_or(made_so) || !takes(field, Format::Png);
        // What Pictor crops it encodes anew, so it is made from the lossless format too.
        let untouched = !is_remade || !takes(field, Format::Png);
        let native = if takes(field, asked) && as_asked && untouched {
            asked
        } else {
            Format::Png
        };
        if takes(field, native) {
            let value = Value::from(native.as_str());
            fields.set(
                "output_format",
                field.native_name("output_format"),
                field.map.get(&key_of(&value)).cloned().unwrap_or(value),
            );
            made = native;
        }
    }
    let handed_out = wanted.unwrap_or(made);
    let re_encoded = handed_out != made || is_remade;
    if let (Some(given), Some(quality)) = (context.request.output_compression, quality(context)) {
        if !handed_out.is_lossy() {
            changes.depart(Adjustment::new(
                "output_compression",
                given,
                Value::Null,
                format!("{handed_out} is lossless"),
            ));
        } else if !re_encoded && let Some(field) = mode_offer.fields.get("output_compression") {
            if field.takes(&Value::from(quality)) {
                fields.set("output_compression", field.native_name("output_compression"), quality);
            } else {
                changes.depart(Adjustment::new("output_compression", given, Value::Null, "unsupported"));
            }
        }
    }
    Finish {
        format: wanted,
        quality: quality(context),
        cover,
    }
}

/// The quality that was asked for, at least 1.
fn quality(context: &Context<'_>) -> Option<u8> {
    context.request.output_compression.map(|quality| quality.max(1))
}

fn takes_quality(mode_offer: &ModeOffer, quality: u8) -> bool {
    let field = mode_offer.fields.get("output_compression");
    field.is_some_and(|field| field.takes(&Value::from(quality)))
}

fn takes(field: &Field, format: Format) -> bool {
    field.takes(&Value::from(format.as_str()))
}
