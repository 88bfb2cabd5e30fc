//! The candidates of a plan in short, to be kept with a request: so that "why did it go there" has an answer afterwards.

use serde::Serialize;

use super::reasons;
use crate::fit::Fit;
use crate::money::Micros;
use crate::plan::RoutePlan;
use crate::strategy::Rank;

/// One candidate, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// Its model id.
    pub native_model: String,
    /// What the whole request would cost there at the most.
    pub estimate_micros: Micros,
    /// How near it comes to what was asked for.
    pub fit: Fit,
    /// Its chance to be drawn first among its like, 0 to 1, where there was a draw.
    pub chance: Option<f64>,
    /// Why it stands there.
    pub reason: String,
}

/// Every candidate of `plan`.
#[must_use]
pub fn places(plan: &RoutePlan<'_>) -> Vec<Place> {
    let place = |(index, candidate): (usize, &crate::plan::Candidate<'_>)| Place {
        model: candidate.resolved.model.id.clone(),
        provider: candidate.resolved.offer.provider.clone(),
        native_model: candidate.resolved.native.model.clone(),
        estimate_micros: candidate.resolved.estimate.total,
        fit: candidate.resolved.fit.clone(),
        chance: match candidate.rank {
            Rank::Weight { chance, .. } | Rank::Group { chance, .. } => Some(chance),
            Rank::Price | Rank::Speed { .. } | Rank::Unhealthy => None,
        },
        reason: reasons::place(&plan.candidates, plan.fit, index),
    };
    plan.candidates.iter().enumerate().map(place).collect()
}
