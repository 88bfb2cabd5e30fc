//! `pictor requests`.

use std::time::Duration;

use clap::ValueEnum;
use planner::fault::harmless;
use reqwest::Method;
use serde_json::Value;

use super::client::{Gateway, Target};
use super::output::{dollars, say, table};
use super::{Failed, story};

/// Which requests to show.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Tell of one request: where it went and why, what providers said, who paid, and where the time went. By Pictor's id,
    /// by your own x-request-id or by its Idempotency-Key.
    id: Option<String>,
    /// Show that request as JSON, with all that is known of it.
    #[arg(long, requires = "id")]
    json: bool,
    /// How many to list, 20 when not said; for an export, all.
    #[arg(long)]
    limit: Option<u64>,
    #[command(flatten)]
    filter: Filter,
    /// Tell the number and the cost of all that fit, too.
    #[arg(long, conflicts_with = "export")]
    summary: bool,
    /// Write all that fit to standard output as a file.
    #[arg(long, value_enum)]
    export: Option<Format>,
    #[command(flatten)]
    target: Target,
}

/// What requests must have in common.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Only those in this state.
    #[arg(long)]
    status: Option<String>,
    /// Only those for this model.
    #[arg(long)]
    model: Option<String>,
    /// Only those whose first image came from this provider.
    #[arg(long)]
    provider: Option<String>,
    /// Only those of the API key with this id ('--key' is the key to ask with).
    #[arg(long)]
    key_id: Option<String>,
    /// Only those of this end user.
    #[arg(long)]
    user: Option<String>,
    /// Only those of this session.
    #[arg(long)]
    session: Option<String>,
    /// Only those that ended with this error code.
    #[arg(long)]
    error: Option<String>,
    /// Only those made at or after this time or day, such as 2026-01-31.
    #[arg(long)]
    since: Option<String>,
    /// Only those made at or before this time or day.
    #[arg(long)]
    until: Option<String>,
}

/// Formats of a file.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A table for spreadsheets.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// A long log takes its time; a gateway that sends nothing more ends the command all the same.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(6 * 3600);

impl Arguments {
    fn path(&self) -> String {
        let filter = &self.filter;
        let limit = self.limit.map(|limit| limit.to_string());
        let format = self.export.map(|format| match format {
            Format::Csv => "csv".to_owned(),
            Format::Ndjson => "ndjson".to_owned(),
        });
        let pairs = [
            ("limit", &limit),
            ("status", &filter.status),
            ("model", &filter.model),
            ("provider", &filter.provider),
            ("key_id", &filter.key_id),
            ("user", &filter.user),
            ("session_id", &filter.session),
            ("error_code", &filter.error),
            ("created_after", &filter.since),
            ("created_before", &filter.until),
            ("summary", &self.summary.then(|| "true".to_owned())),
            ("format", &format),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            pairs
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_ref()?))),
        );
        format!("/v1/requests?{}", query.finish())
    }
}

/// Lists requests, shows one, or writes a file.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    if let Some(id) = &arguments.id {
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let path = format!("/v1/requests/{}", id.replace('+', "%20"));
        let answer = gateway.json(gateway.request(Method::GET, &path)).await?;
        if arguments.json {
            say(&serde_json::to_string_pretty(&answer)?);
        } else {
            story::told(&answer).iter().for_each(|line| say(&harmless(line)));
        }
        return Ok(());
    }
    let request = gateway.request(Method::GET, &arguments.path());
    if arguments.export.is_some() {
        return gateway.pour(request.timeout(EXPORT_TIMEOUT)).await;
    }
    let answer = gateway.json(request).await?;
    let listed = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    table(&rows(listed));
    if let Some(summary) = answer.get("summary") {
        say(&format!(
            "{} requests, {}",
            summary["count"],
            dollars(&summary["total_cost"])
        ));
    }
    Ok(())
}

fn rows(requests: &[Value]) -> Vec<Vec<String>> {
    let heads = ["ID", "CREATED", "MODEL", "STATUS", "COST", "MS", "ERROR"];
    let mut rows = vec![heads.map(ToOwned::to_owned).to_vec()];
    rows.extend(requests.iter().map(|request| {
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let duration = request["duration_ms"].as_u64();
        vec![
            text("id"),
            text("created_at").chars().take(19).collect(),
            text("model"),
            text("status"),
            dollars(&request["cost"]),
            duration.map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
            text("error_code"),
        ]
    }));
    rows
}
