//! What the operator has switched off: `off.toml` in a folder of the operator's own.

use serde_spanned::Spanned;

use super::Catalog;
use super::derived::Derived;
use super::mistake::place::line_of;
use super::mistake::suggest::unknown;
use super::mistake::{Mistake, Source};

/// Names of what is not to be used.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Off {
    /// Models by id.
    models: Vec<Spanned<String>>,
    /// Providers by id, with all that they offer.
    providers: Vec<Spanned<String>>,
    /// Single offers as `provider/model`.
    offers: Vec<Spanned<String>>,
}

/// Marks the offers. A name that means nothing is a mistake: what was to be off would be on.
pub(super) fn switch_off(catalog: &mut Catalog, off: &Off, (file, text): Source<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut report = |key: &str, name: &Spanned<String>, message: String| {
        mistakes.push(Mistake {
            file: file.to_owned(),
            line: line_of(text, name.span().start),
            key: key.to_owned(),
            message,
        });
    };
    for name in &off.models {
        match catalog.models.get_mut(name.get_ref()) {
            Some(model) => model.offers.iter_mut().for_each(|offer| offer.switched_off = true),
            None => report(
                "models",
                name,
                unknown("model", name.get_ref(), catalog.models.keys().map(String::as_str)),
            ),
        }
    }
    for name in &off.providers {
        if !catalog.providers.contains_key(name.get_ref()) {
            let message = unknown("provider", name.get_ref(), catalog.providers.keys().map(String::as_str));
            report("providers", name, message);
        }
        for model in catalog.models.values_mut() {
            let of_it = model
                .offers
                .iter_mut()
                .filter(|offer| offer.provider == *name.get_ref());
            of_it.for_each(|offer| offer.switched_off = true);
        }
    }
    for name in &off.offers {
        let found = name.get_ref().split_once('/').is_some_and(|(provider, model)| {
            let model = catalog.models.get_mut(model);
            let offers = model.into_iter().flat_map(|model| &mut model.offers);
            let of_it = offers.filter(|offer| offer.provider == provider);
            of_it.map(|offer| offer.switched_off = true).count() > 0
        });
        if !found {
            let known: Vec<String> = catalog
                .models
                .values()
                .flat_map(|model| {
                    model
                        .offers
                        .iter()
                        .map(|offer| format!("{}/{}", offer.provider, model.id))
                })
                .collect();
            report(
                "offers",
                name,
                unknown("offer", name.get_ref(), known.iter().map(String::as_str)),
            );
        }
    }
    // What a model declares follows from its live offers.
    for model in catalog.models.values_mut() {
        model.declared = Derived::default();
    }
    mistakes
}
