//! What the forms of a model's page ask: a request that is planned and explained, and never made.

use planner::explain::{Explanation, explain};
use planner::format::Format;
use planner::mode::Mode;
use planner::plan::Circumstances;
use planner::request::{Endpoint, InputFacts, Inputs, parse};
use planner::view::ModelView;
use serde_json::{Map, Value};
use site::pages::model::{PriceAsked, SizeAsked};
use site::samples::Sample;

use crate::generation::Generator;

/// What a reader filled in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish<'a> {
    /// The mode; the model's first one when absent.
    pub(super) mode: Option<Mode>,
    /// `quality`.
    pub(super) quality: Option<&'a str>,
    /// `size`.
    pub(super) size: Option<&'a str>,
    /// `aspect_ratio`.
    pub(super) aspect_ratio: Option<&'a str>,
    /// `resolution`.
    pub(super) resolution: Option<&'a str>,
    /// `n`.
    pub(super) n: Option<u32>,
}

/// Sides of the input image that an edit is supposed to have, in pixels.
pub(super) const INPUT_PX: u32 = 1024;
/// Most images that the form for prices takes.
const IMAGES_MAX: u32 = planner::request::N_MAX;

/// What a request would cost.
pub(super) fn price(generator: &Generator, view: &ModelView<'_>, wish: Wish<'_>) -> PriceAsked {
    let mode = wish
        .mode
        .filter(|mode| view.modes.contains(mode))
        .or_else(|| view.modes.first().copied())
        .unwrap_or(Mode::TextToImage);
    let n = wish.n.unwrap_or(1).clamp(1, IMAGES_MAX);
    let wish = Wish { n: Some(n), ..wish };
    PriceAsked {
        mode,
        quality: wish.quality.map(ToOwned::to_owned),
        size: wish.size.map(ToOwned::to_owned),
        n,
        explanation: explanation(generator, view, mode, wish),
    }
}

/// What becomes of a size.
pub(super) fn size(generator: &Generator, view: &ModelView<'_>, wish: Wish<'_>) -> SizeAsked {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mode = view.modes.iter().copied().find(|mode| *mode != Mode::Upscale);
    let has_sizes = !view.sizes().is_empty() || view.range().is_some();
    SizeAsked {
        size: text(wish.size),
        aspect_ratio: text(wish.aspect_ratio),
        resolution: text(wish.resolution),
        explanation: mode
            .filter(|_| has_sizes)
            .map(|mode| explanation(generator, view, mode, wish)),
    }
}

fn explanation(generator: &Generator, view: &ModelView<'_>, mode: Mode, wish: Wish<'_>) -> Explanation {
    // The sample of the page is what the rest of the request is like.
    let sample = Sample::of(view, mode);
    let mut fields = Map::new();
    fields.insert("model".to_owned(), Value::from(view.model.id.as_str()));
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("prompt", sample.prompt.map(Value::from));
    put("quality", wish.quality.map(Value::from));
    put("size", wish.size.map(Value::from));
    put("aspect_ratio", wish.aspect_ratio.map(Value::from));
    put("resolution", wish.resolution.map(Value::from));
    put("n", wish.n.map(Value::from));
    for (name, value) in &sample.further {
        put(name, Some(value.clone()));
    }
    let image = input(INPUT_PX, INPUT_PX);
    explained(generator, view, mode, &fields, &[image], false)
}

/// An input image of that size, of which nothing more is known.
pub(super) fn input(width_px: u32, height_px: u32) -> InputFacts {
    InputFacts {
        format: Format::Png,
        width_px,
        height_px,
        has_alpha: true,
        is_plain: true,
        size_bytes: 0,
    }
}

/// What a request with these fields would become. Texts stand for whatever type a parameter has. A mask is supposed where
/// there is one, and where the model takes no request without.
pub(super) fn explained(
    generator: &Generator,
    view: &ModelView<'_>,
    mode: Mode,
    fields: &Map<String, Value>,
    images: &[InputFacts],
    has_mask: bool,
) -> Explanation {
    let endpoint = if mode == Mode::TextToImage {
        Endpoint::Generations
    } else {
        Endpoint::Edits
    };
    let (request, faults) = parse(endpoint, fields, true, &generator.catalog);
    let needs_mask = view
        .live_offers()
        .all(|offer| offer.offer.requires.iter().any(|name| name == "mask"));
    let inputs = if mode == Mode::TextToImage {
        Inputs::default()
    } else {
        Inputs {
            images: images.to_vec(),
            mask: images.first().copied().filter(|_| needs_mask || has_mask),
        }
    };
    let health = generator.routing.health();
    let now = Circumstances {
        strategy: generator.routing.strategy,
        priorities: &generator.routing.priorities,
        health: &health,
        ..Circumstances::new(generator.upstreams.available(), generator.clock.now())
    };
    explain(&generator.catalog, view.model, &request, &inputs, &now, faults)
}
