//! What went wrong with one attempt, whose fault it is, whether money may be gone, and what may be tried next.

mod next;

use std::time::Duration;

pub use next::{
    BACKOFF_FIRST, FailoverPolicy, JITTER, NextMove, Progress, RETRIES_MAX, RETRY_AFTER_MAX, TIME_OVER, WALK_PAUSE,
    WALKS_MAX, WhenMaybeBilled, is_over, is_refusal, jittered, next_move, walk_again,
};

/// What happened. The name says it from the point of view of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Refused connection, DNS, TLS or connect timeout: the request never left.
    NotSent,
    /// The provider's rate limit, before any work.
    RateLimited,
    /// The provider refused for load, before any work.
    Overloaded,
    /// The provider account has no money or quota left.
    QuotaExhausted,
    /// The provider refuses our credential.
    BadCredential,
    /// The provider account may not use this model or region.
    NotPermitted,
    /// The provider no longer has the model.
    ModelGone,
    /// A job that was accepted can no longer be found, or its result is gone.
    JobLost,
    /// No answer in time after the request was sent.
    TimedOut,
    /// The connection was cut after the request was sent.
    Interrupted,
    /// The provider failed while it may have been working.
    ServerError,
    /// A success without an image.
    EmptyAnswer,
    /// An answer that is not what the protocol says.
    UnreadableAnswer,
    /// The provider says that its own work failed.
    JobFailed,
    /// The provider refuses an argument of the caller.
    InvalidArgument,
    /// The provider's safety block.
    ContentPolicy,
    /// One of our limits (answer size, spool) was reached.
    LimitReached,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller's input.
    Caller,
    /// The provider.
    Provider,
    /// The gateway or its operator.
    Us,
}

/// Whether the attempt may have cost money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spent {
    /// Nothing was charged.
    No,
    /// It was charged.
    Yes,
    /// It cannot be known from here.
    Unknown,
}

impl Spent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::No, Self::Yes, Self::Unknown];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a safety block fell, when the provider tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moderation {
    /// `input`, `output`, or absent when unknown.
    pub stage: Option<String>,
    /// The provider's categories, such as `violence`.
    pub categories: Vec<String>,
}

/// The result of an attempt that gave no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// Whose fault it is.
    pub blame: Blame,
    /// Whether it may have cost money.
    pub spent: Spent,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// HTTP status of the provider's answer.
    pub status: Option<u16>,
    /// The provider's own code, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// The provider's name of the argument at fault.
    pub param: Option<String>,
    /// What may be told to the caller: no secret, no prompt, no address of ours. At most 500 characters.
    pub message: String,
    /// The provider's request id, for its support.
    pub upstream_request_id: Option<String>,
    /// A bounded, redacted part of the answer, for our log only. At most 500 characters.
    pub excerpt: Option<String>,
    /// Details of a safety block.
    pub moderation: Option<Moderation>,
}

impl Failure {
    /// A failure of `kind` with the blame and spending that follow from it, and nothing else known.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let (blame, spent) = match kind {
            FailureKind::NotSent | FailureKind::RateLimited | FailureKind::Overloaded | FailureKind::ModelGone => {
                (Blame::Provider, Spent::No)
            }
            FailureKind::QuotaExhausted | FailureKind::BadCredential | FailureKind::NotPermitted => {
                (Blame::Us, Spent::No)
            }
            FailureKind::JobLost
            | FailureKind::TimedOut
            | FailureKind::Interrupted
            | FailureKind::ServerError
            | FailureKind::EmptyAnswer
            | FailureKind::UnreadableAnswer
            | FailureKind::JobFailed => (Blame::Provider, Spent::Unknown),
            FailureKind::InvalidArgument | FailureKind::ContentPolicy => (Blame::Caller, Spent::No),
            FailureKind::LimitReached => (Blame::Us, Spent::Unknown),
        };
        Self {
            kind,
            blame,
            spent,
            retry_after: None,
            status: None,
            code: None,
            param: None,
            message: message.into(),
            upstream_request_id: None,
            excerpt: None,
            moderation: None,
        }
    }

    /// What it says about the offer that was tried. Exhaustive over [`FailureKind`], so a new kind must be judged here.
    #[must_use]
    pub const fn health_effect(&self) -> HealthEffect {
        if matches!(self.blame, Blame::Caller) {
            return HealthEffect::None;
        }
        match self.kind {
            FailureKind::NotSent
            | FailureKind::RateLimited
            | FailureKind::Overloaded
            | FailureKind::JobLost
            | FailureKind::TimedOut
            | FailureKind::Interrupted
            | FailureKind::ServerError
            | FailureKind::EmptyAnswer
            | FailureKind::UnreadableAnswer
            | FailureKind::JobFailed => HealthEffect::Counts,
            FailureKind::QuotaExhausted
            | FailureKind::BadCredential
            | FailureKind::NotPermitted
            | FailureKind::ModelGone => HealthEffect::Out,
            FailureKind::InvalidArgument | FailureKind::ContentPolicy | FailureKind::LimitReached => HealthEffect::None,
        }
    }
}

/// What a failure says about the health of the offer that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthEffect {
    /// Nothing: the fault is the caller's or ours, or the provider did its duty by refusing.
    None,
    /// A failure among others.
    Counts,
    /// The offer serves nobody until something at the provider or here is changed.
    Out,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_provider_did_says_something_about_its_health() {
        let effect = |kind| Failure::new(kind, "").health_effect();
        assert_eq!(effect(FailureKind::ContentPolicy), HealthEffect::None);
        assert_eq!(effect(FailureKind::InvalidArgument), HealthEffect::None);
        assert_eq!(effect(FailureKind::LimitReached), HealthEffect::None);
        assert_eq!(effect(FailureKind::RateLimited), HealthEffect::Counts);
        assert_eq!(effect(FailureKind::TimedOut), HealthEffect::Counts);
        assert_eq!(effect(FailureKind::QuotaExhausted), HealthEffect::Out);
        let credential_of_the_caller = Failure {
            blame: Blame::Caller,
            ..Failure::new(FailureKind::BadCredential, "")
        };
        assert_eq!(credential_of_the_caller.health_effect(), HealthEffect::None);
    }
}
