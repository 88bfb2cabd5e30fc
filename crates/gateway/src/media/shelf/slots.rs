//! Files of images on their way to their callers. While answers follow each other they are used again: to make and remove one
//! for each takes longer than to write into one whose pages the system has at hand. One that nobody needs for a while is
//! removed, so that nothing of an answer stays behind.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use providers::Blob;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::{LABEL_BYTES_MAX, Label, UNFINISHED, open_new};
use crate::ids::random_text;

/// What the names of these files end with; backups leave them out.
pub(super) const EXTENSION: &str = "sending";
/// All files that wait to be used again, in bytes.
const FREE_BYTES_MAX: u64 = 64 << 20;
/// How long a file waits to be used again.
const FREE_FOR: Duration = Duration::from_secs(1);
/// Letters that tell one from another.
const NAME_CHARS: usize = 12;
/// The first byte of a file without an image. A label begins with another one.
const NO_LABEL: u8 = 0;

/// Those of one process. It keeps a lock on each; one that nobody locks was left behind.
#[derive(Debug)]
pub(super) struct Slots {
    folder: Box<Path>,
    free: Mutex<Free>,
}

/// Files to be used again, the one that was used last at the end.
#[derive(Debug, Default)]
struct Free {
    slots: Vec<Slot>,
    /// Whether somebody removes those that wait too long.
    is_watched: bool,
}

#[derive(Debug)]
struct Slot {
    path: PathBuf,
    file: File,
    size_bytes: u64,
    free_since: Instant,
}

/// An image in one of them, until it has arrived. What is dropped before is found by the next start.
#[derive(Debug)]
pub(super) struct Held {
    /// Nothing once the image has arrived.
    slot: Mutex<Option<Slot>>,
    home: Arc<Slots>,
}

/// The run of the machine: what was written in another one may not have reached the disk. `None` where it is not told.
pub(super) static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
});

impl Slots {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            free: Mutex::default(),
        }
    }

    /// Writes an image into one of them. It takes effect with its last byte.
    pub(super) fn hold(self: &Arc<Self>, label: &Label, blob: &Blob) -> io::Result<Held> {
        let free = lock(&self.free).slots.pop();
        let mut slot = free.map_or_else(|| self.make(), Ok)?;
        match slot.write(label, blob) {
            Ok(()) => Ok(Held {
                slot: Mutex::new(Some(slot)),
                home: Arc::clone(self),
            }),
            Err(error) => {
                super::remove(&slot.path);
                Err(error)
            }
        }
    }

    /// A new one. It gets its name once it is locked: another process that starts removes what nobody locks.
    fn make(&self) -> io::Result<Slot> {
        let path = self.folder.join(format!("{}.{EXTENSION}", random_text(NAME_CHARS)));
        let unnamed = path.with_extension(UNFINISHED);
        let file = open_new(&unnamed)?;
        let made = file.lock().and_then(|()| std::fs::rename(&unnamed, &path));
        made.inspect_err(|_| super::remove(&unnamed))?;
        Ok(Slot {
            path,
            file,
            size_bytes: 0,
            free_since: Instant::now(),
        })
    }

    fn take_back(self: &Arc<Self>, mut slot: Slot) {
        slot.free_since = Instant::now();
        let mut free = lock(&self.free);
        let all: u64 = free.slots.iter().map(|slot| slot.size_bytes).sum();
        // Without a runtime the process ends.
        let runtime = Handle::try_current().ok();
        let Some(runtime) = runtime.filter(|_| all + slot.size_bytes <= FREE_BYTES_MAX) else {
            drop(free);
            super::remove(&slot.path);
            return;
        };
        free.slots.push(slot);
        if !std::mem::replace(&mut free.is_watched, true) {
            runtime.spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Removes what waits too long. Whether something still waits.
    fn tidy(&self) -> bool {
        let mut free = lock(&self.free);
        let (idle, rest): (Vec<Slot>, Vec<Slot>) = std::mem::take(&mut free.slots)
            .into_iter()
            .partition(|slot| slot.free_since.elapsed() >= FREE_FOR);
        free.slots = rest;
        free.is_watched = !free.slots.is_empty();
        let is_watched = free.is_watched;
        drop(free);
        idle.iter().for_each(|slot| super::remove(&slot.path));
        is_watched
    }
}

async fn watch(slots: Weak<Slots>) {
    loop {
        sleep(FREE_FOR).await;
        let Some(slots) = slots.upgrade() else { return };
        // Removing a large file takes its time.
        let tidied = tokio::task::spawn_blocking(move || slots.tidy());
        if !tidied.await.unwrap_or(false) {
            return;
        }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let free = self.free.get_mut().unwrap_or_else(PoisonError::into_inner);
        free.slots.drain(..).for_each(|slot| super::remove(&slot.path));
    }
}

impl Slot {
    /// The image first, and of its label the first byte last: a process that dies in between leaves nothing.
    fn write(&mut self, label: &Label, blob: &Blob) -> io::Result<()> {
        let mut line = serde_json::to_vec(label)?;
        line.push(b'\n');
        if line.len() as u64 > LABEL_BYTES_MAX {
            return Err(io::Error::other("a label is too long"));
        }
        self.file.seek(SeekFrom::Start(LABEL_BYTES_MAX))?;
        match blob.base64() {
            Some(mut text) => text.try_for_each(|piece| self.file.write_all(piece))?,
            None => blob.copy_to(&mut self.file)?,
        }
        let end = self.file.stream_position()?;
        if end < self.size_bytes {
            // Nothing stays of a larger one before it.
            self.file.set_len(end)?;
        }
        self.size_bytes = end;
        self.file.seek(SeekFrom::Start(1))?;
        self.file.write_all(&line[1..])?;
        self.mark(line[0])
    }

    fn mark(&self, first: u8) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[first])
    }
}

impl Held {
    /// The image has arrived: its file is free for another one.
    pub(super) fn forget(&self) {
        let Some(slot) = lock(&self.slot).take() else { return };
        match slot.mark(NO_LABEL) {
            Ok(()) => self.home.take_back(slot),
            Err(_) => super::remove(&slot.path),
        }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> Option<PathBuf> {
        lock(&self.slot).as_ref().map(|slot| slot.path.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is whole: nothing is computed while the lock is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a file of a dead process has an image.
pub(super) fn has_image(mut file: &File) -> io::Result<bool> {
    let mut first = [NO_LABEL];
    file.seek(SeekFrom::Start(0))?;
    Ok(file.read(&mut first)? == 1 && first != [NO_LABEL])
}
