//! Jobs of providers that work in the background: found by id, newest first, and bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Jobs remembered by one provider; the oldest are forgotten first.
const MAX_JOBS: usize = 10_000;
/// All results together, where results hold pictures themselves; the oldest jobs are forgotten past it.
const MAX_RESULT_BYTES: usize = 256 * 1024 * 1024;

/// The jobs of one provider.
pub(crate) struct Jobs<J> {
    state: Mutex<State<J>>,
}

struct State<J> {
    jobs: HashMap<String, Place<J>>,
    order: VecDeque<String>,
    result_bytes: usize,
}

struct Place<J> {
    job: Arc<J>,
    result_bytes: usize,
}

impl<J> Default for Jobs<J> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                jobs: HashMap::new(),
                order: VecDeque::new(),
                result_bytes: 0,
            }),
        }
    }
}

impl<J> Jobs<J> {
    /// Remembers a job under a new id.
    pub(crate) fn insert(&self, id: String, job: Arc<J>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.order.push_back(id.clone());
        let place = Place { job, result_bytes: 0 };
        state.jobs.insert(id, place);
        state.shrink();
    }

    /// The job of an id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<J>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.jobs.get(id).map(|place| Arc::clone(&place.job))
    }

    /// Tells how much memory a job's result takes.
    pub(crate) fn weigh(&self, id: &str, result_bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = state.jobs.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut place.result_bytes, result_bytes);
        state.result_bytes = state.result_bytes - before + result_bytes;
        state.shrink();
    }

    /// At most `limit` jobs, newest first, those before the job `after` if given. An unknown `after` gives none.
    pub(crate) fn newest(&self, after: Option<&str>, limit: usize) -> Vec<Arc<J>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = state.order.iter().rev();
        let jobs = |id: &String| state.jobs.get(id).map(|place| Arc::clone(&place.job));
        match after {
            None => ids.filter_map(jobs).take(limit).collect(),
            Some(after) => ids
                .skip_while(|id| id.as_str() != after)
                .skip(1)
                .filter_map(jobs)
                .take(limit)
                .collect(),
        }
    }
}

impl<J> State<J> {
    fn shrink(&mut self) {
        while self.order.len() > 1 && (self.order.len() > MAX_JOBS || self.result_bytes > MAX_RESULT_BYTES) {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(place) = self.jobs.remove(&oldest) {
                self.result_bytes -= place.result_bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_listed_newest_first_and_by_pages() {
        let jobs = Jobs::default();
        for number in 0..5 {
            jobs.insert(format!("job-{number}"), Arc::new(number));
        }
        let listed = |after, limit| -> Vec<i32> { jobs.newest(after, limit).iter().map(|job| **job).collect() };
        assert_eq!(listed(None, 2), [4, 3]);
        assert_eq!(listed(Some("job-3"), 9), [2, 1, 0]);
        assert!(listed(Some("nobody"), 9).is_empty());
        assert_eq!(jobs.get("job-2").as_deref(), Some(&2));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let jobs = Jobs::default();
        for number in 0..=MAX_JOBS {
            jobs.insert(number.to_string(), Arc::new(()));
        }
        assert!(jobs.get("0").is_none());
        assert!(jobs.get("1").is_some());
        jobs.weigh("1", 10);
        jobs.weigh("3", MAX_RESULT_BYTES);
        assert!(jobs.get("2").is_some(), "only as many as needed go");
        assert!(jobs.get("1").is_none());
    }
}
