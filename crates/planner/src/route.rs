//! A caller's wishes on where a request goes: the `route` of a request, of an API key or of the operator.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::{Map, Value};

use crate::argument::kind_of;
use crate::catalog::Catalog;
use crate::failure::FailoverPolicy;
use crate::fault::{Fault, echo, listing};
use crate::fit::FitRule;
use crate::money::Micros;
use crate::region::is_region;
use crate::strategy::Strategy;
use crate::suggest::nearest;

/// Names in one list of providers: more than any catalogue has, few enough that each can be looked up.
const PROVIDERS_MAX: usize = 64;
/// Other models that a route may name: each is resolved and planned for every request.
const MODELS_MAX: usize = 8;
/// Regions that a route may name: more than any provider has hosts for.
const REGIONS_MAX: usize = 64;
/// A greater `max_price_usd` is taken as this: no images cost as much, and exact amounts stay in range.
const MAX_PRICE_USD_MAX: f64 = 1_000_000.0;
/// The fields of a route.
const FIELDS: [&str; 10] = [
    "strategy",
    "fit",
    "only",
    "avoid",
    "max_price_usd",
    "failover_on_content_policy",
    "hedge",
    "models",
    "prefer",
    "regions",
];

/// Which of several models goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// The one that the arena's votes rate best; models without a rating follow in the caller's order.
    Rating,
}

impl Prefer {
    /// Every way.
    pub const ALL: [Self; 1] = [Self::Rating];

    /// Its name in a route.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rating => "rating",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// The wishes of one who may have some. What is absent is left to the next one: the request, then its API key, then
/// the operator. Serializes to what [`Route::parse`] reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Route {
    /// What the order goes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// What fit counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<FitRule>,
    /// The only providers that may be tried; at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Providers that may not be tried. An empty list lifts that of the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoid: Option<Vec<String>>,
    /// The most that the whole request may cost by its estimate.
    #[serde(
        rename = "max_price_usd",
        serialize_with = "in_dollars",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_price: Option<Micros>,
    /// Whether a safety block may be tried at another provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_on_content_policy: Option<bool>,
    /// Whether another offer may be asked as soon as a call takes longer than nearly all before it, as after a call whose
    /// outcome is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<bool>,
    /// Other models that may serve when the one that was named cannot, by any name that the catalogue knows, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Which of all these models goes first; the one that was named, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<Prefer>,
    /// The only regions in which it may be served, as providers name them; at least one. `us` holds `us-central1` too, and what
    /// does not say where it works is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
}

#[expect(clippy::ref_option, reason = "the reader of the derive gives a reference")]
fn in_dollars<S: serde::Serializer>(price: &Option<Micros>, serializer: S) -> Result<S::Ok, S::Error> {
    match price {
        Some(price) => serializer.serialize_f64(price.as_json_dollars()),
        None => serializer.serialize_none(),
    }
}

impl Route {
    /// No wishes.
    pub const NONE: Self = Self {
        strategy: None,
        fit: None,
        only: None,
        avoid: None,
        max_price: None,
        failover_on_content_policy: None,
        hedge: None,
        models: None,
        prefer: None,
        regions: None,
    };

    /// Reads a route. Fields at fault are left absent, so that all faults are told together.
    #[must_use]
    pub fn parse(value: &Value, catalog: &Catalog) -> (Self, Vec<Fault>) {
        let Value::Object(fields) = value else {
            let message = format!("'route' must be an object, not {}", kind_of(value));
            return (Self::NONE, vec![Fault::new("route", message)]);
        };
        let mut reader = Reader {
            fields,
            catalog,
            faults: Vec::new(),
        };
        reader.refuse_unknown();
        let route = Self {
            strategy: reader.choice("strategy", &Strategy::ALL.map(Strategy::as_str), Strategy::parse),
            fit: reader.choice("fit", &FitRule::ALL.map(FitRule::as_str), FitRule::parse),
            only: reader.providers("only"),
            avoid: reader.providers("avoid"),
            max_price: reader.max_price(),
            failover_on_content_policy: reader.switch("failover_on_content_policy"),
            hedge: reader.switch("hedge"),
            models: reader.models(),
            prefer: reader.choice("prefer", &Prefer::ALL.map(Prefer::as_str), Prefer::parse),
            regions: reader.regions(),
        };
        if route.only.as_ref().is_some_and(Vec::is_empty) {
            let message = "'route.only' is empty: name a provider, or leave it out";
            reader.faults.push(Fault::new("route.only", message));
        }
        if route.regions.as_ref().is_some_and(Vec::is_empty) {
            let message = "'route.regions' is empty: name a region, or leave it out";
            reader.faults.push(Fault::new("route.regions", message));
        }
        (route, reader.faults)
    }

    /// These wishes, and where there are none those of `next`. A provider that is named in `only` here is not avoided
    /// because `next` avoids it.
    #[must_use]
    pub fn over(&self, next: &Self) -> Self {
        let wanted = |provider: &String| self.only.as_ref().is_some_and(|only| only.contains(provider));
        let avoided_next = || {
            let avoid = next.avoid.as_ref()?.iter();
            Some(avoid.filter(|provider| !wanted(provider)).cloned().collect())
        };
        Self {
            strategy: self.strategy.or(next.strategy),
            fit: self.fit.or(next.fit),
            only: self.only.clone().or_else(|| next.only.clone()),
            avoid: self.avoid.clone().or_else(avoided_next),
            max_price: self.max_price.or(next.max_price),
            failover_on_content_policy: self.failover_on_content_policy.or(next.failover_on_content_policy),
            hedge: self.hedge.or(next.hedge),
            models: self.models.clone().or_else(|| next.models.clone()),
            prefer: self.prefer.or(next.prefer),
            regions: self.regions.clone().or_else(|| next.regions.clone()),
        }
    }

    /// The operator's policy with these wishes.
    #[must_use]
    pub fn policy(&self, operator: FailoverPolicy) -> FailoverPolicy {
        FailoverPolicy {
            on_content_policy: self.failover_on_content_policy.unwrap_or(operator.on_content_policy),
            ..operator
        }
    }
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    catalog: &'a Catalog,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// A field that is set. `null` is how typed clients say "not set".
    fn field(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn fault(&mut self, name: &str, message: impl std::fmt::Display) {
        let param = format!("route.{name}");
        let message = format!("'{param}' {message}");
        self.faults.push(Fault::new(param, message));
    }

    /// Fields that a route does not have. Past a few the rest is not worth telling.
    fn refuse_unknown(&mut self) {
        const TOLD_MAX: usize = 5;
        let names = self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str()));
        for name in names.take(TOLD_MAX) {
            let meant = nearest(name, FIELDS).map(|near| format!(" Did you mean '{near}'?"));
            let message = format!(
                "A route has no field {}.{} Its fields: {}",
                echo(name),
                meant.unwrap_or_default(),
                listing(&FIELDS)
            );
            self.faults.push(Fault::new("route", message));
        }
    }

    fn choice<T>(&mut self, name: &str, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.field(name)?;
        let chosen = value.as_str().and_then(parse);
        if chosen.is_none() {
            let given = value.as_str().map_or_else(|| kind_of(value).to_owned(), echo);
            self.fault(name, format!("must be one of {}, not {given}", listing(names)));
        }
        chosen
    }

    fn providers(&mut self, field: &str) -> Option<Vec<String>> {
        self.names(field, "provider ids", PROVIDERS_MAX, |reader, name| {
            match reader.catalog.provider(name) {
                Some(_) => Ok(()),
                None => Err(reader.unknown_provider(name)),
            }
        })
    }

    fn regions(&mut self) -> Option<Vec<String>> {
        self.names("regions", "regions", REGIONS_MAX, |_, name| {
            let wanted = || format!("names {}, which is no region such as 'eu' or 'us-central1'", echo(name));
            is_region(name).then_some(()).ok_or_else(wanted)
        })
    }

    fn models(&mut self) -> Option<Vec<String>> {
        self.names("models", "model ids", MODELS_MAX, |reader, name| {
            if reader.catalog.named(name).is_some() {
                return Ok(());
            }
            let meant = reader.catalog.suggest(name);
            let meant = meant.map(|near| format!(" Did you mean '{near}'?")).unwrap_or_default();
            Err(format!("names an unknown model {}.{meant}", echo(name)))
        })
    }

    /// A list of at most `most` names that `check` knows, each once.
    fn names(
        &mut self,
        field: &str,
        what: &str,
        most: usize,
        check: impl Fn(&Self, &str) -> Result<(), String>,
    ) -> Option<Vec<String>> {
        let value = self.field(field)?;
        let Value::Array(given) = value else {
            self.fault(field, format!("must be a list of {what}, not {}", kind_of(value)));
            return None;
        };
        if given.len() > most {
            self.fault(field, format!("has {} entries; at most {most} are taken", given.len()));
            return None;
        }
        let faults_before = self.faults.len();
        let mut names: Vec<String> = Vec::new();
        for name in given {
            let Value::String(name) = name else {
                self.fault(field, format!("must be a list of {what}; it holds {}", kind_of(name)));
                continue;
            };
            match check(self, name) {
                Ok(()) if names.contains(name) => {}
                Ok(()) => names.push(name.clone()),
                Err(message) => self.fault(field, message),
            }
        }
        (self.faults.len() == faults_before).then_some(names)
    }

    fn unknown_provider(&self, name: &str) -> String {
        let ids = || self.catalog.providers().map(|provider| provider.id.as_str());
        match nearest(name, ids()) {
            Some(near) => format!("names an unknown provider {}. Did you mean '{near}'?", echo(name)),
            None => {
                let ids: Vec<&str> = ids().collect();
                format!("names an unknown provider {}. Known: {}", echo(name), listing(&ids))
            }
        }
    }

    fn max_price(&mut self) -> Option<Micros> {
        let value = self.field("max_price_usd")?;
        let Some(dollars) = value.as_f64() else {
            self.fault(
                "max_price_usd",
                format!("must be a number of dollars, not {}", kind_of(value)),
            );
            return None;
        };
        if dollars < 0.0 {
            self.fault(
                "max_price_usd",
                format!("must be at least 0, not {}", echo(&value.to_string())),
            );
            return None;
        }
        Decimal::from_f64(dollars.min(MAX_PRICE_USD_MAX)).map(Micros::from_dollars)
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        let value = self.field(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.fault(name, format!("must be true or false, not {}", kind_of(value)));
        }
        flag
    }
}

#[cfg(test)]
mod tests;
