//! Images that were promised while the store does not take them: in synced files beside the journal's waiting file, until it
//! does. And those that are on their way to their callers and kept nowhere else: in files that are not synced, until they are
//! out. A process keeps a lock on each of its files; one that nobody locks was left behind.

mod slots;
mod spares;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use providers::{Blob, base64_len};
use serde::{Deserialize, Serialize};

use crate::boundary::outside;
use crate::db::media::MediaRow;
use slots::{Held, Slots};
use spares::Spares;

/// What the names of these files end with.
const EXTENSION: &str = "image";
/// The same of what turned out not to be whole.
const BROKEN: &str = "broken";
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
    /// For what is being sent.
    slots: Arc<Slots>,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
    owner: String,
    account_id: String,
    row: MediaRow,
    /// The run of the machine, where the file is not synced.
    #[serde(default)]
    boot: Option<String>,
    /// Whether it stands in the file as base64.
    #[serde(default)]
    is_base64: bool,
}

/// An image in a file of this process.
#[derive(Debug)]
pub struct Shelved(Kind);

#[derive(Debug)]
enum Kind {
    /// In a file of its own until the store takes it.
    Waiting {
        path: PathBuf,
        // Its lock says that the process lives.
        _file: File,
        /// Where space is set aside.
        spares: Arc<Spares>,
    },
    /// Only until it is out.
    Sending(Held),
}

impl Shelved {
    /// Whether its file stays only until the image is out, and would not survive the death of the machine.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        matches!(self.0, Kind::Sending(_))
    }

    /// Forgets the image: the store, or the caller, has it.
    pub fn remove(&self) {
        match &self.0 {
            Kind::Waiting { path, spares, .. } => {
                remove(path);
                spares.fill_up();
            }
            Kind::Sending(held) => held.forget(),
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
    /// Where the image begins in the file, which may go on after its end.
    begins_at: u64,
    is_base64: bool,
    file: File,
}

impl Leftover {
    /// The image.
    ///
    /// # Errors
    /// The file cannot be read; [`io::ErrorKind::InvalidData`] where it has no whole image, and never will.
    pub async fn bytes(&self) -> io::Result<Vec<u8>> {
        let (mut file, begins_at, is_base64) = (self.file.try_clone()?, self.begins_at, self.is_base64);
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "the file of an image is broken");
        let size_bytes = u64::try_from(self.row.size_bytes).map_err(|_| broken())?;
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(begins_at))?;
            let stored_bytes = if is_base64 { base64_len(size_bytes) } else { size_bytes };
            file.take(stored_bytes).read_to_end(&mut bytes)?;
            if is_base64 {
                bytes = STANDARD.decode(bytes).map_err(|_| broken())?;
            }
            if bytes.len() as u64 != size_bytes {
                return Err(broken());
            }
            Ok(bytes)
        });
        read.await.map_err(io::Error::other)?
    }

    /// Removes the file: the store has the image.
    pub fn remove(&self) {
        remove(&self.path);
    }

    /// Puts the file where nobody looks for images: it has none that is whole.
    pub fn give_up(&self) {
        if std::fs::rename(&self.path, self.path.with_extension(BROKEN)).is_err() {
            remove(&self.path);
        }
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
            slots: Arc::new(Slots::in_folder(folder)),
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
            let file = write(&path, &label, &blob)
                .or_else(|error| write_to_spare(&path, (&label, &blob), &spares).ok_or(error))?;
            Ok(Shelved(Kind::Waiting {
                path,
                _file: file,
                spares,
            }))
        });
        written.await.map_err(io::Error::other)?
    }

    /// Keeps an image while it is sent, against the death of this process alone: nothing waits for the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn put_while_sending(&self, row: &MediaRow, account_id: &str, blob: &Blob) -> io::Result<Shelved> {
        outside("shelf")?;
        let label = Label {
            boot: slots::BOOT.clone(),
            is_base64: blob.base64().is_some(),
            ..self.label(row, account_id)
        };
        let (blob, slots) = (blob.clone(), Arc::clone(&self.slots));
        let written = tokio::task::spawn_blocking(move || Ok(Shelved(Kind::Sending(slots.hold(&label, &blob)?))));
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
            boot: None,
            is_base64: false,
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
            match left_behind(&path) {
                Ok(Some(leftover)) => leftovers.push(leftover),
                Ok(None) => {}
                Err(error) => tracing::error!(error = %error, "an image that waits for the store cannot be read"),
            }
        }
        Ok(leftovers)
    }
}

/// A new file for its owner alone.
fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(path: &Path, label: &Label, blob: &Blob) -> io::Result<File> {
    let unfinished = path.with_extension(UNFINISHED);
    let mut file = open_new(&unfinished)?;
    let written = (|| {
        file.lock()?;
        write_whole(&mut file, label, blob)?;
        file.sync_all()?;
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
    blob.copy_to(file)
}

/// The same into space that was set aside, if there is any that is large enough.
fn write_to_spare(path: &Path, (label, blob): (&Label, &Blob), spares: &Spares) -> Option<File> {
    let spare = spares.take(blob.len() + LABEL_BYTES_MAX)?;
    let file = spare.become_file(path, |file| write_whole(file, label, blob));
    file.map_err(|error| tracing::error!(error = %error, "space that was set aside could not be used"))
        .ok()
}

/// The image in a file of a dead process. What never had one, or may not be whole, is removed.
fn left_behind(path: &Path) -> io::Result<Option<Leftover>> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_synced = match extension {
        Some(EXTENSION) => true,
        Some(slots::EXTENSION) => false,
        // It was never promised.
        Some(UNFINISHED | spares::EXTENSION) => {
            if lock(path)?.is_some() {
                remove(path);
            }
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let Some(file) = lock(path)? else { return Ok(None) };
    if !is_synced && !slots::has_image(&file)? {
        remove(path);
        return Ok(None);
    }
    let (label, length) = read_label(&file)?;
    if !is_synced && (label.boot.is_none() || label.boot != *slots::BOOT) {
        tracing::warn!("an image that was on its way when the machine stopped is not whole for sure, and is given up");
        remove(path);
        return Ok(None);
    }
    Ok(Some(Leftover {
        owner: label.owner,
        account_id: label.account_id,
        row: label.row,
        path: path.to_owned(),
        is_base64: label.is_base64,
        begins_at: if is_synced { length } else { LABEL_BYTES_MAX },
        file,
    }))
}

/// The file of a dead process, locked from now on; `None` when its process lives, or another one was faster.
fn lock(path: &Path) -> io::Result<Option<File>> {
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

fn read_label(mut file: &File) -> io::Result<(Label, u64)> {
    let mut line = String::new();
    file.seek(SeekFrom::Start(0))?;
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

    /// What a dead process left behind while it sent an image.
    async fn left_while_sending(folder: &Path, change: impl FnOnce(&Path)) -> Vec<Leftover> {
        let shelf = Shelf::new(folder, "one");
        let blob = Spool::new(SpoolLimits::default())
            .scope()
            .store(b"image")
            .expect("room");
        let held = shelf
            .put_while_sending(&row("sent"), "default", &blob)
            .await
            .expect("room");
        let Kind::Sending(slot) = &held.0 else {
            panic!("{held:?}")
        };
        let path = slot.path().expect("a file");
        drop((held, shelf));
        change(&path);
        Shelf::new(folder, "two").leftovers().expect("the folder can be read")
    }

    fn cut(path: &Path, size_bytes: u64) {
        let file = OpenOptions::new().write(true).open(path).expect("the file is there");
        file.set_len(size_bytes).expect("it is cut");
    }

    #[tokio::test]
    async fn what_was_sent_when_the_process_died_is_found_if_it_is_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let found = left_while_sending(folder.path(), |_| ()).await;
        let [leftover] = &found[..] else { panic!("{found:?}") };
        assert_eq!(leftover.bytes().await.expect("it is whole"), b"image");
        leftover.remove();
        drop(found);

        let found = left_while_sending(folder.path(), |path| cut(path, LABEL_BYTES_MAX + 2)).await;
        let [broken] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            broken.bytes().await.map_err(|error| error.kind()),
            Err(io::ErrorKind::InvalidData)
        );
        broken.give_up();
        drop(found);
        assert!(Shelf::new(folder.path(), "three").leftovers().expect("read").is_empty());
    }

    #[tokio::test]
    async fn what_another_run_of_the_machine_left_is_not_taken_for_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let found = left_while_sending(folder.path(), |path| {
            let text = std::fs::read(path).expect("the file is there");
            let boot = slots::BOOT.clone().expect("Linux tells it");
            let other = "0".repeat(boot.len());
            let text = String::from_utf8(text)
                .expect("a label and a text")
                .replace(&boot, &other);
            std::fs::write(path, text).expect("it is written");
        })
        .await;
        assert!(found.is_empty(), "{found:?}");
    }
}
