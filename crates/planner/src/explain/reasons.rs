//! Why a candidate stands where it stands, and why another offer is not tried.

use crate::catalog::offer::Offer;
use crate::fit::FitRule;
use crate::health::{CircuitState, OfferHealth};
use crate::plan::{Candidate, Circumstances, Filter};
use crate::region::whereabouts;
use crate::resolve::{Resolution, Resolved};
use crate::strategy::{Rank, Weight};

/// Why a candidate stands where it stands.
pub(super) fn place(candidates: &[Candidate<'_>], fit: FitRule, index: usize) -> String {
    let candidate = &candidates[index];
    let price = format!("{} at the most", candidate.resolved.estimate.total);
    if candidates.len() == 1 {
        let health = unhealthy(&candidate.health).map_or_else(String::new, |why| format!("; {why}"));
        return format!("{price}; the only one that can be called{health}");
    }
    if let Some(why) = unhealthy(&candidate.health) {
        let others = if candidates.iter().any(|other| other.health.is_healthy()) {
            ", so it is tried after the others"
        } else {
            "; none is well, and those go first that may be so first"
        };
        return format!("{price}; {why}{others}");
    }
    let before = index.checked_sub(1).and_then(|before| candidates.get(before));
    let ahead = before.filter(|before| !std::ptr::eq(before.resolved.model, candidate.resolved.model));
    if let Some(ahead) = ahead {
        let (own, other) = (&candidate.resolved.model.id, &ahead.resolved.model.id);
        return format!("{price}; '{own}' is asked when nobody gives an image of '{other}'");
    }
    if candidate.past_sunset {
        let day = candidate.resolved.offer.sunset;
        let day = day.map(|day| day.to_string()).unwrap_or_default();
        return format!("{price}; its last day, {day}, has passed, so it is tried after the others");
    }
    if let Some(before) =
        before.filter(|before| fit != FitRule::Weighed && before.resolved.fit < candidate.resolved.fit)
        && before.health.is_healthy()
        && is_of_one_group(before, candidate)
    {
        let (other, departures) = (&before.resolved.offer.provider, candidate.resolved.departures());
        return format!("{price}; it would {departures}, so it is tried after {other}, which comes nearer");
    }
    let probe = match candidate.health.state {
        CircuitState::HalfOpen { .. } => "; it failed before and is probed",
        CircuitState::Closed | CircuitState::Open { .. } => "",
    };
    format!("{price}{}{probe}", rank(candidate, before))
}

/// Whether the operator's groups, where they count, do not tell them apart.
fn is_of_one_group(a: &Candidate<'_>, b: &Candidate<'_>) -> bool {
    match (a.rank, b.rank) {
        (Rank::Group { group: a, .. }, Rank::Group { group: b, .. }) => a == b,
        _ => true,
    }
}

/// Why it is tried after the others, if it is unhealthy.
fn unhealthy(health: &OfferHealth) -> Option<String> {
    if health.is_healthy() {
        return None;
    }
    Some(match (health.state, health.resting_until) {
        (CircuitState::Open { until }, _) => format!("it failed too often and is given up until {until:.0}"),
        (CircuitState::HalfOpen { probing: true }, _) => "it failed too often and another request probes it".to_owned(),
        (_, Some(until)) => format!("the provider asked to be left alone until {until:.0}"),
        (CircuitState::HalfOpen { .. } | CircuitState::Closed, None) => "it is unhealthy".to_owned(),
    })
}

/// What the strategy says, as the rest of a sentence that opened with the price.
fn rank(candidate: &Candidate<'_>, before: Option<&Candidate<'_>>) -> String {
    let price = candidate.resolved.estimate.total;
    let other = before.map(|before| before.resolved.offer.provider.as_str());
    match (candidate.rank, other) {
        (Rank::Price, None) => "; the cheapest goes first".to_owned(),
        (Rank::Price, Some(other)) if before.is_some_and(|before| before.resolved.estimate.total == price) => {
            format!(", as much as {other}; between equals the catalogue's order decides")
        }
        (Rank::Price, Some(other)) => format!(", more than {other}"),
        (Rank::Weight { weight, chance }, other) => {
            format!(
                "; {}, with a chance of {} to be first{}",
                drawn(other),
                percent(chance),
                factors(&weight)
            )
        }
        (
            Rank::Speed {
                expected_ms, explored, ..
            },
            other,
        ) => speed(expected_ms, explored, other),
        (Rank::Group { group, weight, chance }, _) => in_group(group, weight, chance),
        // Told before.
        (Rank::Unhealthy, _) => String::new(),
    }
}

fn drawn(other: Option<&str>) -> String {
    other.map_or_else(|| "drawn first".to_owned(), |other| format!("drawn after {other}"))
}

fn percent(chance: f64) -> String {
    format!("{:.0} %", chance * 100.0)
}

/// The factors of a weight that count against it.
fn factors(weight: &Weight) -> String {
    let all = [
        ("price", weight.price),
        ("success", weight.success),
        ("speed", weight.latency),
        ("parameters that it drops or changes", weight.fit),
    ];
    let told: Vec<String> = all
        .iter()
        .filter(|(_, factor)| *factor < 0.995)
        .map(|(name, factor)| format!("{name} {factor:.2}"))
        .collect();
    if told.is_empty() {
        " (the best in everything)".to_owned()
    } else {
        format!(" (against the best: {})", told.join(", "))
    }
}

fn in_group(group: Option<u32>, weight: u32, chance: f64) -> String {
    let whose = group.map_or_else(
        || "in no group of the operator, so it is tried after all of them".to_owned(),
        |group| format!("group {group} of the operator"),
    );
    if chance < 1.0 {
        let chance = percent(chance);
        format!("; {whose}; drawn there by weight {weight}, with a chance of {chance} to be first")
    } else {
        format!("; {whose}")
    }
}

fn speed(expected_ms: Option<u64>, explored: bool, other: Option<&str>) -> String {
    match (expected_ms, other) {
        (_, None) if explored => "; its speed is unknown, and now and then such a one goes first".to_owned(),
        (Some(ms), None) => format!("; the fastest goes first, with {ms} ms to a success"),
        (Some(ms), Some(other)) => format!("; {ms} ms to a success, tried after {other}"),
        (None, None) => "; no speed is known, so the order is drawn".to_owned(),
        (None, Some(other)) => format!("; its speed is unknown, so it is tried after {other}"),
    }
}

/// Why an offer is not tried.
pub(super) fn absence(offer: &Offer, resolution: &Resolution<'_>, now: &Circumstances<'_>) -> String {
    if !offer.is_live() {
        return offer.end().to_owned();
    }
    let mut refusals = resolution.refusals.iter();
    if let Some(refusal) = refusals.find(|refusal| std::ptr::eq(refusal.offer, offer)) {
        return format!("{} ({})", refusal.reason, refusal.param);
    }
    if let Some(forced) = now.forced_provider
        && forced != offer.provider
    {
        return format!("the caller wants {forced} alone");
    }
    let mut offers = resolution.offers.iter();
    let resolved = offers.find(|resolved| std::ptr::eq(resolved.offer, offer));
    let price = resolved.map(|resolved| resolved.estimate.total).unwrap_or_default();
    match resolved.and_then(|resolved| now.filter(resolved)) {
        Some(Filter::Key) => "the API key may not use this provider".to_owned(),
        Some(Filter::Only) => "'route.only' does not name this provider".to_owned(),
        Some(Filter::Avoid) => "'route.avoid' names this provider".to_owned(),
        Some(Filter::Region) => {
            let place = whereabouts(now.region(offer));
            format!("it {place}, and 'route.regions' names others")
        }
        Some(Filter::Rules) => {
            let breach = resolved.and_then(|resolved| now.breach(resolved));
            breach.map_or_else(String::new, |breach| breach.message)
        }
        Some(Filter::Fit) => {
            let departures = resolved.map(Resolved::departures).unwrap_or_default();
            format!("it would {departures}, and 'route.fit' is 'required'")
        }
        Some(Filter::Credential) => "no credential for this provider".to_owned(),
        Some(Filter::Price) => {
            let max = now.route.max_price.unwrap_or_default();
            format!("{price} at the most, and 'route.max_price_usd' allows {max}")
        }
        None => "not planned".to_owned(),
    }
}
