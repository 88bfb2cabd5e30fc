//! From what each offer would be sent to an ordered plan.

mod filter;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::catalog::model::Model;
use crate::catalog::offer::Offer;
use crate::fit::{Fit, FitRule};
use crate::health::{Health, OfferHealth};
use crate::region::is_in;
use crate::resolve::{Refusal, Resolution, Resolved};
use crate::route::Route;
use crate::rules::{Breach, Rules};
use crate::strategy::{self, Contender, Draw, Priorities, Rank, Strategy};

pub use filter::{Filter, NoRoute, Removed};

/// What the world is like when a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Providers that can be called: they have a credential or the sandbox stands in for them.
    pub available: &'a HashSet<String>,
    /// The only provider that the caller wants.
    pub forced_provider: Option<&'a str>,
    /// The providers that the API key may use; all when absent.
    pub allowed_providers: Option<&'a [String]>,
    /// What else the API key may ask for.
    pub rules: &'a Rules,
    /// Where each provider works, as far as that is known.
    pub regions: &'a HashMap<String, String>,
    /// The wishes of the request over those of its key over those of the operator.
    pub route: &'a Route,
    /// The strategy where the route names none.
    pub strategy: Strategy,
    /// The operator's groups and weights, for the strategy that goes by them.
    pub priorities: &'a Priorities,
    /// How the offers have been doing.
    pub health: &'a Health,
    /// The time.
    pub now: Timestamp,
    /// A random number. The same one in the same circumstances makes the same plan.
    pub seed: u64,
}

impl<'a> Circumstances<'a> {
    /// Those of a gateway where nothing was set and nothing has happened yet.
    #[must_use]
    pub fn new(available: &'a HashSet<String>, now: Timestamp) -> Self {
        static NO_WISHES: Route = Route::NONE;
        static NO_RULES: Rules = Rules::NONE;
        static NO_HISTORY: Health = Health::new();
        static NO_REGIONS: LazyLock<HashMap<String, String>> = LazyLock::new(HashMap::new);
        static NO_PRIORITIES: LazyLock<Priorities> = LazyLock::new(Priorities::default);
        Self {
            available,
            forced_provider: None,
            allowed_providers: None,
            rules: &NO_RULES,
            regions: &NO_REGIONS,
            route: &NO_WISHES,
            strategy: Strategy::default(),
            priorities: &NO_PRIORITIES,
            health: &NO_HISTORY,
            now,
            seed: 0,
        }
    }

    /// The day, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// The strategy in force.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.route.strategy.unwrap_or(self.strategy)
    }

    /// What fit counts for.
    #[must_use]
    pub fn fit_rule(&self) -> FitRule {
        self.route.fit.unwrap_or_default()
    }

    /// What takes an offer out that could serve, if anything does.
    pub(crate) fn filter(&self, resolved: &Resolved<'_>) -> Option<Filter> {
        if let Some(filter) = self.filter_offer(resolved.offer) {
            return Some(filter);
        }
        if self.breach(resolved).is_some() {
            return Some(Filter::Rules);
        }
        if self.fit_rule() == FitRule::Required && !resolved.fit.is_exact() {
            return Some(Filter::Fit);
        }
        let is_too_dear = |max| resolved.estimate.total > max;
        self.route.max_price.is_some_and(is_too_dear).then_some(Filter::Price)
    }

    /// The rule of the API key that an offer would break, if it would break one.
    pub(crate) fn breach(&self, resolved: &Resolved<'_>) -> Option<Breach> {
        self.rules.breach(resolved, self.region(resolved.offer))
    }

    /// Where an offer is served, as far as that is known: in its provider's region, unless that is none of its own.
    #[must_use]
    pub fn region<'o>(&'o self, offer: &'o Offer) -> Option<&'o str> {
        /// What providers call it who leave open where they work.
        const GLOBAL: &str = "global";
        let region = self.regions.get(&offer.provider).map(String::as_str);
        let own = offer.region.as_deref();
        own.filter(|_| region == Some(GLOBAL)).or(region)
    }

    /// What takes an offer out whatever it is asked for, if anything does.
    fn filter_offer(&self, offer: &Offer) -> Option<Filter> {
        let provider = &offer.provider;
        let Route {
            only, avoid, regions, ..
        } = self.route;
        if self
            .allowed_providers
            .is_some_and(|allowed| !allowed.contains(provider))
        {
            return Some(Filter::Key);
        }
        if only.as_ref().is_some_and(|only| !only.contains(provider)) {
            return Some(Filter::Only);
        }
        if avoid.as_ref().is_some_and(|avoid| avoid.contains(provider)) {
            return Some(Filter::Avoid);
        }
        if regions
            .as_ref()
            .is_some_and(|wanted| !is_in(self.region(offer), wanted))
        {
            return Some(Filter::Region);
        }
        (!self.available.contains(provider)).then_some(Filter::Credential)
    }
}

/// An offer in a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<'a> {
    /// What is sent and what it costs.
    pub resolved: Resolved<'a>,
    /// Whether its announced last day has passed.
    pub past_sunset: bool,
    /// How it was doing when the plan was made.
    pub health: OfferHealth,
    /// Why it stands where it stands among those of its kind.
    pub rank: Rank,
}

/// The candidates in the order in which they are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutePlan<'a> {
    /// The model that was named first.
    pub model: &'a Model,
    /// What the order goes by.
    pub strategy: Strategy,
    /// What fit counts for in it.
    pub fit: FitRule,
    /// At least one.
    pub candidates: Vec<Candidate<'a>>,
}

impl<'a> RoutePlan<'a> {
    /// One plan of those of several models, each of which is asked when nobody runs the one before it: those that are unhealthy
    /// come after all that are healthy, as do those past their last day. An offer that two plans have stands where the first
    /// has it. `None` without any.
    #[must_use]
    pub fn one_after_another(plans: Vec<Self>) -> Option<Self> {
        let mut plans = plans.into_iter();
        let mut joined = plans.next()?;
        for candidate in plans.flat_map(|plan| plan.candidates) {
            let is_it = |known: &Candidate<'_>| std::ptr::eq(known.resolved.offer, candidate.resolved.offer);
            if !joined.candidates.iter().any(is_it) {
                joined.candidates.push(candidate);
            }
        }
        let comes_last = |one: &Candidate<'_>| (!one.health.is_healthy(), one.past_sunset);
        joined.candidates.sort_by_key(comes_last);
        Some(joined)
    }

    /// The places of all candidates in the order of one more walk at `now`: as planned, but those last that have
    /// become unhealthy.
    #[must_use]
    pub fn walk(&self, health: &Health, now: Timestamp) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.candidates.len()).collect();
        places.sort_by_key(|place| {
            let resolved = &self.candidates[*place].resolved;
            !health
                .of(&resolved.offer.provider, &resolved.native.model, now)
                .is_healthy()
        });
        places
    }
}

/// Orders the offers that may be called. Healthy ones come before unhealthy ones, which are never left out; within
/// each, those past their last day come last. Then the operator's groups count, where the strategy goes by them, and then
/// the fit, so that what one gets is not drawn by lot. Among their like the strategy decides; ties are as in the catalogue.
///
/// # Errors
/// [`NoRoute`] when none is left.
pub fn plan<'a>(resolution: Resolution<'a>, now: &Circumstances<'_>) -> Result<RoutePlan<'a>, NoRoute> {
    if let Some(forced) = now.forced_provider {
        forced_serves(&resolution, forced)?;
    }
    let wanted = |provider: &str| now.forced_provider.is_none_or(|forced| forced == provider);
    let mut removed = Vec::new();
    let mut candidates = Vec::new();
    for resolved in resolution.offers {
        if !wanted(&resolved.offer.provider) {
            continue;
        }
        match now.filter(&resolved) {
            Some(filter) => removed.push(Removed {
                provider: resolved.offer.provider.clone(),
                price: resolved.estimate.total,
                departures: resolved.departures(),
                region: now.region(resolved.offer).map(ToOwned::to_owned),
                breach: now.breach(&resolved).filter(|_| filter == Filter::Rules),
                filter,
            }),
            None => candidates.push(candidate(resolved, now)),
        }
    }
    if candidates.is_empty() {
        let lacks_credentials = removed.iter().all(|one| one.filter == Filter::Credential);
        let cannot = callable_refusal(&resolution.refusals, now).filter(|_| lacks_credentials);
        return Err(cannot.unwrap_or_else(|| NoRoute::of(removed, now)));
    }
    Ok(RoutePlan {
        model: resolution.model,
        strategy: now.strategy(),
        fit: now.fit_rule(),
        candidates: ordered(candidates, now),
    })
}

/// A provider that could be called and cannot serve this request, where those that could serve cannot be called: what it
/// cannot do is the caller's to mend.
fn callable_refusal(refusals: &[Refusal<'_>], now: &Circumstances<'_>) -> Option<NoRoute> {
    let mut callable = refusals
        .iter()
        .filter(|refusal| now.filter_offer(refusal.offer).is_none());
    let refusal = callable.find(|refusal| refusal.param != "model")?;
    Some(NoRoute::ForcedProviderCannot {
        provider: refusal.offer.provider.clone(),
        param: refusal.param.clone(),
        reason: refusal.reason.clone(),
    })
}

fn forced_serves(resolution: &Resolution<'_>, forced: &str) -> Result<(), NoRoute> {
    if resolution.offers.iter().any(|one| one.offer.provider == forced) {
        return Ok(());
    }
    let mut refusals = resolution.refusals.iter();
    let refusal = refusals.find(|refusal| refusal.offer.provider == forced);
    let (param, reason) = refusal.map_or_else(
        || ("model".to_owned(), "has no such offer".to_owned()),
        |refusal| (refusal.param.clone(), refusal.reason.clone()),
    );
    Err(NoRoute::ForcedProviderCannot {
        provider: forced.to_owned(),
        param,
        reason,
    })
}

fn candidate<'a>(resolved: Resolved<'a>, now: &Circumstances<'_>) -> Candidate<'a> {
    let health = now.health.of(&resolved.offer.provider, &resolved.native.model, now.now);
    Candidate {
        past_sunset: resolved.offer.sunset.is_some_and(|day| day < now.today()),
        health,
        rank: Rank::Unhealthy,
        resolved,
    }
}

/// What comes before the strategy, in the order in which it counts; the lesser goes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    is_unhealthy: bool,
    is_past_sunset: bool,
    /// Without a group: after all of them.
    group: (bool, Option<u32>),
    fit: Option<Fit>,
}

fn kind(candidate: &Candidate<'_>, now: &Circumstances<'_>) -> Kind {
    let resolved = &candidate.resolved;
    let group = match now.strategy() {
        Strategy::Priority => now.priorities.group_of(&resolved.offer.provider),
        Strategy::Balanced | Strategy::Cheapest | Strategy::Fastest => None,
    };
    Kind {
        is_unhealthy: !candidate.health.is_healthy(),
        is_past_sunset: candidate.past_sunset,
        group: (group.is_none(), group),
        fit: (now.fit_rule() != FitRule::Weighed).then(|| resolved.fit.clone()),
    }
}

fn ordered<'a>(candidates: Vec<Candidate<'a>>, now: &Circumstances<'_>) -> Vec<Candidate<'a>> {
    let mut draw = Draw::new(now.seed);
    let mut kinds: Vec<(Kind, Candidate<'a>)> = candidates.into_iter().map(|one| (kind(&one, now), one)).collect();
    kinds.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut ordered = Vec::with_capacity(kinds.len());
    while let Some((first, _)) = kinds.first() {
        let like = kinds.partition_point(|(kind, _)| kind <= first);
        let rest = kinds.split_off(like);
        let alike = kinds.into_iter().map(|(_, candidate)| candidate).collect();
        ordered.extend(among_their_like(alike, now, &mut draw));
        kinds = rest;
    }
    ordered
}

fn contender<'c>(candidate: &'c Candidate<'_>) -> Contender<'c> {
    Contender {
        provider: &candidate.resolved.offer.provider,
        price: candidate.resolved.estimate.total,
        departures: candidate.resolved.fit.departures.len(),
        health: &candidate.health,
    }
}

fn among_their_like<'a>(
    mut candidates: Vec<Candidate<'a>>,
    now: &Circumstances<'_>,
    draw: &mut Draw,
) -> Vec<Candidate<'a>> {
    if candidates.iter().any(|candidate| !candidate.health.is_healthy()) {
        candidates.sort_by_key(|candidate| (candidate.health.unhealthy_until(), candidate.resolved.estimate.total));
        return candidates;
    }
    let contenders: Vec<Contender<'_>> = candidates.iter().map(contender).collect();
    let order = strategy::order(&contenders, now.strategy(), now.priorities, draw);
    let mut places: Vec<Option<Candidate<'a>>> = candidates.into_iter().map(Some).collect();
    let at = |(place, rank): (usize, Rank)| places[place].take().map(|candidate| Candidate { rank, ..candidate });
    order.into_iter().filter_map(at).collect()
}
