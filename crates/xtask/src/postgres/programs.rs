//! Where PostgreSQL's programs are, and as whom they run.

use crate::steps;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a cluster needs; all of one version.
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// Debian keeps them outside of the search path, each version in a folder of its own.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The server refuses to run as root; Debian's package makes this user.
const INSTEAD_OF_ROOT: &str = "postgres";

/// PostgreSQL's programs.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    user: Option<&'static str>,
}

impl Programs {
    /// Those of the search path, or the newest of Debian's.
    pub(super) fn find() -> Option<Self> {
        let folder = find(std::env::var_os("PATH").as_deref(), Path::new(VERSIONS))?;
        let user = user();
        Some(Self { folder, user })
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// One of them, run as a user that may run it.
    pub(super) fn command(&self, program: &str) -> Command {
        self.command_of(self.path(program).as_os_str())
    }

    /// Any program, run as that user.
    pub(super) fn command_of(&self, program: &OsStr) -> Command {
        match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
        }
    }
}

/// The user to become, when it must be another one.
pub(super) fn user() -> Option<&'static str> {
    steps::is_root().then_some(INSTEAD_OF_ROOT)
}

fn find(path: Option<&OsStr>, versions: &Path) -> Option<PathBuf> {
    let has_all = |folder: &PathBuf| NEEDED.iter().all(|name| folder.join(name).is_file());
    let in_path = path
        .into_iter()
        .flat_map(std::env::split_paths)
        .filter(|folder| folder.is_absolute())
        .find(has_all);
    in_path.or_else(|| {
        let entries = std::fs::read_dir(versions).ok()?;
        let version = |entry: std::fs::DirEntry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        };
        entries
            .flatten()
            .filter_map(version)
            .filter(|(_, folder)| has_all(folder))
            .max_by_key(|(number, _)| *number)
            .map(|(_, folder)| folder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path, programs: &[&str]) {
        std::fs::create_dir_all(folder).expect("a folder");
        for program in programs {
            std::fs::write(folder.join(program), "").expect("a file");
        }
    }

    #[test]
    fn the_search_path_comes_before_versions() {
        let root = tempfile::tempdir().expect("a folder");
        let (half, whole) = (root.path().join("half"), root.path().join("whole"));
        install(&half, &NEEDED[..1]);
        install(&whole, &NEEDED);
        let versions = root.path().join("versions");
        install(&versions.join("15/bin"), &NEEDED);
        let path = std::env::join_paths([&half, &whole]).expect("a path");
        assert_eq!(find(Some(&path), &versions), Some(whole));
    }

    #[test]
    fn the_newest_whole_version_is_taken() {
        let root = tempfile::tempdir().expect("a folder");
        for (version, programs) in [("9", NEEDED.as_slice()), ("15", &NEEDED), ("17", &NEEDED[..2])] {
            install(&root.path().join(version).join("bin"), programs);
        }
        install(&root.path().join("common/bin"), &NEEDED);
        assert_eq!(find(None, root.path()), Some(root.path().join("15/bin")));
    }

    #[test]
    fn without_programs_there_is_none() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(find(Some(root.path().as_os_str()), root.path()), None);
        assert_eq!(find(None, &root.path().join("nowhere")), None);
    }

    #[test]
    fn root_becomes_another_user() {
        let folder = PathBuf::from("/bin");
        let programs = |user| Programs {
            folder: folder.clone(),
            user,
        };
        let shown = |command: Command| {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(programs(None).command("initdb")), ["/bin/initdb"]);
        assert_eq!(
            shown(programs(Some("postgres")).command("initdb")),
            ["runuser", "-u", "postgres", "--", "/bin/initdb"]
        );
    }
}
