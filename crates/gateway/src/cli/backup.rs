//! `pictor backup` and `pictor restore`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::say;
use super::{Failed, load};
use crate::backup::{self, Told};
use crate::clock::Clock;
use crate::database_url;
use crate::db::Database;

/// Where a backup goes.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// A folder that is not there yet.
    folder: PathBuf,
    /// Copy the images of a bucket too. Those of a folder always are.
    #[arg(long)]
    with_bucket: bool,
}

/// Where a backup is.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The folder that `pictor backup` made.
    folder: PathBuf,
}

/// Copies what a gateway keeps, while it runs.
pub(super) async fn backup(arguments: BackupArguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    let told = backup::make(
        &settings,
        &arguments.folder,
        arguments.with_bucket,
        Clock::system().now(),
    )
    .await?;
    tell("copied", &told, &arguments.folder);
    if told.left_out_bucket {
        say("the images of the bucket were not copied: it has versions of its own, or give --with-bucket");
    }
    Ok(())
}

/// Puts a backup in the place of nothing, and checks its books.
pub(super) async fn restore(arguments: RestoreArguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    let told = backup::restore(&settings, &arguments.folder).await?;
    tell("restored", &told, &settings.data_dir);
    let now = Clock::system().now();
    let database = Database::open(&database_url(&settings), now).await?;
    let verified = database.verify_ledger(now, settings.limits.reported_cost_factor).await;
    database.close().await;
    let verified = verified?;
    if verified.discrepancies.is_empty() {
        say(&format!("{} postings, books are right", verified.postings));
        return Ok(());
    }
    Err(format!(
        "{} discrepancies among {} postings: see 'pictor ledger verify'",
        verified.discrepancies.len(),
        verified.postings
    )
    .into())
}

fn tell(done: &str, told: &Told, folder: &Path) {
    say(&format!(
        "{done} the database ({} bytes), {} image(s) and {} waiting file(s): {}",
        told.database_bytes,
        told.images,
        told.waiting,
        folder.display()
    ));
}
