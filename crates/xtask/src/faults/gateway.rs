//! A gateway under a supervisor: started again whenever it has ended, and killed on demand.

use super::pace::pause;
use super::signal;
use super::site::{LISTENING, Site};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(25);
/// The pause of a supervisor before the next start of a program that could not serve.
const PAUSE: Duration = Duration::from_millis(500);

/// One gateway of a run, through all its processes.
pub(super) struct Gateway {
    pub(super) place: usize,
    state: Mutex<State>,
    stopping: AtomicBool,
    /// Processes that were begun.
    pub(super) starts: AtomicUsize,
    /// Processes that never came to serve: the database was away, or the disk was full.
    pub(super) vain_starts: AtomicUsize,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    /// How processes ended that had served and that nobody had killed.
    own_ends: Vec<String>,
}

struct Process {
    child: Child,
    /// What reads its standard error.
    reader: Option<Child>,
    serves: Arc<AtomicBool>,
    begun: Instant,
    killed: bool,
}

impl Gateway {
    pub(super) fn new(place: usize) -> Self {
        Self {
            place,
            state: Mutex::default(),
            stopping: AtomicBool::new(false),
            starts: AtomicUsize::new(0),
            vain_starts: AtomicUsize::new(0),
        }
    }

    /// Keeps it running until [`Self::stop`].
    pub(super) fn supervise(&self, site: &Site) {
        while !self.stopping.load(Ordering::SeqCst) {
            match start(site, self.place) {
                Ok(process) => self.state().process = Some(process),
                Err(why) => {
                    self.state().own_ends.push(why);
                    return;
                }
            }
            self.starts.fetch_add(1, Ordering::SeqCst);
            let served = self.wait();
            if !served && !self.stopping.load(Ordering::SeqCst) {
                pause(PAUSE);
            }
        }
    }

    /// Waits for the end of its process; whether that had come to serve, or was killed before it could.
    fn wait(&self) -> bool {
        loop {
            let mut state = self.state();
            let Some(process) = &mut state.process else { return true };
            let ended = process.child.try_wait();
            let Ok(Some(status)) = ended else {
                drop(state);
                pause(LOOK);
                continue;
            };
            let (serves, killed) = (process.serves.load(Ordering::SeqCst), process.killed);
            // The pipe's other end is gone, so the reader comes to its end.
            if let Some(mut reader) = state.process.take().and_then(|process| process.reader) {
                drop(state);
                signal::send(reader.id(), signal::CONTINUE);
                let _ = reader.wait();
                state = self.state();
            }
            if killed || self.stopping.load(Ordering::SeqCst) {
                return true;
            }
            if serves {
                state
                    .own_ends
                    .push(format!("gateway {} ended by itself: {status}", self.place));
            } else {
                self.vain_starts.fetch_add(1, Ordering::SeqCst);
            }
            return serves;
        }
    }

    /// Kills it, if it serves; whether it did.
    pub(super) fn kill(&self) -> bool {
        let mut state = self.state();
        let Some(process) = &mut state.process else {
            return false;
        };
        if !process.serves.load(Ordering::SeqCst) || process.killed {
            return false;
        }
        process.killed = true;
        process.child.kill().is_ok()
    }

    /// Whether it has come to serve.
    pub(super) fn serves(&self) -> bool {
        let state = self.state();
        let process = state.process.as_ref();
        process.is_some_and(|process| process.serves.load(Ordering::SeqCst) && !process.killed)
    }

    /// How long its process has been running; nothing while there is none.
    pub(super) fn age(&self) -> Option<Duration> {
        self.state().process.as_ref().map(|process| process.begun.elapsed())
    }

    /// The process now running.
    pub(super) fn pid(&self) -> Option<u32> {
        self.state().process.as_ref().map(|process| process.child.id())
    }

    /// The process that reads its standard error.
    pub(super) fn reader_pid(&self) -> Option<u32> {
        let state = self.state();
        state.process.as_ref()?.reader.as_ref().map(Child::id)
    }

    /// Takes the reader of its standard error away, for as long as this process runs.
    pub(super) fn close_errors(&self) {
        let mut state = self.state();
        let reader = state.process.as_mut().and_then(|process| process.reader.take());
        drop(state);
        if let Some(mut reader) = reader {
            let _ = reader.kill();
            let _ = reader.wait();
        }
    }

    /// Asks it to end, as a service manager does, and starts it no more.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let Some(pid) = self.pid() {
            signal::send(pid, signal::TERMINATE);
        }
    }

    /// How it ended when nobody had killed it.
    pub(super) fn own_ends(&self) -> Vec<String> {
        self.state().own_ends.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(site: &Site, place: usize) -> Result<Process, String> {
    let told = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let (errors, into) = std::io::pipe().map_err(|error| told("no pipe", error))?;
    let log = log_file(site, place);
    let log = OpenOptions::new().create(true).append(true).open(log);
    let mut reader = std::process::Command::new("cat");
    reader.stdin(errors).stdout(log.map_err(|error| told("no log", error))?);
    let reader = reader.spawn().map_err(|error| told("cannot start cat", error))?;
    let mut command = site.command(place, &["serve"]);
    command.stdout(Stdio::piped()).stderr(into);
    let mut child = command
        .spawn()
        .map_err(|error| told("cannot start the gateway", error))?;
    // The command holds the pipe's writing end, which would keep the reader from ever ending.
    drop(command);
    let serves = Arc::new(AtomicBool::new(false));
    watch(child.stdout.take().expect("piped above"), Arc::clone(&serves));
    Ok(Process {
        child,
        reader: Some(reader),
        serves,
        begun: Instant::now(),
        killed: false,
    })
}

/// Where its standard error is kept.
pub(super) fn log_file(site: &Site, place: usize) -> PathBuf {
    site.folder().join(format!("gateway-{place}.log"))
}

/// Reads what it prints, to the end.
fn watch(out: ChildStdout, serves: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if line.starts_with(LISTENING) {
                serves.store(true, Ordering::SeqCst);
            }
        }
    });
}
