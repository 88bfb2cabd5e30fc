//! The prompt: checked against the model, then against the limits of one offer.

use super::Context;
use crate::catalog::offer::Field;
use crate::fault::Fault;
use crate::mode::Mode;

/// What is wrong with the prompt whichever offer serves.
pub(super) fn faults(context: &Context<'_>) -> Vec<Fault> {
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

/// What is wrong with a prompt's length at an offer, as the end of "offer ...".
pub(super) fn refusal(field: &Field, prompt: &str) -> Option<String> {
    let chars = prompt.chars().count();
    if let Some(least) = field.min_chars.filter(|least| chars < *least) {
        return Some(format!("takes prompts of at least {least} characters, not {chars}"));
    }
    let most = field.max_chars.filter(|most| chars > *most)?;
    Some(format!("takes prompts of at most {most} characters, not {chars}"))
}
