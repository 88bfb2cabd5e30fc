//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gateway::clock::Clock;
use jiff::Timestamp;

/// Before every announced end in the catalogue, so that plans do not change with the day of the test.
const START: &str = "2026-08-15T12:00:00Z";
/// By how many days the clocks of processes are put forward (`cargo xtask test --only later`): they go by the machine's, which
/// will be there one day.
pub(super) const AHEAD_VARIABLE: &str = "PICTOR_TEST_DAYS_AHEAD";

/// The time in microseconds since 1970.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        let start: Timestamp = START.parse().expect("a time");
        Self(Arc::new(AtomicI64::new(start.as_microsecond())))
    }

    /// The gateway's side of it.
    pub(crate) fn clock(&self) -> Clock {
        let own = self.clone();
        Clock::from_fn(move || own.now())
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).expect("a time of this century")
    }

    pub(crate) fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, time: &str) {
        let time: Timestamp = time.parse().expect("a time");
        self.0.store(time.as_microsecond(), Ordering::Relaxed);
    }
}
