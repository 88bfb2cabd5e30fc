//! How one offer treats one parameter. Derived from the catalogue, never written by hand.

use std::fmt;

use crate::catalog::offer::{Field, Form, ModeOffer};
use crate::format::Format;
use crate::request::N_MAX;
use crate::size::SizeSupport;

/// How a parameter reaches an offer, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handling {
    /// The offer lacks it.
    Unsupported,
    /// Same name, same value.
    Passthrough,
    /// Other name, same value.
    Renamed,
    /// Other value.
    Converted,
    /// The gateway does it.
    Emulated,
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "unsupported",
            Self::Passthrough => "passthrough",
            Self::Renamed => "renamed",
            Self::Converted => "converted",
            Self::Emulated => "emulated",
        })
    }
}

/// The handling of `name` at `offer`. What the offer does in part only, such as fewer images in a call or fewer
/// formats than callers may ask for, is emulated.
#[must_use]
pub fn handling(name: &str, offer: &ModeOffer) -> Handling {
    let field = offer.fields.get(name);
    match (name, field) {
        ("size" | "aspect_ratio" | "resolution" | "width" | "height", _) => size_handling(name, offer),
        ("response_format" | "n" | "output_format" | "output_compression", None) => Handling::Emulated,
        ("stream", _) if !offer.fields.contains_key("partial_images") => Handling::Emulated,
        ("stream", None) => Handling::Passthrough,
        ("n", Some(_)) if offer.max_n < N_MAX => Handling::Emulated,
        ("output_format", Some(field)) if !Format::ALL.iter().all(|format| field.takes(&format.as_str().into())) => {
            Handling::Emulated
        }
        (_, Some(field)) => field_handling(name, field),
        (_, None) => Handling::Unsupported,
    }
}

fn field_handling(name: &str, field: &Field) -> Handling {
    let same_value = match field.form {
        Form::Plain => field.map.iter().all(|(from, to)| to.as_str() == Some(from)),
        Form::File => true,
        _ => false,
    };
    if !same_value {
        Handling::Converted
    } else if field.native_name(name).trim_end_matches("[]") == name {
        Handling::Passthrough
    } else {
        Handling::Renamed
    }
}

fn size_handling(name: &str, offer: &ModeOffer) -> Handling {
    if matches!(offer.sizes.support, SizeSupport::Fixed) {
        return Handling::Unsupported;
    }
    let Some(field) = offer.fields.get(name) else {
        return Handling::Converted;
    };
    let as_it_is = matches!(
        (name, field.form),
        ("size", Form::Wxh) | ("aspect_ratio", Form::Ratio) | ("resolution", Form::Tier)
    );
    match (as_it_is && field.map.is_empty(), field.native_name(name) == name) {
        (true, true) => Handling::Passthrough,
        (true, false) => Handling::Renamed,
        (false, _) => Handling::Converted,
    }
}
