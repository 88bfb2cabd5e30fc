//! How generations and their attempts end: every failure has one variant, one for each stage.

mod attempt;
mod denial;

use planner::catalog::lookup::NotFound;
use planner::failure::Failure;
use planner::fault::Fault;
use planner::plan::NoRoute;
use planner::rules::Breach;
use providers::SpoolError;

pub use attempt::{Attempt, WITHHELD, code_of};
pub use denial::{Denial, Moment, Why};

use crate::db::DatabaseError;
use crate::db::ledger::Shortage;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The request is wrong.
    #[error("the request is wrong")]
    Request(Vec<Fault>),
    /// The name leads to no usable model.
    #[error("no usable model of that name")]
    Model {
        /// The name.
        name: String,
        /// Why.
        cause: NotFound,
    },
    /// No offer can be called here.
    #[error("no offer of '{model}' can be called")]
    NoRoute {
        /// The model.
        model: String,
        /// Why.
        cause: NoRoute,
    },
    /// The API key may not do it.
    #[error("the API key may not do it: {}", .0.rule)]
    Forbidden(Box<Breach>),
    /// The operator's policy does not allow it.
    #[error("the operator's policy refused it ({}): {}", .0.moment.stage(), .0.word())]
    Denied(Box<Denial>),
    /// Another generation has the caller's own key for this request, and answers for it.
    #[error("another request has the same Idempotency-Key")]
    Claimed,
    /// Another process took it over, as this one seemed to be dead: what the other made of it is the answer.
    #[error("another process has taken it over")]
    TakenOver,
    /// The spool has no room for its images.
    #[error("there is no room for the images: {0}")]
    NoRoom(SpoolError),
    /// Money, or a limit of the key, is too short.
    #[error("too little money, or a limit of the key")]
    Shortage(Shortage),
    /// Every candidate failed, or the last failure allows no other.
    #[error("every attempt failed")]
    Attempts {
        /// The model.
        model: String,
        /// All of them.
        attempts: Vec<Attempt>,
        /// The failure that decides the answer.
        decisive: Box<Failure>,
        /// Whether the caller forced the provider, so that its failure is the answer.
        forced: bool,
        /// Whether the plan was given up although it had more candidates.
        stopped: bool,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}
