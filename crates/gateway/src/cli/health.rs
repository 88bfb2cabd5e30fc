//! `pictor health`: whether a gateway can work, for whoever starts and stops it.

use std::path::PathBuf;

use clap::Args;

use super::client::Gateway;
use super::output::say;
use super::{Failed, load};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Ask only whether it lives, and not whether it can work.
    #[arg(long)]
    live: bool,
}

/// Asks the gateway at `PICTOR_URL`, else the one that these settings make.
pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    let gateway = Gateway::of(&settings)?;
    let path = if arguments.live { "/healthz" } else { "/readyz" };
    let status = gateway.status(path).await?;
    if status.is_success() {
        say("ok");
        return Ok(());
    }
    Err(format!("{}{path} answers {status}", gateway.url()).into())
}
