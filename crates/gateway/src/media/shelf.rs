//! Images that were promised while the store does not take them: in synced files beside the journal's waiting file, until it
//! does. And those that are on their way to their callers and kept nowhere else: in files that are not synced, until they are
//! out. A process keeps a lock on each of its files; one that nobody locks was left behind.

mod spares;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use providers::Blob;
use serde::{Deserialize, Serialize};

use crate::boundary::outside;
use crate::db::media::MediaRow;
use spares::Spares;

/// What the names of these files end with.
const EXTENSION: &str = "image";
/// The same of images that are being sent; backups leave them out.
const SENDING: &str = "sending";
/// The same while they are written.
const UNFINISHED: &str = "part";

/// More than a label takes.
const LABEL_BYTES_MAX: u64 = 16 << 10;

/// Where a process keeps such images. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: Arc<Path>,
    /// The process.
    owner: Arc<str>,
    /// For when the disk is full.
    spares: Arc<Spares>,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
    owner: String,
    account_id: String,
    row: MediaRow,
}

/// An image in a file of this process.
#[derive(Debug)]
pub struct Shelved {
    path: PathBuf,
    // Its lock says that the process lives.
    _file: File,
    /// Whether it stays only until the image is out.
    is_sending: bool,
    /// Where space is set aside.
    spares: Arc<Spares>,
}

impl Shelved {
    /// Whether its file stays only until the image is out, and would not survive the death of the machine.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        self.is_sending
    }

    /// Removes the file: the store, or the caller, has the image.
    pub fn remove(&self) {
        remove(&self.path);
        if !self.is_sending {
            self.spares.fill_up();
        }
    }
}

/// What a dead process left behind.
#[derive(Debug)]
pub struct Leftover {
    /// The process.
    pub owner: String,
    /// The account that the image is of.
    pub account_id: String,
    /// The row that it gets.
    pub row: MediaRow,
    path: PathBuf,
    /// Where the image begins in the file.
    begins_at: u64,
    file: File,
}

impl Leftover {
    /// The image.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn bytes(&self) -> io::Result<Vec<u8>> {
        let (mut file, begins_at) = (self.file.try_clone()?, self.begins_at);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(begins_at))?;
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        read.await.map_err(io::Error::other)?
    }

    /// Removes the file: the store has the image.
    pub fn remove(&self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // The next start stores it once more, which changes nothing.
        Err(error) => tracing::warn!(error = %error, "the file of a stored image could not be removed"),
    }
}

impl Shelf {
    /// The shelf of the process `owner` in a folder.
    #[must_use]
    pub fn new(folder: &Path, owner: &str) -> Self {
        Self {
            folder: folder.into(),
            owner: owner.into(),
            spares: Arc::new(Spares::in_folder(folder)),
        }
    }

    /// Keeps an image. When this returns it survives the death of the process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn put(&self, row: &MediaRow, account_id: &str, blob: &Blob) -> io::Result<Shelved> {
        outside("shelf")?;
        let label = self.label(row, account_id);
        let path = self.folder.join(format!("{}.{EXTENSION}", row.id));
        let (blob, spares) = (blob.clone(), Arc::clone(&self.spares));
        let written = tokio::task::spawn_blocking(move || {
            let file = write(&path, &label, &blob, File::sync_all)
                .or_else(|error| write_to_spare(&path, (&label, &blob), &spares).ok_or(error))?;
            Ok(Shelved {
                path,
                _file: file,
                is_sending: false,
                spares,
            })
        });
        written.await.map_err(io::Error::other)?
    }

    /// Keeps an image while it is sent, against the death of this process alone: nothing waits for the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn put_while_sending(&self, row: &MediaRow, account_id: &str, blob: &Blob) -> io::Result<Shelved> {
        outside("shelf")?;
        let label = self.label(row, account_id);
        let path = self.folder.join(format!("{}.{SENDING}", row.id));
        let (blob, spares) = (blob.clone(), Arc::clone(&self.spares));
        let written = tokio::task::spawn_blocking(move || {
            let file = write(&path, &label, &blob, |_| Ok(()))?;
            Ok(Shelved {
                path,
                _file: file,
                is_sending: true,
                spares,
            })
        });
        written.await.map_err(io::Error::other)?
    }

    /// Sets aside what is missing of the space for images that a full disk would not take: it was used up, or could not be had
    /// before.
    pub async fn set_aside(&self) {
        let spares = Arc::clone(&self.spares);
        // Whoever looks next tries again.
        let _ = tokio::task::spawn_blocking(move || spares.fill_up()).await;
    }

    fn label(&self, row: &MediaRow, account_id: &str) -> Label {
        Label {
            owner: self.owner.to_string(),
            account_id: account_id.to_owned(),
            row: row.clone(),
        }
    }

    /// What dead processes left behind here. What cannot be read stays where it is.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        let files = match std::fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(leftovers),
            Err(error) => return Err(error),
        };
        for file in files {
            let path = file?.path();
            let ends_with = |end: &str| path.extension().is_some_and(|extension| extension == end);
            let is_empty = ends_with(UNFINISHED) || ends_with(spares::EXTENSION);
            if !ends_with(EXTENSION) && !ends_with(SENDING) && !is_empty {
                continue;
            }
            match left_behind(&path) {
                // It was never promised.
                Ok(Some(_)) if is_empty => remove(&path),
                Ok(Some(file)) => match read_label(&file) {
                    Ok((label, begins_at)) => leftovers.push(Leftover {
                        owner: label.owner,
                        account_id: label.account_id,
                        row: label.row,
                        path,
                        begins_at,
                        file,
                    }),
                    Err(error) => tracing::error!(error = %error, "an image that waits for the store cannot be read"),
                },
                Ok(None) => {}
                Err(error) => tracing::error!(error = %error, "an image that waits for the store cannot be opened"),
            }
        }
        Ok(leftovers)
    }
}

fn write(path: &Path, label: &Label, blob: &Blob, sync: fn(&File) -> io::Result<()>) -> io::Result<File> {
    let unfinished = path.with_extension(UNFINISHED);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    let written = (|| {
        file.lock()?;
        write_whole(&mut file, label, blob)?;
        sync(&file)?;
        std::fs::rename(&unfinished, path)
    })();
    match written {
        Ok(()) => Ok(file),
        Err(error) => {
            remove(&unfinished);
            Err(error)
        }
    }
}

fn write_whole(file: &mut File, label: &Label, blob: &Blob) -> io::Result<()> {
    let mut line = serde_json::to_vec(label)?;
    line.push(b'\n');
    file.write_all(&line)?;
    io::copy(&mut blob.reader(), file).map(drop)
}

/// The same into space that was set aside, if there is any that is large enough.
fn write_to_spare(path: &Path, (label, blob): (&Label, &Blob), spares: &Spares) -> Option<File> {
    let spare = spares.take(blob.len() + LABEL_BYTES_MAX)?;
    let file = spare.become_file(path, |file| write_whole(file, label, blob));
    file.map_err(|error| tracing::error!(error = %error, "space that was set aside could not be used"))
        .ok()
}

/// The file of a dead process, locked from now on; `None` when its process lives, or another one was faster.
fn left_behind(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read_label(file: &File) -> io::Result<(Label, u64)> {
    let mut line = String::new();
    let mut reader = BufReader::new(file);
    let length = reader.read_line(&mut line)?;
    Ok((serde_json::from_str(&line)?, length as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use providers::{Spool, SpoolLimits};

    fn row(id: &str) -> MediaRow {
        MediaRow {
            id: id.to_owned(),
            generation_id: "req_1".to_owned(),
            position: 0,
            path: format!("{id}.png"),
            format: "png".to_owned(),
            width_px: 1,
            height_px: 1,
            size_bytes: 5,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            made: None,
        }
    }

    fn spaces(folder: &Path) -> usize {
        let files = std::fs::read_dir(folder).expect("the folder is there");
        files
            .filter(|file| {
                let path = file.as_ref().expect("a file").path();
                path.extension().is_some_and(|end| end == spares::EXTENSION)
            })
            .count()
    }

    #[tokio::test]
    async fn an_image_finds_room_where_no_new_file_can_be_written_and_is_found_after_a_death() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Shelf::new(folder.path(), "one");
        let all = spaces(folder.path());
        let blob = Spool::new(SpoolLimits::default())
            .scope()
            .store(b"image")
            .expect("room");
        // A folder stands where the new file would be made.
        std::fs::create_dir(folder.path().join("full.part")).expect("the folder is made");
        let shelved = shelf
            .put(&row("full"), "default", &blob)
            .await
            .expect("room that was set aside");
        assert_eq!(spaces(folder.path()), all - 1);
        shelved.remove();
        assert_eq!(spaces(folder.path()), all, "it is set aside anew");

        // What is used up and stays so is set aside anew all the same.
        let waiting = shelf.put(&row("full"), "default", &blob).await.expect("room");
        assert_eq!(spaces(folder.path()), all - 1);
        shelf.set_aside().await;
        assert_eq!(spaces(folder.path()), all);
        drop(waiting);
        let next = Shelf::new(folder.path(), "two");
        let found = next.leftovers().expect("the folder can be read");
        let [leftover] = &found[..] else { panic!("{found:?}") };
        assert_eq!((leftover.owner.as_str(), leftover.row.id.as_str()), ("one", "full"));
        assert_eq!(leftover.bytes().await.expect("it can be read"), b"image");
    }
}
