//! The time of day, as an argument: tests set it.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        let ahead = ahead();
        Self(Arc::new(move || Timestamp::now() + ahead))
    }

    /// A clock that says what `tell` says.
    pub fn from_fn(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The day, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }
}

/// By how many days the machine's clock is put forward in a test build.
#[cfg(debug_assertions)]
const AHEAD_VARIABLE: &str = "PICTOR_TEST_DAYS_AHEAD";

/// By how much the machine's clock is put forward: tests see days to come.
#[cfg(debug_assertions)]
fn ahead() -> SignedDuration {
    let days = std::env::var(AHEAD_VARIABLE).ok().and_then(|days| days.parse().ok());
    SignedDuration::from_hours(24 * days.unwrap_or(0))
}

/// By how much the machine's clock is put forward.
#[cfg(not(debug_assertions))]
const fn ahead() -> SignedDuration {
    SignedDuration::ZERO
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
