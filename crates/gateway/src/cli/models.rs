//! `pictor models`.

use reqwest::Method;
use serde_json::Value;

use super::Failed;
use super::client::{Gateway, Target};
use super::output::{say, table};

/// Which gateway to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists models with modes, providers and the least price.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let answer = gateway.json(gateway.request(Method::GET, "/openai/v1/models")).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    let list = |value: &Value| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut rows = vec![
        ["MODEL", "STATUS", "MODES", "PROVIDERS", "FROM"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for model in answer["data"].as_array().into_iter().flatten() {
        rows.push(vec![
            model["id"].as_str().unwrap_or_default().to_owned(),
            model["model_status"].as_str().unwrap_or_default().to_owned(),
            list(&model["modes"]),
            list(&model["providers"]),
            model["starting_price"]
                .as_f64()
                .map_or_else(|| "-".to_owned(), |price| format!("${price}")),
        ]);
    }
    table(&rows);
    Ok(())
}
