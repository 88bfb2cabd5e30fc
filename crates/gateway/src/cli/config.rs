//! `pictor config`: the settings in force, and what may stand in `pictor.toml`.

use std::path::PathBuf;

use clap::Subcommand;

use super::output::{say, table};
use super::{Failed, load};
use crate::settings::{in_force, schema};

/// What to show.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Every setting with its value and where that came from; secrets are left out.
    Show {
        /// Those alone that are not the default.
        #[arg(long)]
        changed: bool,
    },
    /// The JSON Schema of `pictor.toml`, for editors.
    Schema,
}

/// Shows.
pub(super) fn run(command: &Command, config: Option<PathBuf>) -> Result<(), Failed> {
    match command {
        Command::Show { changed } => show(*changed, config),
        Command::Schema => {
            say(&serde_json::to_string_pretty(&schema::of_file()?)?);
            Ok(())
        }
    }
}

fn show(changed: bool, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, _) = load(config)?;
    let mut rows = vec![["SETTING", "VALUE", "FROM"].map(ToOwned::to_owned).to_vec()];
    for (name, value, origin) in in_force::all(&settings) {
        if changed && origin.is_none() {
            continue;
        }
        let value = if value.is_empty() { "-".to_owned() } else { value };
        rows.push(vec![name, value, origin.unwrap_or_else(|| "default".to_owned())]);
    }
    for (id, own) in &settings.providers {
        let shown = [
            (
                "credential",
                own.credential.as_ref().map(|_| "(not shown)".to_owned()),
                own.credential_origin.clone(),
            ),
            ("base_url", own.base_url.as_deref().map(in_force::without_secret), None),
        ];
        let several = own.credentials.iter().enumerate().map(|(place, one)| {
            let value = format!("(not shown), weight {}", one.weight);
            (
                format!("credentials.{}", one.name_at(place)),
                Some(value),
                one.origin.clone(),
            )
        });
        let shown = shown.map(|(name, value, origin)| (name.to_owned(), value, origin));
        for (name, value, origin) in shown.into_iter().chain(several) {
            if let Some(value) = value {
                rows.push(vec![
                    format!("providers.{id}.{name}"),
                    value,
                    origin.unwrap_or_else(|| "set".to_owned()),
                ]);
            }
        }
    }
    table(&rows);
    Ok(())
}
