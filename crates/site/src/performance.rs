//! How calls went here: shares and times from the log.

use indexmap::IndexMap;

/// One call of the log, as far as performance is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCall {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// Whether it delivered.
    pub succeeded: bool,
    /// How long it took.
    pub duration_ms: u64,
}

/// The calls of one provider, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many.
    pub count: u64,
    /// How many delivered.
    pub succeeded: u64,
    /// Times of those that delivered, ascending.
    pub times_ms: Vec<u64>,
}

impl Calls {
    /// The time below which a share of the successes took, `share` from 0 to 1.
    #[must_use]
    pub fn time_ms(&self, share: f64) -> Option<u64> {
        let last = self.times_ms.len().checked_sub(1)?;
        let place = (share * last as f64).round() as usize;
        self.times_ms.get(place.min(last)).copied()
    }

    /// The median.
    #[must_use]
    pub fn p50_ms(&self) -> Option<u64> {
        self.time_ms(0.5)
    }

    /// The time that one success in twenty exceeds.
    #[must_use]
    pub fn p95_ms(&self) -> Option<u64> {
        self.time_ms(0.95)
    }

    fn add(&mut self, call: &LoggedCall) {
        self.count += 1;
        if call.succeeded {
            self.succeeded += 1;
            self.times_ms.push(call.duration_ms);
        }
    }
}

/// The calls of all models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performance {
    by_model: IndexMap<String, IndexMap<String, Calls>>,
    /// Days that the log was read back.
    pub days: u32,
}

impl Performance {
    /// Sorts calls by model and provider.
    #[must_use]
    pub fn of(calls: &[LoggedCall], days: u32) -> Self {
        let mut by_model: IndexMap<String, IndexMap<String, Calls>> = IndexMap::new();
        for call in calls {
            let model = by_model.entry(call.model.clone()).or_default();
            model.entry(call.provider.clone()).or_default().add(call);
        }
        for calls in by_model.values_mut().flat_map(IndexMap::values_mut) {
            calls.times_ms.sort_unstable();
        }
        Self { by_model, days }
    }

    /// The calls of a model at one provider.
    #[must_use]
    pub fn at(&self, model: &str, provider: &str) -> Option<&Calls> {
        self.by_model.get(model)?.get(provider)
    }

    /// The calls of all models at one provider.
    #[must_use]
    pub fn of_provider(&self, provider: &str) -> Calls {
        let mut all = Calls::default();
        for calls in self.by_model.values().filter_map(|model| model.get(provider)) {
            all.count += calls.count;
            all.succeeded += calls.succeeded;
            all.times_ms.extend(&calls.times_ms);
        }
        all.times_ms.sort_unstable();
        all
    }

    /// The calls of a model at all providers.
    #[must_use]
    pub fn of_model(&self, model: &str) -> Option<Calls> {
        let mut all = Calls::default();
        for calls in self.by_model.get(model)?.values() {
            all.count += calls.count;
            all.succeeded += calls.succeeded;
            all.times_ms.extend(&calls.times_ms);
        }
        all.times_ms.sort_unstable();
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(provider: &str, succeeded: bool, duration_ms: u64) -> LoggedCall {
        LoggedCall {
            model: "m".to_owned(),
            provider: provider.to_owned(),
            succeeded,
            duration_ms,
        }
    }

    #[test]
    fn medians_are_of_successes_alone() {
        let mut calls: Vec<LoggedCall> = (1..=101).map(|second| call("a", true, second * 1_000)).collect();
        calls.push(call("a", false, 1));
        calls.push(call("b", true, 500));
        let performance = Performance::of(&calls, 30);
        let a = performance.at("m", "a").expect("calls");
        assert_eq!((a.count, a.succeeded), (102, 101));
        assert_eq!((a.p50_ms(), a.p95_ms()), (Some(51_000), Some(96_000)));
        assert_eq!(performance.of_model("m").expect("calls").count, 103);
        assert!(performance.of_model("other").is_none());
        assert_eq!(Calls::default().p50_ms(), None);
    }
}
