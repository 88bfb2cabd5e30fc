//! The models that may serve an order: the one that it names, and those that its route names beside it.

use planner::explain::Explanation;
use planner::plan::RoutePlan;
use planner::resolve::Adjustment;
use planner::route::{Prefer, Route};

use super::intent::Named;
use super::{Generator, Order};
use crate::outcome::GenerationError;

impl Generator {
    /// The route plan of an order: that of its model, and after it those of the other models that may serve it.
    ///
    /// # Errors
    /// As for [`Self::generate`], up to the plan. What keeps the model that was named from serving is told when no other can
    /// either.
    pub fn plan(&self, order: &Order) -> Result<RoutePlan<'_>, GenerationError> {
        let route = self.route(order);
        let mut plans = Vec::new();
        let mut refusal = None;
        for named in names(order, &route) {
            match self.plan_for(order, named, &route) {
                Ok(plan) => plans.push((named, plan)),
                Err(error @ GenerationError::Forbidden(_)) => return Err(error),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        if route.prefer == Some(Prefer::Rating) {
            let rated = |plan: &RoutePlan<'_>| order.ratings.get(&plan.model.id).copied().unwrap_or(f64::NEG_INFINITY);
            plans.sort_by(|(_, a), (_, b)| rated(b).total_cmp(&rated(a)));
        }
        let is_own = |named: &Named<'_>| matches!(named, Named::Own(_));
        let own_can = plans.iter().any(|(named, _)| is_own(named));
        let told = plans.into_iter().enumerate().map(|(place, (named, mut plan))| {
            if !is_own(&named) {
                // Before the one that was named only the ratings put another.
                let is_preferred = place == 0 && own_can;
                tell(&mut plan, order, if is_preferred { PREFERRED } else { FALLBACK });
            }
            plan
        });
        let refused = || refusal.unwrap_or_else(|| GenerationError::Request(Vec::new()));
        RoutePlan::one_after_another(told.collect()).ok_or_else(refused)
    }

    /// Why an order would go where it would go.
    ///
    /// # Errors
    /// When its model cannot be found; faults of the request are part of the explanation.
    pub fn explain(&self, order: &Order) -> Result<Explanation, GenerationError> {
        let route = self.route(order);
        let mut names = names(order, &route);
        let own = names.next().unwrap_or(Named::Own(&order.request.model));
        let mut explanation = self.explain_for(order, own, &route)?;
        let mut others = Vec::new();
        for named in names {
            // A model that is run no more is passed over.
            match self.explain_for(order, named, &route) {
                Ok(other) => others.push(other),
                Err(error @ GenerationError::Forbidden(_)) => return Err(error),
                Err(_) => {}
            }
        }
        if let (false, Ok(plan)) = (others.is_empty(), self.plan(order)) {
            explanation.join(others, &plan);
        }
        Ok(explanation)
    }
}

/// Why another model than the one that was named serves.
const FALLBACK: &str = "another model of 'route.models'";
const PREFERRED: &str = "the best rated of 'route.models'";

/// The models that an order names, its own first.
fn names<'a>(order: &'a Order, route: &'a Route) -> impl Iterator<Item = Named<'a>> {
    let own = order.request.model.as_str();
    let others = route.models.iter().flatten().map(String::as_str);
    std::iter::once(Named::Own(own)).chain(others.filter(move |name| *name != own).map(Named::Other))
}

/// Tells that the model of `plan` is not the one that was named.
fn tell(plan: &mut RoutePlan<'_>, order: &Order, reason: &str) {
    for candidate in &mut plan.candidates {
        let adjustment = Adjustment {
            parameter: "model".to_owned(),
            requested: order.request.model.as_str().into(),
            used: candidate.resolved.model.id.as_str().into(),
            reason: reason.to_owned(),
        };
        candidate.resolved.adjustments.insert(0, adjustment);
    }
}
