//! Stamps of what is installed, so that nothing is fetched twice.

use crate::Outcome;
use std::path::{Path, PathBuf};

const NAME: &str = ".installed-from";

/// Whether `folder` was installed from exactly this list.
pub(super) fn is_current(folder: &Path, list: &Path) -> bool {
    let stamped = std::fs::read(stamp(folder));
    let wanted = std::fs::read(list);
    matches!((stamped, wanted), (Ok(stamped), Ok(wanted)) if stamped == wanted)
}

/// Notes that `folder` has been installed from this list.
pub(super) fn write(folder: &Path, list: &Path) -> Outcome {
    std::fs::copy(list, stamp(folder))
        .map(|_| ())
        .map_err(|error| format!("cannot note what was installed in {}: {error}", folder.display()))
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_list_is_not_current() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "a==1\n").expect("written");
        assert!(!is_current(folder.path(), &list));
        write(folder.path(), &list).expect("noted");
        assert!(is_current(folder.path(), &list));
        std::fs::write(&list, "a==2\n").expect("written");
        assert!(!is_current(folder.path(), &list));
    }
}
