//! The catalogue: models, providers and parameters as data.

mod check;
pub mod load;
pub mod lookup;
mod mistake;
pub mod model;
pub mod offer;
pub mod parameter;
pub mod pricing;
pub mod provider;
pub mod text;

use indexmap::IndexMap;

use model::Model;
use parameter::{Parameter, is_provided_by_the_gateway};
use provider::Provider;

/// Everything that the catalogue's files say, checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    providers: IndexMap<String, Provider>,
    models: IndexMap<String, Model>,
    parameters: IndexMap<String, Parameter>,
}

impl Catalog {
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

    /// The parameters that `model` declares, by canonical name: the standard ones that some offer of it takes or that
    /// the gateway provides for all, with the model's own entries applied, then the model's further ones.
    #[must_use]
    pub fn parameters_of(&self, model: &Model) -> IndexMap<String, Parameter> {
        let mut declared = IndexMap::new();
        let taken = |name: &str| {
            model.offers.iter().any(|offer| {
                offer.common.fields.contains_key(name)
                    || offer.modes.values().any(|mode| mode.fields.contains_key(name))
            })
        };
        for (name, standard) in &self.parameters {
            let own = model.parameters.get(name);
            if own.is_some() || taken(name) || is_provided_by_the_gateway(name) {
                let parameter = own.map_or_else(|| standard.clone(), |own| standard.overridden_by(own));
                declared.insert(name.clone(), parameter);
            }
        }
        for (name, own) in &model.parameters {
            declared.entry(name.clone()).or_insert_with(|| own.clone());
        }
        declared
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
