//! What the settings name and only the catalogue knows.

use planner::catalog::Catalog;
use planner::catalog::lookup::NotFound;
use planner::region::is_region;
use planner::suggest::nearest;

use super::Settings;

/// The first mistake, if there is one.
pub(super) fn mistake(settings: &Settings, catalog: &Catalog) -> Option<String> {
    let mut successors = settings.successors.iter();
    let providers = settings.providers.keys().map(|id| ("providers", id));
    let priorities = settings.priorities.0.keys().map(|id| ("priorities", id));
    let mut unknown = providers
        .chain(priorities)
        .filter(|(_, id)| catalog.provider(id).is_none());
    if let Some(origin) = settings.cors_origins.iter().find(|origin| !is_origin(origin)) {
        return Some(format!(
            "cors_origins: '{origin}' is no origin such as https://app.example.com"
        ));
    }
    if let Some(alias) = settings.api_aliases.iter().find(|alias| !is_alias(alias)) {
        return Some(format!(
            "api_aliases: '{alias}' must be a path of its own such as /proxy/openai, without a / at its end"
        ));
    }
    let mistakes = wrong_collector(settings).or_else(|| half_a_pair(settings));
    if let Some(mistake) = mistakes
        .or_else(|| settings.policy.mistake())
        .or_else(|| wrong_region(settings))
    {
        return Some(mistake);
    }
    successors
        .find_map(|(id, successor)| wrong_successor(id, successor, catalog))
        .or_else(|| unknown.next().map(|(table, id)| unknown_provider(table, id, catalog)))
}

/// What an unknown setting may have been meant to be, by the words of the reader: the unknown name, then the known ones.
pub(super) fn meant(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next().filter(|_| message.starts_with("unknown field")) else {
        return String::new();
    };
    nearest(unknown, names).map_or_else(String::new, |meant| format!("; did you mean '{meant}'?"))
}

/// What is wrong with where traces go.
fn wrong_collector(settings: &Settings) -> Option<String> {
    let ratio = settings.otlp_trace_ratio;
    if !(0.0..=1.0).contains(&ratio) {
        return Some(format!("otlp_trace_ratio must be from 0 to 1, not {ratio}"));
    }
    let address = settings
        .otlp_endpoint
        .as_deref()
        .filter(|address| !address.is_empty())?;
    let is_legal = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    (!url::Url::parse(address).is_ok_and(|url| is_legal(&url)))
        .then(|| format!("otlp_endpoint: '{address}' is no address such as http://collector:4318"))
}

/// What is wrong with the region of a provider.
fn wrong_region(settings: &Settings) -> Option<String> {
    let mut named = settings.providers.iter();
    named.find_map(|(id, own)| {
        let region = own.region.as_deref().filter(|region| !is_region(region))?;
        Some(format!(
            "providers.{id}.region: '{region}' is no region such as 'eu' or 'us-central1'"
        ))
    })
}

/// What TLS lacks.
fn half_a_pair(settings: &Settings) -> Option<String> {
    let named = |setting: &'static str, is_set: bool| is_set.then_some(setting);
    let (certificate, key) = (settings.tls_certificate.is_some(), settings.tls_key.is_some());
    let set = named("tls_certificate", certificate)
        .or(named("tls_key", key))
        .or(named("tls_client_ca", settings.tls_client_ca.is_some()))?;
    let missing = match (certificate, key) {
        (true, true) => return None,
        (true, false) => "tls_key",
        (false, true) => "tls_certificate",
        (false, false) => "tls_certificate and tls_key",
    };
    Some(format!("{set} needs {missing} beside it"))
}

/// Whether a text is `*`, or `https://host` or `https://host:port` as a browser writes it.
fn is_origin(text: &str) -> bool {
    let is_one = |url: url::Url| url.origin().is_tuple() && url.origin().ascii_serialization() == text;
    text == "*" || url::Url::parse(text).is_ok_and(is_one)
}

/// Whether OpenAI's routes can stand below a path: letters, digits and hyphens, and nothing of Pictor's there.
fn is_alias(path: &str) -> bool {
    const OWN: [&str; 4] = ["v1", "openai", "media", "app"];
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    rest.split('/').all(is_part) && !rest.split('/').next().is_some_and(|first| OWN.contains(&first))
}

fn unknown_provider(table: &str, id: &str, catalog: &Catalog) -> String {
    let known = catalog.providers().map(|provider| provider.id.as_str());
    let meant = nearest(id, known).map_or_else(String::new, |meant| format!("; did you mean '{meant}'?"));
    format!("{table}.{id}: the catalogue has no provider '{id}'{meant}")
}

/// What is wrong with one entry of `successors`.
fn wrong_successor(id: &str, successor: &str, catalog: &Catalog) -> Option<String> {
    if catalog.model(id).is_none_or(|model| model.id != *id) {
        return Some(format!(
            "successors.{id}: the catalogue has no model with the id '{id}'"
        ));
    }
    match catalog.find(successor) {
        Ok(_) => None,
        Err(NotFound::Disabled { .. }) => Some(format!("successors.{id}: '{successor}' is disabled itself")),
        Err(_) => Some(format!("successors.{id}: the catalogue has no model '{successor}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_one_as_browsers_write_it() {
        for legal in ["*", "https://app.example", "http://localhost:3000"] {
            assert!(is_origin(legal), "{legal}");
        }
        for wrong in [
            "app.example",
            "https://app.example/",
            "https://app.example/x",
            "null",
            "",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_alias_is_a_path_of_its_own() {
        for legal in ["/proxy/openai", "/comfy"] {
            assert!(is_alias(legal), "{legal}");
        }
        for wrong in ["", "/", "proxy", "/proxy/", "/v1", "/openai/x", "/{x}", "/a//b"] {
            assert!(!is_alias(wrong), "{wrong}");
        }
    }
}
