//! What the providers billed and what the gateways have on record, request by request.

use super::asks::Ask;
use super::caller;
use super::http::Client;
use super::pace::pause;
use super::pictures::{self, Print};
use super::site::Site;
use crate::Outcome;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A call that a provider charged for.
#[derive(Clone, Debug)]
pub(super) struct Billed {
    pub(super) provider: String,
    pub(super) call_id: String,
    pub(super) images: usize,
}

/// A call as a gateway tells it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) provider: String,
    pub(super) outcome: String,
    pub(super) code: String,
    pub(super) spent: String,
    pub(super) upstream_id: String,
    pub(super) cost_micros: i64,
    pub(super) started_at: Timestamp,
}

impl Attempt {
    /// Whether it gave images.
    pub(super) fn succeeded(&self) -> bool {
        self.outcome == "succeeded"
    }

    /// Whether it is told that it may have been paid for without giving any.
    pub(super) fn is_marked(&self) -> bool {
        !self.succeeded() && self.spent != "no"
    }
}

/// A request as a gateway tells it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) error_code: String,
    pub(super) cost_micros: i64,
    pub(super) estimate_micros: i64,
    pub(super) cost_basis: String,
    pub(super) attempts: Vec<Attempt>,
    pub(super) created_at: Timestamp,
    pub(super) ended_at: Timestamp,
    /// Prints of its stored images; nothing where one of them cannot be had.
    pub(super) stored: Option<Vec<Print>>,
}

impl Row {
    /// Its id, how it ended, and what its calls came to.
    pub(super) fn about(&self) -> String {
        let told = |attempt: &Attempt| {
            let Attempt {
                provider,
                outcome,
                code,
                spent,
                ..
            } = attempt;
            format!("{provider} {outcome} {code} spent={spent}")
        };
        let attempts: Vec<String> = self.attempts.iter().map(told).collect();
        format!(
            "{} {} {} [{}]",
            self.id,
            self.status,
            self.error_code,
            attempts.join("; ")
        )
    }
}

/// How long reading is tried: the gateways serve, so that it works soon.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);
/// Requests of one ask that are looked at.
const ROWS_MAX: usize = 100;

/// The providers' bill, by the hash of the prompt.
///
/// # Errors
/// The sandbox does not answer, or has forgotten some.
pub(super) fn bill(site: &Site, client: &Client) -> Outcome<HashMap<String, Vec<Billed>>> {
    let bill = read(client, &format!("{}/_sandbox/bill", site.sandbox_url))?;
    if bill["dropped"] != 0 {
        return Err("the sandbox's bill is too long for it".to_owned());
    }
    let mut found: HashMap<String, Vec<Billed>> = HashMap::new();
    for entry in bill["entries"].as_array().into_iter().flatten() {
        found.entry(text(&entry["prompt_sha256"])).or_default().push(Billed {
            provider: text(&entry["provider"]),
            call_id: text(&entry["call_id"]),
            images: entry["images"]
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(0),
        });
    }
    Ok(found)
}

/// The requests that an ask has become, oldest first.
///
/// # Errors
/// A gateway does not answer.
pub(super) fn rows(site: &Site, client: &Client, ask: &Ask) -> Outcome<Vec<Row>> {
    let base = site.base(0);
    let name = ask.name(site.options.seed);
    let listed = read(
        client,
        &format!("{base}/v1/requests?client_request_id={name}&limit={ROWS_MAX}"),
    )?;
    let mut rows = Vec::new();
    for one in listed["data"].as_array().into_iter().flatten().rev() {
        let whole = read(client, &format!("{base}/v1/requests/{}", text(&one["id"])))?;
        rows.push(row(client, &base, &whole));
    }
    Ok(rows)
}

fn row(client: &Client, base: &str, whole: &Value) -> Row {
    let attempts = whole["attempts"].as_array().into_iter().flatten();
    let attempts = attempts.map(|attempt| Attempt {
        provider: text(&attempt["provider"]),
        outcome: text(&attempt["outcome"]),
        code: text(&attempt["code"]),
        spent: text(&attempt["spent"]),
        upstream_id: text(&attempt["upstream_id"]),
        cost_micros: micros(&attempt["cost"]),
        started_at: time(&attempt["started_at"]),
    });
    let took_ms = whole["duration_ms"].as_i64().unwrap_or(i64::MAX / 2_000_000);
    let ended_at = time(&whole["created_at"]).checked_add(SignedDuration::from_millis(took_ms));
    Row {
        created_at: time(&whole["created_at"]),
        ended_at: ended_at.unwrap_or(Timestamp::MAX),
        id: text(&whole["id"]),
        status: text(&whole["status"]),
        error_code: text(&whole["error_code"]),
        cost_micros: micros(&whole["cost"]),
        estimate_micros: micros(&whole["estimate"]),
        cost_basis: text(&whole["cost_basis"]),
        attempts: attempts.collect(),
        stored: caller::fetched(client, base, caller::images(whole)),
    }
}

/// Requests that have not ended, and what all that ended cost.
///
/// # Errors
/// A gateway does not answer.
pub(super) fn open(site: &Site, client: &Client) -> Outcome<usize> {
    let mut count = 0;
    for status in ["pending", "processing"] {
        let listed = read(
            client,
            &format!("{}/v1/requests?status={status}&limit=100", site.base(0)),
        )?;
        count += listed["data"].as_array().map_or(0, Vec::len);
    }
    Ok(count)
}

/// Reads JSON, and tries again while there is none.
pub(super) fn read(client: &Client, url: &str) -> Outcome<Value> {
    let begun = Instant::now();
    loop {
        let why = match client.get(url) {
            Ok(answer) if answer.status == 200 => return Ok(answer.json()),
            Ok(answer) => format!("HTTP {}", answer.status),
            Err(broken) => format!("{broken:?}"),
        };
        if begun.elapsed() > PATIENCE {
            return Err(format!("{url}: {why}"));
        }
        pause(PAUSE);
    }
}

/// Bills of an ask.
pub(super) fn billed<'a>(bill: &'a HashMap<String, Vec<Billed>>, ask: &Ask) -> &'a [Billed] {
    bill.get(&pictures::prompt_hash(&ask.prompt))
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn time(value: &Value) -> Timestamp {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(Timestamp::MIN)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Dollars as millionths.
fn micros(value: &Value) -> i64 {
    (value.as_f64().unwrap_or(0.0) * 1e6).round() as i64
}
