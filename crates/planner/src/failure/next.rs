//! What may be tried after a failure: the same candidate, the next one, the whole plan once more, or nothing.

use std::ops::Range;
use std::time::Duration;

use super::{Blame, Failure, FailureKind, HealthEffect, Spent};

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
    /// Try the same candidate again after this wait, which [`jittered`] stretches.
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
/// The factors that a wait is stretched by, so that callers who failed together do not come back together. Never
/// below 1: who comes back before the time that the provider named is refused again.
pub const JITTER: Range<f64> = 1.0..1.5;
/// How often a plan is walked when that is allowed: the second walk catches short outages of all providers.
pub const WALKS_MAX: u32 = 2;
/// The wait between two walks, so that the second one meets another moment.
pub const WALK_PAUSE: Duration = Duration::from_millis(500);

/// After a call that used up a generation's time, what may be left of it: a job is given up when the wait before the next
/// look at it would pass the deadline. No other call would end within it, and each may be paid for.
pub const TIME_OVER: Duration = Duration::from_secs(10);

/// `wait` stretched by a factor within [`JITTER`]; `random` is from 0 to 1.
#[must_use]
pub fn jittered(wait: Duration, random: f64) -> Duration {
    let random = if random > 0.0 { random.min(1.0) } else { 0.0 };
    wait.mul_f64(JITTER.start + random * (JITTER.end - JITTER.start))
}

/// Decides what may follow `failure`. Exhaustive over [`FailureKind`], so a new kind must be judged here.
#[must_use]
pub fn next_move(failure: &Failure, policy: &FailoverPolicy, progress: &Progress) -> NextMove {
    if progress.streamed {
        return NextMove::Stop;
    }
    match failure.kind {
        FailureKind::TimedOut if is_over(failure, progress.time_left) => NextMove::Stop,
        // Whatever it is called, it struck when a job was under way: any other try may be paid for once more.
        FailureKind::NotSent
        | FailureKind::RateLimited
        | FailureKind::Overloaded
        | FailureKind::QuotaExhausted
        | FailureKind::BadCredential
        | FailureKind::NotPermitted
        | FailureKind::ModelGone
            if failure.spent != Spent::No =>
        {
            failover(failure, policy, progress)
        }
        FailureKind::NotSent => retry_or_failover(None, progress),
        FailureKind::RateLimited | FailureKind::Overloaded => match failure.retry_after {
            Some(wait) if wait >= RETRY_AFTER_MAX => NextMove::Failover,
            wait => retry_or_failover(wait, progress),
        },
        // The credential is the caller's own: elsewhere the request would be served at another's cost, unasked.
        FailureKind::QuotaExhausted | FailureKind::BadCredential | FailureKind::NotPermitted
            if failure.blame == Blame::Caller =>
        {
            NextMove::Stop
        }
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
        | FailureKind::JobFailed => failover(failure, policy, progress),
        // Offers' limits differ: what one refuses another may take.
        FailureKind::InvalidArgument => failover(failure, policy, progress),
        // Another answer would meet the same limit, and cost again.
        FailureKind::LimitReached => NextMove::Stop,
        // Some providers charge for a picture that they then hold back.
        FailureKind::ContentPolicy if policy.on_content_policy => failover(failure, policy, progress),
        FailureKind::ContentPolicy => NextMove::Stop,
    }
}

/// Whether `failure` used up the time of the whole generation, of which `time_left` is left.
#[must_use]
pub fn is_over(failure: &Failure, time_left: Duration) -> bool {
    time_left.is_zero() || (failure.kind == FailureKind::TimedOut && time_left < TIME_OVER)
}

/// Whether the plan is walked once more after `walks` walks. `attempts` holds every attempt of the generation by its
/// failure, `None` for a success: some candidate must be worth asking again, and nothing may have been spent, unless the
/// operator pays for any number of tries.
#[must_use]
pub fn walk_again<'a>(
    attempts: impl IntoIterator<Item = Option<&'a Failure>>,
    walks: u32,
    policy: &FailoverPolicy,
    time_left: Duration,
) -> bool {
    let mut passing = false;
    let is_paid_again = policy.when_maybe_billed == WhenMaybeBilled::Always;
    for failure in attempts {
        let failure = match failure {
            Some(failure) if failure.spent == Spent::No || is_paid_again => failure,
            // Of several images some are there.
            None if is_paid_again => continue,
            _ => return false,
        };
        passing |= match failure.health_effect() {
            HealthEffect::Counts => true,
            HealthEffect::Out => false,
            // What another provider may take is the same refusal at the second asking.
            HealthEffect::None if is_refusal(failure, policy) => false,
            HealthEffect::None => return false,
        };
    }
    passing && walks < WALKS_MAX && time_left > WALK_PAUSE
}

/// Whether an offer refused what another one may take, so that it is not asked the same once more.
#[must_use]
pub fn is_refusal(failure: &Failure, policy: &FailoverPolicy) -> bool {
    match failure.kind {
        FailureKind::InvalidArgument => true,
        FailureKind::ContentPolicy => policy.on_content_policy,
        _ => false,
    }
}

/// `asked` is how long the provider asks to wait. It names the time anew with each refusal, so it is not doubled.
fn retry_or_failover(asked: Option<Duration>, progress: &Progress) -> NextMove {
    let backoff = BACKOFF_FIRST * 2_u32.pow(progress.retries.min(RETRIES_MAX));
    let wait = asked.map_or(backoff, |asked| asked.max(backoff));
    if progress.retries < RETRIES_MAX && jittered(wait, 1.0) < progress.time_left {
        NextMove::Retry(wait)
    } else {
        NextMove::Failover
    }
}

/// The next candidate, unless the last one may have been billed and the policy has had enough of that.
fn failover(failure: &Failure, policy: &FailoverPolicy, progress: &Progress) -> NextMove {
    if failure.spent == Spent::No {
        return NextMove::Failover;
    }
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
    fn what_struck_a_job_under_way_is_never_simply_repeated() {
        for kind in [
            FailureKind::NotSent,
            FailureKind::RateLimited,
            FailureKind::Overloaded,
            FailureKind::QuotaExhausted,
            FailureKind::BadCredential,
            FailureKind::NotPermitted,
            FailureKind::ModelGone,
        ] {
            let failure = Failure {
                spent: Spent::Unknown,
                ..Failure::new(kind, "")
            };
            let policy = FailoverPolicy::default();
            assert_eq!(next_move(&failure, &policy, &FRESH), NextMove::Failover, "{kind:?}");
            let second = Progress {
                tries_after_maybe_billed: 1,
                ..FRESH
            };
            assert_eq!(next_move(&failure, &policy, &second), NextMove::Stop, "{kind:?}");
        }
    }

    #[test]
    fn no_call_is_begun_that_cannot_end() {
        let late = Progress {
            time_left: Duration::from_secs(3),
            ..FRESH
        };
        assert_eq!(decide(FailureKind::TimedOut, FRESH), NextMove::Failover);
        assert_eq!(decide(FailureKind::TimedOut, late), NextMove::Stop);
        assert_eq!(decide(FailureKind::RateLimited, late), NextMove::Retry(BACKOFF_FIRST));
        assert_eq!(decide(FailureKind::Interrupted, late), NextMove::Failover);
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
    fn an_argument_that_one_offer_refuses_another_may_take() {
        assert_eq!(decide(FailureKind::InvalidArgument, FRESH), NextMove::Failover);
        let paid = Failure {
            spent: Spent::Unknown,
            ..Failure::new(FailureKind::InvalidArgument, "")
        };
        let never = FailoverPolicy {
            when_maybe_billed: WhenMaybeBilled::Never,
            ..FailoverPolicy::default()
        };
        assert_eq!(next_move(&paid, &never, &FRESH), NextMove::Stop);
    }

    #[test]
    fn a_callers_own_credential_and_safety_blocks_end_the_generation() {
        for kind in [
            FailureKind::BadCredential,
            FailureKind::QuotaExhausted,
            FailureKind::NotPermitted,
        ] {
            let own = Failure {
                blame: Blame::Caller,
                ..Failure::new(kind, "")
            };
            assert_eq!(next_move(&own, &FailoverPolicy::default(), &FRESH), NextMove::Stop);
            assert_eq!(decide(kind, FRESH), NextMove::Failover);
        }
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

    #[test]
    fn a_providers_own_wait_is_neither_doubled_nor_cut_short() {
        let asked = Duration::from_secs(3);
        let failure = Failure {
            retry_after: Some(asked),
            ..Failure::new(FailureKind::RateLimited, "")
        };
        let second = Progress { retries: 1, ..FRESH };
        for progress in [FRESH, second] {
            let next = next_move(&failure, &FailoverPolicy::default(), &progress);
            assert_eq!(next, NextMove::Retry(asked));
        }
        assert_eq!(jittered(asked, 0.0), asked);
        assert_eq!(jittered(asked, 1.0), asked * 3 / 2);
        for strange in [-1.0, f64::NAN, f64::INFINITY] {
            assert!((asked..=asked * 3 / 2).contains(&jittered(asked, strange)), "{strange}");
        }
        // Stretched to the full, the wait must still end before the deadline.
        let late = Progress {
            time_left: Duration::from_secs(4),
            ..FRESH
        };
        assert_eq!(
            next_move(&failure, &FailoverPolicy::default(), &late),
            NextMove::Failover
        );
    }

    #[test]
    fn a_block_that_was_billed_counts_as_one_more_try_after_billing() {
        let open = FailoverPolicy {
            on_content_policy: true,
            ..FailoverPolicy::default()
        };
        let billed = Failure {
            spent: Spent::Yes,
            ..Failure::new(FailureKind::ContentPolicy, "")
        };
        let again = Progress {
            tries_after_maybe_billed: 1,
            ..FRESH
        };
        assert_eq!(next_move(&billed, &open, &FRESH), NextMove::Failover);
        assert_eq!(next_move(&billed, &open, &again), NextMove::Stop);
    }

    #[test]
    fn a_plan_is_walked_again_when_nothing_was_spent_and_somebody_may_recover() {
        let failure = |kind| Failure::new(kind, "");
        let again = |failures: &[Failure], walks, left| {
            walk_again(failures.iter().map(Some), walks, &FailoverPolicy::default(), left)
        };
        let long = Duration::from_secs(60);
        let limited = failure(FailureKind::RateLimited);
        let broke = failure(FailureKind::QuotaExhausted);
        assert!(again(&[limited.clone(), broke.clone()], 1, long));
        assert!(
            !again(std::slice::from_ref(&broke), 1, long),
            "nothing will have changed"
        );
        assert!(!again(std::slice::from_ref(&limited), WALKS_MAX, long));
        assert!(!again(std::slice::from_ref(&limited), 1, WALK_PAUSE));
        assert!(
            !again(&[limited.clone(), failure(FailureKind::TimedOut)], 1, long),
            "it may have cost"
        );
        let refused = failure(FailureKind::InvalidArgument);
        assert!(again(&[limited.clone(), refused.clone()], 1, long), "one may recover");
        assert!(!again(&[refused], 1, long), "the same refusal again");
        assert!(
            !walk_again([Some(&limited), None], 1, &FailoverPolicy::default(), long),
            "a success cost something"
        );
        assert!(!again(&[], 1, long));
    }

    #[test]
    fn who_pays_for_any_number_of_tries_walks_again_after_calls_that_may_have_cost() {
        let always = FailoverPolicy {
            when_maybe_billed: WhenMaybeBilled::Always,
            ..FailoverPolicy::default()
        };
        let (cut, blocked) = (
            Failure::new(FailureKind::Interrupted, ""),
            Failure::new(FailureKind::ContentPolicy, ""),
        );
        let long = Duration::from_secs(60);
        let again = |failures: &[Option<&Failure>], policy: &FailoverPolicy| {
            walk_again(failures.iter().copied(), 1, policy, long)
        };
        assert!(again(&[Some(&cut), Some(&cut)], &always));
        assert!(again(&[Some(&cut), None], &always), "one image of two is missing");
        assert!(!again(&[Some(&cut), Some(&blocked)], &always));
        assert!(!again(&[Some(&cut)], &FailoverPolicy::default()));
    }
}
