//! Who may be tried at all, and what to say when nobody may.

use std::fmt;

use super::Circumstances;
use crate::fault::listing;
use crate::money::Micros;
use crate::region::whereabouts;
use crate::rules::Breach;

/// What takes an offer out of a plan that could serve the request, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    /// The API key may not use the provider.
    Key,
    /// The route names others in `only`.
    Only,
    /// The route names the provider in `avoid`.
    Avoid,
    /// The route names other regions.
    Region,
    /// The provider has no credential here.
    Credential,
    /// What it would give breaks a rule of the API key.
    Rules,
    /// It would change something, and the route's `fit` is `required`.
    Fit,
    /// The estimate is above the route's `max_price_usd`.
    Price,
}

/// An offer that could serve the request and is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its provider.
    pub provider: String,
    /// What it would cost at the most.
    pub price: Micros,
    /// What it would change of what was asked for, in words; empty where nothing is.
    pub departures: String,
    /// Where it is served, as far as that is known.
    pub region: Option<String>,
    /// The rule of the API key that it breaks, where that took it out.
    pub breach: Option<Breach>,
    /// What took it out.
    pub filter: Filter,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            provider,
            price,
            departures,
            region,
            ..
        } = self;
        match self.filter {
            Filter::Key => write!(f, "this API key may not use {provider}"),
            Filter::Only => write!(f, "{provider} is not in 'route.only'"),
            Filter::Avoid => write!(f, "{provider} is in 'route.avoid'"),
            Filter::Region => {
                let place = whereabouts(region.as_deref());
                write!(f, "{provider} {place}, which 'route.regions' does not name")
            }
            Filter::Credential => write!(f, "{provider} has no credential here"),
            Filter::Rules => write!(f, "{provider} would break a rule of this API key"),
            Filter::Fit => write!(f, "{provider} would {departures}"),
            Filter::Price => write!(
                f,
                "{provider} would cost up to {price}, more than 'route.max_price_usd'"
            ),
        }
    }
}

/// Why there is nothing to try. Of several filters the one that took out the last offer decides; `removed` holds all
/// offers that could serve, with the filter of each. Shown, it is a clause that may stand after a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Offers could serve the request, but none that may be tried has a credential here.
    NoCredential {
        /// The providers without one.
        providers: Vec<String>,
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
    /// The forced provider, or the only one that can be called, cannot serve this request.
    ForcedProviderCannot {
        /// The provider.
        provider: String,
        /// The parameter that it cannot meet.
        param: String,
        /// Why, as the end of "provider ...".
        reason: String,
    },
    /// The API key may use none of the providers.
    NotAllowed {
        /// Those that it may use.
        allowed: Vec<String>,
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
    /// What those would give that may be tried breaks a rule of the API key.
    AgainstRules {
        /// The rule, as the first of them breaks it.
        breach: Breach,
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
    /// The route's `only`, `avoid` and `regions` leave no provider.
    Excluded {
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
    /// Whatever may be tried would change something, and the route's `fit` is `required`.
    WouldChange {
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
    /// Whatever may be tried costs more than the route allows.
    TooDear {
        /// The least estimate of those that may be tried.
        cheapest: Micros,
        /// Its provider.
        provider: String,
        /// The most that the route allows.
        max_price: Micros,
        /// Every offer that could serve.
        removed: Vec<Removed>,
    },
}

impl NoRoute {
    /// Judges a plan from which every offer was `removed`.
    pub(super) fn of(removed: Vec<Removed>, now: &Circumstances<'_>) -> Self {
        let by = |filter: Filter| removed.iter().filter(move |one| one.filter == filter);
        if let (Some(cheapest), Some(max_price)) = (by(Filter::Price).min_by_key(|one| one.price), now.route.max_price)
        {
            return Self::TooDear {
                cheapest: cheapest.price,
                provider: cheapest.provider.clone(),
                max_price,
                removed,
            };
        }
        let providers: Vec<String> = by(Filter::Credential).map(|one| one.provider.clone()).collect();
        let last = removed.iter().map(|one| one.filter).max();
        let breach = by(Filter::Rules).find_map(|one| one.breach.clone());
        if let (Some(Filter::Rules), Some(breach)) = (last, breach) {
            return Self::AgainstRules { breach, removed };
        }
        match last {
            Some(Filter::Key) => Self::NotAllowed {
                allowed: now.allowed_providers.unwrap_or_default().to_vec(),
                removed,
            },
            Some(Filter::Only | Filter::Avoid | Filter::Region) => Self::Excluded { removed },
            Some(Filter::Fit) => Self::WouldChange { removed },
            Some(Filter::Credential | Filter::Rules | Filter::Price) | None => {
                Self::NoCredential { providers, removed }
            }
        }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |removed: &[Removed], except: Option<Filter>| -> Vec<String> {
            let shown = removed.iter().filter(|one| Some(one.filter) != except);
            shown.map(ToString::to_string).collect()
        };
        let rest = |removed: &[Removed], except: Filter| match told(removed, Some(except)) {
            rest if rest.is_empty() => String::new(),
            rest => format!("; {}", rest.join("; ")),
        };
        match self {
            Self::NoCredential { providers, removed } => {
                let rest = rest(removed, Filter::Credential);
                write!(f, "no provider has a credential here: {}{rest}", listing(providers))
            }
            Self::ForcedProviderCannot { provider, reason, .. } => write!(f, "provider '{provider}' {reason}"),
            Self::NotAllowed { allowed, removed } => {
                let providers: Vec<&str> = removed.iter().map(|one| one.provider.as_str()).collect();
                write!(
                    f,
                    "this API key may use none of the providers that could serve it: {}",
                    listing(&providers)
                )?;
                match allowed.as_slice() {
                    [] => Ok(()),
                    allowed => write!(f, ". Its providers: {}", allowed.join(", ")),
                }
            }
            Self::AgainstRules { breach, .. } => breach.fmt(f),
            Self::Excluded { removed } => {
                write!(f, "the route leaves no provider: {}", told(removed, None).join("; "))
            }
            Self::WouldChange { removed } => {
                write!(
                    f,
                    "'route.fit' is 'required', and no provider does all that is asked for: {}",
                    told(removed, None).join("; ")
                )
            }
            Self::TooDear {
                cheapest,
                provider,
                max_price,
                removed,
            } => {
                let rest = rest(removed, Filter::Price);
                write!(
                    f,
                    "'route.max_price_usd' allows {max_price}, and the cheapest provider, {provider}, would cost up to {cheapest}{rest}"
                )
            }
        }
    }
}
