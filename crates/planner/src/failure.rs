//! What went wrong with one attempt, whose fault it is, whether money may be gone, and what may be tried next.

use std::time::Duration;

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
}

/// When another try is allowed although the last one may have been billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenMaybeBilled {
    /// Never try again.
    Never,
    /// At most one more try in a generation.
    #[default]
    Once,
    /// Always.
    Always,
}

/// The operator's and caller's choices about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailoverPolicy {
    /// After an attempt that may have been billed.
    pub when_maybe_billed: WhenMaybeBilled,
    /// Whether a safety block may be tried at another provider.
    pub on_content_policy: bool,
}

/// What has been done in this generation up to the failure that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Retries of this candidate so far.
    pub retries: u32,
    /// Tries made after an attempt whose spending is unknown.
    pub tries_after_maybe_billed: u32,
    /// Whether the caller was shown a partial image: another try would contradict it.
    pub streamed: bool,
    /// Time to the generation's deadline.
    pub time_left: Duration,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextMove {
    /// Try the same candidate again after this wait (before jitter).
    Retry(Duration),
    /// Try the next candidate.
    Failover,
    /// Give the failure to the caller.
    Stop,
}

/// Retries of one candidate: more would keep the caller waiting for a provider that is down.
pub const RETRIES_MAX: u32 = 2;
/// First wait before a retry; each further one is twice as long.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);
/// A longer `retry-after` is not waited for: the next candidate is faster.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

/// Decides what may follow `failure`. Exhaustive over [`FailureKind`], so a new kind must be judged here.
#[must_use]
pub fn next_move(failure: &Failure, policy: &FailoverPolicy, progress: &Progress) -> NextMove {
    if progress.streamed {
        return NextMove::Stop;
    }
    match failure.kind {
        FailureKind::NotSent => retry_or_failover(BACKOFF_FIRST, progress),
        FailureKind::RateLimited | FailureKind::Overloaded => match failure.retry_after {
            Some(wait) if wait >= RETRY_AFTER_MAX => NextMove::Failover,
            Some(wait) => retry_or_failover(wait, progress),
            None => retry_or_failover(BACKOFF_FIRST, progress),
        },
        FailureKind::QuotaExhausted
        | FailureKind::BadCredential
        | FailureKind::NotPermitted
        | FailureKind::ModelGone => NextMove::Failover,
        FailureKind::JobLost
        | FailureKind::TimedOut
        | FailureKind::Interrupted
        | FailureKind::ServerError
        | FailureKind::EmptyAnswer
        | FailureKind::UnreadableAnswer
        | FailureKind::JobFailed => match failure.spent {
            Spent::No => NextMove::Failover,
            Spent::Yes | Spent::Unknown => after_maybe_billed(policy, progress),
        },
        // Another answer would meet the same limit, and cost again.
        FailureKind::LimitReached | FailureKind::InvalidArgument => NextMove::Stop,
        FailureKind::ContentPolicy if policy.on_content_policy => NextMove::Failover,
        FailureKind::ContentPolicy => NextMove::Stop,
    }
}

fn retry_or_failover(first_wait: Duration, progress: &Progress) -> NextMove {
    let wait = first_wait * 2_u32.pow(progress.retries.min(RETRIES_MAX));
    if progress.retries < RETRIES_MAX && wait < progress.time_left {
        NextMove::Retry(wait)
    } else {
        NextMove::Failover
    }
}

fn after_maybe_billed(policy: &FailoverPolicy, progress: &Progress) -> NextMove {
    match policy.when_maybe_billed {
        WhenMaybeBilled::Never => NextMove::Stop,
        WhenMaybeBilled::Once if progress.tries_after_maybe_billed > 0 => NextMove::Stop,
        WhenMaybeBilled::Once | WhenMaybeBilled::Always => NextMove::Failover,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Progress = Progress {
        retries: 0,
        tries_after_maybe_billed: 0,
        streamed: false,
        time_left: Duration::from_secs(300),
    };

    fn decide(kind: FailureKind, progress: Progress) -> NextMove {
        next_move(&Failure::new(kind, ""), &FailoverPolicy::default(), &progress)
    }

    #[test]
    fn what_was_never_sent_is_retried_twice_and_then_fails_over() {
        let second = Progress { retries: 1, ..FRESH };
        let third = Progress { retries: 2, ..FRESH };
        assert_eq!(decide(FailureKind::NotSent, FRESH), NextMove::Retry(BACKOFF_FIRST));
        assert_eq!(decide(FailureKind::NotSent, second), NextMove::Retry(BACKOFF_FIRST * 2));
        assert_eq!(decide(FailureKind::NotSent, third), NextMove::Failover);
    }

    #[test]
    fn a_long_retry_after_is_not_waited_for() {
        let mut failure = Failure::new(FailureKind::RateLimited, "");
        failure.retry_after = Some(Duration::from_secs(5));
        assert_eq!(
            next_move(&failure, &FailoverPolicy::default(), &FRESH),
            NextMove::Failover
        );
        failure.retry_after = Some(Duration::from_secs(2));
        let late = Progress {
            time_left: Duration::from_secs(1),
            ..FRESH
        };
        assert_eq!(
            next_move(&failure, &FailoverPolicy::default(), &late),
            NextMove::Failover
        );
    }

    #[test]
    fn what_may_have_been_billed_is_tried_once_more_by_default() {
        let again = Progress {
            tries_after_maybe_billed: 1,
            ..FRESH
        };
        assert_eq!(decide(FailureKind::TimedOut, FRESH), NextMove::Failover);
        assert_eq!(decide(FailureKind::TimedOut, again), NextMove::Stop);
        let never = FailoverPolicy {
            when_maybe_billed: WhenMaybeBilled::Never,
            ..FailoverPolicy::default()
        };
        assert_eq!(
            next_move(&Failure::new(FailureKind::Interrupted, ""), &never, &FRESH),
            NextMove::Stop
        );
    }

    #[test]
    fn nothing_is_tried_after_the_first_streamed_image() {
        let streamed = Progress {
            streamed: true,
            ..FRESH
        };
        let policy = FailoverPolicy {
            when_maybe_billed: WhenMaybeBilled::Always,
            on_content_policy: true,
        };
        for kind in [
            FailureKind::NotSent,
            FailureKind::RateLimited,
            FailureKind::QuotaExhausted,
            FailureKind::Interrupted,
            FailureKind::ContentPolicy,
        ] {
            let failure = Failure::new(kind, "");
            assert_ne!(next_move(&failure, &policy, &FRESH), NextMove::Stop, "{kind:?}");
            assert_eq!(next_move(&failure, &policy, &streamed), NextMove::Stop, "{kind:?}");
        }
    }

    #[test]
    fn callers_faults_and_safety_blocks_end_the_generation() {
        assert_eq!(decide(FailureKind::InvalidArgument, FRESH), NextMove::Stop);
        assert_eq!(decide(FailureKind::ContentPolicy, FRESH), NextMove::Stop);
        let open = FailoverPolicy {
            on_content_policy: true,
            ..FailoverPolicy::default()
        };
        assert_eq!(
            next_move(&Failure::new(FailureKind::ContentPolicy, ""), &open, &FRESH),
            NextMove::Failover
        );
    }
}
