//! Files of the gateway's own that nobody else on the machine may read: keys, prompts and images lie in them.

use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder that only its owner may enter, and closes what is open in it to others. Where the folder was open to others
/// everything in it is closed, else what lies in it directly. Returns what could not be closed, and why.
///
/// # Errors
/// When the folder cannot be made.
pub(crate) fn close(folder: &Path) -> io::Result<Vec<(PathBuf, io::Error)>> {
    std::fs::create_dir_all(folder)?;
    let was_open = is_open(folder);
    let mut failed = Vec::new();
    close_one(folder, &mut failed);
    close_within(folder, was_open, &mut failed);
    Ok(failed)
}

fn close_within(folder: &Path, whole: bool, failed: &mut Vec<(PathBuf, io::Error)>) {
    for (path, is_folder) in within(folder) {
        close_one(&path, failed);
        if is_folder && whole {
            close_within(&path, whole, failed);
        }
    }
}

/// Writes one line into a new file that only its owner may read, in the place of one that was there.
///
/// # Errors
/// When that cannot be done.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    // A file that was there before would keep its own permissions.
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{text}")
}

/// What others may read or enter of a folder and what lies in it directly.
pub(crate) fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    let inside = within(folder).into_iter().map(|(path, _)| path);
    std::iter::once(folder.to_owned())
        .chain(inside)
        .filter(|path| is_open(path))
        .collect()
}

/// What lies in a folder directly, links left out, and whether it is a folder.
fn within(folder: &Path) -> Vec<(PathBuf, bool)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let told = entries.filter_map(|entry| {
        let kind = entry.file_type().ok()?;
        (kind.is_dir() || kind.is_file()).then(|| (entry.path(), kind.is_dir()))
    });
    told.collect()
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(unix)]
fn close_one(path: &Path, failed: &mut Vec<(PathBuf, io::Error)>) {
    use std::os::unix::fs::PermissionsExt as _;
    let closed = std::fs::metadata(path).and_then(|metadata| {
        let mode = metadata.permissions().mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
    });
    match closed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => failed.push((path.to_owned(), error)),
        // What is gone, such as a journal's file of a moment ago, is closed enough.
        Err(_) | Ok(()) => {}
    }
}

/// Files that this process makes from now on are its owner's alone.
#[cfg(unix)]
pub(crate) fn keep_new_files() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

#[cfg(not(unix))]
const fn is_open(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn close_one(_: &Path, _: &mut Vec<(PathBuf, io::Error)>) {}

/// Files that this process makes from now on are its owner's alone, as the folder's own rules say.
#[cfg(not(unix))]
pub(crate) const fn keep_new_files() {}
