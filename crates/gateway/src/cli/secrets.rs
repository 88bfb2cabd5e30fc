//! `pictor secrets`: puts other secrets of links and webhooks in the place of those in force.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Failed;
use super::client::{Gateway, Target};
use super::output::say;

/// What to do with the gateway's own secrets.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Put another secret in the place of one. The former counts on for a while.
    Rotate(RotateArguments),
}

/// Which secret, and for how long the former counts.
#[derive(Debug, clap::Args)]
pub(super) struct RotateArguments {
    /// What it signs.
    #[arg(value_enum)]
    of: Of,
    /// The account whose webhooks are meant; that of the key when absent.
    #[arg(long)]
    account: Option<String>,
    /// Seconds for which the former counts; 0 ends all former ones at once. A day for webhooks when absent, and for links until
    /// the last of those that it signed has ended.
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// What a secret signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// Links to stored images.
    Links,
    /// Webhooks of an account.
    Webhooks,
}

/// Does what is wanted.
pub(super) async fn run(command: Command) -> Result<(), Failed> {
    let Command::Rotate(arguments) = command;
    let gateway = Gateway::new(&arguments.target)?;
    let mut order = Map::new();
    order.extend(
        arguments
            .overlap
            .map(|seconds| ("overlap_s".to_owned(), json!(seconds))),
    );
    let path = match arguments.of {
        Of::Links if arguments.account.is_some() => {
            return Err("--account is for webhooks: links have one secret".into());
        }
        Of::Links => "/v1/links/secret",
        Of::Webhooks => "/v1/webhooks/secret",
    };
    order.extend(
        arguments
            .account
            .map(|account| ("account_id".to_owned(), json!(account))),
    );
    let answer = gateway
        .json(gateway.request(Method::POST, path).json(&Value::Object(order)))
        .await?;
    if let Some(key) = answer["key"].as_str() {
        say(&format!("new secret: {key}"));
    }
    for former in answer["former"].as_array().into_iter().flatten() {
        say(&format!(
            "a former secret counts until {}",
            former["ends_at"].as_str().unwrap_or_default()
        ));
    }
    if answer["former"].as_array().is_none_or(Vec::is_empty) {
        say("no former secret counts");
    }
    Ok(())
}
