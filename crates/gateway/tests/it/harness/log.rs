//! What the process logs, kept for tests to read.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();

/// Keeps the log of this process from now on, as JSON lines, with every detail of our own crates.
pub(crate) fn watch_log() {
    WATCH.call_once(|| {
        let filter = EnvFilter::new("info,gateway=trace,planner=trace,providers=trace,imaging=trace");
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(filter)
            .with_writer(Kept)
            .init();
    });
}

/// The lines that hold `text`.
pub(crate) fn log_lines(text: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log)
        .lines()
        .filter(|line| line.contains(text))
        .map(str::to_owned)
        .collect()
}

/// Fails when any of `secrets` stands in the log.
pub(crate) fn check_no_secret(secrets: &[&str]) {
    for secret in secrets {
        assert!(log_lines(secret).is_empty(), "a secret stands in the log");
    }
}

struct Kept;

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
