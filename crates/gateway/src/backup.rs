//! A copy of what a gateway keeps, taken while it runs, and the way back.
//!
//! The order makes the copy whole: first what waits to be written, then the database, then images. So whatever was accepted
//! before the copy began is in it, and every image that its database knows was stored before it was copied. What is written
//! twice in this way changes nothing when it is read again.

mod manifest;
mod postgres;
mod restore;

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt as _;

use crate::db::{Database, DatabaseError};
use crate::media::store::{MediaStore, StoreError};
use crate::private;
use crate::settings::Settings;
use manifest::{Kind, Manifest};
pub(crate) use restore::restore;

/// Folder of what waits, in a backup.
const WAITING: &str = "waiting";
/// Folder of images, in a backup.
const MEDIA: &str = "media";
/// What the names of waiting files end with: entries of the journal, and images that the store did not take.
const WAITING_ENDS: [&str; 2] = ["waiting", "image"];

/// What was copied.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    /// Bytes of the database's copy.
    pub(crate) database_bytes: u64,
    /// Images.
    pub(crate) images: usize,
    /// Files of what waits.
    pub(crate) waiting: usize,
    /// Whether images stayed where they are, in a bucket.
    pub(crate) left_out_bucket: bool,
}

/// Why there is no backup, or no way back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// A file or folder.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store of images.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The error of a file, with its name.
fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |cause| BackupError::File { path, cause }
}

/// Copies everything into a folder, which has its name only once all is in it.
///
/// # Errors
/// [`BackupError`]; what was copied by then is left in the folder's name with `.partial`.
pub(crate) async fn make(
    settings: &Settings,
    folder: &Path,
    with_bucket: bool,
    now: Timestamp,
) -> Result<Told, BackupError> {
    if folder.exists() {
        return Err(BackupError::Refused(format!(
            "{} is there already: name a folder that is not",
            folder.display()
        )));
    }
    let partial = partial(folder);
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(at(&partial))?;
    }
    private::close(&partial).map_err(at(&partial))?;
    let mut told = Told::default();
    let mut manifest = Manifest::new(now);
    told.waiting = copy_waiting(settings, &partial, &mut manifest)?;
    let url = settings.database();
    manifest.database = if url.starts_with("sqlite:") {
        let database = Database::open(&url, now).await?;
        let copied = database.copy_into(&partial.join(Kind::Sqlite.file())).await;
        database.close().await;
        copied?;
        Kind::Sqlite
    } else {
        postgres::dump(&url, &partial.join(Kind::PostgreSql.file())).await?;
        Kind::PostgreSql
    };
    told.database_bytes = manifest.note(&partial, manifest.database.file())?;
    let store = MediaStore::of(settings)?;
    if store.is_folder() || with_bucket {
        told.images = copy_images(&store, &partial, &mut manifest).await?;
    } else {
        told.left_out_bucket = true;
    }
    manifest.write(&partial)?;
    std::fs::rename(&partial, folder).map_err(at(folder))?;
    Ok(told)
}

/// The name of a backup that is not whole.
fn partial(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    folder.with_file_name(name)
}

/// Files of what waits for the database or the store. An empty one is left out.
fn copy_waiting(settings: &Settings, into: &Path, manifest: &mut Manifest) -> Result<usize, BackupError> {
    let folder = settings.journal_folder();
    let target = into.join(WAITING);
    private::close(&target).map_err(at(&target))?;
    let mut copied = 0;
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(at(folder)(error)),
    };
    for file in files {
        let file = file.map_err(at(folder))?;
        let path = file.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let (Some(name), true) = (
            file.file_name().to_str().map(ToOwned::to_owned),
            extension.is_some_and(|extension| WAITING_ENDS.contains(&extension)),
        ) else {
            continue;
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            // What waited has been written.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&path)(error)),
        };
        // A file of the journal is zeros where nothing waits.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used == 0 {
            continue;
        }
        let copy = target.join(&name);
        // The zeros after the last entry end it.
        let end = bytes.len().min(used + 8);
        std::fs::write(&copy, &bytes[..end]).map_err(at(&copy))?;
        manifest.note(into, &format!("{WAITING}/{name}"))?;
        copied += 1;
    }
    Ok(copied)
}

/// All images. One that is removed meanwhile was over.
async fn copy_images(store: &MediaStore, into: &Path, manifest: &mut Manifest) -> Result<usize, BackupError> {
    let mut copied = 0;
    for name in store.all().await? {
        let mut pieces = match store.get(&name, None).await {
            Ok(pieces) => pieces,
            Err(error) if error.is_absent() => continue,
            Err(error) => return Err(error.into()),
        };
        let noted = format!("{MEDIA}/{name}");
        let path = into.join(&noted);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let mut file = tokio::fs::File::create(&path).await.map_err(at(&path))?;
        while let Some(piece) = pieces.try_next().await.map_err(StoreError::from)? {
            file.write_all(&piece).await.map_err(at(&path))?;
        }
        file.sync_all().await.map_err(at(&path))?;
        manifest.note(into, &noted)?;
        copied += 1;
    }
    Ok(copied)
}
