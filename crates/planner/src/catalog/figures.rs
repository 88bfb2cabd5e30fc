//! The figures of the catalogue one by one, so that some of them can be drawn and held against their sources.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::Catalog;
use super::offer::Offer;
use super::pricing::{Component, InputTokens, OutputTokens};

/// One figure, where it stands and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The model's id.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// What it is of, with its conditions.
    pub of: String,
    /// The figure.
    pub value: String,
    /// Where it is from.
    pub source: String,
    /// The day of the source.
    pub as_of: Date,
}

impl Figure {
    /// What tells it from all others.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}: {}", self.provider, self.model, self.of)
    }
}

impl Catalog {
    /// Every price and every number of tokens that a live offer has.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        self.live_offers()
            .flat_map(|(model, offer)| {
                figures_of(offer).into_iter().map(move |(of, value)| Figure {
                    model: model.id.clone(),
                    provider: offer.provider.clone(),
                    of,
                    value,
                    source: offer.pricing.source.clone(),
                    as_of: offer.pricing.as_of,
                })
            })
            .collect()
    }

    /// At most `count` figures, drawn by `seed`. A figure more in the catalogue changes little: each has a place of its own in
    /// the draw.
    #[must_use]
    pub fn sample(&self, seed: u64, count: usize) -> Vec<Figure> {
        let mut drawn: Vec<(u64, Figure)> = self
            .figures()
            .into_iter()
            .map(|figure| (lot(seed, &figure.key()), figure))
            .collect();
        drawn.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.key().cmp(&b.key())));
        drawn.into_iter().take(count).map(|(_, figure)| figure).collect()
    }
}

/// The lot of a key: FNV-1a, then mixed, as its own low bits follow the last letters.
fn lot(seed: u64, key: &str) -> u64 {
    let seeded = seed.to_le_bytes().into_iter().chain(key.bytes());
    let hash = seeded.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn figures_of(offer: &Offer) -> Vec<(String, String)> {
    let pricing = &offer.pricing;
    let mut figures: Vec<(String, String)> = pricing.components.iter().map(price).collect();
    if let Some(step) = pricing.round_up_to {
        figures.push(("a call is rounded up to".to_owned(), format!("${step}")));
    }
    if pricing.partial_tokens > 0 {
        figures.push((
            "tokens of a partial image".to_owned(),
            pricing.partial_tokens.to_string(),
        ));
    }
    match &pricing.output_tokens {
        Some(OutputTokens::Table { tokens }) => {
            let rows = tokens.iter().flat_map(|(quality, sizes)| {
                let row = move |(size, count): (&String, &u64)| {
                    (format!("tokens of an output, {quality} {size}"), count.to_string())
                };
                sizes.iter().map(row)
            });
            figures.extend(rows);
        }
        Some(OutputTokens::Grid { cells, .. }) => {
            let rows = cells.iter();
            figures.extend(rows.map(|(quality, count)| (format!("cells of an output, {quality}"), count.to_string())));
        }
        None => {}
    }
    match &pricing.input_tokens {
        Some(InputTokens::Bound { max, .. }) => {
            figures.push(("tokens of an input at most".to_owned(), max.to_string()));
        }
        Some(InputTokens::Tiles {
            base,
            per_tile,
            high_square,
            high_other,
            ..
        }) => figures.push((
            "tokens of an input: base, tile, high square, high other".to_owned(),
            format!("{base}, {per_tile}, {high_square}, {high_other}"),
        )),
        None => {}
    }
    figures
}

fn price(part: &Component) -> (String, String) {
    let word = |value: Value| value.as_str().unwrap_or_default().replace('_', " ");
    let mut of = format!("{} {}", word(json!(part.direction)), word(json!(part.metric)));
    if part.unit_size != 1 {
        let _ = write!(of, " per {}", part.unit_size);
    }
    let texts = |list: Vec<String>| (!list.is_empty()).then(|| list.join("/"));
    let arguments: Vec<String> = part
        .arguments
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let conditions = [
        part.cached.then(|| "cached".to_owned()),
        texts(part.quality.clone()),
        texts(part.size.iter().map(ToString::to_string).collect()),
        texts(part.resolution.iter().map(ToString::to_string).collect()),
        part.min_pixels.map(|pixels| format!("from {pixels} px")),
        part.max_pixels.map(|pixels| format!("to {pixels} px")),
        texts(part.modes.iter().map(ToString::to_string).collect()),
        texts(arguments),
        (!part.without.is_empty()).then(|| format!("without {}", part.without.join("/"))),
        part.step.map(|step| format!("in steps of {step}")),
        (part.free > 0).then(|| format!("after the first {}", part.free)),
        part.max_units.map(|most| format!("at most {most} of each")),
    ];
    for condition in conditions.into_iter().flatten() {
        let _ = write!(of, ", {condition}");
    }
    let value = match part.first_unit_price {
        Some(first) => format!("${first} for the first, then ${}", part.unit_price),
        None => format!("${}", part.unit_price),
    };
    (of, value)
}
