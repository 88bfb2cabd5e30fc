//! Known clients: callers that use one form of an image only and do not ask for it.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};
use planner::request::ResponseFormat;
use serde::Deserialize;

/// The clients that Pictor knows, and where each fact is from.
const BUILTIN: &str = include_str!("../data/clients.toml");

/// Clients by what they call themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownClients {
    clients: Vec<KnownClient>,
}

/// One client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownClient {
    /// Name in the header that tells why a format was used.
    pub(crate) name: String,
    /// Products of its `User-Agent`, without version. One that fits is enough.
    products: Vec<String>,
    /// What it gets when it does not ask.
    pub(crate) response_format: ResponseFormat,
    /// Why it needs that.
    why: String,
    /// Where that is known from.
    source: String,
}

/// A mistake in the list of clients.
#[derive(Debug, thiserror::Error)]
pub enum KnownClientsError {
    /// It is no TOML, or has other keys.
    #[error("known clients: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// A value that cannot be.
    #[error("known clients: {client}: {message}")]
    Invalid {
        /// The client's name.
        client: String,
        /// What is wrong.
        message: &'static str,
    },
}

impl KnownClients {
    /// The list that ships with Pictor.
    ///
    /// # Errors
    /// [`KnownClientsError`] on a mistake in it.
    pub(crate) fn builtin() -> Result<Self, KnownClientsError> {
        Self::read(BUILTIN)
    }

    fn read(text: &str) -> Result<Self, KnownClientsError> {
        let known: Self = toml::from_str(text)?;
        let mut names = HashSet::new();
        let mut products = HashSet::new();
        for client in &known.clients {
            let invalid = |message| KnownClientsError::Invalid {
                client: client.name.clone(),
                message,
            };
            if !is_name(&client.name) || !names.insert(&client.name) {
                return Err(invalid("its name is not of small letters and hyphens, or is taken"));
            }
            // An empty product would make everyone this client.
            if client.products.is_empty() || !client.products.iter().all(|product| is_product(product)) {
                return Err(invalid("a product is a name without spaces and without its version"));
            }
            if !client.products.iter().all(|product| products.insert(product)) {
                return Err(invalid("one of its products is taken"));
            }
            if client.why.is_empty() || client.source.is_empty() {
                return Err(invalid("it does not say why, or where that is known from"));
            }
        }
        Ok(known)
    }

    /// The client that sent these headers.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<&KnownClient> {
        let user_agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
        let mut sent = user_agent.split_ascii_whitespace();
        sent.find_map(|product| self.clients.iter().find(|client| client.sends(product)))
    }
}

impl KnownClient {
    /// Whether a product with its version is one of this client.
    fn sends(&self, sent: &str) -> bool {
        let fits = |own: &String| {
            sent.strip_prefix(own.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.products.iter().any(fits)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn is_product(product: &str) -> bool {
    !product.is_empty() && product.bytes().all(|byte| byte.is_ascii_graphic()) && !product.ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[clients]]\nname = \"one\"\nproducts = [\"one\", \"a/one\"]\nresponse_format = \"b64_json\"\n\
                         why = \"w\"\nsource = \"s\"\n";

    fn named(known: &KnownClients, user_agent: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, user_agent.parse().expect("a header"));
        known.of(&headers).map(|client| client.name.clone())
    }

    #[test]
    fn the_list_that_ships_has_no_mistake() {
        let known = KnownClients::builtin().expect("it has no mistake");
        assert!(!known.clients.is_empty());
    }

    #[test]
    fn a_product_fits_whole_and_anywhere_in_the_list() {
        let known = KnownClients::read(ENTRY).expect("a legal list");
        for user_agent in ["one/1.0", "other/2 one/1.0 (x; y)", "a/one/3", "other a/one/3"] {
            assert_eq!(named(&known, user_agent).as_deref(), Some("one"), "{user_agent}");
        }
        for user_agent in [
            "",
            "one",
            "ones/1",
            "b/one/1",
            "One/1",
            "other/one/1",
            "a/ones/1",
            "one-more/1",
        ] {
            assert_eq!(named(&known, user_agent), None, "{user_agent}");
        }
        assert_eq!(known.of(&HeaderMap::new()), None);
        let mut headers = HeaderMap::new();
        let bytes = header::HeaderValue::from_bytes(b"one/1 \xff").expect("a legal value");
        headers.insert(header::USER_AGENT, bytes);
        assert_eq!(known.of(&headers), None, "what is no text names no one");
    }

    #[test]
    fn mistakes_in_the_list_are_refused() {
        for (wrong, instead, says) in [
            ("name = \"one\"", "name = \"One\"", "its name"),
            ("name = \"one\"", "name = \"\"", "its name"),
            ("[\"one\", \"a/one\"]", "[]", "a product"),
            ("\"a/one\"", "\"\"", "a product"),
            ("\"a/one\"", "\"one two\"", "a product"),
            ("\"a/one\"", "\"one/\"", "a product"),
            ("\"a/one\"", "\"one\"", "is taken"),
            ("b64_json", "base64", "unknown variant `base64`"),
            ("why = \"w\"", "why = \"\"", "does not say why"),
            ("source = \"s\"", "source = \"\"", "does not say why"),
            ("source = \"s\"", "", "source"),
            ("why =", "reason =", "reason"),
        ] {
            let text = ENTRY.replace(wrong, instead);
            let error = KnownClients::read(&text).expect_err("a mistake").to_string();
            assert!(error.contains(says), "{instead}: {error}");
        }
        let twice = format!("{ENTRY}{ENTRY}");
        assert!(KnownClients::read(&twice).is_err(), "a name stands once");
    }
}
