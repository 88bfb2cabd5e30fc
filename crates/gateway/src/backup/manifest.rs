//! What a backup holds, with the checksum of each file.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BackupError, at};

/// Its name.
const FILE: &str = "backup.json";

/// Which database was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Sqlite,
    PostgreSql,
}

impl Kind {
    /// The name of its copy.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Sqlite => "pictor.db",
            Self::PostgreSql => "pictor.pgdump",
        }
    }
}

/// The list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version that made it.
    pub(super) pictor: String,
    /// When it was begun.
    pub(super) begun_at: Timestamp,
    pub(super) database: Kind,
    /// SHA-256 of each file by its path.
    pub(super) files: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn new(begun_at: Timestamp) -> Self {
        Self {
            pictor: env!("CARGO_PKG_VERSION").to_owned(),
            begun_at,
            database: Kind::Sqlite,
            files: BTreeMap::new(),
        }
    }

    /// Takes a file of the backup in. Returns its length.
    pub(super) fn note(&mut self, folder: &Path, name: &str) -> Result<u64, BackupError> {
        let (length, sum) = read(&folder.join(name))?;
        self.files.insert(name.to_owned(), sum);
        Ok(length)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        std::fs::write(&path, text.map_err(at(&path))?).map_err(at(&path))
    }

    /// The list of a backup of which every file is as it was.
    pub(super) fn checked(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).map_err(at(&path))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| BackupError::Refused(format!("{}: {error}", path.display())))?;
        for (name, sum) in &manifest.files {
            if read(&folder.join(name))?.1 != *sum {
                return Err(BackupError::Refused(format!(
                    "{name} is not as it was copied; nothing was restored"
                )));
            }
        }
        Ok(manifest)
    }
}

/// Length and checksum of a file.
fn read(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hash = Sha256::new();
    let length = std::io::copy(&mut file, &mut Sink(&mut hash)).map_err(at(path))?;
    Ok((length, hex::encode(hash.finalize())))
}

/// Writes into a hash.
struct Sink<'a>(&'a mut Sha256);

impl std::io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
