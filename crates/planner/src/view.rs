//! A model as it is told: one type of which the catalogue's JSON, the model's page and its text for machines are made.

mod parameter;

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{ModeOffer, Offer};
use crate::mode::Mode;
use crate::money::Micros;
use crate::price::starting::{StartingPrice, starting_price};
use crate::price::table::{PriceTable, price_table};
use crate::schema;
use crate::size::{SizeRange, SizeTableRow};

pub use parameter::{AtProvider, ParameterView};

/// Everything that is told of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelView<'a> {
    /// What the catalogue says.
    pub model: &'a Model,
    /// Every offer, in the order of the catalogue, those that are no longer live too.
    pub offers: Vec<OfferView<'a>>,
    /// Modes that a live offer serves.
    pub modes: Vec<Mode>,
    /// What it can do, in the words of the API.
    pub capabilities: Vec<&'static str>,
    /// Whether some live offer can be called here.
    pub available: bool,
    /// The price from which it starts.
    pub start: Option<StartingPrice<'a>>,
    catalog: &'a Catalog,
}

/// One offer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferView<'a> {
    /// What the catalogue says.
    pub offer: &'a Offer,
    /// The provider's name for people.
    pub provider_name: &'a str,
    /// Its modes, each with everything that holds there.
    pub modes: Vec<(Mode, &'a ModeOffer)>,
    /// Whether its provider can be called here.
    pub available: bool,
}

impl OfferView<'_> {
    /// Native model ids, each once, in the order of the modes.
    #[must_use]
    pub fn native_models(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for (_, mode) in &self.modes {
            if !found.contains(&mode.model.as_str()) {
                found.push(&mode.model);
            }
        }
        found
    }
}

impl<'a> ModelView<'a> {
    /// What is told of `model`. `available` names the providers that can be called here.
    #[must_use]
    pub fn of(catalog: &'a Catalog, model: &'a Model, available: &HashSet<String>) -> Self {
        let offers: Vec<OfferView<'a>> = model
            .offers
            .iter()
            .map(|offer| view_of(catalog, offer, available))
            .collect();
        Self {
            modes: model.modes(),
            capabilities: capabilities(model),
            available: offers.iter().any(|view| view.available && view.offer.is_live()),
            start: starting_price(catalog, model),
            model,
            offers,
            catalog,
        }
    }

    /// Offers that are neither retired nor switched off.
    pub fn live_offers(&self) -> impl Iterator<Item = &OfferView<'a>> {
        self.offers.iter().filter(|view| view.offer.is_live())
    }

    /// A request's body as JSON Schema.
    #[must_use]
    pub fn schema(&self) -> Value {
        schema::of_model(self.catalog, self.model)
    }

    /// What a request may hold, in the order of the catalogue, as the schema says it.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterView> {
        parameter::read(&self.schema(), &self.offers)
    }

    /// The parameters that an offer takes in a mode: the name, the provider's own name, and what it may be there.
    pub fn taken_by<'b>(&'b self, offer: &'b ModeOffer) -> impl Iterator<Item = (&'b str, &'b str, Value)> {
        let declared = self.catalog.parameters_of(self.model);
        offer.fields.iter().map(|(name, field)| {
            let bounds = schema::bounds(field, declared.get(name));
            (name.as_str(), field.native_name(name), bounds)
        })
    }

    /// Prices of one image.
    #[must_use]
    pub fn prices(&self) -> PriceTable<'a> {
        price_table(self.model)
    }

    /// Sizes by name.
    #[must_use]
    pub fn sizes(&self) -> Vec<SizeTableRow> {
        schema::sizes_of(self.model)
    }

    /// Bounds of free sizes.
    #[must_use]
    pub fn range(&self) -> Option<SizeRange> {
        schema::range_of(self.model)
    }

    /// The path of its page.
    #[must_use]
    pub fn page_path(&self) -> String {
        page_path(self.model)
    }

    /// The answer of `GET /openai/v1/models/{id}`.
    #[must_use]
    pub fn to_json(&self, with_schema: bool) -> Value {
        let model = self.model;
        let entered = model
            .entered()
            .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let start = self.start.as_ref();
        let mut providers: Vec<&str> = Vec::new();
        for view in self.live_offers() {
            if !providers.contains(&view.offer.provider.as_str()) {
                providers.push(&view.offer.provider);
            }
        }
        let mut told = json!({
            "id": model.id,
            "object": "model",
            "created": entered.map_or(0, |day| day.timestamp().as_second()),
            "owned_by": model.creator,
            "name": model.name,
            "description": model.description,
            "creator": model.creator,
            "creator_organization": model.creator_name,
            "modality": "image",
            "modes": self.modes,
            "capabilities": self.capabilities,
            "status": if model.is_disabled() { "disabled" } else { "enabled" },
            "model_status": model.status(),
            "available": self.available,
            "sunset": model.sunset(),
            "successor": model.successor,
            "featured": model.featured,
            "free": start.is_some_and(|start| start.price == Micros::ZERO),
            "tags": model.tags,
            "aliases": model.aliases,
            "alternative_names": model.alternative_names,
            "starting_price": start.map(|start| start.price.as_json_dollars()),
            "starting_price_offer": start.map(|start| json!({ "provider": start.offer.provider,
                "conditions": { "quality": start.quality, "size": start.size.map(|size| size.to_string()) } })),
            "providers": providers,
            "image_url": null,
            "model_page_path": self.page_path(),
        });
        if with_schema {
            told["schema"] = self.schema();
            told["sizes"] = schema::sizes_json(model);
            told["size_range"] = schema::range_json(model);
            told["offers"] = schema::offers_json(self.catalog, model);
        }
        told
    }
}

/// The path of a model's page.
#[must_use]
pub fn page_path(model: &Model) -> String {
    format!("/models/{}/{}", model.creator, model.id)
}

fn view_of<'a>(catalog: &'a Catalog, offer: &'a Offer, available: &HashSet<String>) -> OfferView<'a> {
    let modes = Mode::ALL
        .into_iter()
        .filter_map(|mode| Some((mode, offer.in_mode(mode)?)));
    OfferView {
        provider_name: catalog
            .provider(&offer.provider)
            .map_or(offer.provider.as_str(), |provider| provider.name.as_str()),
        modes: modes.collect(),
        available: available.contains(&offer.provider),
        offer,
    }
}

fn capabilities(model: &Model) -> Vec<&'static str> {
    let edits = || {
        model
            .live_offers()
            .filter_map(|offer| offer.in_mode(Mode::ImageEdit))
            .filter_map(|mode| mode.inputs.as_ref())
    };
    let mut found = Vec::new();
    for mode in model.modes() {
        found.push(match mode {
            Mode::TextToImage => "generation",
            Mode::ImageEdit => "editing",
            Mode::Upscale => "upscaling",
        });
    }
    if edits().any(|inputs| inputs.mask.is_some()) {
        found.push("inpainting");
    }
    if edits().any(|inputs| inputs.max > 1) {
        found.push("multiple-inputs");
    }
    found
}
