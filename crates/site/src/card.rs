//! What lists tell of a model: few facts, made once for all models.

use jiff::civil::Date;
use planner::catalog::pricing::Metric;
use planner::mode::Mode;
use planner::money::Micros;
use planner::size::{Ratio, SizeRange, Tier};
use planner::view::{ModelView, OfferView};

use crate::facts;
use crate::words;

/// One model in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Slug of its creator.
    pub creator: String,
    /// The creator's name.
    pub creator_name: String,
    /// What callers and searchers may type, in small letters.
    pub text: String,
    /// What it can be asked.
    pub modes: Vec<Mode>,
    /// What it makes, in a line.
    pub makes: String,
    /// The price from which it starts.
    pub price: Option<Micros>,
    /// Providers of its live offers: id and name, each once.
    pub providers: Vec<(String, String)>,
    /// What it can.
    pub can: Vec<Feature>,
    /// Its largest tier.
    pub largest: Option<Tier>,
    /// Bounds of free sizes.
    pub range: Option<SizeRange>,
    /// Shapes by name.
    pub ratios: Vec<Ratio>,
    /// Most input images.
    pub inputs: u32,
    /// Most images of one call.
    pub images_in_one_call: u32,
    /// By what its images are charged.
    pub charged_by: String,
    /// First day.
    pub released: Option<Date>,
    /// Last days that offers have named: provider and day.
    pub sunsets: Vec<(String, Date)>,
    /// Whether no offer is left.
    pub is_retired: bool,
    /// Whether it stands first.
    pub is_featured: bool,
    /// Whether some provider of it can be called here.
    pub is_available: bool,
    /// Whether none of its providers that can be called is a real one.
    pub is_drawn_here: bool,
}

/// A feature by which models are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Edits within a mask.
    Mask,
    /// Takes more than one input.
    SeveralInputs,
    /// Makes transparent backgrounds.
    Transparent,
    /// Shows partial images.
    Partial,
    /// Takes a seed.
    Seed,
    /// Makes any size.
    AnySize,
}

impl Feature {
    /// Every one, in the order of the form: value, name.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Mask, "mask", "Mask"),
        (Self::SeveralInputs, "several-inputs", "Several inputs"),
        (Self::Transparent, "transparent", "Transparent background"),
        (Self::Partial, "partial-images", "Partial images"),
        (Self::Seed, "seed", "Seed"),
        (Self::AnySize, "any-size", "Any size"),
    ];
}

impl Card {
    /// The card of a model. `is_real` tells whether a provider is a real one here.
    #[must_use]
    pub fn of(view: &ModelView<'_>, is_real: impl Fn(&str) -> bool) -> Self {
        let model = view.model;
        let mut providers: Vec<(String, String)> = Vec::new();
        for offer in view.live_offers() {
            if !providers.iter().any(|(id, _)| *id == offer.offer.provider) {
                providers.push((offer.offer.provider.clone(), offer.provider_name.to_owned()));
            }
        }
        let modes = words::modes(&view.modes);
        let called: Vec<&OfferView<'_>> = view.live_offers().filter(|offer| offer.available).collect();
        let sunsets = view
            .live_offers()
            .filter_map(|offer| Some((offer.provider_name.to_owned(), offer.offer.sunset?)));
        Self {
            text: text(view),
            makes: if view.modes.is_empty() {
                "Nothing any more".to_owned()
            } else if view.modes == [Mode::Upscale] {
                modes
            } else {
                format!("{modes}, {}", facts::sizes_in_short(view))
            },
            price: view.start.as_ref().map(|start| start.price),
            can: features(view),
            largest: facts::largest(view),
            range: view.range(),
            ratios: facts::ratios(view),
            inputs: facts::most_inputs(view),
            images_in_one_call: view
                .live_offers()
                .flat_map(|offer| offer.modes.iter().map(|(_, mode)| mode.max_n))
                .max()
                .unwrap_or(1),
            charged_by: charged_by(view),
            released: model.released,
            sunsets: sunsets.collect(),
            is_retired: model.is_disabled(),
            is_featured: model.featured,
            is_available: view.available,
            is_drawn_here: view.available && called.into_iter().all(|offer| !is_real(&offer.offer.provider)),
            modes: view.modes.clone(),
            id: model.id.clone(),
            name: model.name.clone(),
            creator: model.creator.clone(),
            creator_name: model.creator_name.clone(),
            providers,
        }
    }

    /// The path of its page.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/models/{}", self.key())
    }

    /// The name by which lists and comparisons call it: `creator/id`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.creator, self.id)
    }

    /// Whether it makes a shape: by name, or within free sizes.
    #[must_use]
    pub fn has_ratio(&self, ratio: Ratio) -> bool {
        let free = self.range.is_some_and(|range| {
            let value = ratio.value().max(1.0 / ratio.value());
            let sides = f64::from(range.max_edge_px) / f64::from(range.min_edge_px.max(1));
            range.max_ratio.unwrap_or(f64::INFINITY).min(sides) >= value - 0.001
        });
        free || self.ratios.contains(&ratio)
    }

    /// What ends, in a few words.
    #[must_use]
    pub fn ending(&self, today: Date) -> Option<String> {
        if self.is_retired {
            return Some("Retired".to_owned());
        }
        let (provider, day) = self.sunsets.iter().min_by_key(|(_, day)| *day)?;
        let verb = if *day < today { "ended" } else { "ends" };
        let shown = words::short_date(*day);
        Some(if self.providers.len() > 1 {
            format!("{provider} {verb} {shown}")
        } else {
            words::capital(&format!("{verb} {shown}"))
        })
    }
}

fn text(view: &ModelView<'_>) -> String {
    let model = view.model;
    let mut all: Vec<&str> = vec![&model.id, &model.name, &model.creator_name, &model.creator];
    all.extend(model.family.as_deref());
    all.extend(model.aliases.iter().map(String::as_str));
    all.extend(model.alternative_names.iter().map(String::as_str));
    all.extend(model.tags.iter().map(String::as_str));
    all.extend(view.modes.iter().map(|mode| mode.as_str()));
    for offer in view.live_offers() {
        all.push(offer.provider_name);
        all.extend(offer.native_models());
    }
    // Each word once: lists hold this text for the search in the page.
    let mut words: Vec<String> = Vec::new();
    for word in all.join(" ").to_lowercase().replace('"', "").split_whitespace() {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

fn features(view: &ModelView<'_>) -> Vec<Feature> {
    let has = [
        (Feature::Mask, facts::takes_mask(view)),
        (Feature::SeveralInputs, facts::most_inputs(view) > 1),
        (Feature::Transparent, facts::is_transparent(view)),
        (Feature::Partial, facts::takes(view, "partial_images")),
        (Feature::Seed, facts::takes(view, "seed")),
        (Feature::AnySize, view.range().is_some()),
    ];
    has.into_iter()
        .filter(|(_, has)| *has)
        .map(|(feature, _)| feature)
        .collect()
}

fn charged_by(view: &ModelView<'_>) -> String {
    let has = |wanted: Metric| {
        view.live_offers()
            .any(|offer| offer.offer.pricing.components.iter().any(|part| part.metric == wanted))
    };
    let mut told = Vec::new();
    if has(Metric::TokenImage) || has(Metric::TokenText) {
        told.push("tokens");
    }
    if has(Metric::Image) {
        told.push("image");
    }
    if has(Metric::Megapixel) {
        told.push("megapixels");
    }
    if has(Metric::Second) {
        told.push("seconds");
    }
    if told.is_empty() {
        "nothing".to_owned()
    } else {
        told.join(" or ")
    }
}
