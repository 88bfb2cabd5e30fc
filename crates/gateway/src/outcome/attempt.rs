//! The record of one call to one provider.

use std::time::Duration;

use jiff::Timestamp;
use planner::failure::{Failure, FailureKind, Spent};
use planner::money::Micros;

use crate::db::generations::{AttemptOutcome, AttemptRow};

/// Why a call counts as failed whose images the operator's policy withheld.
pub const WITHHELD: &str = "withheld";

/// One call to one provider, and how it ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its place among the attempts of its generation, from 0, in the order in which they began.
    pub position: i64,
    /// Provider.
    pub provider: String,
    /// Its model id.
    pub model: String,
    /// When.
    pub started_at: Timestamp,
    /// How long.
    pub duration: Duration,
    /// The provider's own id of the call.
    pub upstream_id: Option<String>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What it was charged, if it delivered.
    pub cost: Option<Micros>,
    /// Whether it goes on although its generation has ended: its own end will be put on record.
    pub under_way: bool,
}

impl Attempt {
    /// A call that ended with `result`; a success may carry the provider's own id.
    pub fn new(
        provider: &str,
        model: &str,
        started_at: Timestamp,
        duration: Duration,
        result: Result<Option<&str>, &Failure>,
    ) -> Self {
        let (upstream_id, failure) = match result {
            Ok(id) => (id.map(ToOwned::to_owned), None),
            Err(failure) => (failure.upstream_request_id.clone(), Some(failure.clone())),
        };
        Self {
            position: 0,
            provider: provider.to_owned(),
            model: model.to_owned(),
            started_at,
            duration,
            upstream_id,
            failure,
            cost: None,
            under_way: false,
        }
    }

    /// Whether it cost money.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.failure.as_ref().map_or(Spent::Yes, |failure| failure.spent)
    }

    /// Its row.
    #[must_use]
    pub fn row(&self) -> AttemptRow {
        let failure = self.failure.as_ref();
        AttemptRow {
            position: self.position,
            provider: self.provider.clone(),
            model: self.model.clone(),
            outcome: self.outcome(),
            code: failure.map(|failure| code_of(failure.kind).to_owned()),
            spent: self.spent(),
            http_status: failure.and_then(|failure| failure.status).map(i64::from),
            upstream_id: self.upstream_id.clone(),
            started_at: self.started_at,
            duration_ms: i64::try_from(self.duration.as_millis()).unwrap_or(i64::MAX),
            cost_micros: self.cost.map(|cost| cost.0),
            message: failure.map(|failure| failure.message.clone()),
            excerpt: failure.and_then(|failure| failure.excerpt.clone()),
        }
    }

    /// The same where what it gave was withheld: to the generation it is a failure, as nobody got it.
    #[must_use]
    pub fn withheld(&self) -> AttemptRow {
        let row = self.row();
        if self.failure.is_some() {
            return row;
        }
        AttemptRow {
            outcome: AttemptOutcome::Failed,
            code: Some(WITHHELD.to_owned()),
            ..row
        }
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> AttemptOutcome {
        if self.failure.is_some() {
            AttemptOutcome::Failed
        } else {
            AttemptOutcome::Succeeded
        }
    }
}

/// The word for a failure in `metadata.attempts` and in tables.
#[must_use]
pub const fn code_of(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotSent => "unreachable",
        FailureKind::RateLimited => "rate_limited",
        FailureKind::Overloaded => "overloaded",
        FailureKind::QuotaExhausted => "quota_exhausted",
        FailureKind::BadCredential => "bad_credential",
        FailureKind::NotPermitted => "not_permitted",
        FailureKind::ModelGone => "model_gone",
        FailureKind::JobLost => "job_lost",
        FailureKind::TimedOut => "timed_out",
        FailureKind::Interrupted => "interrupted",
        FailureKind::ServerError => "server_error",
        FailureKind::EmptyAnswer => "empty_answer",
        FailureKind::UnreadableAnswer => "unreadable_answer",
        FailureKind::JobFailed => "job_failed",
        FailureKind::InvalidArgument => "invalid_argument",
        FailureKind::ContentPolicy => "content_policy",
        FailureKind::LimitReached => "limit_reached",
    }
}
