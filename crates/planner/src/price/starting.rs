//! The price from which a model starts.

use super::estimate::{Work, estimate, whole};
use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{ModeOffer, Offer};
use crate::mode::Mode;
use crate::money::Micros;
use crate::schema::sizes_of;
use crate::size::{Size, SizeArgument, SizeRequest, resolve_size};

/// The least price of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct StartingPrice<'a> {
    /// For outputs alone, with the provider's rounding and the operator's mark-up.
    pub price: Micros,
    /// The offer that has it.
    pub offer: &'a Offer,
    /// The quality that has it, when one must be asked for.
    pub quality: Option<String>,
    /// The size that has it, when one must be asked for.
    pub size: Option<Size>,
}

/// The size of the only input where one is needed: nothing hangs on it but the price of inputs, which is not counted.
const INPUT: Size = Size::new(1024, 1024);

/// The least price of `model` at any live offer, over the qualities that it takes and the sizes, ratios and tiers that it
/// lists by name; the model's own default goes first among equals. Offers that bill somebody else's account have no price
/// here.
#[must_use]
pub fn starting_price<'a>(catalog: &Catalog, model: &'a Model) -> Option<StartingPrice<'a>> {
    let mode = *model.modes().first()?;
    let declared = catalog.parameters_of(model);
    let legal = declared.get("quality").and_then(|quality| quality.values.clone());
    let qualities: Vec<String> = legal
        .unwrap_or_default()
        .iter()
        .filter_map(|value| value.as_str().map(ToOwned::to_owned))
        .collect();
    let sizes: Vec<Size> = sizes_of(model).into_iter().map(|row| row.size).collect();
    let mut least: Option<StartingPrice<'a>> = None;
    for offer in model.live_offers().filter(|offer| offer.requires.is_empty()) {
        let Some(mode_offer) = offer.in_mode(mode) else {
            continue;
        };
        for work in works(model, mode, mode_offer, &qualities, &sizes) {
            let price = output_price(offer, &work.work);
            if least.as_ref().is_none_or(|least| price < least.price) {
                least = Some(StartingPrice {
                    price,
                    offer,
                    quality: work.work.quality,
                    size: work.asked,
                });
            }
        }
    }
    least
}

/// Work on one image, and the size that is asked for.
struct Asked {
    work: Work,
    asked: Option<Size>,
}

/// Every quality with every size, each work once.
fn works(model: &Model, mode: Mode, offer: &ModeOffer, qualities: &[String], sizes: &[Size]) -> Vec<Asked> {
    let takes = |quality: &&String| {
        let field = offer.fields.get("quality");
        field.is_some_and(|field| field.takes(&quality.as_str().into()))
    };
    let qualities = || std::iter::once(None).chain(qualities.iter().filter(takes).cloned().map(Some));
    let mut expected: Vec<Option<Size>> = Vec::new();
    let mut works = Vec::new();
    for asked in std::iter::once(None).chain(sizes.iter().copied().map(Some)) {
        let request = SizeRequest {
            size: asked.map(SizeArgument::Exact),
            ..SizeRequest::default()
        };
        let size = resolve_size(&request, &model.sizes(), &offer.sizes).nominal;
        if expected.contains(&size) {
            continue;
        }
        expected.push(size);
        works.extend(qualities().map(|quality| Asked {
            asked,
            work: Work {
                mode,
                quality,
                size,
                calls: vec![1],
                partials: 0,
                prompt_bytes: 0,
                inputs: if mode == Mode::TextToImage {
                    Vec::new()
                } else {
                    vec![INPUT]
                },
                high_fidelity: false,
                arguments: indexmap::IndexMap::new(),
            },
        }));
    }
    works
}

/// What one image costs without what goes in.
fn output_price(offer: &Offer, work: &Work) -> Micros {
    let lines = estimate(&offer.pricing, work).components.into_iter();
    let pictures = lines.filter(|line| line.is_of_pictures()).collect();
    whole(&offer.pricing, pictures).total
}
