//! The first key of a fresh database, and the file that tells it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::auth::{self, KeyOrder};
use crate::db::keys::{KeyFilter, KeyTerms};
use crate::db::{DEFAULT_ACCOUNT, Database, DatabaseError};

/// Name of the file in the data folder that holds the first key.
pub const FIRST_KEY_FILE: &str = "first-key";

/// Why there is no first key.
#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    /// The file cannot be written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Makes a key when there is none, and leaves it in a file that only the owner reads.
pub(crate) async fn ensure(
    database: &Database,
    data_dir: &Path,
    now: Timestamp,
) -> Result<Option<String>, FirstKeyError> {
    if !database.keys(&KeyFilter::default(), 1).await?.is_empty() {
        return Ok(None);
    }
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "first key".to_owned(),
        scopes: vec![auth::Scope::Admin],
        terms: KeyTerms::default(),
    };
    let key = auth::mint(order, now);
    let path = data_dir.join(FIRST_KEY_FILE);
    // The file first: a key that is stored and not told could never be used.
    write_private(&path, &key.token).map_err(|cause| FirstKeyError::File { path, cause })?;
    database.insert_key(&key.row, None).await?;
    Ok(Some(key.token))
}

/// Writes a file that only the owner reads.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
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
