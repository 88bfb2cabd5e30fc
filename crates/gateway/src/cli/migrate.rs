//! `pictor migrate`: the tables brought up to date apart from a start, or only looked at.

use std::path::PathBuf;

use clap::Args;

use super::output::say;
use super::{Failed, load};
use crate::clock::Clock;
use crate::db::Database;
use crate::db::migrations::{Difference, difference};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Change nothing: tell what would be done, and fail when that is anything.
    #[arg(long)]
    check: bool,
}

/// Brings the tables of the settings' database up to date, or tells what they lack.
pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    let url = settings.database();
    if !arguments.check {
        Database::open(&url, Clock::system().now()).await?.close().await;
        say("the tables are up to date");
        return Ok(());
    }
    let Difference { pending, unknown } = difference(&url).await?;
    for step in &pending {
        say(&format!("pending: {step}"));
    }
    for step in unknown {
        say(&format!("taken by a newer version: {step:04}"));
    }
    if pending.is_empty() {
        say("the tables are up to date");
        return Ok(());
    }
    Err(format!(
        "pending steps: {}; 'pictor migrate', or a start, takes them",
        pending.len()
    )
    .into())
}
