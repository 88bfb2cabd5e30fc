//! The log on standard error, which may be a pipe that nobody reads or a file on a full disk: no request waits for it, and
//! none is lost over it.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use planner::fault::{harmless, is_hidden};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// Lines that wait to be written. Past them new ones are left out and counted.
const WAITING_MAX: usize = 8192;
/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Begins to log: one line a request. What waits is written when the result is dropped.
pub(super) fn start(settings: &Settings, telemetry: Option<&Telemetry>) -> Lines {
    let filter = EnvFilter::try_from_env("PICTOR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = Lines::to(io::stderr());
    let log = tracing_subscriber::fmt::layer()
        .with_writer(lines.clone())
        // A complaint about the log would go where the log cannot go.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    let log = if settings.log_json {
        log.json().boxed()
    } else {
        log.boxed()
    };
    // Without a collector what is not logged is not even looked at.
    match telemetry {
        None => tracing_subscriber::registry().with(log).with(filter).init(),
        Some(telemetry) => tracing_subscriber::registry()
            .with(log.with_filter(filter))
            .with(telemetry.layer())
            .init(),
    }
    lines
}

enum Message {
    Line(Vec<u8>),
    /// Tells when all before it is written.
    Flush(SyncSender<()>),
}

/// The way to the one thread that writes lines. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lines {
    sender: SyncSender<Message>,
    left_out: Arc<AtomicU64>,
}

impl Lines {
    fn to(out: impl Write + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let left_out = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&left_out);
        // Without a thread there is no log, and everything else works.
        let _ = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(out, &receiver, &counted));
        Self { sender, left_out }
    }

    /// Waits until what was logged up to now is written, but not for long.
    pub(super) fn finish(&self) {
        let (written, all) = sync_channel(1);
        if self.sender.try_send(Message::Flush(written)).is_ok() {
            let _ = all.recv_timeout(LAST_LINES);
        }
    }
}

fn write(mut out: impl Write, receiver: &Receiver<Message>, left_out: &AtomicU64) {
    while let Ok(message) = receiver.recv() {
        // What cannot be written is lost; the next line may be written again.
        match message {
            Message::Line(line) => {
                if out.write_all(&line).is_err() {
                    left_out.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
            }
            Message::Flush(written) => {
                let _ = out.flush();
                let _ = written.send(());
                continue;
            }
        }
        let lost = left_out.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(out, "{lost} log line(s) before this one could not be written");
        }
    }
}

/// What was logged as one line, whatever a caller or a provider wrote into it. Colors stay where a terminal shows them; in
/// values they were escaped before.
fn one_line(bytes: Vec<u8>) -> Vec<u8> {
    const ESCAPE: char = '\u{1b}';
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return bytes;
    };
    let line = text.strip_suffix('\n').unwrap_or(text);
    if !line.chars().any(|letter| letter != ESCAPE && is_hidden(letter)) {
        return bytes;
    }
    let pieces = line.split(ESCAPE).map(harmless).collect::<Vec<_>>();
    let mut line = pieces.join("\u{1b}");
    line.push('\n');
    line.into_bytes()
}

/// One line on its way.
pub(super) struct Line<'a> {
    lines: &'a Lines,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = Message::Line(one_line(std::mem::take(&mut self.bytes)));
        if self.lines.sender.try_send(line).is_err() {
            self.lines.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: self,
            bytes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A writer that fails for its first writes.
    struct Failing {
        times: usize,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.times > 0 {
                self.times -= 1;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.written.lock().expect("nothing panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(lines: &Lines, text: &str) {
        writeln!(lines.make_writer(), "{text}").expect("it never fails");
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_the_rest_goes_on() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let lines = Lines::to(Failing {
            times: 2,
            written: Arc::clone(&written),
        });
        for text in ["one", "two", "three"] {
            log(&lines, text);
        }
        lines.finish();
        let text = String::from_utf8(written.lock().expect("nothing panics").clone()).expect("a text");
        assert_eq!(text, "three\n2 log line(s) before this one could not be written\n");
    }

    #[test]
    fn an_event_is_one_line_whatever_stands_in_it() {
        assert_eq!(one_line(b"all is well\n".to_vec()), b"all is well\n");
        assert_eq!(
            one_line("a panic\nINFO forged\r\u{9b}2J\n".as_bytes().to_vec()),
            b"a panic\\nINFO forged\\r\\u{9b}2J\n"
        );
        assert_eq!(
            one_line(b"\x1b[32mINFO\x1b[0m a\tb\n".to_vec()),
            b"\x1b[32mINFO\x1b[0m a\\tb\n"
        );
    }

    #[test]
    fn nobody_waits_for_a_log_that_is_stuck() {
        struct Stuck;
        impl Write for Stuck {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                loop {
                    std::thread::park();
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::to(Stuck);
        for _ in 0..WAITING_MAX * 2 {
            log(&lines, "a line");
        }
        assert!(lines.left_out.load(Ordering::Relaxed) >= WAITING_MAX as u64 - 1);
    }
}
