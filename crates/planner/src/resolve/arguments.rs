//! Every other argument: checked against the model, then put into the words of one offer.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::changes::Changes;
use super::fields::Fields;
use super::{Adjustment, Context};
use crate::argument;
use crate::catalog::Catalog;
use crate::catalog::offer::{Field, ModeOffer, key_of};
use crate::catalog::parameter::{Parameter, is_provided_by_the_gateway};
use crate::catalog::pricing::Pricing;
use crate::fault::{Fault, echo};
use crate::native::{NativeValue, is_large};
use crate::request::ImageRequest;
use crate::secret::{SHOWN, is_credential};

/// Fields of one request that are passed on although the catalogue does not know them: each is looked at beside each other
/// one, for every offer.
const UNKNOWN_FIELDS_MAX: usize = 100;
/// Longest name of a field that is passed on, in characters: it is kept with every call.
const UNKNOWN_NAME_CHARS_MAX: usize = 256;

/// An argument as every offer sees it.
pub(super) struct Argument<'a> {
    /// Its canonical name.
    name: &'a str,
    /// Its declaration, by the model or for all of them.
    parameter: Option<&'a Parameter>,
    /// Whether the model has it.
    is_models: bool,
    /// The value in the parameter's own type.
    value: Arc<Value>,
}

/// The arguments of a request, each read once.
pub(super) fn read<'a>(
    catalog: &'a Catalog,
    request: &'a ImageRequest,
    parameters: &'a IndexMap<String, Parameter>,
) -> Vec<Argument<'a>> {
    let one = |(name, value): (&'a String, &Arc<Value>)| {
        let own = parameters.get(name);
        // A standard parameter that the model lacks is still no business of the provider's.
        let parameter = own.or_else(|| catalog.standard_parameter(name));
        let typed = |parameter| argument::typed_shared(parameter, value, request.from_form);
        Argument {
            name,
            parameter,
            is_models: own.is_some(),
            value: parameter.map_or_else(|| Arc::clone(value), typed),
        }
    };
    request.arguments.iter().map(one).collect()
}

/// Faults of arguments that no offer of the model could take. A parameter that the model lacks is dropped and told.
pub(super) fn faults(context: &Context<'_>) -> Vec<Fault> {
    let model = format!(" for model '{}'", context.model.id);
    let fault = |argument: &Argument<'_>| {
        let parameter = argument.parameter.filter(|_| argument.is_models)?;
        argument::fault(
            context.request.spelling(argument.name),
            parameter,
            &argument.value,
            &model,
        )
    };
    let known = context.arguments.iter().filter_map(fault);
    known.chain(unknown_faults(context)).collect()
}

/// Too many fields that nobody here knows, or names of them that are too long.
fn unknown_faults(context: &Context<'_>) -> Option<Fault> {
    let unknown = context.arguments.iter().filter(|argument| argument.parameter.is_none());
    let names: Vec<&str> = unknown.map(|argument| argument.name).collect();
    if let Some(first) = names.get(UNKNOWN_FIELDS_MAX) {
        let count = names.len();
        let message = format!(
            "{count} fields are none that Pictor knows; at most {UNKNOWN_FIELDS_MAX} such fields are passed on to a provider"
        );
        return Some(Fault::new(shortened(first), message));
    }
    let long = names
        .into_iter()
        .find(|name| name.chars().count() > UNKNOWN_NAME_CHARS_MAX)?;
    let chars = long.chars().count();
    let message = format!(
        "the name of the field {} has {chars} characters; at most {UNKNOWN_NAME_CHARS_MAX} are taken",
        echo(long)
    );
    Some(Fault::new(shortened(long), message))
}

fn shortened(name: &str) -> String {
    name.chars().take(UNKNOWN_NAME_CHARS_MAX).collect()
}

/// Writes the native fields of every argument. Returns the values taken, by canonical name.
///
/// # Errors
/// The parameter and the reason when the offer cannot meet a hard need.
pub(super) fn apply(
    context: &Context<'_>,
    pricing: &Pricing,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
    changes: &mut Changes,
) -> Result<IndexMap<String, Value>, (String, String)> {
    let mut taken = IndexMap::new();
    for Argument {
        name, parameter, value, ..
    } in context.arguments
    {
        let name = *name;
        let Some(parameter) = *parameter else {
            let is_ours = is_ours(name, context, pricing, mode_offer) || fields.names().any(|own| overlap(own, name));
            pass_through(name, value, is_ours, fields, changes);
            continue;
        };
        let shown = if parameter.is_secret() {
            Value::from(SHOWN)
        } else {
            told(value)
        };
        let choice = choose(context, parameter, mode_offer.fields.get(name), value);
        match choice {
            Choice::Take(field, used) => {
                if used != *value {
                    let change = Adjustment::new(name, shown.clone(), Value::clone(&used), "substituted");
                    if parameter.are_synonyms(value, &used) {
                        changes.tell(change);
                    } else {
                        changes.depart(change);
                    }
                }
                write(name, parameter, field, &used, fields);
                // No price hangs on what is large.
                let is_told = parameter.is_secret() || is_large(&used);
                let known = if is_told { shown } else { Value::clone(&used) };
                taken.insert(name.to_owned(), known);
            }
            Choice::LeaveToProvider => {}
            Choice::Drop(_)
                if parameter.hard_bounds
                    && let Some(limit) = limit_of(mode_offer.fields.get(name), value) =>
            {
                return Err((name.to_owned(), limit));
            }
            Choice::Drop(_) if is_neutral(parameter, value) => {}
            Choice::Drop(reason) if parameter.hard.contains(&key_of(value)) => {
                return Err((name.to_owned(), format!("{reason} {name} {}", echo(&key_of(value)))));
            }
            Choice::Drop(_) => changes.depart(Adjustment::new(name, shown, Value::Null, "unsupported")),
        }
    }
    for (name, field) in &mode_offer.fields {
        if let (true, Some(default), false) = (field.always, &field.default, taken.contains_key(name)) {
            let native = field.map.get(&key_of(default)).unwrap_or(default);
            fields.set(name, field.native_name(name), native.clone());
        }
    }
    Ok(taken)
}

/// What a number is past at an offer, as the end of "offer ...".
fn limit_of(field: Option<&Field>, value: &Value) -> Option<String> {
    let (field, number) = (field?, value.as_f64()?);
    let below = field.min.filter(|min| number < *min);
    let above = field.max.filter(|max| number > *max);
    match (below, above) {
        (Some(min), _) => Some(format!("takes no less than {min}, not {value}")),
        (_, Some(max)) => Some(format!("takes at most {max}, not {value}")),
        (None, None) => None,
    }
}

enum Choice<'a> {
    Take(&'a Field, Arc<Value>),
    LeaveToProvider,
    Drop(&'static str),
}

fn choose<'a>(
    context: &Context<'_>,
    parameter: &Parameter,
    field: Option<&'a Field>,
    value: &Arc<Value>,
) -> Choice<'a> {
    let Some(field) = field.filter(|_| parameter.applies_in(context.request.mode)) else {
        return Choice::Drop("does not take");
    };
    let legal = |value: &Value| {
        field.takes(value)
            && (!field.map.is_empty()
                || parameter
                    .values
                    .as_ref()
                    .is_none_or(|values| values.contains(value) || parameter.universal.contains(&key_of(value))))
    };
    let listed = field.values.is_some() || !field.map.is_empty();
    if legal(value)
        && (listed
            || value.as_str() != Some("auto")
            || parameter.values.as_ref().is_none_or(|values| values.contains(value)))
    {
        return Choice::Take(field, Arc::clone(value));
    }
    if value.as_str() == Some("auto") && parameter.universal.iter().any(|name| name == "auto") {
        return Choice::LeaveToProvider;
    }
    match parameter.substitutes_of(value).find(|other| legal(other)) {
        Some(other) => Choice::Take(field, Arc::new(other)),
        None => Choice::Drop("does not take"),
    }
}

/// Whether leaving the value out changes nothing: it is what holds anyway.
fn is_neutral(parameter: &Parameter, value: &Value) -> bool {
    value.as_str() == Some("auto") || parameter.default.as_ref() == Some(value)
}

fn write(name: &str, parameter: &Parameter, field: &Field, value: &Arc<Value>, fields: &mut Fields) {
    let mapped = if field.map.is_empty() {
        None
    } else {
        field.map.get(&key_of(value))
    };
    let native = match mapped {
        _ if parameter.is_secret() => NativeValue::Secret(key_of(mapped.unwrap_or(value))),
        Some(mapped) => NativeValue::Json(mapped.clone()),
        None => NativeValue::given(value),
    };
    fields.insert(name, field.native_name(name), native);
}

/// Whether Pictor sets the native field `name` for this request, or what the request costs hangs on it. The native name of a
/// parameter that was not given is the caller's to use.
fn is_ours(name: &str, context: &Context<'_>, pricing: &Pricing, mode_offer: &ModeOffer) -> bool {
    let names = |native: &str| overlap(native, name);
    let is_set = |canonical: &String, field: &Field| {
        is_provided_by_the_gateway(canonical)
            || matches!(
                canonical.as_str(),
                "quality" | "image" | "mask" | "scale_factor" | "partial_images"
            )
            || field.always
            || context.request.arguments.contains_key(canonical)
            || pricing.depends_on(canonical)
    };
    let fields = mode_offer.fields.iter();
    fields
        .filter(|(canonical, field)| names(field.native_name(canonical)))
        .any(|(canonical, field)| is_set(canonical, field))
        || mode_offer.constants.keys().any(|native| names(native))
        || ADAPTERS_OWN.into_iter().any(names)
}

/// An argument that the catalogue does not know goes to the provider as it is, unless it would take the place of one that Pictor sets.
fn pass_through(name: &str, value: &Arc<Value>, is_ours: bool, fields: &mut Fields, changes: &mut Changes) {
    if is_ours {
        changes.depart(Adjustment::new(
            name,
            told_of(name, value),
            Value::Null,
            "set by Pictor from other parameters",
        ));
    } else {
        fields.pass_on(name, value);
    }
}

/// Names that adapters give a call by themselves, whatever the catalogue says.
const ADAPTERS_OWN: [&str; 11] = [
    "model",
    "version",
    "input",
    "inputs",
    "instances",
    "contents",
    "messages",
    "stream",
    "taskType",
    "taskUUID",
    "webhook",
];

/// Whether two native names stand for one place, or one of them for a place within the other.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (path_of(one), path_of(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The place of a native name within nested objects. Providers read names with dots or brackets as paths, and some do not
/// mind their case.
fn path_of(name: &str) -> Vec<String> {
    let parts = name.split(['.', '[', ']']).map(|part| part.trim().to_lowercase());
    parts.filter(|part| !part.is_empty()).collect()
}

/// Longest text that an adjustment repeats: values of choices are short, and what is longer may be a prompt or an image.
const TOLD_CHARS_MAX: usize = 40;

/// The same under a name that Pictor does not know.
fn told_of(name: &str, value: &Value) -> Value {
    if is_credential(name) {
        Value::from(SHOWN)
    } else {
        told(value)
    }
}

/// A value as adjustments tell it.
fn told(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > TOLD_CHARS_MAX => {
            Value::from(format!("({} characters)", text.chars().count()))
        }
        Value::Array(items) => Value::from(format!("(a list of {})", items.len())),
        Value::Object(fields) => Value::from(format!("(an object of {})", fields.len())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_places_however_they_are_written() {
        assert_eq!(path_of("a.b"), ["a", "b"]);
        assert_eq!(path_of("A[b][]"), ["a", "b"]);
        assert_eq!(path_of(" Model "), ["model"]);
        assert_eq!(path_of("image[]"), ["image"]);
    }
}
