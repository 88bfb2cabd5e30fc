//! Files that are looked at now and then, to see whether they have changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often they are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(2);
/// Folders within folders that are looked into: a catalogue has one level.
const DEPTH_MAX: usize = 3;

/// What tells that a file is another one: when it was changed, and its length in bytes.
type Stamp = Option<(SystemTime, u64)>;

/// A file, or a folder with all that is in it, as it was found.
type Found = BTreeMap<PathBuf, Stamp>;

/// Files, and folders with all that is in them.
pub(crate) struct Watched(BTreeMap<PathBuf, Found>);

impl Watched {
    /// Those of `paths` as they are now.
    pub(crate) fn of(paths: Vec<PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (path.clone(), found(&path))).collect())
    }

    /// Whether anything has changed, come or gone since the last look.
    pub(crate) fn have_changed(&mut self) -> bool {
        let found = Self::of(self.0.keys().cloned().collect()).0;
        let have_changed = found != self.0;
        self.0 = found;
        have_changed
    }

    /// Watches `paths` from now on. Of those that were watched already, what has changed since the last look is still seen.
    pub(crate) fn follow(&mut self, paths: Vec<PathBuf>) {
        let mut known = std::mem::take(&mut self.0);
        let kept = paths.into_iter().map(|path| {
            let own = known.remove(&path).unwrap_or_else(|| found(&path));
            (path, own)
        });
        self.0 = kept.collect();
    }
}

fn found(path: &Path) -> Found {
    let mut all = Found::new();
    look_into(path, DEPTH_MAX, &mut all);
    all
}

fn look_into(path: &Path, depth: usize, all: &mut Found) {
    let metadata = std::fs::metadata(path).ok();
    if metadata.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            if depth > 0 {
                look_into(&entry.path(), depth - 1, all);
            }
        }
    }
    let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
    all.insert(path.to_path_buf(), stamp);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_comes_and_goes_is_seen_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (single, within) = (folder.path().join("one.toml"), folder.path().join("catalog"));
        std::fs::create_dir(&within).expect("a folder");
        let mut watched = Watched::of(vec![single.clone(), within.clone()]);
        assert!(!watched.have_changed());
        std::fs::write(&single, "a = 1").expect("a file");
        assert!(watched.have_changed() && !watched.have_changed());
        std::fs::write(within.join("two.toml"), "b = 2").expect("a file");
        assert!(watched.have_changed() && !watched.have_changed());
        std::fs::write(within.join("two.toml"), "b = 22").expect("a file");
        assert!(watched.have_changed());
        std::fs::remove_file(&single).expect("it was there");
        assert!(watched.have_changed() && !watched.have_changed());
    }

    #[test]
    fn what_changed_before_other_files_are_watched_too_is_seen_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let [old, new, gone] = ["old", "new", "gone"].map(|name| folder.path().join(name));
        for path in [&old, &new, &gone] {
            std::fs::write(path, "1").expect("a file");
        }
        let mut watched = Watched::of(vec![old.clone(), gone.clone()]);
        std::fs::write(&old, "22").expect("a file");
        watched.follow(vec![old, new.clone()]);
        assert!(watched.have_changed() && !watched.have_changed());
        std::fs::write(&gone, "22").expect("a file");
        assert!(!watched.have_changed());
        std::fs::write(&new, "22").expect("a file");
        assert!(watched.have_changed());
    }
}
