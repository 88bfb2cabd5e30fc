//! The waiting file: what the database did not take in time is kept here until it does, and survives the process.
//!
//! Its space is set aside when it is made, so that a full disk does not matter. Frames stand one after another, each the
//! length of its JSON, a checksum and the JSON; a length of zero ends them. The process that writes it holds a lock on it:
//! one that nobody locks was left behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::queue::Item;
use super::{Entry, Write};
use crate::aside::set_aside;

/// Space that is set aside: the ends of more than a thousand generations.
const SPACE_BYTES: u64 = 16 << 20;
/// Bytes before the JSON of a frame.
const HEAD_BYTES: usize = 8;
/// What the names of these files end with.
const EXTENSION: &str = "waiting";

/// A file of this process's own.
#[derive(Debug)]
pub(super) struct WaitingFile {
    path: PathBuf,
    inner: Mutex<Inner>,
    /// Whether anything is kept or about to be.
    is_used: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    file: File,
    end: u64,
    /// Entries in it that are not written yet.
    unwritten: usize,
}

/// What a dead process left behind.
#[derive(Debug)]
pub(super) struct Leftover {
    /// The process.
    pub(super) owner: String,
    /// What was accepted and perhaps never written, in order.
    pub(super) entries: Vec<Entry>,
    path: PathBuf,
    // Held until the file is gone.
    _file: File,
}

impl WaitingFile {
    /// Makes the file of a process.
    pub(super) fn create(folder: &Path, owner: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{owner}.{EXTENSION}"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        file.lock()?;
        set_aside(&file, SPACE_BYTES)?;
        file.sync_all()?;
        Ok(Self {
            path,
            inner: Mutex::new(Inner {
                file,
                end: 0,
                unwritten: 0,
            }),
            is_used: AtomicBool::new(false),
        })
    }

    /// Keeps those that are not written yet, and says so of each.
    pub(super) fn keep(&self, items: &[Arc<Item>]) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it is looked what is over: who writes looks in the other order.
        self.is_used.store(true, Ordering::SeqCst);
        let items: Vec<&Arc<Item>> = items.iter().filter(|item| !item.is_over()).collect();
        let mut frames = Vec::new();
        for item in &items {
            if let Write::Entry(entry) = &item.write {
                frame(entry, &mut frames)?;
            }
        }
        // The end of all frames, in case something older stands behind them.
        frames.extend([0; HEAD_BYTES]);
        let end = inner.end;
        inner.file.seek(SeekFrom::Start(end))?;
        inner.file.write_all(&frames)?;
        inner.file.sync_data()?;
        inner.end += (frames.len() - HEAD_BYTES) as u64;
        inner.unwritten += items.len();
        items.iter().for_each(|item| item.note_kept());
        Ok(())
    }

    /// Notes that an item is over. With the last one the file is empty again.
    pub(super) fn over(&self, item: &Item) {
        if !self.is_used.load(Ordering::SeqCst) {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !item.is_kept() {
            return;
        }
        inner.unwritten = inner.unwritten.saturating_sub(1);
        if inner.unwritten == 0 {
            if let Err(error) = inner.empty() {
                // What stands there is written once more at the next start, which changes nothing.
                tracing::warn!(error = %error, "the waiting file could not be emptied");
                return;
            }
            self.is_used.store(false, Ordering::SeqCst);
        }
    }

    /// Removes it, if nothing in it waits.
    pub(super) fn remove(&self) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.unwritten == 0
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(error = %error, "the waiting file could not be removed");
        }
    }

    /// What dead processes left behind in a folder. A file that cannot be read is left where it is.
    pub(super) fn leftovers(folder: &Path) -> io::Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        let files = match std::fs::read_dir(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(leftovers),
            Err(error) => return Err(error),
        };
        for file in files {
            let path = file?.path();
            let owner = path.file_stem().and_then(|stem| stem.to_str()).map(ToOwned::to_owned);
            let (Some(owner), true) = (owner, path.extension().is_some_and(|end| end == EXTENSION)) else {
                continue;
            };
            let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(file) => file,
                // Another start was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            leftovers.push(Leftover {
                owner,
                entries: read(&mut file)?,
                path,
                _file: file,
            });
        }
        Ok(leftovers)
    }
}

impl Inner {
    fn empty(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        // Overwritten and not cut off: the space stays set aside.
        let zeros = vec![0; usize::try_from(self.end).unwrap_or(0) + HEAD_BYTES];
        self.file.write_all(&zeros)?;
        self.file.sync_data()?;
        self.end = 0;
        Ok(())
    }
}

impl Leftover {
    /// Removes the file: all of it is written.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn frame(entry: &Entry, frames: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(entry)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    frames.extend(length.to_le_bytes());
    frames.extend(crc32fast::hash(&json).to_le_bytes());
    frames.extend(json);
    Ok(())
}

/// The entries of a file, up to its end or to where the process died while it wrote.
fn read(file: &mut File) -> io::Result<Vec<Entry>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = BufReader::new(file);
    let mut entries = Vec::new();
    loop {
        let length = number(&mut bytes)?;
        if length == 0 || u64::from(length) > SPACE_BYTES {
            break;
        }
        let checksum = number(&mut bytes)?;
        let mut json = Vec::new();
        bytes.by_ref().take(length.into()).read_to_end(&mut json)?;
        if crc32fast::hash(&json) != checksum {
            tracing::warn!("the waiting file ends in the middle of an entry, which was never accepted");
            break;
        }
        match serde_json::from_slice(&json) {
            Ok(entry) => entries.push(entry),
            Err(error) => tracing::error!(error = %error, "an entry of the waiting file cannot be understood"),
        }
    }
    Ok(entries)
}

/// The next number of a frame's head; 0 at the end of the file.
fn number(bytes: &mut impl io::Read) -> io::Result<u32> {
    let mut number = [0; 4];
    match bytes.read_exact(&mut number) {
        Ok(()) => Ok(u32::from_le_bytes(number)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(error) => Err(error),
    }
}
