//! The weights of the balanced strategy.
//!
//! `weight = (cheapest / price)^2 * (success / best)^4 * (fastest / latency)^1 * 0.1^departures`, each figure against the
//! best of those it competes with, so that the best in everything weighs 1.

use super::Contender;
use crate::health::{CircuitState, OfferHealth};
use crate::money::Micros;

/// Twice the price, a quarter of the calls.
pub const PRICE_POWER: i32 = 2;
/// Half the success, a sixteenth of the calls: a failed call costs its time and sometimes its price.
pub const SUCCESS_POWER: i32 = 4;
/// Twice the time, half of the calls.
pub const LATENCY_POWER: i32 = 1;
/// What an offer weighs that drops a parameter or changes the size that the caller asked for, once for each: it is
/// chosen only where the ones that do as asked are several times dearer or slower.
pub const DEPARTURE_FACTOR: f64 = 0.1;
/// Prices below a hundredth of a cent are alike; so are free and nearly free.
pub const PRICE_FLOOR: Micros = Micros(100);
/// Nobody who waits for an image feels less.
pub const LATENCY_FLOOR_MS: u64 = 250;
/// The success that is supposed before anything is known.
pub const SUPPOSED_SUCCESS: f64 = 0.95;
/// How many results the supposed success counts for: one failure of one call is no rate.
pub const SUPPOSED_SAMPLES: f64 = 4.0;
/// Successes before their median is believed.
pub const LATENCY_SAMPLES_MIN: u32 = 3;

/// What an offer weighs, factor by factor, each from above 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Weight {
    /// For its price.
    pub price: f64,
    /// For its success rate.
    pub success: f64,
    /// For its speed; 1 where it is not known, so that it becomes known.
    pub latency: f64,
    /// For doing as the caller asked.
    pub fit: f64,
}

impl Weight {
    /// The weight.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.price * self.success * self.latency * self.fit
    }
}

/// The success rate to reckon with: the measured one, drawn towards [`SUPPOSED_SUCCESS`] while the results are few.
/// An offer that waits for a probe is taken as unknown, as its failures are those of the outage that may be over.
pub(super) fn success(health: &OfferHealth) -> f64 {
    if matches!(health.state, CircuitState::HalfOpen { .. }) {
        return SUPPOSED_SUCCESS;
    }
    let successes = f64::from(health.successes) + SUPPOSED_SUCCESS * SUPPOSED_SAMPLES;
    successes / (f64::from(health.samples) + SUPPOSED_SAMPLES)
}

/// The latency to reckon with, if enough is known.
pub(super) fn latency_ms(health: &OfferHealth) -> Option<f64> {
    let median = health.latency_p50_ms?.max(LATENCY_FLOOR_MS);
    (health.successes >= LATENCY_SAMPLES_MIN).then(|| to_float(median))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of calls are far below 2^53")]
fn to_float(latency_ms: u64) -> f64 {
    latency_ms as f64
}

fn price(contender: &Contender<'_>) -> f64 {
    contender.price.max(PRICE_FLOOR).as_json_dollars()
}

/// The weights of `contenders`, in their order.
pub(super) fn weights(contenders: &[Contender<'_>]) -> Vec<Weight> {
    let least = |figures: &mut dyn Iterator<Item = f64>| figures.fold(f64::INFINITY, f64::min);
    let cheapest = least(&mut contenders.iter().map(price));
    let fastest = least(&mut contenders.iter().filter_map(|one| latency_ms(one.health)));
    let best = contenders.iter().map(|one| success(one.health)).fold(0.0, f64::max);
    let fewest = contenders.iter().map(|one| one.departures).min().unwrap_or(0);
    let weigh = |one: &Contender<'_>| Weight {
        price: (cheapest / price(one)).powi(PRICE_POWER),
        success: (success(one.health) / best).powi(SUCCESS_POWER),
        latency: latency_ms(one.health).map_or(1.0, |latency| (fastest / latency).powi(LATENCY_POWER)),
        fit: DEPARTURE_FACTOR.powi(i32::try_from(one.departures - fewest).unwrap_or(i32::MAX)),
    };
    contenders.iter().map(weigh).collect()
}
