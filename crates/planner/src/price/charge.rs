//! What finished work did cost.

use rust_decimal::Decimal;

use super::Line;
use super::estimate::{Estimate, Work, call, merge, rounded};
use crate::catalog::pricing::{Basis, Component, Direction, Metric, Pricing};
use crate::money::Micros;
use crate::size::Size;
use crate::usage::Usage;

/// One finished call to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Produced {
    /// Measured sizes of the images as they came, before any conversion.
    pub sizes: Vec<Size>,
    /// What the provider says it used.
    pub usage: Option<Usage>,
    /// What the provider says it charged.
    pub reported: Option<Micros>,
}

/// What one finished call cost: as reported, else by its usage, else by the price table for the measured output.
#[must_use]
pub fn charge(pricing: &Pricing, work: &Work, produced: &Produced) -> Estimate {
    let of = |components: Vec<Line>, amount: Micros, basis| {
        let markup = pricing.markup_on(amount);
        Estimate {
            components,
            total: amount + markup,
            markup,
            basis,
        }
    };
    if let Some(reported) = produced.reported {
        return of(Vec::new(), reported, Basis::Reported);
    }
    if pricing.basis == Basis::Usage
        && let Some(usage) = &produced.usage
    {
        let components = by_usage(pricing, usage);
        let amount = rounded(pricing, &components);
        return of(components, amount, Basis::Usage);
    }
    let sizes: Vec<Option<Size>> = produced.sizes.iter().copied().map(Some).collect();
    let components = call(pricing, work, &sizes);
    let amount = rounded(pricing, &components);
    of(components, amount, Basis::Table)
}

fn by_usage(pricing: &Pricing, usage: &Usage) -> Vec<Line> {
    let rate = |direction, metric, cached| -> Option<&Component> {
        pricing
            .components
            .iter()
            .find(|part| (part.direction, part.metric, part.cached) == (direction, metric, cached))
    };
    let mut lines = Vec::new();
    let mut add = |direction, metric, tokens: u64, cached: u64| {
        // Without a cached rate cached tokens cost as much as others.
        let (plain, cached) = if rate(direction, metric, true).is_some() {
            (tokens.saturating_sub(cached), cached)
        } else {
            (tokens, 0)
        };
        for (is_cached, count) in [(false, plain), (true, cached)] {
            if let Some(part) = rate(direction, metric, is_cached).filter(|_| count > 0) {
                merge(&mut lines, vec![Line::of(part, Decimal::from(count))]);
            }
        }
    };
    add(
        Direction::Input,
        Metric::TokenText,
        usage.input_text_tokens,
        usage.cached_text_tokens,
    );
    add(
        Direction::Input,
        Metric::TokenImage,
        usage.input_image_tokens,
        usage.cached_image_tokens,
    );
    add(Direction::Output, Metric::TokenText, usage.output_text_tokens, 0);
    add(Direction::Output, Metric::TokenImage, usage.output_image_tokens, 0);
    lines
}
