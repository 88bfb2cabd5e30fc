//! What is taken away from the gateways, and given back.

use super::gateway::Gateway;
use super::options::Store;
use super::pace::pause;
use super::signal;
use super::site::Site;
use crate::Outcome;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Something that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outage {
    /// Another process holds SQLite's write lock, or PostgreSQL is stopped.
    Database,
    /// PostgreSQL keeps its connections and says nothing.
    FrozenDatabase,
    /// The disk is full.
    Disk,
    /// Images cannot be stored or read.
    Media,
    /// Nobody reads standard error any more.
    ErrorsGone,
    /// Whoever reads standard error has stopped doing so.
    ErrorsStuck,
    /// A gateway stands still and goes on later.
    FrozenGateway,
}

/// The write lock of a database file, until the input ends.
const LOCKER: &str = "\
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
held.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()
";
/// A piece of what fills a disk.
static PIECE: [u8; 1 << 20] = [0; 1 << 20];
/// How often it is looked whether there is room on the disk again.
const REFILL: Duration = Duration::from_millis(50);

impl Outage {
    const ALL: [Self; 7] = [
        Self::Database,
        Self::FrozenDatabase,
        Self::Disk,
        Self::Media,
        Self::ErrorsGone,
        Self::ErrorsStuck,
        Self::FrozenGateway,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::FrozenDatabase => "frozen-database",
            Self::Disk => "disk",
            Self::Media => "media",
            Self::ErrorsGone => "errors-gone",
            Self::ErrorsStuck => "errors-stuck",
            Self::FrozenGateway => "frozen-gateway",
        }
    }

    /// Those of a run.
    ///
    /// # Errors
    /// The one that is wanted does not exist here.
    pub(super) fn of(site: &Site) -> Outcome<Vec<Self>> {
        let options = &site.options;
        let exists = |outage: &Self| match outage {
            Self::Disk => site.has_disk,
            // With one gateway nobody would be served meanwhile.
            Self::FrozenDatabase | Self::FrozenGateway => options.store == Store::Postgres,
            _ => true,
        };
        let mut found: Vec<Self> = Self::ALL.into_iter().filter(exists).collect();
        if let Some(only) = &options.only {
            found.retain(|outage| outage.name() == only);
            if found.is_empty() {
                return Err(format!("`{only}` cannot be taken away here"));
            }
        }
        Ok(if options.outages { found } else { Vec::new() })
    }

    /// Takes it away.
    ///
    /// # Errors
    /// That did not work.
    pub(super) fn begin(self, site: &Site, gateways: &[Gateway], one: usize) -> Outcome<Held> {
        match self {
            Self::Database => match &site.cluster {
                None => lock(&site.database_file()),
                Some(cluster) => cluster.stop().map(|()| Held::Stopped),
            },
            Self::FrozenDatabase => {
                let cluster = site.cluster.as_ref().expect("there is one where this exists");
                Ok(Held::Frozen(send_all(cluster.processes()?)))
            }
            Self::Disk => fill(&site.disk.join("filler")),
            Self::Media => hide(&site.media_dir()),
            Self::ErrorsGone => {
                gateways.iter().for_each(Gateway::close_errors);
                Ok(Held::Nothing)
            }
            Self::ErrorsStuck => Ok(Held::Frozen(send_all(gateways.iter().filter_map(Gateway::reader_pid)))),
            Self::FrozenGateway => Ok(Held::Frozen(send_all(gateways[one].pid()))),
        }
    }
}

/// Stops processes where they stand.
fn send_all(pids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let pids: Vec<u32> = pids.into_iter().collect();
    pids.iter().for_each(|pid| signal::send(*pid, signal::STOP));
    pids
}

/// What has been taken away.
pub(super) enum Held {
    /// It comes back by itself: the next process has its own.
    Nothing,
    /// A database file's write lock, held by this process.
    Locked(Child),
    /// The database's server.
    Stopped,
    /// Processes that stand still.
    Frozen(Vec<u32>),
    /// Room on the disk.
    Filled(Arc<AtomicBool>, JoinHandle<()>),
    /// A folder: where it was, and where it is.
    Hidden(PathBuf, PathBuf),
}

impl Held {
    /// Gives it back.
    ///
    /// # Errors
    /// That did not work, and the run cannot go on.
    pub(super) fn end(self, site: &Site) -> Outcome {
        match self {
            Self::Nothing => Ok(()),
            Self::Locked(mut child) => {
                drop(child.stdin.take());
                let ended = child.wait();
                ended
                    .map(drop)
                    .map_err(|error| format!("the lock's holder does not end: {error}"))
            }
            Self::Stopped => site.cluster.as_ref().map_or(Ok(()), |cluster| cluster.start_again()),
            Self::Frozen(pids) => {
                pids.into_iter().for_each(|pid| signal::send(pid, signal::CONTINUE));
                Ok(())
            }
            Self::Filled(is_over, filler) => {
                is_over.store(true, Ordering::SeqCst);
                filler.join().map_err(|_| "what fills the disk has failed".to_owned())
            }
            Self::Hidden(from, to) => {
                let back = std::fs::remove_file(&from).and_then(|()| std::fs::rename(&to, &from));
                back.map_err(|error| format!("{} does not come back: {error}", from.display()))
            }
        }
    }
}

fn lock(file: &Path) -> Outcome<Held> {
    let mut command = Command::new("python3");
    command.args(["-c", LOCKER]).arg(file);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start python3: {error}"))?;
    let mut said = String::new();
    let out = child.stdout.take().expect("piped above");
    let read = BufReader::new(out).read_line(&mut said);
    if read.is_ok() && said.trim() == "held" {
        return Ok(Held::Locked(child));
    }
    let _ = child.wait();
    Err("the database's write lock cannot be had".to_owned())
}

fn fill(file: &Path) -> Outcome<Held> {
    let mut filler = File::create(file).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let (is_over, path) = (Arc::new(AtomicBool::new(false)), file.to_path_buf());
    let over = Arc::clone(&is_over);
    let work = std::thread::spawn(move || {
        // What others free is taken at once.
        while !over.load(Ordering::SeqCst) {
            let mut size = PIECE.len();
            while size > 0 && !over.load(Ordering::SeqCst) {
                if filler.write_all(&PIECE[..size]).is_err() {
                    size /= 2;
                }
            }
            pause(REFILL);
        }
        drop(filler);
        let _ = std::fs::remove_file(path);
    });
    Ok(Held::Filled(is_over, work))
}

/// Puts a file in the place of a folder: nobody can make it anew meanwhile.
fn hide(folder: &Path) -> Outcome<Held> {
    let away = folder.with_extension("away");
    let hidden = std::fs::rename(folder, &away).and_then(|()| File::create(folder));
    hidden.map_err(|error| format!("{} does not go: {error}", folder.display()))?;
    Ok(Held::Hidden(folder.to_path_buf(), away))
}
