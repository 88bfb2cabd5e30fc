//! Secrets that the settings file does not hold itself: `{ file = "..." }` or `{ command = ["..."] }` in the place of a text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use planner::catalog::Catalog;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::{Environment, SettingsError, command, files};

/// Settings of the first part that may be written so.
pub(super) const TEXTS: [&str; 2] = ["database_url", "outbound_proxy"];
/// Settings of the first part whose fields may be.
pub(super) const TABLES_OF_TEXTS: [&str; 2] = ["media_options", "otlp_headers"];
/// Longest time that a command may be given, in seconds: a start that waits for longer looks like one that hangs.
pub(super) const TIMEOUT_MAX_S: u64 = 120;

/// Where a secret is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Source {
    /// A file that holds it.
    file: Option<PathBuf>,
    /// A program and its arguments, whose output it is.
    command: Option<Vec<String>>,
    /// How long that may take.
    timeout_s: Option<u64>,
}

impl Source {
    fn mistake(&self) -> Option<&'static str> {
        match (&self.file, &self.command) {
            (Some(_), None) if self.timeout_s.is_some() => Some("timeout_s is for a command"),
            (Some(_), None) => None,
            (None, Some(command)) if command.first().is_none_or(String::is_empty) => {
                Some("command is a list: the program, and its arguments")
            }
            (None, Some(_)) if self.timeout_s.is_some_and(|s| !(1..=TIMEOUT_MAX_S).contains(&s)) => {
                Some("timeout_s must be from 1 to 120")
            }
            (None, Some(_)) => None,
            _ => Some("one of file and command says where the secret is"),
        }
    }
}

/// A text, or where it is.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, { file = \"...\" } or { command = [\"...\"] }")
            }

            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }

            // What it holds is put in its place before the settings are used.
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                let source = Source::deserialize(MapAccessDeserializer::new(map))?;
                match source.mistake() {
                    Some(mistake) => Err(A::Error::custom(mistake)),
                    None => Ok(Written(String::new())),
                }
            }
        }
        reader.deserialize_any(Reader)
    }
}

/// A text that may be written as where it is.
pub(super) fn maybe_text<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    let written = Written::deserialize(reader)?;
    Ok(Some(written.0))
}

/// Texts, each of which may be.
pub(super) fn texts<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, String>, D::Error> {
    let written = BTreeMap::<String, Written>::deserialize(reader)?;
    Ok(written.into_iter().map(|(name, text)| (name, text.0)).collect())
}

/// What was put in its place.
#[derive(Default)]
pub(super) struct Found {
    /// Files that were read.
    pub(super) files: Vec<PathBuf>,
    /// Where each setting came from, by its name.
    pub(super) origins: BTreeMap<String, String>,
}

/// Leaves out credentials that a variable goes before, so that nothing is read or run for them.
pub(super) fn leave_out(table: &mut Table, environment: &Environment, catalog: &Catalog) {
    let is_set = |name: &String| environment.get(name).is_some_and(|value| !value.is_empty());
    for provider in catalog
        .providers()
        .filter(|one| one.credential_variable.iter().any(is_set))
    {
        let own = table.get_mut("providers").and_then(|all| all.get_mut(&provider.id));
        if let Some(own) = own.and_then(Value::as_table_mut) {
            for name in ["credential", "credential_file", "credentials"] {
                own.remove(name);
            }
        }
    }
}

/// Puts the secrets themselves in their places. Commands run one after the other.
///
/// # Errors
/// [`SettingsError`] names the setting at fault.
pub(super) fn expand(table: &mut Table, origin: &str) -> Result<Found, SettingsError> {
    let mut found = Found::default();
    for (name, value) in places(table) {
        let Value::Table(written) = value else { continue };
        let invalid = |message: String| SettingsError::Invalid {
            origin: origin.to_owned(),
            message: format!("{name}: {message}"),
        };
        let source: Source = Value::Table(written.clone())
            .try_into()
            .map_err(|error: toml::de::Error| invalid(error.message().to_owned()))?;
        let (text, origin) = match source {
            Source { file: Some(path), .. } => {
                let text = files::text(&path)?;
                let origin = path.display().to_string();
                found.files.push(path);
                (text, origin)
            }
            Source { command, timeout_s, .. } => {
                let command = command.unwrap_or_default();
                let limit = timeout_s.map_or(command::TIME, Duration::from_secs);
                let text = command::output(&command, limit).map_err(invalid)?;
                (
                    text,
                    format!("command '{}'", command.first().map_or("", String::as_str)),
                )
            }
        };
        *value = text.into();
        found.origins.insert(name, origin);
    }
    Ok(found)
}

/// Every place where a secret may be written so, by its name.
fn places(table: &mut Table) -> Vec<(String, &mut Value)> {
    let mut places = Vec::new();
    for (name, value) in table.iter_mut() {
        match name.as_str() {
            "providers" => {
                for (id, own) in value.as_table_mut().into_iter().flat_map(Table::iter_mut) {
                    of_provider(&format!("providers.{id}"), own, &mut places);
                }
            }
            name if TABLES_OF_TEXTS.contains(&name) => {
                let fields = value.as_table_mut().into_iter().flat_map(Table::iter_mut);
                places.extend(fields.map(|(field, value)| (format!("{name}.{field}"), value)));
            }
            name if TEXTS.contains(&name) => places.push((name.to_owned(), value)),
            _ => {}
        }
    }
    places
}

fn of_provider<'a>(path: &str, own: &'a mut Value, places: &mut Vec<(String, &'a mut Value)>) {
    for (name, value) in own.as_table_mut().into_iter().flat_map(Table::iter_mut) {
        match (name.as_str(), value) {
            ("credential", value) => places.push((format!("{path}.credential"), value)),
            ("credentials", Value::Array(list)) => {
                let one = |(place, own): (usize, &'a mut Value)| {
                    let credential = own.as_table_mut()?.get_mut("credential")?;
                    Some((format!("{path}.credentials.{}", place + 1), credential))
                };
                places.extend(list.iter_mut().enumerate().filter_map(one));
            }
            _ => {}
        }
    }
}
