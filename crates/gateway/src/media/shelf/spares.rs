//! Files of the shelf whose space is set aside: an image that was paid for finds room although the disk is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::aside::set_aside;
use crate::ids::random_text;

/// What the names of these files end with.
pub(super) const EXTENSION: &str = "space";
/// How many there are: a full disk lets nothing new begin, so that only what is under way needs one.
const COUNT: usize = 16;
/// The size of each: more than nearly any image has.
const SIZE_BYTES: u64 = 4 << 20;
/// Letters that tell one from another.
const NAME_CHARS: usize = 12;

/// Those of one process. It keeps a lock on each; one that nobody locks was left behind.
#[derive(Debug)]
pub(super) struct Spares {
    folder: Box<Path>,
    free: Mutex<Vec<Spare>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Spare {
    path: PathBuf,
    file: File,
}

impl Spares {
    /// Sets them aside, as many as there is space for.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let spares = Self {
            folder: folder.into(),
            free: Mutex::default(),
        };
        spares.fill_up();
        spares
    }

    /// Sets those aside that were used up.
    pub(super) fn fill_up(&self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.len() < COUNT {
            match Spare::new(&self.folder) {
                Ok(spare) => free.push(spare),
                Err(error) => {
                    tracing::warn!(error = %error, "space for images that the store does not take could not be set aside");
                    return;
                }
            }
        }
    }

    /// One for so many bytes.
    pub(super) fn take(&self, bytes: u64) -> Option<Spare> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        (bytes <= SIZE_BYTES).then(|| free.pop()).flatten()
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        let free = self.free.get_mut().unwrap_or_else(PoisonError::into_inner);
        // One that stays is removed by the next start.
        free.drain(..).for_each(|spare| drop(std::fs::remove_file(spare.path)));
    }
}

impl Spare {
    fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!("{}.{EXTENSION}", random_text(NAME_CHARS)));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let made = file.lock().and_then(|()| set_aside(&file, SIZE_BYTES));
        if let Err(error) = made {
            // It takes no space, or the next start removes it.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { path, file })
    }

    /// Makes it the file at `path`, with what `write` writes. It stays locked.
    pub(super) fn become_file(
        mut self,
        path: &Path,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<File> {
        let written = write(&mut self.file).and_then(|()| {
            let length = self.file.stream_position()?;
            self.file.set_len(length)?;
            self.file.sync_all()?;
            std::fs::rename(&self.path, path)
        });
        if let Err(error) = written {
            let _ = std::fs::remove_file(&self.path);
            return Err(error);
        }
        Ok(self.file)
    }
}
