//! How slow the other side of a connection may be, in either direction.

use std::time::Duration;

use crate::settings::limits::Limits;

/// The least speed of a body or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeastSpeed {
    /// Time before anything is asked.
    grace: Duration,
    /// What is taken together, so that a short pause is no offence.
    window: Duration,
    /// Longest time in all that one transfer may keep us waiting.
    whole: Duration,
    /// Least bytes a second over a window.
    bytes_per_s: u64,
}

impl LeastSpeed {
    /// That of the settings.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            grace: Duration::from_secs(limits.transfer_grace_s),
            window: Duration::from_secs(limits.transfer_window_s.max(1)),
            whole: Duration::from_secs(limits.transfer_s.max(1)),
            bytes_per_s: limits.transfer_bytes_per_s.max(1),
        }
    }
}

/// How long one transfer may still keep us waiting. What comes at the least speed makes good for the time that it takes, and
/// never for more than a window.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    speed: LeastSpeed,
    allowance: Duration,
    waited: Duration,
}

impl Waiting {
    /// A transfer that begins.
    pub(crate) fn new(speed: LeastSpeed) -> Self {
        Self {
            allowance: speed.grace + speed.window,
            waited: Duration::ZERO,
            speed,
        }
    }

    /// The time that is left to the other side.
    pub(crate) fn left(&self) -> Duration {
        self.allowance.min(self.speed.whole.saturating_sub(self.waited))
    }

    /// The other side kept us waiting for so long.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.allowance = self.allowance.saturating_sub(time);
        self.waited += time;
    }

    /// What was waited so far counts no more against the whole time.
    pub(crate) fn forget_the_whole(&mut self) {
        self.waited = Duration::ZERO;
    }

    /// The other side sent or took so many bytes.
    pub(crate) fn moved(&mut self, bytes: usize) {
        // Lossless: bytes of one piece are far below 2^52.
        let worth = Duration::from_secs_f64(bytes as f64 / self.speed.bytes_per_s as f64);
        let most = self.allowance.max(self.speed.window);
        self.allowance = (self.allowance + worth).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_default() -> Waiting {
        Waiting::new(LeastSpeed::of(&Limits::default()))
    }

    /// After how many seconds one is cut who moves `bytes` each second, if ever within 1,000 s.
    fn cut_after(bytes: usize) -> Option<u64> {
        let mut waiting = by_default();
        for second in 1..=1000 {
            waiting.waited(Duration::from_secs(1));
            if waiting.left().is_zero() {
                return Some(second);
            }
            waiting.moved(bytes);
        }
        None
    }

    #[test]
    fn who_moves_nothing_is_cut_after_grace_and_a_window_and_who_is_fast_enough_only_in_the_end() {
        assert_eq!(cut_after(0), Some(40));
        assert_eq!(
            cut_after(8 << 10),
            Some(69),
            "half the speed uses up the window half as fast"
        );
        assert_eq!(cut_after(16 << 10), Some(300), "in all");
        assert_eq!(cut_after(1 << 30), Some(300));
    }

    #[test]
    fn what_came_fast_does_not_pay_for_silence_for_ever() {
        let mut waiting = by_default();
        waiting.moved(45 << 20);
        waiting.waited(Duration::from_secs(40));
        assert!(waiting.left().is_zero());
    }

    #[test]
    fn our_own_time_is_not_theirs() {
        let mut waiting = by_default();
        waiting.waited(Duration::from_secs(35));
        waiting.moved(1 << 20);
        assert_eq!(waiting.left(), Duration::from_secs(30));
    }
}
