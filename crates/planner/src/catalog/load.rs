//! Reading the catalogue from texts. Every mistake is reported with its file, line and key.

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use super::mistake::line_of;
use super::parameter::Parameter;
use super::{Catalog, check};

pub use super::mistake::{Mistake, Source};

/// Reads and checks all files. A later file with the same id takes the place of an earlier one, so that an
/// operator's folder, given last, overrides.
///
/// # Errors
/// Every mistake of every file, in the order of files and lines.
pub fn load(sources: &[Source<'_>]) -> Result<Catalog, Vec<Mistake>> {
    let mut catalog = Catalog::default();
    let mut origins = check::Origins::default();
    let mut mistakes = Vec::new();
    for &(name, text) in sources {
        let read = if name.starts_with("providers/") {
            parse(name, text).map(|provider: super::provider::Provider| {
                origins.insert(("provider", provider.id.clone()), (name, text));
                catalog.providers.insert(provider.id.clone(), provider);
            })
        } else if name.starts_with("models/") {
            parse(name, text).map(|model: super::model::Model| {
                origins.insert(("model", model.id.clone()), (name, text));
                catalog.models.insert(model.id.clone(), model);
            })
        } else if name == "parameters.toml" {
            parse(name, text).map(|parameters: IndexMap<String, Parameter>| catalog.parameters.extend(parameters))
        } else {
            let message = "a catalogue holds parameters.toml and the folders providers and models; this is neither";
            Err(Mistake {
                file: name.to_owned(),
                line: 0,
                key: String::new(),
                message: message.to_owned(),
            })
        };
        mistakes.extend(read.err());
    }
    catalog
        .models
        .sort_by(|a, left, b, right| right.featured.cmp(&left.featured).then_with(|| a.cmp(b)));
    mistakes.extend(check::check(&catalog, &origins));
    mistakes.sort();
    // What stands under `common` is checked once a mode.
    mistakes.dedup();
    if mistakes.is_empty() {
        Ok(catalog)
    } else {
        Err(mistakes)
    }
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Mistake> {
    toml::from_str(text).map_err(|error| Mistake {
        file: file.to_owned(),
        line: error.span().map_or(0, |span| line_of(text, span.start)),
        key: error
            .span()
            .map_or_else(String::new, |span| check::key_at(text, span.start)),
        message: error.message().to_owned(),
    })
}
