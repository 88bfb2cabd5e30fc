//! `pictor catalog`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Failed;
use super::output::say;
use crate::builtin;

/// What to do with the catalogue.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read every file and report all mistakes with file, line and key.
    Check {
        /// A folder of files that add to the built-in ones or take their place.
        #[arg(long, env = "PICTOR_CATALOG_DIR")]
        dir: Option<PathBuf>,
    },
}

/// Checks.
pub(super) fn run(command: &Command) -> Result<(), Failed> {
    match command {
        Command::Check { dir } => {
            let catalog = builtin::catalog(dir.as_deref())?;
            let offers: usize = catalog.models().map(|model| model.offers.len()).sum();
            say(&format!(
                "{} providers, {} models, {offers} offers: no mistakes",
                catalog.providers().count(),
                catalog.models().count()
            ));
            Ok(())
        }
    }
}
