//! Putting a backup in the place of nothing.

use std::path::Path;

use super::manifest::{Kind, Manifest};
use super::{BackupError, MEDIA, Told, WAITING, at, postgres};
use crate::media::store::MediaStore;
use crate::private;
use crate::settings::Settings;

/// Restores a backup to where the settings say. Nothing that is there is overwritten.
///
/// # Errors
/// [`BackupError`].
pub(crate) async fn restore(settings: &Settings, folder: &Path) -> Result<Told, BackupError> {
    let manifest = Manifest::checked(folder)?;
    let url = settings.database();
    let mut told = Told::default();
    private::close(&settings.data_dir).map_err(at(&settings.data_dir))?;
    match manifest.database {
        Kind::Sqlite => restore_file(&url, folder, &mut told)?,
        Kind::PostgreSql if url.starts_with("sqlite:") => {
            return Err(BackupError::Refused(
                "this is a backup of PostgreSQL: set database_url to an empty database of it".to_owned(),
            ));
        }
        Kind::PostgreSql => {
            let dump = folder.join(Kind::PostgreSql.file());
            told.database_bytes = std::fs::metadata(&dump).map_err(at(&dump))?.len();
            postgres::restore(&url, &dump).await?;
        }
    }
    let journal = settings.journal_folder();
    private::close(journal).map_err(at(journal))?;
    let store = MediaStore::of(settings)?;
    for name in manifest.files.keys() {
        let path = folder.join(name);
        let inside = |of: &str| name.strip_prefix(of).and_then(|rest| rest.strip_prefix('/'));
        if let Some(rest) = inside(WAITING) {
            std::fs::copy(&path, journal.join(rest)).map_err(at(&path))?;
            told.waiting += 1;
        } else if let Some(rest) = inside(MEDIA) {
            store.put_file(rest, std::fs::read(&path).map_err(at(&path))?).await?;
            told.images += 1;
        }
    }
    Ok(told)
}

/// Puts the copy of a SQLite file where the settings have it.
fn restore_file(url: &str, folder: &Path, told: &mut Told) -> Result<(), BackupError> {
    let refused = |why: String| Err(BackupError::Refused(why));
    let file = url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"));
    let Some(file) = file.and_then(|rest| rest.split('?').next()) else {
        return refused("this is a backup of SQLite: leave database_url out, or let it name a file".to_owned());
    };
    let target = Path::new(file);
    if target.exists() {
        return refused(format!(
            "{} is there: a backup is restored in the place of nothing; stop the gateway and move the file away",
            target.display()
        ));
    }
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    // Its last name comes when it is whole.
    let unfinished = target.with_extension("restoring");
    told.database_bytes = std::fs::copy(folder.join(Kind::Sqlite.file()), &unfinished).map_err(at(&unfinished))?;
    std::fs::rename(&unfinished, target).map_err(at(target))
}
