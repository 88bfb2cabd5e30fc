//! The command line.

mod arena;
mod backup;
mod catalog;
mod changes;
mod client;
mod config;
mod doctor;
mod explain;
mod health;
mod images;
mod keys;
mod ledger;
mod log;
mod migrate;
mod models;
mod output;
mod requests;
mod sandbox;
mod secrets;
mod serve;
mod stop;
mod story;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::private;
use crate::renewal;
use crate::settings::{Environment, Settings};

/// One OpenAI-compatible API in front of every image model and every provider that runs it.
#[derive(Debug, Parser)]
#[command(name = "pictor", version)]
struct Arguments {
    /// Settings file; pictor.toml in this folder when it exists.
    #[arg(long, global = true, env = "PICTOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve,
    /// Run the emulators of the providers' APIs alone.
    Sandbox(sandbox::Arguments),
    /// Make, list and revoke API keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Check the books, and keep accounts and their money.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// List the models of a running gateway.
    Models(models::Arguments),
    /// Make images from a prompt.
    Generate(images::GenerateArguments),
    /// Make images from images.
    Edit(images::EditArguments),
    /// Tell what a request would cost.
    Estimate(images::GenerateArguments),
    /// List past requests, show one, or export them.
    Requests(requests::Arguments),
    /// Tell what was spent.
    Usage(usage::Arguments),
    /// Run competitions, show boards, and keep an eye on votes.
    #[command(subcommand)]
    Arena(arena::Command),
    /// Rotate the secrets by which links and webhooks are known.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Check settings, catalogue, database, store and providers.
    Doctor,
    /// Show the settings in force, or what may stand in pictor.toml.
    #[command(subcommand)]
    Config(config::Command),
    /// Ask a running gateway whether it can work; the code of the exit tells.
    Health(health::Arguments),
    /// Bring the database's tables up to date, as a start does.
    Migrate(migrate::Arguments),
    /// Copy database and images into a folder, while the gateway runs.
    Backup(backup::BackupArguments),
    /// Put a backup in the place of nothing, and check its books.
    Restore(backup::RestoreArguments),
    /// Check, list and show the catalogue, and explain where a request would go.
    #[command(subcommand)]
    Catalog(catalog::Command),
}

/// What ends a command with an error: a text for people.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(dispatch(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::FAILURE
        }
    };
    // Whatever still works on other threads is not waited for.
    runtime.shutdown_background();
    code
}

async fn dispatch(arguments: Arguments) -> Result<(), Failed> {
    let config = arguments.config;
    if matches!(
        arguments.command,
        Command::Serve
            | Command::Keys(_)
            | Command::Ledger(_)
            | Command::Doctor
            | Command::Migrate(_)
            | Command::Backup(_)
            | Command::Restore(_)
    ) {
        // These open the database, or make it.
        private::keep_new_files();
    }
    match arguments.command {
        Command::Serve => serve::run(config).await,
        Command::Sandbox(arguments) => sandbox::run(arguments).await,
        Command::Keys(command) => keys::run(command, config).await,
        Command::Ledger(command) => ledger::run(command, config).await,
        Command::Models(arguments) => models::run(arguments).await,
        Command::Generate(arguments) => images::generate(arguments).await,
        Command::Edit(arguments) => images::edit(arguments).await,
        Command::Estimate(arguments) => images::estimate(arguments).await,
        Command::Requests(arguments) => requests::run(arguments).await,
        Command::Usage(arguments) => usage::run(arguments).await,
        Command::Arena(command) => arena::run(command).await,
        Command::Secrets(command) => secrets::run(command).await,
        Command::Doctor => doctor::run(config).await,
        Command::Config(command) => config::run(&command, config),
        Command::Health(arguments) => health::run(arguments, config).await,
        Command::Migrate(arguments) => migrate::run(arguments, config).await,
        Command::Backup(arguments) => backup::backup(arguments, config).await,
        Command::Restore(arguments) => backup::restore(arguments, config).await,
        Command::Catalog(command) => catalog::run(command, config).await,
    }
}

/// The environment of this process.
fn environment() -> Environment {
    // A variable that is not text is none of ours.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The settings in force, with the catalogue that they name.
fn load(config: Option<PathBuf>) -> Result<(Settings, planner::catalog::Catalog), Failed> {
    let environment = environment();
    let catalog = renewal::known_catalog(&Settings::before_catalog(config.as_deref(), &environment)?)?;
    let settings = Settings::load(config.as_deref(), &environment, &catalog)?;
    Ok((settings, catalog))
}
