//! Partial images: asked of an offer that has them.

use serde_json::Value;

use super::changes::Changes;
use super::fields::Fields;
use super::{Adjustment, Context};
use crate::catalog::offer::ModeOffer;

/// Writes the native fields of a stream. Returns whether the offer will stream.
pub(super) fn apply(context: &Context<'_>, mode_offer: &ModeOffer, fields: &mut Fields, changes: &mut Changes) -> bool {
    const PARTIALS: &str = "partial_images";
    let wanted = context.request.partial_images;
    if wanted == 0 {
        return false;
    }
    let mut drop = |reason| changes.depart(Adjustment::new(PARTIALS, wanted, Value::Null, reason));
    if !context.request.stream {
        drop("only a stream has partial images");
        return false;
    }
    let Some(field) = mode_offer.fields.get(PARTIALS) else {
        drop("unsupported");
        return false;
    };
    fields.set("stream", "stream", true);
    fields.set(PARTIALS, field.native_name(PARTIALS), wanted);
    true
}
