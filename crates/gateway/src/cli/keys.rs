//! `pictor keys`: works on the database itself, so it needs no running gateway.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use planner::request::ResponseFormat;

use super::output::{say, table};
use super::{Failed, load};
use crate::auth::{self, Scope};
use crate::clock::Clock;
use crate::database_url;
use crate::db::Database;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key. Its secret is shown once.
    Create {
        /// Name for people.
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// What it may do; may be given several times.
        #[arg(long = "scope", value_enum, default_values = ["generate", "read"])]
        scopes: Vec<ScopeName>,
        /// How it gets images when a request does not say.
        #[arg(long, value_enum)]
        response_format: Option<FormatName>,
    },
    /// List keys.
    List,
    /// Revoke a key: it stops working at once.
    Revoke {
        /// The part between 'pk_' and the dot.
        id: String,
    },
}

/// Scopes by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ScopeName {
    /// Spend money.
    Generate,
    /// Read requests and balance.
    Read,
    /// Everything.
    Admin,
}

/// Response formats by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum FormatName {
    /// Links.
    Url,
    /// Base64 text.
    B64Json,
}

/// Makes, lists or revokes.
pub(super) async fn run(command: Command, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    std::fs::create_dir_all(&settings.data_dir)?;
    let clock = Clock::system();
    let database = Database::open(&database_url(&settings), clock.now()).await?;
    match command {
        Command::Create {
            name,
            scopes,
            response_format,
        } => {
            let scopes: Vec<Scope> = scopes
                .iter()
                .map(|scope| match scope {
                    ScopeName::Generate => Scope::Generate,
                    ScopeName::Read => Scope::Read,
                    ScopeName::Admin => Scope::Admin,
                })
                .collect();
            let format = response_format.map(|format| match format {
                FormatName::Url => ResponseFormat::Url,
                FormatName::B64Json => ResponseFormat::B64Json,
            });
            let key = auth::create(&database, &name, &scopes, format, clock.now()).await?;
            say(&key.token);
        }
        Command::List => list(&database).await?,
        Command::Revoke { id } => {
            let id = id.trim_start_matches("pk_").split('.').next().unwrap_or_default();
            if !database.revoke_key(id, clock.now()).await? {
                return Err(format!("no working key has the id '{id}'").into());
            }
            say(&format!("revoked {id}"));
        }
    }
    database.close().await;
    Ok(())
}

async fn list(database: &Database) -> Result<(), Failed> {
    let mut rows = vec![
        ["ID", "NAME", "LAST FOUR", "SCOPES", "STATUS", "CREATED"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for key in database.keys().await? {
        let status = if key.revoked_at.is_some() { "revoked" } else { "active" };
        rows.push(vec![
            key.id,
            key.name,
            key.last_four,
            key.scopes,
            status.to_owned(),
            key.created_at.strftime("%F %T").to_string(),
        ]);
    }
    table(&rows);
    Ok(())
}
