//! Where things stand in the repository.

use std::path::{Path, PathBuf};

/// The root of the working copy: the one that cargo runs this from. Where it was built says nothing, as working copies may
/// share a target folder.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest)
        .ancestors()
        .nth(2)
        .expect("this crate stands two folders below the root")
        .to_path_buf()
}

/// Cargo's output folder.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The program as `cargo build` (`debug`) or `cargo build --release` (`release`) leaves it.
pub(crate) fn pictor(profile: &str) -> PathBuf {
    target()
        .join(profile)
        .join(format!("pictor{}", std::env::consts::EXE_SUFFIX))
}

/// All files below a folder with one of these extensions, in order; nothing when the folder is missing.
pub(crate) fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    const SKIPPED: [&str; 4] = ["target", "node_modules", ".git", "__pycache__"];
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !SKIPPED.contains(&name) {
                    folders.push(path);
                }
            } else if path
                .extension()
                .and_then(|it| it.to_str())
                .is_some_and(|it| extensions.contains(&it))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
