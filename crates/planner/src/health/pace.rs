//! How long the successes of one offer take in one mode, and what follows from it for a call that is under way.

use std::collections::VecDeque;
use std::time::Duration;

/// Successes before anything is learnt from them: of fewer, the slowest in a hundred is a guess.
pub const PACED_SAMPLES_MIN: usize = 50;
/// Successes that are kept: enough for the slowest in a hundred to be two of them, few enough to follow a change.
pub const PACED_SAMPLES_MAX: usize = 200;
/// A call has a time limit of its own of this many times the usual time: sizes and qualities differ by less.
pub const LIMIT_FACTOR: u32 = 3;
/// No learnt limit is below this: another call may be paid for as well, and a short delay does not justify that.
pub const LIMIT_LEAST: Duration = Duration::from_secs(60);
/// A call is late, which its offer's health is told of, after this many times the usual time.
pub const LATE_FACTOR: u32 = 2;
/// No call is late before this: a hiccup of some seconds is no outage.
pub const LATE_LEAST: Duration = Duration::from_secs(10);
/// No call is hedged before this, whatever is usual.
pub const HEDGE_LEAST: Duration = Duration::from_secs(1);

/// The times of the latest successes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Pace {
    latencies_ms: VecDeque<u64>,
}

impl Pace {
    pub(super) fn push(&mut self, latency_ms: u64) {
        if self.latencies_ms.len() == PACED_SAMPLES_MAX {
            self.latencies_ms.pop_front();
        }
        self.latencies_ms.push_back(latency_ms);
    }

    /// The time that all but the slowest in a hundred keep to; `None` while too few are known.
    pub(super) fn usual(&self) -> Option<Duration> {
        if self.latencies_ms.len() < PACED_SAMPLES_MIN {
            return None;
        }
        let mut sorted: Vec<u64> = self.latencies_ms.iter().copied().collect();
        sorted.sort_unstable();
        let place = (sorted.len() * 99).div_ceil(100) - 1;
        Some(Duration::from_millis(sorted[place]))
    }
}

/// How patient one call may be with its offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patience {
    /// After this the offer's health is told that the call is late; `None`: nothing is known of its pace.
    pub late_after: Option<Duration>,
    /// After this another offer may be asked, under the rules for a call whose outcome is unknown; `None`: never.
    pub limit: Option<Duration>,
}

impl Patience {
    /// That with an offer whose successes usually take `usual`. `fixed` is the operator's own limit, which goes before what
    /// was learnt; `hedged` lets another offer be asked as soon as a call takes longer than usual.
    #[must_use]
    pub fn of(usual: Option<Duration>, fixed: Option<Duration>, hedged: bool) -> Self {
        let learnt = usual.map(|usual| (usual * LIMIT_FACTOR).max(LIMIT_LEAST));
        let limit = fixed.or(learnt);
        let hedge = usual.filter(|_| hedged).map(|usual| usual.max(HEDGE_LEAST));
        Self {
            late_after: usual.map(|usual| (usual * LATE_FACTOR).max(LATE_LEAST)),
            limit: match (limit, hedge) {
                (Some(limit), Some(hedge)) => Some(limit.min(hedge)),
                (limit, hedge) => limit.or(hedge),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_learnt_from_few_and_the_usual_time_is_that_of_nearly_all() {
        let mut pace = Pace::default();
        for latency_ms in 1..PACED_SAMPLES_MIN as u64 {
            pace.push(latency_ms * 100);
        }
        assert_eq!(pace.usual(), None);
        pace.push(90_000);
        assert_eq!(pace.usual(), Some(Duration::from_secs(90)), "of 50, the slowest");
        for _ in 0..PACED_SAMPLES_MAX {
            pace.push(8_000);
        }
        assert_eq!(pace.usual(), Some(Duration::from_secs(8)), "the old ones are gone");
        pace.push(90_000);
        assert_eq!(pace.usual(), Some(Duration::from_secs(8)), "one in two hundred");
    }

    #[test]
    fn patience_follows_what_is_usual_within_its_bounds() {
        let seconds = Duration::from_secs;
        let of = |usual, fixed, hedged| {
            let patience = Patience::of(usual, fixed, hedged);
            (patience.late_after, patience.limit)
        };
        assert_eq!(of(None, None, true), (None, None), "nothing is known");
        assert_eq!(
            of(Some(seconds(8)), None, false),
            (Some(seconds(16)), Some(seconds(60)))
        );
        assert_eq!(of(Some(seconds(2)), None, false), (Some(LATE_LEAST), Some(LIMIT_LEAST)));
        assert_eq!(
            of(Some(seconds(40)), None, false),
            (Some(seconds(80)), Some(seconds(120)))
        );
        assert_eq!(of(Some(seconds(40)), Some(seconds(5)), false).1, Some(seconds(5)));
        assert_eq!(of(None, Some(seconds(5)), false), (None, Some(seconds(5))));
        assert_eq!(of(Some(seconds(40)), None, true).1, Some(seconds(40)));
        assert_eq!(of(Some(Duration::from_millis(20)), None, true).1, Some(HEDGE_LEAST));
    }
}
