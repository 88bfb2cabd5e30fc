//! What work will cost at the most.

use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde_json::Value;

use super::tokens::{input_tokens, listed_sizes, nearest, output_tokens};
use super::{Added, Line, megapixels};
use crate::catalog::pricing::{Basis, Component, Direction, Metric, Pricing};
use crate::mode::Mode;
use crate::money::Micros;
use crate::size::{Size, Tier, nearest_tier, tier_of};

/// Work as prices see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// Mode.
    pub mode: Mode,
    /// Quality that is asked for, if one is.
    pub quality: Option<String>,
    /// Size that is expected, if it is known.
    pub size: Option<Size>,
    /// Images of each call.
    pub calls: Vec<u32>,
    /// Partial images of each image.
    pub partials: u32,
    /// Length of the prompt. A text token has at least one byte, so this bounds its tokens.
    pub prompt_bytes: u64,
    /// Sizes of the input images.
    pub inputs: Vec<Size>,
    /// Whether the inputs are read at high fidelity.
    pub high_fidelity: bool,
    /// What the offer was sent, by canonical parameter. Of secrets only that they are there.
    pub arguments: IndexMap<String, Value>,
}

/// What work costs, line by line.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The lines of all calls.
    pub components: Vec<Line>,
    /// Their sum, with the provider's own rounding and the operator's mark-up.
    pub total: Micros,
    /// Of the total, the operator's mark-up.
    pub markup: Micros,
    /// How the charge will be found.
    pub basis: Basis,
}

/// Text tokens that providers add around a prompt. One edit call was seen to add 32; this is twice that.
pub(super) const TEXT_TOKENS_ADDED: u64 = 64;

/// What `work` costs at the most under `pricing`.
#[must_use]
pub fn estimate(pricing: &Pricing, work: &Work) -> Estimate {
    let mut components = Vec::new();
    let (mut total, mut markup) = (Micros::ZERO, Micros::ZERO);
    for images in &work.calls {
        let whole = whole(pricing, call(pricing, work, &vec![work.size; *images as usize]));
        total = total + whole.total;
        markup = markup + whole.markup;
        merge(&mut components, whole.components);
    }
    Estimate {
        components,
        total,
        markup,
        basis: pricing.basis,
    }
}

/// Adds lines to others, joining those of one price.
pub(super) fn merge(into: &mut Vec<Line>, lines: Vec<Line>) {
    for line in lines {
        let same = into.iter_mut().find(|other| {
            (other.direction, other.metric, other.unit_price, other.unit_size)
                == (line.direction, line.metric, line.unit_price, line.unit_size)
        });
        match same {
            Some(other) => {
                other.quantity += line.quantity;
                other.billable_quantity += line.billable_quantity;
                other.total_cost = other.total_cost + line.total_cost;
            }
            None => into.push(line),
        }
    }
}

/// The amount of one call with these `lines`, as the provider rounds it, and with the operator's mark-up. Both become lines,
/// so that all lines add up to the total.
pub(super) fn whole(pricing: &Pricing, mut lines: Vec<Line>) -> Estimate {
    let sum: Micros = lines.iter().map(|line| line.total_cost).sum();
    let amount = pricing
        .round_up_to
        .map_or(sum, |step| sum.round_up_to(Micros::from_dollars(step)));
    let markup = pricing.markup_on(amount);
    lines.extend(Line::added(Added::Rounding, amount - sum));
    lines.extend(Line::added(Added::Markup, markup));
    Estimate {
        components: lines,
        total: amount + markup,
        markup,
        basis: pricing.basis,
    }
}

/// The lines of one call that makes images of these sizes; a size is absent while the provider has yet to choose it.
pub(super) fn call(pricing: &Pricing, work: &Work, sizes: &[Option<Size>]) -> Vec<Line> {
    let pricer = Pricer { pricing, work };
    let mut lines = Vec::new();
    for size in sizes {
        merge(&mut lines, pricer.output(*size));
        merge(&mut lines, pricer.partials().into_iter().collect());
    }
    merge(&mut lines, pricer.inputs());
    lines
}

struct Pricer<'a> {
    pricing: &'a Pricing,
    work: &'a Work,
}

impl Pricer<'_> {
    fn quality(&self) -> Option<&str> {
        self.work
            .quality
            .as_deref()
            .filter(|quality| *quality != "auto")
            .or(self.pricing.auto_quality(self.work.mode))
    }

    fn components(&self, direction: Direction, metric: Metric) -> impl Iterator<Item = &Component> {
        let quality = self.quality();
        self.pricing.components.iter().filter(move |part| {
            part.direction == direction
                && part.metric == metric
                && !part.cached
                && (part.modes.is_empty() || part.modes.contains(&self.work.mode))
                && (part.quality.is_empty()
                    || quality.is_some_and(|quality| part.quality.iter().any(|name| name == quality)))
                && self.has_arguments(part)
        })
    }

    fn has_arguments(&self, part: &Component) -> bool {
        let given = &self.work.arguments;
        part.arguments
            .iter()
            .all(|(name, value)| given.get(name) == Some(value))
            && !part.without.iter().any(|name| given.contains_key(name))
    }

    /// Those whose conditions of area and tier an image of `size` meets.
    fn fitting(&self, direction: Direction, metric: Metric, size: Size) -> impl Iterator<Item = &Component> {
        let tiers: Vec<Tier> = self
            .components(direction, metric)
            .flat_map(|part| part.resolution.clone())
            .collect();
        let tier = nearest_tier(tier_of(size), &tiers);
        self.components(direction, metric).filter(move |part| {
            part.min_pixels.is_none_or(|least| size.pixels() >= least)
                && part.max_pixels.is_none_or(|most| size.pixels() <= most)
                && (part.resolution.is_empty() || tier.is_some_and(|tier| part.resolution.contains(&tier)))
        })
    }

    /// One output image: the dearest of its printed price and what its tokens cost, as the printed ones are rounded.
    fn output(&self, size: Option<Size>) -> Vec<Line> {
        let sizes = match size {
            Some(size) => vec![size],
            None => self.possible_sizes(),
        };
        let alternatives = sizes.into_iter().flat_map(|size| {
            let whole = [self.printed(size), self.by_tokens(size)];
            let whole = whole.into_iter().flatten().map(|line| vec![line]);
            whole.chain([self.by_megapixels(size)])
        });
        let cost = |lines: &Vec<Line>| lines.iter().map(|line| line.total_cost).sum::<Micros>();
        alternatives.max_by_key(cost).unwrap_or_default()
    }

    /// The sizes that `auto` may become.
    fn possible_sizes(&self) -> Vec<Size> {
        if let Some(size) = self.pricing.auto_size {
            return vec![size.0];
        }
        let mut sizes: Vec<Size> = self
            .components(Direction::Output, Metric::Image)
            .flat_map(|part| part.size.clone())
            .collect();
        if let (Some(rule), Some(quality)) = (&self.pricing.output_tokens, self.quality()) {
            sizes.extend(listed_sizes(rule, quality));
        }
        if sizes.is_empty() {
            vec![crate::catalog::model::DEFAULT_SIZE]
        } else {
            sizes
        }
    }

    fn printed(&self, size: Size) -> Option<Line> {
        let listed: Vec<Size> = self
            .components(Direction::Output, Metric::Image)
            .flat_map(|part| part.size.clone())
            .collect();
        // Where tokens give the price of every size, a printed price holds for its own sizes only.
        let nearest = if self.pricing.output_tokens.is_some() {
            Some(size)
        } else {
            nearest(size, &listed)
        };
        let part = self
            .fitting(Direction::Output, Metric::Image, size)
            .find(|part| part.size.is_empty() || nearest.is_some_and(|nearest| part.size.contains(&nearest)))?;
        Some(Line::of(part, Decimal::ONE))
    }

    fn by_tokens(&self, size: Size) -> Option<Line> {
        let part = self.components(Direction::Output, Metric::TokenImage).next()?;
        let tokens = output_tokens(self.pricing.output_tokens.as_ref()?, self.quality()?, size)?;
        Some(Line::of(part, Decimal::from(tokens)))
    }

    /// What the partial images of one image add.
    fn partials(&self) -> Option<Line> {
        let part = self.components(Direction::Output, Metric::TokenImage).next()?;
        let tokens = self.pricing.partial_tokens * u64::from(self.work.partials);
        (tokens > 0).then(|| Line::of(part, Decimal::from(tokens)))
    }

    fn by_megapixels(&self, size: Size) -> Vec<Line> {
        let part = self.fitting(Direction::Output, Metric::Megapixel, size).next();
        part.map_or_else(Vec::new, |part| Line::of_image(part, megapixels(part, size)))
    }

    fn inputs(&self) -> Vec<Line> {
        let text = self
            .components(Direction::Input, Metric::TokenText)
            .next()
            .map(|part| Line::of(part, Decimal::from(self.work.prompt_bytes + TEXT_TOKENS_ADDED)));
        let images = &self.work.inputs;
        let tokens = self.pricing.input_tokens.as_ref().map(|rule| {
            images
                .iter()
                .map(|size| input_tokens(rule, *size, self.work.high_fidelity))
                .sum::<u64>()
        });
        let by_tokens = self
            .components(Direction::Input, Metric::TokenImage)
            .next()
            .zip(tokens)
            .map(|(part, tokens)| Line::of(part, Decimal::from(tokens)));
        let by_image = self
            .components(Direction::Input, Metric::Image)
            .next()
            .map(|part| Line::of(part, Decimal::from(images.len().saturating_sub(part.free as usize))));
        let by_megapixels = self
            .components(Direction::Input, Metric::Megapixel)
            .next()
            .map(|part| Line::of(part, images.iter().map(|size| megapixels(part, *size)).sum()));
        [text, by_tokens, by_image, by_megapixels]
            .into_iter()
            .flatten()
            .filter(|line| !line.quantity.is_zero())
            .collect()
    }
}
