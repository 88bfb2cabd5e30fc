//! Which of several credentials of one provider a call goes out with: each by its weight, past those that rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::failure::{Blame, Failure, FailureKind, Spent};
use crate::health::{OUT_FOR, REST_MAX};

/// How long a credential rests that met a rate limit, where the provider names no time: most count by the minute.
pub const LIMITED_FOR: Duration = Duration::from_secs(30);
/// How long one rests that is refused, where the settings are not read again before: people change what is wrong with it, and
/// each try of it is a wasted call.
pub const REFUSED_FOR: Duration = OUT_FOR;

/// Why and until when a credential is not used while another one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Its end.
    pub until: Timestamp,
    /// What the provider said.
    pub cause: FailureKind,
}

/// The credentials of one provider, by their places in the operator's list.
#[derive(Debug, Clone)]
pub struct Rotation {
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    weight: i64,
    /// How far it is behind its share of the calls.
    behind: i64,
    rest: Option<Rest>,
    /// Rests that concern one native model: an account may lack the right to it alone.
    by_model: BTreeMap<String, Rest>,
}

impl Place {
    /// Its rest that lasts at `now`: of the whole, or for a native model.
    fn rest(&self, native_model: Option<&str>, now: Timestamp) -> Option<Rest> {
        let for_model = native_model.and_then(|model| self.by_model.get(model));
        let lasting = [self.rest.as_ref(), for_model].into_iter().flatten();
        lasting
            .filter(|rest| now < rest.until)
            .max_by_key(|rest| rest.until)
            .copied()
    }
}

impl Rotation {
    /// Credentials of these weights, none of which rests. A weight of 0 counts as 1.
    #[must_use]
    pub fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let place = |weight: u32| Place {
            weight: i64::from(weight.max(1)),
            behind: 0,
            rest: None,
            by_model: BTreeMap::new(),
        };
        Self {
            places: weights.into_iter().map(place).collect(),
        }
    }

    /// The credential of the next call to a native model, beside those that were `tried` for it. Shares are kept in each short
    /// row of calls, not by chance. When all rest, it is the one whose rest ends first: somebody has to be asked, and what the
    /// provider says then concerns the offer. Once any was tried, one that rests is none.
    pub fn choose(&mut self, native_model: &str, tried: &BTreeSet<usize>, now: Timestamp) -> Option<usize> {
        let left: Vec<usize> = (0..self.places.len()).filter(|place| !tried.contains(place)).collect();
        let rest = |place: &usize| self.places[*place].rest(Some(native_model), now);
        let free: Vec<usize> = left.iter().copied().filter(|place| rest(place).is_none()).collect();
        if free.is_empty() {
            let first = left.into_iter().min_by_key(|place| rest(place).map(|rest| rest.until));
            return first.filter(|_| tried.is_empty());
        }
        let mut all = 0;
        for place in &free {
            let place = &mut self.places[*place];
            place.behind += place.weight;
            all += place.weight;
        }
        // Of equals the first one.
        let chosen = free.into_iter().rev().max_by_key(|place| self.places[*place].behind)?;
        self.places[chosen].behind -= all;
        Some(chosen)
    }

    /// Notes what a failure says of the credential that the call went out with. Returns the rest that it begins.
    pub fn failed(&mut self, place: usize, native_model: &str, failure: &Failure, now: Timestamp) -> Option<Rest> {
        let length = rest_after(failure)?;
        let until = now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let rest = Rest {
            until,
            cause: failure.kind,
        };
        let place = self.places.get_mut(place)?;
        if failure.kind == FailureKind::NotPermitted {
            place.by_model.insert(native_model.to_owned(), rest);
        } else if place.rest.is_none_or(|known| known.until < until) {
            place.rest = Some(rest);
        }
        Some(rest)
    }

    /// The rest of one credential for all models, if it lasts at `now`.
    #[must_use]
    pub fn rest(&self, place: usize, now: Timestamp) -> Option<Rest> {
        self.places.get(place)?.rest(None, now)
    }

    /// Goes on with the rate limits of a former one: `was` tells where a credential stood there. What was refused is tried again.
    pub fn follow(&mut self, former: &Self, was: impl Fn(usize) -> Option<usize>) {
        for (index, place) in self.places.iter_mut().enumerate() {
            let known = was(index).and_then(|was| former.places.get(was)?.rest);
            place.rest = known.filter(|rest| rest.cause == FailureKind::RateLimited);
        }
    }
}

/// How long a credential rests after a failure; `None` where that says nothing of it. Only what cost nothing and was said by the
/// provider counts: another credential can then be asked at once.
fn rest_after(failure: &Failure) -> Option<Duration> {
    if failure.blame == Blame::Caller || failure.spent != Spent::No {
        return None;
    }
    match failure.kind {
        FailureKind::RateLimited => Some(failure.retry_after.unwrap_or(LIMITED_FOR).min(REST_MAX)),
        FailureKind::BadCredential | FailureKind::QuotaExhausted => Some(REFUSED_FOR),
        // Without a status it is a mistake of the set-up, which all share.
        FailureKind::NotPermitted if failure.status.is_some() => Some(REFUSED_FOR),
        FailureKind::NotPermitted
        | FailureKind::NotSent
        | FailureKind::Overloaded
        | FailureKind::ModelGone
        | FailureKind::JobLost
        | FailureKind::TimedOut
        | FailureKind::Interrupted
        | FailureKind::ServerError
        | FailureKind::EmptyAnswer
        | FailureKind::UnreadableAnswer
        | FailureKind::JobFailed
        | FailureKind::InvalidArgument
        | FailureKind::ContentPolicy
        | FailureKind::LimitReached => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "model";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn refused(kind: FailureKind) -> Failure {
        Failure {
            status: Some(400),
            ..Failure::new(kind, "")
        }
    }

    fn row(rotation: &mut Rotation, calls: usize, now: Timestamp) -> Vec<usize> {
        let call = |_| rotation.choose(MODEL, &BTreeSet::new(), now).expect("one of them");
        (0..calls).map(call).collect()
    }

    #[test]
    fn calls_are_spread_by_weight_in_every_short_row() {
        let mut rotation = Rotation::new([3, 1, 1]);
        let calls = row(&mut rotation, 500, at(0));
        for five in calls.chunks(5) {
            let count = |place| five.iter().filter(|own| **own == place).count();
            assert_eq!([count(0), count(1), count(2)], [3, 1, 1], "{five:?}");
        }
        assert_eq!(row(&mut Rotation::new([1, 1]), 4, at(0)), [0, 1, 0, 1]);
        assert_eq!(row(&mut Rotation::new([7]), 3, at(0)), [0, 0, 0]);
    }

    #[test]
    fn what_is_refused_rests_and_comes_back() {
        let mut rotation = Rotation::new([1, 1]);
        let rest = rotation.failed(0, MODEL, &refused(FailureKind::RateLimited), at(0));
        assert_eq!(rest.map(|rest| rest.until), Some(at(30)), "no time was named");
        assert_eq!(row(&mut rotation, 3, at(29)), [1, 1, 1]);
        assert!(row(&mut rotation, 2, at(30)).contains(&0));
        let named = Failure {
            retry_after: Some(Duration::from_secs(90)),
            ..refused(FailureKind::RateLimited)
        };
        let until = |rest: Option<Rest>| rest.map(|rest| rest.until);
        assert_eq!(until(rotation.failed(1, MODEL, &named, at(100))), Some(at(190)));
        let rest = rotation.failed(1, MODEL, &refused(FailureKind::BadCredential), at(100));
        assert_eq!(until(rest), Some(at(1000)));
        assert_eq!(row(&mut rotation, 2, at(999)), [0, 0]);
        // A short limit does not end a long rest.
        rotation.failed(1, MODEL, &refused(FailureKind::RateLimited), at(101));
        assert_eq!(
            rotation.rest(1, at(999)).map(|rest| rest.cause),
            Some(FailureKind::BadCredential)
        );
        assert_eq!(rotation.rest(1, at(1000)), None);
    }

    #[test]
    fn a_call_tries_each_once_and_when_all_rest_the_first_to_wake() {
        let mut rotation = Rotation::new([1, 1, 1]);
        for (place, second) in [(0, 5), (1, 3), (2, 4)] {
            rotation.failed(place, MODEL, &refused(FailureKind::RateLimited), at(second));
        }
        assert_eq!(rotation.choose(MODEL, &BTreeSet::new(), at(6)), Some(1));
        assert_eq!(rotation.choose(MODEL, &BTreeSet::from([1]), at(6)), None);
        assert_eq!(rotation.choose(MODEL, &BTreeSet::from([0]), at(33)), Some(1));
        assert_eq!(rotation.choose(MODEL, &BTreeSet::from([0, 1, 2]), at(99)), None);
    }

    #[test]
    fn a_right_that_is_missing_concerns_one_model() {
        let mut rotation = Rotation::new([1, 1]);
        assert!(
            rotation
                .failed(0, MODEL, &refused(FailureKind::NotPermitted), at(0))
                .is_some()
        );
        assert_eq!(row(&mut rotation, 2, at(1)), [1, 1]);
        assert_eq!(rotation.choose("other", &BTreeSet::new(), at(1)), Some(0));
        assert_eq!(rotation.rest(0, at(1)), None, "it is none of the whole");
    }

    #[test]
    fn what_is_no_refusal_of_a_credential_lets_it_work() {
        let mut rotation = Rotation::new([1, 1]);
        let callers = Failure {
            blame: Blame::Caller,
            ..refused(FailureKind::BadCredential)
        };
        let about_a_job = Failure {
            spent: Spent::Unknown,
            ..refused(FailureKind::RateLimited)
        };
        let ours = Failure::new(FailureKind::NotPermitted, "");
        let others = [refused(FailureKind::Overloaded), refused(FailureKind::ServerError)];
        for failure in [callers, about_a_job, ours].into_iter().chain(others) {
            assert_eq!(rotation.failed(0, MODEL, &failure, at(0)), None, "{failure:?}");
        }
    }

    #[test]
    fn settings_that_are_read_again_end_refusals_and_keep_limits() {
        let mut former = Rotation::new([1, 1]);
        former.failed(0, MODEL, &refused(FailureKind::RateLimited), at(0));
        former.failed(1, MODEL, &refused(FailureKind::BadCredential), at(0));
        let mut rotation = Rotation::new([1, 1, 1]);
        rotation.follow(&former, |place| [None, Some(0), Some(1)][place]);
        let resting = [0, 1, 2].map(|place| rotation.rest(place, at(1)).is_some());
        assert_eq!(resting, [false, true, false]);
    }
}
