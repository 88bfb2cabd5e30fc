//! The last results of one circuit: what rates and times are taken from.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// Results that are kept: enough that one of them moves the rate by three parts in a hundred, few enough that the
/// figures are of now.
pub const SAMPLES_MAX: usize = 32;
/// A result older than this says little of the load that a provider has now.
pub const SAMPLE_AGE_MAX: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    at: Timestamp,
    /// How long it took; `None` for a failure.
    latency_ms: Option<u64>,
}

/// A ring of results.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Window {
    samples: VecDeque<Sample>,
}

/// What a window holds at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) samples: u32,
    pub(super) successes: u32,
    /// The median of the successes. A refusal is quick and would flatter.
    pub(super) latency_p50_ms: Option<u64>,
}

impl Window {
    pub(super) fn push(&mut self, latency_ms: Option<u64>, now: Timestamp) {
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at: now, latency_ms });
    }

    /// Leaves the successes: what they took is still the best guess of what the next one takes.
    pub(super) fn forget_failures(&mut self) {
        self.samples.retain(|sample| sample.latency_ms.is_some());
    }

    pub(super) fn failures_in_a_row(&self, now: Timestamp) -> usize {
        let newest_first = self.recent(now).rev();
        newest_first.take_while(|sample| sample.latency_ms.is_none()).count()
    }

    pub(super) fn figures(&self, now: Timestamp) -> Figures {
        let mut latencies: Vec<u64> = self.recent(now).filter_map(|sample| sample.latency_ms).collect();
        latencies.sort_unstable();
        Figures {
            samples: count(self.recent(now).count()),
            successes: count(latencies.len()),
            // Of an even number, the quicker of the two in the middle.
            latency_p50_ms: latencies.get(latencies.len().saturating_sub(1) / 2).copied(),
        }
    }

    fn recent(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = &Sample> {
        // A clock that was set back makes results young, not old.
        let is_old = move |sample: &Sample| {
            Duration::try_from(now.duration_since(sample.at)).is_ok_and(|age| age >= SAMPLE_AGE_MAX)
        };
        self.samples.iter().filter(move |sample| !is_old(sample))
    }
}

fn count(samples: usize) -> u32 {
    u32::try_from(samples).expect("a window holds few samples")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    #[test]
    fn the_median_is_of_successes_alone() {
        let mut window = Window::default();
        for (second, latency_ms) in [(0, Some(900)), (1, None), (2, Some(100)), (3, Some(300)), (4, None)] {
            window.push(latency_ms, at(second));
        }
        let figures = window.figures(at(5));
        assert_eq!(
            (figures.samples, figures.successes, figures.latency_p50_ms),
            (5, 3, Some(300))
        );
        assert_eq!(window.failures_in_a_row(at(5)), 1);
        window.forget_failures();
        assert_eq!((window.figures(at(5)).samples, window.failures_in_a_row(at(5))), (3, 0));
    }

    #[test]
    fn old_and_many_results_go() {
        let mut window = Window::default();
        for second in 0..100 {
            window.push(Some(1), at(second));
        }
        assert_eq!(window.figures(at(100)).samples, 32);
        // The oldest that is kept is of second 68.
        assert_eq!(window.figures(at(3667)).samples, 32);
        assert_eq!(window.figures(at(3668)).samples, 31);
        let aged = window.figures(at(9999));
        assert_eq!((aged.samples, aged.latency_p50_ms), (0, None));
        assert_eq!(window.figures(at(-9999)).samples, 32, "a clock that was set back");
    }
}
