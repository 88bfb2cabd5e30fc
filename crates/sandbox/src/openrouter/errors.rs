//! Error bodies of OpenRouter, and the refusals that faults ask for.

use crate::faults::{Moderation, RefusalFault};
use crate::fields::Wrong;
use crate::refused::Refused;
use crate::wire;
use serde_json::{Value, json};

/// What the message says when the words are those of the model's own provider.
const RELAYED: &str = "Provider returned error";
/// The name of the proxy in its pages.
const HOST: &str = "openrouter.ai";

/// An error of the API.
pub(super) fn error(code: u16, message: &str) -> Refused {
    let error = json!({"message": message, "code": code});
    Refused::new(code, json!({"error": error, "user_id": "user_sandbox"}))
}

fn with_metadata(mut refused: Refused, metadata: Value) -> Refused {
    refused.body["error"]["metadata"] = metadata;
    refused
}

/// A value that a field does not take.
pub(super) fn invalid(name: &str, why: &str) -> Refused {
    error(400, &format!("Invalid value for '{name}': {why}"))
}

/// A field that no host of the model takes.
pub(super) fn unsupported(name: &str, model: &str) -> Refused {
    error(400, &format!("Parameter '{name}' is not supported by {model}"))
}

/// What is wrong with a field. Those of inner objects go by their own name.
pub(super) fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let name = path.rsplit('.').next().unwrap_or(path);
    let why = match wrong {
        Wrong::Unknown => "there is no such field".to_owned(),
        Wrong::Type(kind, _) => {
            format!("expected {}", kind.name())
        }
        Wrong::Word(given, listed) => format!("'{given}' is none of {}", listed.join(", ")),
        Wrong::Range(number, kind) => {
            let (least, most) = kind.bounds();
            format!("{number} is not between {least} and {most}")
        }
    };
    invalid(name, &why)
}

/// An error of the model's own provider, in its words.
pub(super) fn relayed(code: u16, provider: &str, raw: &str) -> Refused {
    with_metadata(error(code, RELAYED), json!({"raw": raw, "provider_name": provider}))
}

/// A prompt that was flagged before it went to a model: it is quoted, cut in the middle.
pub(super) fn flagged(model: &str, provider: &str, prompt: &str) -> Refused {
    let message = format!("{model} requires moderation on {provider}. Your input was flagged for \"violence\".");
    let metadata = json!({
        "reasons": ["violence"], "flagged_input": shortened(prompt), "provider_name": provider, "model_slug": model,
    });
    with_metadata(error(403, &message), metadata)
}

/// At most 100 characters of a text, its middle left out.
fn shortened(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= 100 {
        return text.to_owned();
    }
    let (head, tail) = (&chars[..48], &chars[chars.len() - 49..]);
    head.iter().chain(&['.', '.', '.']).chain(tail).collect()
}

/// The refusal that a fault asks for, in OpenRouter's words.
pub(super) fn by_fault(refusal: &RefusalFault, model: &str, provider: &str) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    let no_credits = "Insufficient credits. Add more using https://openrouter.ai/settings/credits";
    let mut refused = match status {
        _ if refusal.quota || status == 402 => error(status, no_credits),
        401 => error(status, "User not found."),
        403 => error(status, "This key may not use the requested model."),
        404 => error(status, &format!("No endpoints found for {model}.")),
        408 => error(status, "The request timed out."),
        429 => {
            let raw = format!("{model} is temporarily rate-limited upstream. Please retry shortly.");
            relayed(status, provider, &raw)
        }
        // 502 and 503 are OpenRouter's own words for a provider that is down; its proxy speaks for itself past that.
        502 => relayed(status, provider, "upstream connect error or disconnect before headers"),
        503 => error(
            status,
            "There is no available model provider that meets your routing requirements",
        ),
        524 => error(status, "The request timed out at the edge of the network"),
        529 => error(status, "Provider overloaded"),
        _ if wire::is_proxy_status(status) => Refused::page(status, HOST),
        500..=599 => error(status, "Internal Server Error"),
        _ => error(status, &format!("The request was refused with status {status}.")),
    };
    refused.retry_after = refusal.retry_after;
    if let Some(message) = &refusal.message
        && !refused.is_page()
    {
        refused.body = error(status, message).body;
    }
    refused
}

/// The refusal by the safety check of the model's own provider, after it drew.
pub(super) fn blocked(provider: &str) -> Refused {
    let raw = json!({"error": {
        "message": "Your request was rejected by the safety system.", "type": "image_generation_user_error",
        "param": null, "code": "moderation_blocked", "moderation_details": {"moderation_stage": Moderation::Output.name()},
    }});
    relayed(400, provider, &raw.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flagged_prompts_are_cut_in_the_middle() {
        assert_eq!(shortened("a fox"), "a fox");
        let long = format!("{}{}", "a".repeat(100), "b".repeat(100));
        let short = shortened(&long);
        assert_eq!(short.chars().count(), 100);
        assert!(short.starts_with("aaa") && short.contains("a...b") && short.ends_with("bbb"));
    }
}
