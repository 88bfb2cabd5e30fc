//! What the commands print. The one place that writes to standard output.

use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;

thread_local! {
    /// What this thread has printed, while it is kept for later.
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// One line, at once: it must stand before what a child process prints next.
pub(crate) fn line(text: &str) {
    write(format!("{text}\n").as_bytes());
}

/// Runs `work` and keeps what it prints on this thread, so that two works beside each other are read one after the other.
pub(crate) fn kept<T>(work: impl FnOnce() -> T) -> (T, Vec<u8>) {
    KEPT.set(Some(Vec::new()));
    let done = work();
    (done, KEPT.take().unwrap_or_default())
}

/// Whether what this thread prints is kept. What its child processes print has to be kept as well.
pub(crate) fn is_kept() -> bool {
    KEPT.with_borrow(Option::is_some)
}

/// Writes bytes as they are, at once.
pub(crate) fn write(bytes: &[u8]) {
    let is_kept = KEPT.with_borrow_mut(|kept| kept.as_mut().map(|kept| kept.extend_from_slice(bytes)).is_some());
    if !is_kept {
        let mut out = std::io::stdout().lock();
        // A closed pipe is no reason to stop a test run.
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }
}

/// A step's title.
pub(crate) fn heading(text: &str) {
    line(&format!("\n==> {text}"));
}

/// A duration as people read it: `0.4 s`, `37 s`, `12 min 04 s`.
pub(crate) fn duration(spent: Duration) -> String {
    let seconds = spent.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", spent.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(37)), "37 s");
        assert_eq!(duration(Duration::from_secs(724)), "12 min 04 s");
    }
}
