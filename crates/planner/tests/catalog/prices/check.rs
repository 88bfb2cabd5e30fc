//! One row against the catalogue: what it is estimated at, and what it is charged.

use planner::catalog::Catalog;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Basis, Component, Direction, Metric, Pricing};
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::Counted;
use planner::price::Line;
use planner::price::charge::{Produced, charge};
use planner::price::estimate::{Work, estimate};
use planner::size::Size;
use planner::usage::Usage;
use rust_decimal::{Decimal, RoundingStrategy};

use super::asked::{bare, works};
use super::table::{Covers, Kind, Price, Rate, Row, Spent, Table, dollars, named, size, terms};

/// A row at one offer, with the work that it asks for.
pub(super) struct Case<'a> {
    pub(super) name: &'a str,
    pub(super) offer: &'a Offer,
    pub(super) row: Row,
    works: Vec<(u32, Work)>,
}

impl<'a> Case<'a> {
    /// Resolves what `row` asks for at the offer that is called `name`.
    pub(super) fn new(catalog: &'a Catalog, name: &'a str, row: Row) -> Result<Self, String> {
        let (model, offer) = named(catalog, name);
        let works = match &row {
            Row::Price(price) => works(catalog, &model.id, offer, price)?,
            Row::Rate(_) | Row::Usage(_) => Vec::new(),
        };
        Ok(Self {
            name,
            offer,
            row,
            works,
        })
    }

    /// Whether `pricing` gives the row's figure.
    pub(super) fn check(&self, table: &Table, pricing: &Pricing) -> Result<(), String> {
        match &self.row {
            Row::Price(price) => self.check_price(table, pricing, price),
            Row::Rate(rate) => check_rate(pricing, rate),
            Row::Usage(spent) => check_usage(pricing, spent),
        }
    }

    fn check_price(&self, table: &Table, pricing: &Pricing, price: &Price) -> Result<(), String> {
        let by_tokens = match price.tokens {
            Some(tokens) => {
                let direction = match price.covers {
                    Covers::Inputs => Direction::Input,
                    Covers::Output | Covers::Total => Direction::Output,
                };
                Some(Decimal::from(tokens) * table.token_rate(self.name, direction)?)
            }
            None => None,
        };
        let expected = expected(price, by_tokens)?;
        if self.works.is_empty() {
            return Err("it is checked in no mode".to_owned());
        }
        for (n, work) in &self.works {
            let times_billed = match price.covers {
                Covers::Output => *n,
                Covers::Inputs => calls(work),
                Covers::Total => 1,
            };
            check_work(pricing, price, work, times(expected, times_billed), by_tokens)
                .map_err(|error| format!("{} n={n}: {error}", work.mode))?;
        }
        Ok(())
    }
}

fn times(amount: Micros, n: u32) -> Micros {
    (0..n).map(|_| amount).sum()
}

fn calls(work: &Work) -> u32 {
    u32::try_from(work.calls.len()).expect("at most as many calls as images")
}

/// What the row says that one image, or what it covers, is estimated at. Also whether its own figures agree.
fn expected(price: &Price, by_tokens: Option<Decimal>) -> Result<Micros, String> {
    let kind = price.of.ok_or("nobody says what the figure is")?;
    if price.estimate.is_some() && price.differs.is_none() {
        return Err("another estimate than the figure needs a reason".to_owned());
    }
    let own = match (kind, price.figure, by_tokens) {
        (Kind::Image | Kind::Megapixel, Some(figure), None) => Micros::from_dollars(figure),
        (Kind::Image, Some(figure), Some(by_tokens)) => {
            if is_rounded(by_tokens, figure) == price.differs.is_some() && price.estimate.is_none() {
                return Err(format!("{figure} against tokens for {by_tokens}: say why, or do not"));
            }
            Micros::from_dollars(figure.max(by_tokens))
        }
        (Kind::Tokens, figure, Some(by_tokens)) => {
            let exact = Micros::from_dollars(by_tokens);
            match (figure, price.rounded_up) {
                (Some(figure), Some(step))
                    if exact.round_up_to(Micros::from_dollars(step)) != Micros::from_dollars(figure) =>
                {
                    return Err(format!("tokens for {by_tokens} are not {figure} rounded up"));
                }
                (Some(figure), None) if !is_rounded(by_tokens, figure) => {
                    return Err(format!("tokens for {by_tokens} are not {figure}"));
                }
                _ => {}
            }
            if let Some(arithmetic) = &price.arithmetic
                && terms(arithmetic)?.into_iter().sum::<Decimal>() != price.tokens.unwrap_or(0).into()
            {
                return Err(format!("{arithmetic} is another number of tokens"));
            }
            exact
        }
        (Kind::Sum, Some(figure), None) => {
            let sum = dollars(price.arithmetic.as_deref().ok_or("a sum without arithmetic")?)?;
            let step = price.rounded_up.unwrap_or(Decimal::ZERO);
            if sum.round_up_to(Micros::from_dollars(step)) != Micros::from_dollars(figure) {
                return Err(format!("the arithmetic gives {sum}, not {figure}"));
            }
            Micros::from_dollars(figure)
        }
        _ => return Err(format!("a figure of kind {kind:?} is not told like this")),
    };
    let Some(other) = price.estimate else {
        return Ok(own);
    };
    let other = Micros::from_dollars(other);
    if price.figure.map_or(own, Micros::from_dollars) == other {
        return Err("the estimate is the figure after all".to_owned());
    }
    if let (Some(step), Some(figure)) = (price.rounded_up, price.figure)
        && other.round_up_to(Micros::from_dollars(step)) < Micros::from_dollars(figure)
    {
        return Err(format!("the estimate is below {figure} by more than rounding"));
    }
    Ok(other)
}

/// Whether `figure` is `exact`, rounded to the last printed digit.
fn is_rounded(exact: Decimal, figure: Decimal) -> bool {
    exact.round_dp_with_strategy(figure.scale(), RoundingStrategy::MidpointAwayFromZero) == figure
}

/// Lines and their total, estimated or charged.
struct Bill {
    lines: Vec<Line>,
    total: Micros,
}

impl Bill {
    fn of(pricing: &Pricing, work: &Work) -> Self {
        let estimate = estimate(pricing, work);
        Self {
            lines: estimate.components,
            total: estimate.total,
        }
    }
}

/// What work would cost if no price of an image were printed, which otherwise hides tokens that come to less.
fn by_tokens_alone(pricing: &Pricing, work: &Work) -> Bill {
    let mut pricing = pricing.clone();
    pricing.components.retain(|part| part.metric != Metric::Image);
    Bill::of(&pricing, work)
}

fn covered(bill: &Bill, covers: Covers) -> Micros {
    // Of what a provider adds by rounding no part is an image's or an input's.
    let lines = bill
        .lines
        .iter()
        .filter(|line| matches!(line.metric, Counted::Metric(_)));
    let lines = lines.filter(|line| match covers {
        Covers::Output => line.direction == Direction::Output,
        Covers::Inputs => line.direction == Direction::Input && line.metric != Counted::Metric(Metric::TokenText),
        Covers::Total => true,
    });
    match covers {
        Covers::Total => bill.total,
        Covers::Output | Covers::Inputs => lines.map(|line| line.total_cost).sum(),
    }
}

/// The estimate of one request, and what finished work is charged in each way that there is.
fn check_work(
    pricing: &Pricing,
    price: &Price,
    work: &Work,
    expected: Micros,
    by_tokens: Option<Decimal>,
) -> Result<(), String> {
    let estimated = Bill::of(pricing, work);
    let found = covered(&estimated, price.covers);
    // Of a size that cannot be asked for only the charge is known.
    if price.measured.is_none() || price.of == Some(Kind::Sum) {
        same("estimated at", found, expected)?;
    }
    if let (Some(by_tokens), Covers::Output, None, None) = (by_tokens, price.covers, &price.measured, &price.becomes) {
        same(
            "by tokens alone",
            covered(&by_tokens_alone(pricing, work), Covers::Output),
            times(Micros::from_dollars(by_tokens), work.calls.iter().sum()),
        )?;
    }
    check_table(pricing, price, work, &estimated, by_tokens)?;
    if let (Basis::Usage, Some(tokens)) = (pricing.basis, price.tokens) {
        check_tokens(pricing, price, work, tokens, by_tokens, &estimated)?;
    }
    if pricing.basis == Basis::Reported {
        let reported = expected + Micros(1);
        let produced = |_| Produced {
            reported: Some(reported),
            ..Produced::default()
        };
        let all = charged(pricing, work, Basis::Reported, produced)?;
        same("reported as", all.total, work.calls.iter().map(|_| reported).sum())?;
    }
    Ok(())
}

fn same(what: &str, found: Micros, expected: Micros) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} {found}, not {expected}"))
}

/// The charges of all calls together, each found by `basis`.
fn charged(pricing: &Pricing, work: &Work, basis: Basis, produced: impl Fn(u32) -> Produced) -> Result<Bill, String> {
    let mut all = Bill {
        lines: Vec::new(),
        total: Micros::ZERO,
    };
    for images in &work.calls {
        let one = charge(pricing, work, &produced(*images));
        if one.basis != basis {
            return Err(format!("charged by {:?}, not by {basis:?}", one.basis));
        }
        all.total = all.total + one.total;
        all.lines.extend(one.components);
    }
    Ok(all)
}

/// The table for the measured output: exactly what was estimated where the size that came was known before.
fn check_table(
    pricing: &Pricing,
    price: &Price,
    work: &Work,
    estimated: &Bill,
    by_tokens: Option<Decimal>,
) -> Result<(), String> {
    let measured = price.measured.as_deref().map(size);
    let came = measured.or(work.size).unwrap_or(Size::new(1024, 1024));
    // Usage counts only where it is the basis.
    let usage = (pricing.basis == Basis::Table).then(|| Usage {
        output_image_tokens: 1,
        ..Usage::default()
    });
    let all = charged(pricing, work, Basis::Table, |images| Produced {
        sizes: vec![came; images as usize],
        usage,
        reported: None,
    })?;
    if all.total > estimated.total {
        return Err(format!("charged {}, above {}", all.total, estimated.total));
    }
    if let Some(charge) = price.charge {
        return same("charged", all.total, Micros::from_dollars(charge));
    }
    let images: u32 = work.calls.iter().sum();
    match (measured, by_tokens) {
        (None, _) if work.size.is_some() => same("charged", all.total, estimated.total),
        (Some(_), Some(by_tokens)) => same(
            "charged",
            covered(&all, price.covers),
            times(Micros::from_dollars(by_tokens), images),
        ),
        _ => Ok(()),
    }
}

/// The tokens as the provider reports them: exactly their price, and with a prompt of a token a byte still no more than
/// was estimated.
fn check_tokens(
    pricing: &Pricing,
    price: &Price,
    work: &Work,
    tokens: u64,
    by_tokens: Option<Decimal>,
    estimated: &Bill,
) -> Result<(), String> {
    let used = |images: u32, text: u64| {
        let usage = match price.covers {
            Covers::Inputs => Usage {
                input_image_tokens: tokens,
                ..Usage::default()
            },
            Covers::Output | Covers::Total => Usage {
                output_image_tokens: tokens * u64::from(images),
                ..Usage::default()
            },
        };
        Produced {
            sizes: Vec::new(),
            usage: Some(Usage {
                input_text_tokens: text,
                ..usage
            }),
            reported: None,
        }
    };
    let exact = Micros::from_dollars(by_tokens.ok_or("tokens have a price")?);
    let units = match price.covers {
        Covers::Inputs => calls(work),
        Covers::Output | Covers::Total => work.calls.iter().sum(),
    };
    let all = charged(pricing, work, Basis::Usage, |images| used(images, 0))?;
    same("charged by usage", all.total, times(exact, units))?;
    let all = charged(pricing, work, Basis::Usage, |images| used(images, work.prompt_bytes))?;
    if all.total > estimated.total {
        return Err(format!("charged {} by usage, above {}", all.total, estimated.total));
    }
    Ok(())
}

/// The catalogue has a component of that price, and a million of it cost what that comes to.
fn check_rate(pricing: &Pricing, rate: &Rate) -> Result<(), String> {
    let figure = match (rate.estimate, &rate.differs) {
        (Some(other), Some(_)) if other != rate.figure => other,
        (None, None) => rate.figure,
        _ => return Err("another rate than the figure, with its reason, or neither".to_owned()),
    };
    let is_it =
        |part: &&Component| (part.direction, part.metric, part.cached) == (rate.direction, rate.metric, rate.cached);
    let part = pricing.components.iter().find(is_it).ok_or("there is no such price")?;
    if part.unit_price * Decimal::from(rate.per) != figure * Decimal::from(part.unit_size) {
        return Err(format!("{} for {} units", part.unit_price, part.unit_size));
    }
    if pricing.basis != Basis::Usage {
        return Ok(());
    }
    let cached = if rate.cached { rate.per } else { 0 };
    let usage = match (rate.direction, rate.metric) {
        (Direction::Input, Metric::TokenText) => Usage {
            input_text_tokens: rate.per,
            cached_text_tokens: cached,
            ..Usage::default()
        },
        (Direction::Input, Metric::TokenImage) => Usage {
            input_image_tokens: rate.per,
            cached_image_tokens: cached,
            ..Usage::default()
        },
        (Direction::Output, Metric::TokenText) => Usage {
            output_text_tokens: rate.per,
            ..Usage::default()
        },
        (Direction::Output, Metric::TokenImage) => Usage {
            output_image_tokens: rate.per,
            ..Usage::default()
        },
        _ => return Err("a rate is for tokens".to_owned()),
    };
    same("charged", by_usage(pricing, usage)?, Micros::from_dollars(figure))
}

fn check_usage(pricing: &Pricing, spent: &Spent) -> Result<(), String> {
    let figure = Micros::from_dollars(spent.figure);
    same("the arithmetic gives", dollars(&spent.arithmetic)?, figure)?;
    same("charged", by_usage(pricing, spent.usage())?, figure)
}

fn by_usage(pricing: &Pricing, usage: Usage) -> Result<Micros, String> {
    let work = bare(Mode::TextToImage, 1);
    let produced = |_| Produced {
        sizes: Vec::new(),
        usage: Some(usage),
        reported: None,
    };
    Ok(charged(pricing, &work, Basis::Usage, produced)?.total)
}
