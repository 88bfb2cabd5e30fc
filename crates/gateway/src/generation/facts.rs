//! What must be known of a candidate to make an answer of what it gives: small enough to be stored with each call, so that
//! another process can finish it.

use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::catalog::pricing::Pricing;
use planner::mode::Mode;
use planner::plan::{Candidate, RoutePlan};
use planner::price::estimate::Work;
use planner::resolve::{Adjustment, Finish};
use serde::{Deserialize, Serialize};

/// The facts of one candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// The model's id.
    pub model: String,
    /// The provider's id.
    pub provider: String,
    /// Its model id.
    pub native_model: String,
    /// What is asked of it.
    pub mode: Mode,
    /// The work as prices see it. It holds the length of the prompt, not the prompt; other arguments are in it, secrets only
    /// as being there.
    pub work: Work,
    /// What is done to the images.
    pub finish: Finish,
    /// What was changed on the way.
    pub adjustments: Vec<Adjustment>,
    /// The announced last day of the offer.
    pub sunset: Option<Date>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// Images that the call is asked for.
    pub asked: u32,
}

impl Facts {
    /// Those of a candidate of `plan`.
    #[must_use]
    pub fn of(plan: &RoutePlan<'_>, candidate: &Candidate<'_>) -> Self {
        let resolved = &candidate.resolved;
        Self {
            model: plan.model.id.clone(),
            provider: resolved.offer.provider.clone(),
            native_model: resolved.native.model.clone(),
            mode: resolved.native.mode,
            work: resolved.work.clone(),
            finish: resolved.finish,
            adjustments: resolved.adjustments.clone(),
            sunset: resolved.offer.sunset,
            warnings: sunset_warning(plan, candidate).into_iter().collect(),
            asked: 0,
        }
    }

    /// The prices that hold for it; `None` when the catalogue has the offer no more.
    #[must_use]
    pub fn pricing<'a>(&self, catalog: &'a Catalog) -> Option<&'a Pricing> {
        let offers = &catalog.model(&self.model)?.offers;
        let offer = offers.iter().find(|offer| offer.provider == self.provider)?;
        Some(&offer.pricing)
    }
}

/// Tells of an announced last day, and what to use instead.
fn sunset_warning(plan: &RoutePlan<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let offer = candidate.resolved.offer;
    let day = offer.sunset?;
    let verb = if candidate.past_sunset { "ended" } else { "ends" };
    let successor = plan.model.successor.as_ref();
    let instead = successor.map_or_else(String::new, |id| format!(" Use '{id}' instead."));
    Some(format!(
        "'{}' at {} {verb} on {day}.{instead}",
        plan.model.id, offer.provider
    ))
}
