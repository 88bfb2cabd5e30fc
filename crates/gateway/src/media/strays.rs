//! Files that no row knows and rows whose file is gone: what a process leaves that dies between the two writes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::store::{MediaStore, StoreError};
use crate::db::{Database, DatabaseError};

/// What is younger may be on its way: the row comes after the file.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// Why strays could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum StrayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strays {
    /// Files without a row.
    pub files: usize,
    /// Rows without a file.
    pub rows: usize,
}

/// Removes strays, day by day, and tells of them.
///
/// # Errors
/// When the store or the database fails; what is left is found again.
pub async fn remove_strays(store: &MediaStore, database: &Database, now: Timestamp) -> Result<Strays, StrayError> {
    let settled = now.checked_sub(SETTLED).unwrap_or(Timestamp::MIN);
    let mut strays = Strays::default();
    for day in store.days().await? {
        let files = store.files_of(&day).await?;
        // Read after the files: a row that is younger than its file is seen.
        let rows: BTreeMap<String, (String, Timestamp)> = database
            .media_below(&day)
            .await?
            .into_iter()
            .map(|row| (row.path, (row.id, row.created_at)))
            .collect();
        for (path, changed_at) in &files {
            if *changed_at < settled && !rows.contains_key(path) {
                store.delete(path).await?;
                strays.files += 1;
            }
        }
        let files: BTreeSet<&String> = files.iter().map(|(path, _)| path).collect();
        for (path, (id, created_at)) in &rows {
            if *created_at < settled && !files.contains(path) {
                database.delete_media(id).await?;
                strays.rows += 1;
            }
        }
    }
    if strays != Strays::default() {
        tracing::warn!(
            files = strays.files,
            rows = strays.rows,
            "stored files without a row and rows without a file were removed"
        );
    }
    Ok(strays)
}
