//! What protocols with jobs share: the job, asking how it is, and taking it up again.

use std::time::Duration;

use planner::failure::{Failure, FailureKind};
use reqwest::Url;

use super::{Call, Phase, Reply, State, Step};

/// First wait before asking how a job is: fast models answer in less than a second.
const POLL_FIRST: Duration = Duration::from_millis(250);
/// Longest wait between polls: a longer one would be felt, a shorter one only makes traffic.
const POLL_MOST: Duration = Duration::from_secs(2);

/// The wait before poll number `polls`: half as long again each time, up to a bound.
pub(crate) fn poll_delay(polls: u32) -> Duration {
    POLL_FIRST
        .mul_f64(1.5_f64.powi(i32::try_from(polls.min(20)).unwrap_or(20)))
        .min(POLL_MOST)
}

/// A job that the provider accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The provider's id of it.
    pub id: Option<String>,
    /// Where to ask how it is.
    pub status_url: Url,
    /// Where its result is; the same for protocols that have one address.
    pub result_url: Url,
}

impl Job {
    /// Text from which the job can be found again: both addresses, and the id when there is one.
    #[must_use]
    pub fn handle(&self) -> String {
        let id = self.id.as_deref().unwrap_or_default();
        format!("{} {} {id}", self.status_url, self.result_url)
            .trim_end()
            .to_owned()
    }

    /// Reads [`Job::handle`].
    #[must_use]
    pub fn from_handle(handle: &str) -> Option<Self> {
        let mut parts = handle.splitn(3, ' ');
        let status_url = Url::parse(parts.next()?).ok()?;
        let result_url = Url::parse(parts.next()?).ok()?;
        Some(Self {
            id: parts.next().map(str::to_owned),
            status_url,
            result_url,
        })
    }
}

impl State {
    /// Goes on with the job of a handle, if it is one of the provider's own.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn resumed(&mut self, handle: &str, is_own: impl Fn(&Job) -> bool) -> Result<Job, Failure> {
        let job = Job::from_handle(handle)
            .filter(is_own)
            .ok_or_else(|| Failure::new(FailureKind::JobLost, "the job's handle cannot be read"))?;
        self.job = Some(job.clone());
        Ok(job)
    }

    /// The call that asks how the job is, after a wait that grows. What was heard of it last could be read.
    pub(crate) fn asking(&mut self, call: Call) -> Call {
        let delay = poll_delay(self.polls);
        self.polls += 1;
        self.unreadable = 0;
        self.phase = Phase::Poll;
        Call { delay, ..call }
    }
}

impl Step {
    /// What follows a refusal of an upload, a poll or a fetch, which may be a hiccup.
    pub(crate) fn refused(reply: &Reply, failure: Failure) -> Self {
        if reply.is_hiccup() {
            Self::Again(failure)
        } else {
            Self::Fail(failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_slow_down_to_a_bound() {
        assert_eq!(poll_delay(0), POLL_FIRST);
        assert_eq!(poll_delay(1), Duration::from_millis(375));
        assert_eq!(poll_delay(1000), POLL_MOST);
    }

    #[test]
    fn a_handle_finds_the_job_again() {
        let url = |text: &str| Url::parse(text).expect("an address");
        for id in [None, Some("abc def".to_owned())] {
            let job = Job {
                id,
                status_url: url("https://a.example/1/status"),
                result_url: url("https://a.example/1"),
            };
            assert_eq!(Job::from_handle(&job.handle()), Some(job));
        }
        assert_eq!(Job::from_handle("abc"), None);
    }
}
