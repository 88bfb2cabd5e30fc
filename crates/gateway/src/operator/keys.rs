//! Keys as an operator orders and changes them.

pub(crate) mod rules;
pub(crate) mod view;

use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::fault::{Fault, echo};
use planner::request::ResponseFormat;
use planner::route::Route;
use planner::rules::Rules;
use planner::suggest::nearest;
use serde_json::{Map, Value, json};

use super::fields::{Fields, Given, Sign};
use super::{ID_WANTED, Refusal, accounts, is_id};
use crate::auth::{KeyOrder, Scope};
use crate::db::Database;
use crate::db::keys::KeyTerms;
use crate::problem::model_message;
use rules::{RulesChange, over};

/// Longest name of a key.
pub(crate) const NAME_CHARS_MAX: usize = 100;
/// Highest limit of requests by the minute: a thousand a second is more than any key needs one against.
pub(crate) const REQUESTS_PER_MINUTE_MAX: i64 = 60_000;
/// Highest limit of generations at one time, far above what a gateway takes on by itself.
pub(crate) const CONCURRENT_MAX: i64 = 100_000;
/// The name of keys that get none.
const UNNAMED: &str = "unnamed";

/// What keys are checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Models and providers.
    pub(crate) catalog: &'a Catalog,
    /// The time.
    pub(crate) now: Timestamp,
}

/// What becomes of a key.
#[derive(Debug)]
pub(crate) struct KeyChange {
    name: Option<String>,
    response_format: Given<String>,
    route: Given<Route>,
    models: Given<Vec<String>>,
    providers: Given<Vec<String>>,
    rules: Given<RulesChange>,
    expires_at: Given<Timestamp>,
    log_retention_days: Given<i64>,
    media_ttl_s: Given<i64>,
    budget: Given<Budget>,
    rate_limit: Given<RateLimit>,
}

#[derive(Debug)]
struct Budget {
    total_micros: Given<i64>,
    day_micros: Given<i64>,
    month_micros: Given<i64>,
}

#[derive(Debug)]
struct RateLimit {
    requests_per_minute: Given<i64>,
    concurrent: Given<i64>,
}

impl KeyChange {
    fn read(fields: &mut Fields<'_>, around: Surroundings<'_>) -> Self {
        let name = fields.text("name", NAME_CHARS_MAX);
        Self {
            name: fields.not_null("name", name),
            budget: fields.object("budget", |budget| Budget {
                total_micros: budget.dollars("total_usd", Sign::NotNegative),
                day_micros: budget.dollars("day_usd", Sign::NotNegative),
                month_micros: budget.dollars("month_usd", Sign::NotNegative),
            }),
            rate_limit: fields.object("rate_limit", |limit| RateLimit {
                requests_per_minute: limit.integer("requests_per_minute", 1..=REQUESTS_PER_MINUTE_MAX),
                concurrent: limit.integer("concurrent", 1..=CONCURRENT_MAX),
            }),
            rules: fields.object("rules", RulesChange::read),
            log_retention_days: fields.integer("log_retention_days", 0..=accounts::LOG_RETENTION_DAYS_MAX),
            media_ttl_s: fields.read("media_ttl_s", media_ttl),
            models: fields.list("models", |name| model(around.catalog, name)),
            providers: fields.list("providers", |id| provider(around.catalog, id)),
            response_format: fields
                .choice(
                    "response_format",
                    &ResponseFormat::ALL.map(|format| (format.as_str(), format)),
                )
                .map(|format| format.as_str().to_owned()),
            route: fields.parsed("route", |value| Route::parse(value, around.catalog)),
            expires_at: fields.read("expires_at", |value| expiry(value, around.now)),
        }
    }

    /// Does it to a key's name and terms. What was left out stays, `null` clears.
    pub(crate) fn apply(self, name: &mut String, terms: &mut KeyTerms) {
        if let Some(new) = self.name {
            *name = new;
        }
        self.response_format.over(&mut terms.response_format);
        self.route.map(|route| json!(route).to_string()).over(&mut terms.route);
        over(self.models, &mut terms.models);
        over(self.providers, &mut terms.providers);
        match self.rules {
            Given::Absent | Given::Wrong => {}
            Given::Null => terms.rules = Rules::NONE,
            Given::Set(change) => change.apply(&mut terms.rules),
        }
        self.log_retention_days.over(&mut terms.log_retention_days);
        self.media_ttl_s.over(&mut terms.media_ttl_s);
        self.expires_at.over(&mut terms.expires_at);
        let limits = &mut terms.limits;
        match self.budget {
            Given::Absent | Given::Wrong => {}
            Given::Null => (limits.total_micros, limits.day_micros, limits.month_micros) = (None, None, None),
            Given::Set(budget) => {
                budget.total_micros.over(&mut limits.total_micros);
                budget.day_micros.over(&mut limits.day_micros);
                budget.month_micros.over(&mut limits.month_micros);
            }
        }
        match self.rate_limit {
            Given::Absent | Given::Wrong => {}
            Given::Null => (limits.requests_per_minute, limits.concurrent) = (None, None),
            Given::Set(limit) => {
                limit.requests_per_minute.over(&mut limits.requests_per_minute);
                limit.concurrent.over(&mut limits.concurrent);
            }
        }
    }
}

fn model(catalog: &Catalog, name: &str) -> Result<String, String> {
    if let Some(model) = catalog.model(name) {
        return Ok(model.id.clone());
    }
    match catalog.find(name) {
        Ok(found) => Err(format!(
            "{} names a provider as well; name '{}' here, and the provider in 'providers'",
            echo(name),
            found.model.id
        )),
        Err(cause) => Err(model_message(name, &cause)),
    }
}

fn provider(catalog: &Catalog, id: &str) -> Result<String, String> {
    if catalog.provider(id).is_some() {
        return Ok(id.to_owned());
    }
    let known: Vec<&str> = catalog.providers().map(|provider| provider.id.as_str()).collect();
    Err(match nearest(id, known.iter().copied()) {
        Some(meant) => format!("there is no provider {}; did you mean '{meant}'?", echo(id)),
        None => format!("there is no provider {}; known are {}", echo(id), known.join(", ")),
    })
}

/// How long images are kept, in seconds: not at all, or as an account may say.
fn media_ttl(value: &Value) -> Result<i64, String> {
    let (least, most) = (accounts::MEDIA_TTL_S_MIN, accounts::MEDIA_TTL_S_MAX);
    let fits = |seconds: &i64| *seconds == 0 || (least..=most).contains(seconds);
    let wanted = || format!("must be 0, or a whole number from {least} to {most}");
    value.as_i64().filter(fits).ok_or_else(wanted)
}

fn expiry(value: &Value, now: Timestamp) -> Result<Timestamp, String> {
    let time: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
    time.filter(|time| *time > now)
        .ok_or_else(|| "must be a time to come, such as 2030-01-31T00:00:00Z".to_owned())
}

/// What is known to be no field of a change, with the reason.
const FIXED: [(&str, &str); 2] = [
    ("account_id", "cannot be changed: make another key"),
    ("scopes", "cannot be changed: make another key"),
];

/// Reads a change of a key.
///
/// # Errors
/// All faults; `faults` are those known before.
pub(crate) fn change(
    given: &Map<String, Value>,
    around: Surroundings<'_>,
    mut faults: Vec<Fault>,
) -> Result<KeyChange, Refusal> {
    let mut fields = Fields::new(given);
    let change = KeyChange::read(&mut fields, around);
    for (name, why) in FIXED {
        fields.refused(name, why);
    }
    faults.extend(fields.finish());
    if faults.is_empty() {
        Ok(change)
    } else {
        Err(Refusal::Faults(faults))
    }
}

/// Reads an order of a key for `account_id`, unless it names another account.
///
/// # Errors
/// All faults; `faults` are those known before.
pub(crate) async fn order(
    database: &Database,
    given: &Map<String, Value>,
    account_id: &str,
    around: Surroundings<'_>,
    mut faults: Vec<Fault>,
) -> Result<KeyOrder, Refusal> {
    let mut fields = Fields::new(given);
    let change = KeyChange::read(&mut fields, around);
    let scopes = fields.list("scopes", |name| {
        let found = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        found.ok_or_else(|| format!("there is no scope {}; known are generate, read, admin", echo(name)))
    });
    let scopes = match scopes {
        Given::Set(scopes) if scopes.is_empty() => {
            fields.wrong("scopes", "must hold at least one of generate, read, admin");
            scopes
        }
        Given::Set(scopes) => scopes,
        Given::Absent | Given::Null | Given::Wrong => vec![Scope::Generate, Scope::Read],
    };
    let named = fields.read("account_id", |value| {
        let id = value.as_str().filter(|id| is_id(id));
        id.map(ToOwned::to_owned).ok_or_else(|| ID_WANTED.to_owned())
    });
    let account_id = named.value().unwrap_or_else(|| account_id.to_owned());
    if database.account(&account_id).await?.is_none() {
        fields.wrong(
            "account_id",
            &format!("names no account: there is no {}", echo(&account_id)),
        );
    }
    faults.extend(fields.finish());
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults));
    }
    let (mut name, mut terms) = (UNNAMED.to_owned(), KeyTerms::default());
    change.apply(&mut name, &mut terms);
    Ok(KeyOrder {
        account_id,
        name,
        scopes,
        terms,
    })
}
