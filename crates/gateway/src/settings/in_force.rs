//! The settings in force as people read them: each with its value and where it came from, without secrets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use ipnet::IpNet;
use serde::Serializer;
use serde::ser::SerializeSeq as _;
use serde_json::Value;
use url::Url;

use super::{Environment, Settings};

/// Stands for a secret.
const HIDDEN: &str = "(not shown)";
/// Settings whose keys stand below their names.
pub(super) const TABLES: [&str; 3] = ["limits", "visitors", "policy"];

/// Where each setting came from that is not the default.
pub(super) fn origins(
    table: &toml::Table,
    file: Option<&Path>,
    environment: &Environment,
    variables: &[&str],
) -> BTreeMap<String, String> {
    let mut origins = BTreeMap::new();
    let file = file.map_or_else(String::new, |file| file.display().to_string());
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) if TABLES.contains(&key.as_str()) => {
                let inner = inner.keys().map(|name| (format!("{key}.{name}"), file.clone()));
                origins.extend(inner);
            }
            _ => {
                origins.insert(key.clone(), file.clone());
            }
        }
    }
    for name in environment.keys() {
        let Some(key) = name.strip_prefix("PICTOR_").map(str::to_lowercase) else {
            continue;
        };
        let in_table = TABLES
            .iter()
            .find_map(|table| Some(format!("{table}.{}", key.strip_prefix(table)?.strip_prefix('_')?)));
        let key = match in_table {
            Some(key) => key,
            None if key == "visitors" => "visitors.access".to_owned(),
            None if variables.contains(&key.as_str()) => key,
            None => continue,
        };
        origins.insert(key, name.clone());
    }
    origins
}

/// A setting: its name, its value as one would type it, and where it came from unless it is the default.
pub type InForce = (String, String, Option<String>);

/// Every setting but those of providers, whose credentials are nobody's to see.
#[must_use]
pub fn all(settings: &Settings) -> Vec<InForce> {
    values(settings)
        .into_iter()
        .map(|(name, value)| {
            let origin = settings.origins.get(&name).cloned();
            let value = told(&value);
            (name, value, origin)
        })
        .collect()
}

/// The names of settings that are others there than here, but for those of providers.
pub(crate) fn changed(here: &Settings, there: &Settings) -> Vec<String> {
    let before = values(here);
    let is_new = |(name, value): &(String, Value)| !before.iter().any(|own| own.0 == *name && own.1 == *value);
    let found = values(there).into_iter().filter(is_new);
    found.map(|(name, _)| name).collect()
}

/// Every setting by its name, those of tables below it.
fn values(settings: &Settings) -> Vec<(String, Value)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(settings) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, value) in fields {
        match value {
            Value::Object(inner) if TABLES.contains(&key.as_str()) => {
                found.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => found.push((key, value)),
        }
    }
    found
}

fn told(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => without_secret(text),
        Value::Array(list) => list.iter().map(told).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// An address without user, password and query, which may hold what is nobody's to see; any other text as it is.
#[must_use]
pub fn without_secret(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    if !text.contains("://") {
        return text.to_owned();
    }
    // Addresses that can have neither have none to be taken away.
    let had = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    let mark = if had { " (the rest is not shown)" } else { "" };
    format!("{url}{mark}")
}

/// A word of the settings file from the name of a variant.
pub(super) fn word<S: Serializer>(value: &impl Debug, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&format!("{value:?}").to_lowercase())
}

/// What may be seen of options of a store: where it is and how it is called.
const OPEN_OPTIONS: [&str; 6] = [
    "endpoint",
    "region",
    "allow_http",
    "virtual_hosted_style_request",
    "timeout",
    "connect_timeout",
];

/// Options of a store without secrets.
pub(super) fn options<S: Serializer>(options: &BTreeMap<String, String>, out: S) -> Result<S::Ok, S::Error> {
    let shown = options.iter().map(|(name, value)| {
        let is_open = OPEN_OPTIONS.contains(&name.as_str());
        (
            name,
            if is_open {
                without_secret(value)
            } else {
                HIDDEN.to_owned()
            },
        )
    });
    out.collect_map(shown)
}

/// Names whose values are nobody's to see.
pub(super) fn names<S: Serializer>(secrets: &BTreeMap<String, String>, out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(secrets.keys().map(|name| (name, HIDDEN)))
}

/// A secret: whether it is set is all that may be seen.
#[expect(clippy::ref_option, reason = "the writer of the derive gives a reference")]
pub(super) fn hidden<S: Serializer>(secret: &Option<String>, out: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => out.serialize_str(HIDDEN),
        None => out.serialize_none(),
    }
}

/// Networks as one would type them.
pub(super) fn networks<S: Serializer>(networks: &[IpNet], out: S) -> Result<S::Ok, S::Error> {
    let mut list = out.serialize_seq(Some(networks.len()))?;
    for network in networks {
        list.serialize_element(&network.to_string())?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_tells_its_origin_and_no_secret() {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue");
        let environment = [
            (
                "PICTOR_DATABASE_URL",
                "postgres://user:secret@db/pictor?password=secret",
            ),
            ("PICTOR_LIMITS_GENERATION_DEADLINE_S", "120"),
            ("PICTOR_VISITORS", "off"),
            ("PICTOR_OPENAI_API_KEY", "sk-secret"),
        ];
        let environment = environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let settings = Settings::load(None, &environment, &catalog).expect("right settings");
        let told = all(&settings);
        let of = |name: &str| {
            let found = told.iter().find(|(own, ..)| own == name);
            found.map(|(_, value, origin)| (value.as_str(), origin.as_deref()))
        };
        assert_eq!(
            of("limits.generation_deadline_s"),
            Some(("120", Some("PICTOR_LIMITS_GENERATION_DEADLINE_S")))
        );
        assert_eq!(of("visitors.access"), Some(("off", Some("PICTOR_VISITORS"))));
        assert_eq!(of("sandbox"), Some(("auto", None)));
        assert_eq!(of("trusted_proxies"), Some(("127.0.0.0/8, ::1/128", None)));
        let (database, origin) = of("database_url").expect("a setting");
        assert!(database.starts_with("postgres://db/pictor"), "{database}");
        assert_eq!(origin, Some("PICTOR_DATABASE_URL"));
        let is_told = |(_, value, _): &InForce| value.contains("secret");
        assert!(!told.iter().any(is_told), "{told:?}");
        let map = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            owned.collect::<BTreeMap<String, String>>()
        };
        let told = all(&Settings {
            media_options: map(&[("region", "eu"), ("access_key_id", "hidden"), ("sas", "hidden")]),
            otlp_headers: map(&[("authorization", "hidden")]),
            ..settings
        });
        let told = format!("{told:?}");
        assert!(
            told.contains("eu") && told.contains("authorization") && !told.contains("hidden"),
            "{told}"
        );
    }
}
