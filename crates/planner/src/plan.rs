//! From what each offer would be sent to an ordered plan.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::catalog::model::Model;
use crate::resolve::{Resolution, Resolved};

/// What the world is like when a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Providers that can be called: they have a credential or the sandbox stands in for them.
    pub available: &'a HashSet<String>,
    /// The only provider that the caller wants.
    pub forced_provider: Option<&'a str>,
    /// The day, in UTC.
    pub today: Date,
}

/// An offer in a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<'a> {
    /// What is sent and what it costs.
    pub resolved: Resolved<'a>,
    /// Whether its announced last day has passed.
    pub past_sunset: bool,
}

/// The candidates in the order in which they are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutePlan<'a> {
    /// The model.
    pub model: &'a Model,
    /// At least one.
    pub candidates: Vec<Candidate<'a>>,
}

/// Why there is nothing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Offers could serve the request, but none has a credential here.
    NoCredential {
        /// Their providers.
        providers: Vec<String>,
    },
    /// The forced provider cannot serve this request.
    ForcedProviderCannot {
        /// The provider.
        provider: String,
        /// The parameter that it cannot meet.
        param: String,
        /// Why, as the end of "provider ...".
        reason: String,
    },
}

/// Orders the offers that can be called: cheapest first, ties as in the catalogue. Those without the partial images that
/// were asked for come after the others, as these cost extra only where they are made; those past their last day at the end.
///
/// # Errors
/// [`NoRoute`] when none is left.
pub fn plan<'a>(resolution: Resolution<'a>, now: &Circumstances<'_>) -> Result<RoutePlan<'a>, NoRoute> {
    if let Some(forced) = now.forced_provider
        && !resolution
            .offers
            .iter()
            .any(|resolved| resolved.offer.provider == forced)
    {
        let refusal = resolution
            .refusals
            .into_iter()
            .find(|refusal| refusal.offer.provider == forced);
        let (param, reason) = refusal.map_or_else(
            || ("model".to_owned(), "has no such offer".to_owned()),
            |refusal| (refusal.param, refusal.reason),
        );
        return Err(NoRoute::ForcedProviderCannot {
            provider: forced.to_owned(),
            param,
            reason,
        });
    }
    let wanted = |provider: &str| now.forced_provider.is_none_or(|forced| forced == provider);
    let providers: Vec<String> = resolution
        .offers
        .iter()
        .map(|resolved| resolved.offer.provider.clone())
        .filter(|provider| wanted(provider))
        .collect();
    let mut candidates: Vec<Candidate<'a>> = resolution
        .offers
        .into_iter()
        .filter(|resolved| wanted(&resolved.offer.provider) && now.available.contains(&resolved.offer.provider))
        .map(|resolved| Candidate {
            past_sunset: resolved.offer.sunset.is_some_and(|day| day < now.today),
            resolved,
        })
        .collect();
    if candidates.is_empty() {
        return Err(NoRoute::NoCredential { providers });
    }
    candidates.sort_by_key(|candidate| {
        let resolved = &candidate.resolved;
        (
            candidate.past_sunset,
            resolved.lacks_partials(),
            resolved.estimate.total,
        )
    });
    Ok(RoutePlan {
        model: resolution.model,
        candidates,
    })
}
