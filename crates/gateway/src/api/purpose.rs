//! What a caller wants of an endpoint that makes images: the images, their price, or the reasons. A query that is not
//! understood is refused, since images that nobody asked for cost money.

use planner::fault::{Fault, echo};
use planner::suggest::nearest;
use serde_json::{Map, Value};

use super::caller::Caller;
use super::query::on;
use crate::auth::Scope;
use crate::http::state::AppState;
use crate::problem::Problem;

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The images.
    Images,
    /// What they would cost.
    Estimate,
    /// What each offer would be sent, and why in this order.
    Explanation,
}

/// The names that a query may have; of these `api-version` says nothing here.
const NAMES: [&str; 3] = ["dryRun", "explain", "api-version"];

impl Purpose {
    /// Reads a query. An explanation shows native names, prices and the state of providers: it is for admins.
    ///
    /// # Errors
    /// 400 for whatever is not understood, 403.
    pub(super) fn of(query: Option<&str>, caller: &Caller) -> Result<Self, Problem> {
        let purpose = read(query).map_err(|faults| Problem::faults(&faults))?;
        if purpose == Self::Explanation {
            caller.require(Scope::Admin)?;
        }
        Ok(purpose)
    }

    /// Refuses a request that wants images and is known to be past its key's limit by the minute, before its body is read.
    /// It is counted when it begins; dry runs are cheap and stay free.
    ///
    /// # Errors
    /// 429.
    pub(super) fn look_at_turn(self, state: &AppState, caller: &Caller) -> Result<(), Problem> {
        match self {
            Self::Images => caller.look_at_turn(state),
            Self::Estimate | Self::Explanation => Ok(()),
        }
    }
}

/// A switch that stands in the body and belongs to the query: passed on to a provider it would mean nothing, and cost.
pub(super) fn misplaced(fields: &Map<String, Value>) -> Option<Fault> {
    let name = fields.keys().find(|name| folded(name) == folded("dryRun"))?;
    let message = format!("'{name}' belongs to the query: POST ...?dryRun=true");
    Some(Fault::new(name.as_str(), message))
}

fn read(query: Option<&str>) -> Result<Purpose, Vec<Fault>> {
    let mut faults = Vec::new();
    let (mut dry, mut explains) = (Vec::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let switch = match known(&name) {
            Some("dryRun") => &mut dry,
            Some("explain") => &mut explains,
            Some(_) => continue,
            None => {
                faults.push(unknown(&name));
                continue;
            }
        };
        match on(&value) {
            Some(on) => switch.push(on),
            None => faults.push(Fault::new(
                name.as_ref(),
                format!(
                    "{} cannot be {}: it is true, 1, yes or without a value, or else false, 0 or no",
                    echo(&name),
                    echo(&value)
                ),
            )),
        }
    }
    for (name, values) in [("dryRun", &dry), ("explain", &explains)] {
        if values.contains(&true) && values.contains(&false) {
            faults.push(Fault::new(
                name,
                format!("'{name}' is given twice, with different values"),
            ));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(if explains.contains(&true) {
        Purpose::Explanation
    } else if dry.contains(&true) {
        Purpose::Estimate
    } else {
        Purpose::Images
    })
}

/// The name that is meant, whatever its case and without regard to `_` and `-`.
fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| folded(known) == folded(name))
}

fn folded(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

fn unknown(name: &str) -> Fault {
    let meant = nearest(name, NAMES).map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
    let message = format!(
        "there is no query parameter {} here; there are dryRun and explain, and everything else belongs into the body.{meant}",
        echo(name)
    );
    Fault::new(name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_dry_run_is_one() {
        for query in [
            "dryRun=true",
            "dryRun",
            "dryRun=",
            "dry_run=1",
            "dry-run=yes",
            "DRYRUN=TRUE",
            "DryRun=Yes",
            "api-version=1&dryrun",
        ] {
            assert_eq!(read(Some(query)), Ok(Purpose::Estimate), "{query}");
        }
        for query in [
            "",
            "dryRun=false",
            "dry_run=0",
            "dryrun=no",
            "api-version=2025-04-01-preview",
            "explain=false",
        ] {
            assert_eq!(read(Some(query)), Ok(Purpose::Images), "{query}");
        }
        assert_eq!(read(Some("explain&dryRun=true")), Ok(Purpose::Explanation));
    }

    #[test]
    fn what_is_not_understood_never_makes_images() {
        for (query, text) in [
            ("dryRum=true", "Did you mean 'dryRun'?"),
            ("dryRun=ture", "cannot be 'ture'"),
            ("dryRun=true&dry_run=false", "twice"),
            ("explian", "Did you mean 'explain'?"),
            ("quality=low", "belongs into the body"),
        ] {
            let faults = read(Some(query)).expect_err("it is no query of ours");
            assert!(
                faults.iter().any(|fault| fault.message.contains(text)),
                "{query}: {faults:?}"
            );
        }
        let fields = serde_json::json!({ "model": "m", "dry_run": true });
        let fields = fields.as_object().expect("an object");
        assert!(misplaced(fields).is_some());
    }
}
