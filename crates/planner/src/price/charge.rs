//! What finished work did cost.

use rust_decimal::Decimal;

use super::Line;
use super::estimate::{Estimate, Work, call, merge, whole};
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

/// Greatest figure of a provider that is believed: of tokens, or of millionths of a dollar. No call comes near it, and sums
/// of such figures stay within what is stored.
pub const FIGURE_MAX: u64 = 1_000_000_000_000;

impl Produced {
    /// Without figures that cannot be: they are as good as none.
    #[must_use]
    pub fn believed(self) -> Self {
        let in_range = |amount: &Micros| u64::try_from(amount.0).is_ok_and(|micros| micros <= FIGURE_MAX);
        Self {
            usage: self.usage.filter(|usage| usage.greatest() <= FIGURE_MAX),
            reported: self.reported.filter(in_range),
            sizes: self.sizes,
        }
    }
}

/// What one finished call cost: as reported, else by its usage, else by the price table for the measured output.
#[must_use]
pub fn charge(pricing: &Pricing, work: &Work, produced: &Produced) -> Estimate {
    if let Some(reported) = produced.reported {
        let markup = pricing.markup_on(reported);
        return Estimate {
            components: Vec::new(),
            total: reported + markup,
            markup,
            basis: Basis::Reported,
        };
    }
    if pricing.basis == Basis::Usage
        && let Some(usage) = &produced.usage
    {
        return Estimate {
            basis: Basis::Usage,
            ..whole(pricing, by_usage(pricing, usage))
        };
    }
    let sizes: Vec<Option<Size>> = produced.sizes.iter().copied().map(Some).collect();
    Estimate {
        basis: Basis::Table,
        ..whole(pricing, call(pricing, work, &sizes))
    }
}

/// A charge that is more than the `most` that may be charged, cut to it. Its lines would be more than what is charged, so
/// there are none.
#[must_use]
pub fn capped(charge: Estimate, most: Micros) -> Estimate {
    if charge.total <= most {
        return charge;
    }
    // The mark-up keeps its share.
    let share = Decimal::from(charge.markup.0) / Decimal::from(charge.total.0.max(1));
    Estimate {
        components: Vec::new(),
        total: most,
        markup: Micros::from_dollars(most.dollars() * share),
        basis: charge.basis,
    }
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
