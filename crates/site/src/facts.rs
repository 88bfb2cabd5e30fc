//! Facts of a model in words, made once for every page that tells them.

use jiff::civil::Date;
use planner::catalog::model::Model;
use planner::catalog::offer::MaskPolarity;
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::table::{PriceTable, PricedSize};
use planner::size::{OfferSizes, Ratio, SizeRange, SizeSupport, Tier, standard_tier};
use planner::view::{ModelView, OfferView};

use crate::words;

/// What kind of model it is, as a label.
#[must_use]
pub fn kind(modes: &[Mode]) -> &'static str {
    let has = |mode: Mode| modes.contains(&mode);
    match (has(Mode::TextToImage), has(Mode::ImageEdit), has(Mode::Upscale)) {
        (true, true, _) => "Image generation and editing model",
        (true, false, _) => "Image generation model",
        (false, true, _) => "Image editing model",
        (false, false, true) => "Image upscaling model",
        (false, false, false) => "Image model",
    }
}

/// Most input images that a live offer takes; 0 where none takes any.
#[must_use]
pub fn most_inputs(view: &ModelView<'_>) -> u32 {
    edits(view)
        .filter_map(|mode| mode.inputs.as_ref())
        .map(|inputs| inputs.max)
        .max()
        .unwrap_or(0)
}

/// Whether a live offer takes a mask.
#[must_use]
pub fn takes_mask(view: &ModelView<'_>) -> bool {
    edits(view).any(|mode| mode.inputs.as_ref().is_some_and(|inputs| inputs.mask.is_some()))
}

fn edits<'a>(view: &'a ModelView<'_>) -> impl Iterator<Item = &'a planner::catalog::offer::ModeOffer> {
    view.live_offers().flat_map(|offer| {
        offer
            .modes
            .iter()
            .filter(|(mode, _)| *mode == Mode::ImageEdit)
            .map(|(_, own)| *own)
    })
}

/// Whether a live offer takes the parameter.
#[must_use]
pub fn takes(view: &ModelView<'_>, parameter: &str) -> bool {
    view.live_offers()
        .any(|offer| offer.modes.iter().any(|(_, mode)| mode.fields.contains_key(parameter)))
}

/// Whether a live offer makes transparent backgrounds.
#[must_use]
pub fn is_transparent(view: &ModelView<'_>) -> bool {
    let transparent = serde_json::Value::from("transparent");
    view.live_offers().any(|offer| {
        let mut fields = offer.modes.iter().filter_map(|(_, mode)| mode.fields.get("background"));
        fields.any(|field| field.listed().is_none_or(|values| values.contains(&transparent)))
    })
}

/// What a model does: `Text to image, image edit with up to 16 inputs and a mask`.
#[must_use]
pub fn makes(view: &ModelView<'_>) -> String {
    let told: Vec<String> = view
        .modes
        .iter()
        .map(|mode| {
            let name = words::mode(*mode).to_lowercase();
            match (mode, most_inputs(view)) {
                (Mode::ImageEdit, inputs @ 1..) => {
                    let mask = if takes_mask(view) { " and a mask" } else { "" };
                    format!(
                        "{name} with {}{mask}",
                        if inputs == 1 {
                            "one input".to_owned()
                        } else {
                            format!("up to {inputs} inputs")
                        }
                    )
                }
                _ => name,
            }
        })
        .collect();
    words::capital(&told.join(", "))
}

/// The largest tier that the model makes, if its sizes are known.
#[must_use]
pub fn largest(view: &ModelView<'_>) -> Option<Tier> {
    let listed = view.sizes().into_iter().map(|row| {
        if row.nominal {
            row.resolution
        } else {
            standard_tier(row.size)
        }
    });
    let free = view.range().map(|range| {
        /// Share of a tier's square that must be reached: 3840x2160 is 4K.
        const SHARE: f64 = 0.45;
        let side = range.max_edge_px.min(planner::size::MAX_SIDE_PX);
        let area = (u64::from(side) * u64::from(side)).min(range.max_pixels) as f64;
        let near = standard_tier(planner::size::Size::new(side, side));
        let is_reached = near.scale() <= f64::from(side) * 1.07 && area >= near.scale().powi(2) * SHARE;
        if is_reached { near } else { half(near) }
    });
    listed.chain(free).max_by(|a, b| a.scale().total_cmp(&b.scale()))
}

const fn half(tier: Tier) -> Tier {
    match tier {
        Tier::K(milli) => Tier::K(milli / 2),
        Tier::Megapixels(milli) => Tier::Megapixels(milli / 4),
    }
}

/// Its sizes in a few words: `any size to 1536 px`, `to 4K`.
#[must_use]
pub fn sizes_in_short(view: &ModelView<'_>) -> String {
    if let Some(range) = view.model.exact_range {
        return format!("any size to {} px", range.max_px);
    }
    match (view.range(), largest(view)) {
        (Some(_), Some(tier)) => format!("any size to {}", words::tier(tier)),
        (None, Some(tier)) => format!("to {}", words::tier(tier)),
        (_, None) => "one size".to_owned(),
    }
}

/// Its sizes as a sentence without an end.
#[must_use]
pub fn sizes(view: &ModelView<'_>) -> String {
    if let Some(range) = view.model.exact_range {
        return format!(
            "Any from {} to {} px a side, exactly as asked",
            range.min_px, range.max_px
        );
    }
    let named = view.sizes().len();
    match view.range() {
        Some(range) => words::capital(&free(&range)),
        None if named == 0 => match view.modes.as_slice() {
            [Mode::Upscale] => "As large as the input and its factor make it".to_owned(),
            _ => "The provider decides".to_owned(),
        },
        None => {
            let largest = largest(view).map_or_else(String::new, |tier| format!(", to {}", words::tier(tier)));
            format!("{}{largest}", words::count(named, "named size"))
        }
    }
}

/// Free sizes in words.
#[must_use]
pub fn free(range: &SizeRange) -> String {
    let mut told = format!("any from {} to {} px a side", range.min_edge_px, range.max_edge_px);
    if range.multiple_of > 1 {
        told.push_str(&format!(" in steps of {}", range.multiple_of));
    }
    let square = u64::from(range.max_edge_px) * u64::from(range.max_edge_px);
    if range.max_pixels < square {
        told.push_str(&format!(", at most {} megapixels", megapixels(range.max_pixels)));
    }
    if let Some(ratio) = range.max_ratio {
        told.push_str(&format!(", at most {}:1", words::plain(ratio)));
    }
    told
}

fn megapixels(pixels: u64) -> String {
    let tenths = (pixels as f64 / 100_000.0).round() / 10.0;
    words::plain(tenths)
}

/// What an offer takes as a size.
#[must_use]
pub fn offer_sizes(sizes: &OfferSizes) -> String {
    let auto = if sizes.auto { ", or auto" } else { "" };
    match &sizes.support {
        SizeSupport::Listed(list) if list.len() == 1 => format!("{} only{auto}", words::size(list[0])),
        SizeSupport::Listed(list) => format!("{} listed{auto}", list.len()),
        SizeSupport::Range(range) => format!("{}{auto}", free(range)),
        SizeSupport::Ratios { ratios, tiers } => {
            let at: Vec<String> = tiers.iter().map(|tier| words::tier(*tier)).collect();
            let at = if at.is_empty() {
                String::new()
            } else {
                format!(" at {}", words::list(&at))
            };
            if ratios.is_empty() {
                format!("scales only:{}{auto}", at.trim_start_matches(" at"))
            } else {
                format!("{}{at}{auto}", words::count(ratios.len(), "ratio"))
            }
        }
        SizeSupport::Fixed => "the provider decides".to_owned(),
    }
}

/// What an offer takes as input images.
#[must_use]
pub fn offer_inputs(offer: &OfferView<'_>) -> String {
    let inputs = offer
        .modes
        .iter()
        .find_map(|(mode, own)| own.inputs.as_ref().filter(|_| *mode != Mode::TextToImage));
    inputs.map_or_else(
        || "none".to_owned(),
        |inputs| {
            let many = if inputs.max == 1 {
                "one".to_owned()
            } else {
                format!("up to {}", inputs.max)
            };
            let mask = match inputs.mask {
                Some(MaskPolarity::Alpha) => "mask by transparency",
                Some(MaskPolarity::White) => "mask whose white is edited",
                Some(MaskPolarity::Black) => "mask whose black is edited",
                None => "no mask",
            };
            format!("{many}; {mask}")
        },
    )
}

/// The least price of one image, what it is for, and which offers have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// The price.
    pub price: Micros,
    /// Names of the providers.
    pub providers: Vec<String>,
    /// Quality and size, where the price depends on them.
    pub conditions: String,
}

/// The price from which a model starts; `None` where nothing is known of prices.
#[must_use]
pub fn from(view: &ModelView<'_>, table: &PriceTable<'_>) -> Option<From> {
    let start = view.start.as_ref()?;
    let row = table.rows.iter().find(|row| row.prices.contains(&Some(start.price)));
    let name = |provider: &str| {
        let offer = view.offers.iter().find(|view| view.offer.provider == provider);
        offer.map_or(provider, |view| view.provider_name).to_owned()
    };
    let Some(row) = row else {
        return Some(From {
            price: start.price,
            providers: vec![name(&start.offer.provider)],
            conditions: start
                .quality
                .clone()
                .into_iter()
                .chain(start.size.map(|size| size.to_string()))
                .collect::<Vec<_>>()
                .join(", "),
        });
    };
    let providers = table
        .offers
        .iter()
        .zip(&row.prices)
        .filter(|(_, price)| **price == Some(start.price));
    let mut conditions: Vec<String> = row.quality.clone().into_iter().collect();
    conditions.extend(priced_size(row.size));
    Some(From {
        price: start.price,
        providers: providers.map(|(offer, _)| name(&offer.provider)).collect(),
        conditions: conditions.join(", "),
    })
}

/// The size of a price, where it is for one.
#[must_use]
pub fn priced_size(size: PricedSize) -> Option<String> {
    match size {
        PricedSize::Any => None,
        PricedSize::Tier(tier) => Some(words::tier(tier)),
        PricedSize::Exact(size) => Some(words::size(size)),
    }
}

/// The shapes that a model makes by name, each once.
#[must_use]
pub fn ratios(view: &ModelView<'_>) -> Vec<Ratio> {
    let mut found: Vec<Ratio> = Vec::new();
    for row in view.sizes() {
        if !found.contains(&row.aspect_ratio) {
            found.push(row.aspect_ratio);
        }
    }
    found
}

/// What is ending, in a few words for labels; `None` while nothing is.
#[must_use]
pub fn ending(view: &ModelView<'_>, today: Date) -> Option<String> {
    if view.model.is_disabled() {
        return Some("retired".to_owned());
    }
    let sunset = |offer: &OfferView<'_>| offer.offer.sunset.map(|day| (day, offer.provider_name.to_owned()));
    let (day, provider) = view.live_offers().filter_map(sunset).min()?;
    let who = if view.live_offers().count() > 1 {
        format!("{provider} ")
    } else {
        String::new()
    };
    let verb = if day < today { "ended" } else { "ends" };
    Some(words::capital(&format!("{who}{verb} {}", words::short_date(day))))
}

/// The first day, in words.
#[must_use]
pub fn released(model: &Model) -> String {
    model.released.map_or_else(|| "not told".to_owned(), words::date)
}
