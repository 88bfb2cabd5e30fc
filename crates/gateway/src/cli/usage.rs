//! `pictor usage`.

use reqwest::Method;
use serde_json::Value;

use super::Failed;
use super::client::{Gateway, Target};
use super::output::{dollars, say, table};

/// What spending to show.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What a row has in common, separated by commas: day, model, provider, key_id, user.
    #[arg(long, default_value = "day")]
    by: String,
    /// Only what was spent at or after this time or day, such as 2026-01-31.
    #[arg(long)]
    since: Option<String>,
    /// Only what was spent at or before this time or day.
    #[arg(long)]
    until: Option<String>,
    /// Only what the API key with this id spent ('--key' is the key to ask with).
    #[arg(long)]
    key_id: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Shows what was spent.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("group_by", &arguments.by);
    let pairs = [
        ("created_after", &arguments.since),
        ("created_before", &arguments.until),
        ("key_id", &arguments.key_id),
    ];
    query.extend_pairs(
        pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?))),
    );
    let path = format!("/v1/usage?{}", query.finish());
    let usage = gateway.json(gateway.request(Method::GET, &path)).await?;
    let groupings: Vec<&str> = usage["group_by"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    table(&rows(&groupings, &usage));
    if usage["truncated"] == true {
        say("There are more rows than are shown; the last one counts them all.");
    }
    Ok(())
}

fn rows(groupings: &[&str], usage: &Value) -> Vec<Vec<String>> {
    let heads = groupings.iter().map(|name| name.to_uppercase());
    let mut rows = vec![
        heads
            .chain(["REQUESTS", "COMPLETED", "COST"].map(ToOwned::to_owned))
            .collect(),
    ];
    let amounts = |group: &Value| {
        [
            group["requests"].to_string(),
            group["completed"].to_string(),
            dollars(&group["cost"]),
        ]
    };
    for group in usage["data"].as_array().into_iter().flatten() {
        let names = groupings
            .iter()
            .map(|name| group[*name].as_str().unwrap_or("-").to_owned());
        rows.push(names.chain(amounts(group)).collect::<Vec<_>>());
    }
    let names = groupings
        .iter()
        .enumerate()
        .map(|(place, _)| if place == 0 { "total" } else { "" }.to_owned());
    rows.push(names.chain(amounts(&usage["totals"])).collect());
    rows
}
