//! Parts of a price for which no bound is published: told beside an estimate.

use super::estimate::Work;
use crate::catalog::pricing::{Basis, Direction, InputTokens, Metric, Pricing};

/// What an estimate of `work` may leave out or have guessed, in sentences; nothing where all of it is bounded.
#[must_use]
pub fn unbounded(pricing: &Pricing, work: &Work) -> Vec<String> {
    let mut told = Vec::new();
    // Where the charge does not follow the usage, what was written costs nothing here.
    if pricing.basis == Basis::Usage
        && let Some(text) = pricing
            .components
            .iter()
            .find(|part| part.direction == Direction::Output && part.metric == Metric::TokenText && !part.cached)
    {
        told.push(format!(
            "Text that the model writes or thinks beside an image is billed apart, ${} for {} tokens; the provider publishes no \
             bound for it, so it is not in this estimate.",
            text.unit_price, text.unit_size
        ));
    }
    let guessed = match pricing.input_tokens {
        Some(InputTokens::Tiles { assumed, .. } | InputTokens::Bound { assumed, .. }) => assumed,
        None => false,
    };
    if guessed && !work.inputs.is_empty() {
        told.push(
            "The provider publishes no rule for the tokens of an input image; this estimate takes a bound that no input is known \
             to have passed."
                .to_owned(),
        );
    }
    told
}
