//! How long the real thing would take, for those who want to wait as long.

use std::time::Duration;

/// Realistic waiting, off unless asked for.
pub(crate) struct Latency {
    on: bool,
}

/// How fast a model draws, by its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pace {
    /// Distilled diffusion models: one or two seconds.
    Fast,
    /// Small autoregressive models, such as the mini one.
    Medium,
    /// Large autoregressive models: tens of seconds at high quality.
    Slow,
}

impl Latency {
    pub(crate) fn new(on: bool) -> Self {
        Self { on }
    }

    /// How long one image takes. The figures are rounded experience, not a promise of any provider; pixels
    /// count by their square root and `spread` (any number) varies the result by up to a quarter.
    pub(crate) fn work(&self, pace: Pace, quality: &str, pixels: u64, spread: u64) -> Duration {
        if !self.on {
            return Duration::ZERO;
        }
        let base_ms: f64 = match (pace, quality) {
            (Pace::Fast, _) => 1_200.0,
            (Pace::Medium, "low") => 6_000.0,
            (Pace::Medium, "medium") => 12_000.0,
            (Pace::Medium, _) => 25_000.0,
            (Pace::Slow, "low") => 9_000.0,
            (Pace::Slow, "medium") => 20_000.0,
            (Pace::Slow, "high") => 42_000.0,
            (Pace::Slow, _) => 70_000.0,
        };
        let megapixels = pixels as f64 / 1_048_576.0;
        let vary = 1.0 + (spread % 1_000) as f64 / 4_000.0;
        Duration::from_secs_f64(base_ms * megapixels.sqrt().clamp(0.5, 3.0) * vary / 1_000.0)
    }

    /// How long a job waits before a worker takes it, where the provider has a queue.
    pub(crate) fn queue(&self) -> Duration {
        if self.on {
            Duration::from_millis(700)
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_is_no_wait_at_all() {
        let latency = Latency::new(false);
        assert_eq!(latency.work(Pace::Slow, "high", 1_048_576, 7), Duration::ZERO);
        assert_eq!(latency.queue(), Duration::ZERO);
    }

    #[test]
    fn better_and_larger_takes_longer() {
        let latency = Latency::new(true);
        let low = latency.work(Pace::Slow, "low", 1_048_576, 0);
        let high = latency.work(Pace::Slow, "high", 1_048_576, 0);
        let large = latency.work(Pace::Slow, "high", 4_194_304, 0);
        assert!(low < high && high < large);
    }
}
