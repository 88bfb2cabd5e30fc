//! The catalogue: models, providers and parameters as data.

mod check;
mod declared;
pub mod derived;
pub mod figures;
pub mod inputs;
pub mod load;
pub mod lookup;
mod mistake;
pub mod model;
mod off;
pub mod offer;
pub mod parameter;
pub mod pricing;
pub mod provider;
pub mod stale;
pub mod text;

use indexmap::IndexMap;
use rust_decimal::Decimal;

use model::Model;
use parameter::Parameter;
use provider::Provider;

/// Everything that the catalogue's files say, checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    providers: IndexMap<String, Provider>,
    models: IndexMap<String, Model>,
    parameters: IndexMap<String, Parameter>,
}

impl Catalog {
    /// Sets what the operator adds to every provider's prices, in percent. From then on it is part of every estimate, charge
    /// and starting price.
    pub fn set_markup(&mut self, percent: Decimal) {
        for offer in self.models.values_mut().flat_map(|model| &mut model.offers) {
            offer.pricing.markup_percent = percent;
        }
    }

    /// Every provider.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.providers.values()
    }

    /// One provider by its id.
    #[must_use]
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.get(id)
    }

    /// Every model, featured ones first, in the order of their ids.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// Every offer that is neither retired nor switched off, with its model.
    pub fn live_offers(&self) -> impl Iterator<Item = (&Model, &offer::Offer)> {
        self.models()
            .flat_map(|model| model.live_offers().map(move |offer| (model, offer)))
    }

    /// The canonical name of a standard parameter's alias.
    #[must_use]
    pub fn canonical_parameter<'a>(&'a self, name: &'a str) -> &'a str {
        self.parameters
            .iter()
            .find(|(_, parameter)| parameter.aliases.iter().any(|alias| alias == name))
            .map_or(name, |(canonical, _)| canonical)
    }

    /// A standard parameter by its canonical name.
    #[must_use]
    pub fn standard_parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// Every standard parameter, in the order of the file.
    pub fn standard_parameters(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.parameters
            .iter()
            .map(|(name, parameter)| (name.as_str(), parameter))
    }
}
