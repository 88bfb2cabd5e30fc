//! Folders of clusters, and which of them nobody uses any more.

use super::programs;
use crate::{Outcome, repository, steps};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the name of every such folder begins.
const PREFIX: &str = "pictor-postgres-";
/// The file that its user keeps locked. A folder without it is not ours, or not yet in use.
const LOCK: &str = "in-use";

/// A folder for one cluster.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Held for as long as the folder is used; the system lets go of it when the process ends, in whatever way.
    pub(super) lock: File,
}

impl Folder {
    /// A fresh one, which the server's user may write to.
    pub(super) fn create(parent: &Path) -> Outcome<Self> {
        let told = |error: std::io::Error| format!("cannot make a folder in {}: {error}", parent.display());
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(parent)
            .map_err(told)?;
        let lock = lock(folder.path()).map_err(told)?;
        if let Some(user) = programs::user() {
            steps::run_quietly(Command::new("chown").arg(user).arg(folder.path()))?;
        }
        let path = folder.keep();
        Ok(Self { path, lock })
    }
}

/// Where the server keeps its data.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// The server's log.
pub(super) fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// Where such folders stand: below cargo's, unless another user than this one could not reach them there.
pub(super) fn parent() -> Outcome<PathBuf> {
    if programs::user().is_some() {
        return Ok(std::env::temp_dir());
    }
    let parent = repository::target().join("postgres");
    std::fs::create_dir_all(&parent).map_err(|error| format!("cannot make {}: {error}", parent.display()))?;
    Ok(parent)
}

/// Folders whose users have ended without removing them.
pub(super) fn stale(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|folder| File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()))
        .collect()
}

/// Locked before it has its name: there is no moment at which the folder looks stale.
fn lock(folder: &Path) -> std::io::Result<File> {
    let unnamed = folder.join(format!("{LOCK}.new"));
    let lock = File::create_new(&unnamed)?;
    lock.lock()?;
    std::fs::rename(unnamed, folder.join(LOCK))?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_stale_once_its_user_is_gone() {
        let parent = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(parent.path().join(format!("{PREFIX}unknown"))).expect("a folder");
        std::fs::create_dir(parent.path().join("other")).expect("a folder");
        let folder = parent.path().join(format!("{PREFIX}1"));
        std::fs::create_dir(&folder).expect("a folder");
        let held = lock(&folder).expect("it can be locked");
        assert_eq!(stale(parent.path()), Vec::<PathBuf>::new());
        drop(held);
        assert_eq!(stale(parent.path()), [folder]);
    }
}
