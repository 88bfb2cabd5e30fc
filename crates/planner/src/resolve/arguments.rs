//! Every other argument: checked against the model, then put into the words of one offer.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Adjustment, Context, Fields};
use crate::catalog::offer::{Field, ModeOffer, key_of};
use crate::catalog::parameter::{Kind, Parameter};
use crate::fault::{Fault, echo};
use crate::native::NativeValue;
use crate::request::kind_of;

/// Faults of arguments that no offer of the model could take.
pub(super) fn faults(context: &Context<'_>) -> Vec<Fault> {
    context
        .request
        .arguments
        .iter()
        .filter_map(|(name, value)| {
            let parameter = context.parameters.get(name)?;
            let value = typed(context, parameter, value);
            fault_of(name, parameter, &value, context)
        })
        .collect()
}

/// The value in the parameter's own type: form fields are all text.
fn typed(context: &Context<'_>, parameter: &Parameter, value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    if !context.request.from_form {
        return value.clone();
    }
    match parameter.kind() {
        Kind::String => value.clone(),
        Kind::Integer | Kind::Number | Kind::Boolean | Kind::Array | Kind::Object => {
            serde_json::from_str(text.trim()).unwrap_or_else(|_| value.clone())
        }
    }
}

fn fault_of(name: &str, parameter: &Parameter, value: &Value, context: &Context<'_>) -> Option<Fault> {
    let of_kind = match parameter.kind() {
        Kind::String => value.is_string(),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Array => value.is_array(),
        Kind::Object => value.is_object(),
    };
    // Switches are also understood as true and false.
    let is_switch = value.is_boolean() && parameter.substitutes.contains_key(&value.to_string());
    if !of_kind && !is_switch {
        let wanted = match parameter.kind() {
            Kind::String => "text",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::Array => "a list",
            Kind::Object => "an object",
        };
        return Some(Fault::new(
            name,
            format!("'{name}' must be {wanted}, not {}", kind_of(value)),
        ));
    }
    if let Some(number) = value.as_f64() {
        let below = parameter
            .min
            .filter(|min| number < *min)
            .map(|min| format!("at least {min}"));
        let above = parameter
            .max
            .filter(|max| number > *max)
            .map(|max| format!("at most {max}"));
        if let Some(bound) = below.or(above) {
            return Some(Fault::new(name, format!("'{name}' must be {bound}, not {value}")));
        }
    }
    let legal = parameter.values.as_ref()?;
    if legal.contains(value)
        || parameter.universal.contains(&key_of(value))
        || substitutes(parameter, value).any(|other| legal.contains(&other))
    {
        return None;
    }
    let names: Vec<String> = legal.iter().map(key_of).collect();
    let given = if parameter.is_secret() {
        "this value".to_owned()
    } else {
        echo(&key_of(value))
    };
    Some(Fault::new(
        name,
        format!(
            "'{name}' must be one of {} for model '{}', not {given}",
            names.join(", "),
            context.model.id
        ),
    ))
}

fn substitutes<'a>(parameter: &'a Parameter, value: &Value) -> impl Iterator<Item = Value> + 'a {
    parameter
        .substitutes
        .get(&key_of(value))
        .into_iter()
        .flatten()
        .map(|other| Value::from(other.as_str()))
}

/// Writes the native fields of every argument. Returns the values taken, by canonical name.
///
/// # Errors
/// The parameter and the reason when the offer cannot meet a hard need.
pub(super) fn apply(
    context: &Context<'_>,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
    adjustments: &mut Vec<Adjustment>,
) -> Result<IndexMap<String, Value>, (String, String)> {
    let mut taken = IndexMap::new();
    for (name, value) in &context.request.arguments {
        // A standard parameter that the model lacks is still no business of the provider's.
        let Some(parameter) = context
            .parameters
            .get(name)
            .or_else(|| context.catalog.standard_parameter(name))
        else {
            pass_through(name, value, mode_offer, fields, adjustments);
            continue;
        };
        let value = typed(context, parameter, value);
        let shown = if parameter.is_secret() {
            Value::from("(secret)")
        } else {
            told(&value)
        };
        let choice = choose(context, parameter, mode_offer.fields.get(name), &value);
        match choice {
            Choice::Take(field, used) => {
                if used != value {
                    adjustments.push(Adjustment::new(name, shown, used.clone(), "substituted"));
                }
                write(name, parameter, field, &used, fields);
                taken.insert(name.clone(), used);
            }
            Choice::LeaveToProvider => {}
            Choice::Drop(_) if is_neutral(parameter, &value) => {}
            Choice::Drop(reason) if parameter.hard.contains(&key_of(&value)) => {
                return Err((name.clone(), format!("{reason} {name} {}", echo(&key_of(&value)))));
            }
            Choice::Drop(_) => adjustments.push(Adjustment::new(name, shown, Value::Null, "unsupported")),
        }
    }
    Ok(taken)
}

enum Choice<'a> {
    Take(&'a Field, Value),
    LeaveToProvider,
    Drop(&'static str),
}

fn choose<'a>(context: &Context<'_>, parameter: &Parameter, field: Option<&'a Field>, value: &Value) -> Choice<'a> {
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
        return Choice::Take(field, value.clone());
    }
    if value.as_str() == Some("auto") && parameter.universal.iter().any(|name| name == "auto") {
        return Choice::LeaveToProvider;
    }
    match substitutes(parameter, value).find(|other| legal(other)) {
        Some(other) => Choice::Take(field, other),
        None => Choice::Drop("does not take"),
    }
}

/// Whether leaving the value out changes nothing: it is what holds anyway.
fn is_neutral(parameter: &Parameter, value: &Value) -> bool {
    value.as_str() == Some("auto") || parameter.default.as_ref() == Some(value)
}

fn write(name: &str, parameter: &Parameter, field: &Field, value: &Value, fields: &mut Fields) {
    let native = field.map.get(&key_of(value)).cloned().unwrap_or_else(|| value.clone());
    let native_name = field.native_name(name).to_owned();
    if parameter.is_secret() {
        fields.0.insert(native_name, NativeValue::Secret(key_of(&native)));
    } else {
        fields.set(&native_name, native);
    }
}

/// An argument that the catalogue does not know goes to the provider as it is, unless it would take the place of one that Pictor sets.
fn pass_through(
    name: &str,
    value: &Value,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
    adjustments: &mut Vec<Adjustment>,
) {
    let is_ours = mode_offer
        .fields
        .iter()
        .any(|(canonical, field)| field.native_name(canonical).trim_end_matches("[]") == name)
        || mode_offer.constants.contains_key(name)
        || fields.0.contains_key(name);
    if is_ours {
        adjustments.push(Adjustment::new(
            name,
            told(value),
            Value::Null,
            "set by Pictor from other parameters",
        ));
    } else {
        fields.set(name, value.clone());
    }
}

/// Longest text that an adjustment repeats: values of choices are short, and what is longer may be a prompt or an image.
const TOLD_CHARS_MAX: usize = 40;

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
