//! The request that a row describes, resolved to the work that is priced.

use indexmap::IndexMap;
use planner::catalog::Catalog;
use planner::catalog::offer::Offer;
use planner::mode::Mode;
use planner::price::estimate::{Work, estimate};
use planner::request::Inputs;
use planner::size::Size;
use serde_json::{Map, Value, json};

use super::table::{Covers, Price, size};
use crate::folder::{edit, generate, png};

/// Images of a request that names no number: one, and so many that a fan-out shows.
const COUNTS: [u32; 2] = [1, 3];

/// The work that `price` asks for: in each mode, for each number of images.
pub(super) fn works(catalog: &Catalog, id: &str, offer: &Offer, price: &Price) -> Result<Vec<(u32, Work)>, String> {
    let modes = offer.modes.keys().copied().filter(|mode| match price.mode {
        Some(only) => *mode == only,
        None => price.inputs.is_empty() || *mode != Mode::TextToImage,
    });
    let counts = match price.n {
        Some(n) => vec![n],
        None if price.covers == Covers::Total => vec![1],
        None => COUNTS.to_vec(),
    };
    let mut works = Vec::new();
    for mode in modes {
        for n in &counts {
            let work = if offer.is_live() {
                resolved(catalog, id, offer, price, mode, *n).map_err(|error| format!("{mode} n={n}: {error}"))?
            } else {
                // Nothing resolves to an offer that is gone.
                Work {
                    quality: price.quality.clone(),
                    size: price.size.as_deref().map(size),
                    inputs: price.inputs.iter().map(|text| size(text)).collect(),
                    ..bare(mode, *n)
                }
            };
            works.push((*n, work));
        }
    }
    Ok(works)
}

/// The fields of a request for `price`.
fn fields(price: &Price, n: u32) -> Map<String, Value> {
    let mut fields = price.arguments.clone();
    for (name, value) in [
        ("quality", &price.quality),
        ("size", &price.size),
        ("aspect_ratio", &price.aspect_ratio),
        ("resolution", &price.resolution),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(partials) = price.partial_images {
        fields.insert("stream".to_owned(), json!(true));
        fields.insert("partial_images".to_owned(), json!(partials));
    }
    if let Some(bytes) = price.prompt_bytes {
        fields.insert("prompt".to_owned(), json!("a".repeat(bytes)));
    }
    if n != 1 {
        fields.insert("n".to_owned(), json!(n));
    }
    fields
}

fn resolved(catalog: &Catalog, id: &str, offer: &Offer, price: &Price, mode: Mode, n: u32) -> Result<Work, String> {
    let mut fields = fields(price, n);
    // It tells whether an edit is meant to enlarge.
    fields.insert("model".to_owned(), json!(id));
    let resolution = if mode == Mode::TextToImage {
        generate(catalog, id, Value::Object(fields))
    } else {
        // A model that does more than enlarge is told to by the factor.
        let only = catalog.model(id).is_some_and(|model| model.modes() == [Mode::Upscale]);
        if mode == Mode::Upscale && !only && !fields.contains_key("scale_factor") {
            fields.insert("scale_factor".to_owned(), json!(2));
        }
        let sizes = if price.inputs.is_empty() {
            vec![Size::new(1024, 1024)]
        } else {
            price.inputs.iter().map(|text| size(text)).collect()
        };
        let images: Vec<_> = sizes.iter().map(|size| png(size.width_px, size.height_px)).collect();
        let inputs = Inputs {
            mask: price.mask.then(|| images[0]),
            images,
        };
        edit(catalog, id, Value::Object(fields), &inputs)
    };
    let resolution = resolution.map_err(|faults| format!("{faults:?}"))?;
    let resolved = resolution
        .offers
        .iter()
        .find(|resolved| resolved.offer.provider == offer.provider)
        .ok_or_else(|| format!("it cannot serve: {:?}", resolution.refusals))?;
    // Otherwise the figure would be checked against another request than the row says.
    if let Some(change) = resolved
        .adjustments
        .iter()
        .find(|change| price.becomes.is_none() || change.parameter != "size")
    {
        return Err(format!("it is not sent as it is asked for: {change:?}"));
    }
    let sent = price
        .becomes
        .as_ref()
        .or(price.size.as_ref())
        .filter(|size| *size != "auto");
    if let Some(sent) = sent
        && resolved.work.size != Some(size(sent))
    {
        return Err(format!("{sent} becomes {:?}", resolved.work.size));
    }
    let again = estimate(&offer.pricing, &resolved.work);
    if again != resolved.estimate {
        return Err(format!("estimated at {:?}, resolved to {:?}", again, resolved.estimate));
    }
    Ok(resolved.work.clone())
}

/// Work of which nothing is known but its mode and how many images it makes.
pub(super) fn bare(mode: Mode, n: u32) -> Work {
    Work {
        mode,
        quality: None,
        size: None,
        calls: vec![1; n as usize],
        partials: 0,
        prompt_bytes: 0,
        inputs: Vec::new(),
        high_fidelity: false,
        arguments: IndexMap::new(),
    }
}
