//! What the commands print. The one place that writes to standard output.

use std::io::Write;
use std::time::Duration;

/// One line, at once: it must stand before what a child process prints next.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is no reason to stop a test run.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
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
