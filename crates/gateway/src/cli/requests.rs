//! `pictor requests`.

use reqwest::Method;

use super::Failed;
use super::client::{Gateway, Target};
use super::output::{say, table};

/// Which requests to show.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Show one request whole, by Pictor's id or by your own x-request-id.
    id: Option<String>,
    /// How many to list.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Only those in this state.
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Lists requests, or shows one.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    if let Some(id) = &arguments.id {
        let answer = gateway
            .json(gateway.request(Method::GET, &format!("/v1/requests/{id}")))
            .await?;
        say(&serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &arguments.limit.to_string());
    if let Some(status) = &arguments.status {
        query.append_pair("status", status);
    }
    let answer = gateway
        .json(gateway.request(Method::GET, &format!("/v1/requests?{}", query.finish())))
        .await?;
    let mut rows = vec![
        ["ID", "CREATED", "MODEL", "STATUS", "COST", "MS", "ERROR"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for request in answer["data"].as_array().into_iter().flatten() {
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            text("id"),
            text("created_at").chars().take(19).collect(),
            text("model"),
            text("status"),
            request["cost"]
                .as_f64()
                .map_or_else(|| "-".to_owned(), |cost| format!("${cost}")),
            request["duration_ms"]
                .as_u64()
                .map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
            text("error_code"),
        ]);
    }
    table(&rows);
    Ok(())
}
