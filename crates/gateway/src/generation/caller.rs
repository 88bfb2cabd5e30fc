//! Who asks, with what holds for everything that is asked.

use planner::catalog::Catalog;
use planner::route::Route;
use planner::rules::Rules;

use crate::auth::Identity;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Account.
    pub account_id: String,
    /// API key.
    pub key_id: String,
    /// Models that the key may use, by id; none: all.
    pub models: Vec<String>,
    /// Providers that may serve it, by id; none: all.
    pub providers: Vec<String>,
    /// How its requests are routed where they do not say.
    pub route: Route,
    /// What else it may ask for.
    pub rules: Rules,
    /// Seconds that its images are kept; `None`: as set for all. 0: no longer than until they are delivered.
    pub media_ttl_s: Option<i64>,
    /// Bytes that the account's stored images may take; `None`: only the limit for all holds.
    pub media_bytes: Option<i64>,
    /// Whether the account keeps what it asks and gets.
    pub stores_payloads: bool,
    /// Whether the key has nothing kept of what is written in its requests and answers.
    pub keeps_no_texts: bool,
}

impl Caller {
    /// The caller with this key.
    #[must_use]
    pub fn of(identity: &Identity, catalog: &Catalog) -> Self {
        let route = identity.terms.route.as_deref();
        let route = route.and_then(|text| serde_json::from_str(text).ok());
        Self {
            // Checked when the key was made; what the catalogue no longer has is no wish any more.
            route: route.map_or(Route::NONE, |value| Route::parse(&value, catalog).0),
            account_id: identity.account_id.clone(),
            key_id: identity.key_id.clone(),
            models: identity.terms.models.clone(),
            providers: identity.terms.providers.clone(),
            rules: identity.terms.rules.clone(),
            media_ttl_s: identity.terms.media_ttl_s.or(identity.account.media_ttl_s),
            media_bytes: identity.account.media_bytes,
            stores_payloads: identity.stores_payloads(),
            keeps_no_texts: identity.terms.keeps_no_texts(),
        }
    }

    /// Whether its images are kept no longer than until they are delivered.
    #[must_use]
    pub fn keeps_no_images(&self) -> bool {
        self.media_ttl_s == Some(0)
    }
}
