//! The face of what the operator's policy refused.

use std::time::Duration;

use planner::failure::Spent;
use serde_json::json;

use super::Problem;
use super::codes;
use crate::outcome::{Denial, Moment, Why};

/// Whoever is asked is back soon, or somebody is told.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The answer to a denied generation. Which term a prompt holds is told to admins alone.
pub(super) fn denied(denial: &Denial) -> Problem {
    let spent = denial.attempts.iter().any(|attempt| attempt.spent() != Spent::No);
    let what = match denial.moment {
        Moment::Before => "this request",
        Moment::After => "the images of this request, which were made and are not handed out",
    };
    let (reason, categories) = match &denial.why {
        Why::Unanswered(_) => return unanswered(denial.moment, spent),
        Why::Term(_) => (Some("its prompt holds a term that is not allowed here"), &[][..]),
        Why::Said { reason, categories } => (reason.as_deref(), categories.as_slice()),
    };
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Problem {
        param: Some("prompt".to_owned()),
        metadata: Some(json!({
            "source": "gateway",
            "stage": denial.moment.stage(),
            "categories": categories,
        })),
        should_retry: spent.then_some(false),
        ..Problem::new(
            codes::CONTENT_POLICY_VIOLATION,
            format!("This gateway's policy does not allow {what}{reason}"),
        )
    }
}

fn unanswered(moment: Moment, spent: bool) -> Problem {
    let message = match moment {
        Moment::Before => {
            "This gateway's policy could not be asked whether this request is allowed. Nothing was spent. Try again shortly."
        }
        Moment::After => {
            "This gateway's policy could not be asked whether the images of this request may be handed out, so they are not. They are not charged."
        }
    };
    Problem {
        should_retry: Some(!spent),
        retry_after: (!spent).then_some(RETRY_AFTER),
        ..Problem::new(codes::POLICY_UNAVAILABLE, message)
    }
}
