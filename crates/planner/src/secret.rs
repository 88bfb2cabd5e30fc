//! Names that look like those of credentials, however they are written: what stands under them is never shown or stored.

use serde_json::Value;

/// What is shown in the place of a secret.
pub const SHOWN: &str = "(secret)";

/// What such names contain, without blanks, marks and case.
const WITHIN: [&str; 7] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "credential",
    "bearer",
];
/// What they end with.
const ENDS: [&str; 7] = [
    "apikey",
    "accesskey",
    "privatekey",
    "authkey",
    "subscriptionkey",
    "token",
    "cookie",
];
/// Deepest value that is looked into; callers' own are less deep.
const DEPTH_MAX: usize = 64;

/// Whether a name looks like that of a credential.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let folded: String = letters.flat_map(char::to_lowercase).collect();
    folded == "key"
        || folded == "auth"
        || WITHIN.iter().any(|part| folded.contains(part))
        || ENDS.iter().any(|end| folded.ends_with(end))
}

/// A value as it may be shown or stored, under its own name.
#[must_use]
pub fn shown(name: &str, value: &Value) -> Value {
    shown_to(DEPTH_MAX, name, value)
}

fn shown_to(depth: usize, name: &str, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        _ if is_credential(name) => Value::from(SHOWN),
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::from(SHOWN),
        Value::Array(items) => items.iter().map(|item| shown_to(depth - 1, "", item)).collect(),
        Value::Object(fields) => {
            let one = |(name, value): (&String, &Value)| (name.clone(), shown_to(depth - 1, name, value));
            fields.iter().map(one).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The texts within a value that stand under names of credentials.
#[must_use]
pub fn texts(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    gather(value, false, DEPTH_MAX, &mut found);
    found
}

fn gather<'a>(value: &'a Value, is_secret: bool, depth: usize, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if is_secret => found.push(text),
        Value::Array(items) if depth > 0 => {
            items.iter().for_each(|item| gather(item, is_secret, depth - 1, found));
        }
        Value::Object(fields) if depth > 0 => {
            for (name, value) in fields {
                gather(value, is_secret || is_credential(name), depth - 1, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        for name in [
            "api_key",
            "API Key ",
            "apiKey",
            "X-API-KEY",
            "openai_api_key",
            "HF_Token",
            "client_secret",
            " Password",
            "Authorization",
            "aws.credentials",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in ["prompt", "keyframe", "max_tokens", "monkey", "author", "seed", "tokens"] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn what_stands_under_them_is_not_shown() {
        let value = json!({ "auth": { "x": 1 }, "deep": [{ "API key": "k-1", "scale": 2 }], "token": null });
        let right = json!({ "auth": "(secret)", "deep": [{ "API key": "(secret)", "scale": 2 }], "token": null });
        assert_eq!(shown("more", &value), right);
        assert_eq!(shown("Api Key", &json!("k")), "(secret)");
        assert_eq!(texts(&value), ["k-1"]);
    }
}
