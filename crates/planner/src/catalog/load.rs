//! Reading the catalogue from texts. Every mistake is reported with its file, line and key.

mod syntax;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use super::mistake::place::{dotted, line_of, path_at, readable};
use super::mistake::suggest::from_reader;
use super::off::{Off, switch_off};
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
    let mut off = None;
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
        } else if name == "off.toml" {
            parse(name, text).map(|read: Off| off = Some((read, (name, text))))
        } else {
            let message =
                "a catalogue holds parameters.toml, off.toml and the folders providers and models; this is neither";
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
    if let Some((off, source)) = off {
        mistakes.extend(switch_off(&mut catalog, &off, source));
    }
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
    toml::from_str(text).map_err(|error| syntax::mistake(file, text).unwrap_or_else(|| misfit(file, text, &error)))
}

/// TOML that does not fit what the file is for.
fn misfit(file: &str, text: &str, error: &toml::de::Error) -> Mistake {
    let offset = error.span().map(|span| span.start);
    let path = offset.and_then(|offset| path_at(&readable(text), offset));
    Mistake {
        file: file.to_owned(),
        line: offset.map_or(0, |offset| line_of(text, offset)),
        key: path.map_or_else(String::new, |path| dotted(&path)),
        message: from_reader(error.message()).unwrap_or_else(|| error.message().to_owned()),
    }
}
