//! Making entries: those that are missing, a few at a time, within a budget; and the demonstration.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use planner::money::Micros;
use reqwest::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{DemoArguments, RunArguments};
use crate::cli::Failed;
use crate::cli::client::Gateway;
use crate::cli::output::say;

/// Most models of the demonstration.
const DEMO_MODELS_MAX: usize = 12;
/// Votes of the demonstration.
const DEMO_VOTES: u64 = 3_000;
/// The account that the demonstration works for.
const DEMO_ACCOUNT: &str = "arena-demo";
/// Bytes of an order's hash that tell it from others.
const ORDER_HASH_BYTES: usize = 8;
/// Entries that are made at one time.
const AT_ONCE: usize = 4;

/// An entry that is missing.
struct Missing {
    competition: Value,
    model: String,
    number: u64,
}

/// The account in whose name entries are made.
#[derive(Clone)]
struct Maker {
    account_id: Option<&'static str>,
    key: Option<String>,
    /// What stands at the end of prompts, so that the sandbox does not name the model in the picture.
    suffix: &'static str,
}

fn missing(competitions: &Value, wanted: &[String], models: &[String], entries: u64) -> Vec<Missing> {
    let mut all = Vec::new();
    for competition in competitions["data"].as_array().into_iter().flatten() {
        let id = competition["id"].as_str().unwrap_or_default();
        if !wanted.is_empty() && !wanted.iter().any(|one| one == id) {
            continue;
        }
        for row in competition["models"].as_array().into_iter().flatten() {
            let model = row["model"].as_str().unwrap_or_default();
            if !models.is_empty() && !models.iter().any(|one| one == model) {
                continue;
            }
            for number in row["entries"].as_u64().unwrap_or(0)..entries {
                all.push(Missing {
                    competition: competition.clone(),
                    model: model.to_owned(),
                    number,
                });
            }
        }
    }
    // One of each model first: a budget that ends early leaves something to compare.
    all.sort_by_key(|missing| missing.number);
    all
}

/// Makes the entries that are missing.
pub(super) async fn make(arguments: RunArguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let competitions = gateway
        .json(gateway.request(Method::GET, "/v1/arena/competitions"))
        .await?;
    let known: BTreeSet<&str> = list(&competitions["data"], "id").collect();
    if let Some(unknown) = arguments.competition.iter().find(|id| !known.contains(id.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        return Err(format!("there is no competition '{unknown}'; there are {}", known.join(", ")).into());
    }
    let todo = missing(
        &competitions,
        &arguments.competition,
        &arguments.model,
        arguments.entries,
    );
    let budget: rust_decimal::Decimal = arguments.budget.to_string().parse()?;
    let budget = Micros::from_dollars(budget);
    let maker = Maker {
        account_id: None,
        key: None,
        suffix: suffix(&competitions),
    };
    work(&gateway, todo, &maker, budget.0).await
}

/// In the sandbox the picture must not name the model.
fn suffix(competitions: &Value) -> &'static str {
    if competitions["sandbox"] == Value::Bool(true) {
        sandbox::UNNAMED
    } else {
        ""
    }
}

fn list<'a>(rows: &'a Value, name: &'a str) -> impl Iterator<Item = &'a str> {
    rows.as_array()
        .into_iter()
        .flatten()
        .filter_map(move |row| row[name].as_str())
}

/// Makes all that is missing, a few at a time, until the budget is spent.
async fn work(gateway: &Gateway, todo: Vec<Missing>, maker: &Maker, budget_micros: i64) -> Result<(), Failed> {
    if todo.is_empty() {
        say("every entry is there");
        return Ok(());
    }
    let bar = ProgressBar::new(todo.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let left = Arc::new(AtomicI64::new(budget_micros));
    let each = |missing: Missing| {
        let (left, bar) = (Arc::clone(&left), bar.clone());
        async move {
            bar.set_message(missing.model.clone());
            let done = enter(gateway, &missing, maker, &left).await;
            bar.inc(1);
            done.map_err(|error| format!("{} in {}: {error}", missing.model, missing.competition["id"]))
        }
    };
    let done: Vec<Result<Entered, String>> = futures_util::stream::iter(todo.into_iter().map(each))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    bar.finish_and_clear();
    let mut made = 0_usize;
    let mut spent = 0_i64;
    let mut skipped = 0_usize;
    let mut failures = Vec::new();
    for one in done {
        match one {
            Ok(Entered::Made(micros)) => {
                made += 1;
                spent += micros;
            }
            Ok(Entered::TooDear) => skipped += 1,
            Err(why) => failures.push(why),
        }
    }
    say(&format!("{made} entries made for {}", Micros(spent)));
    if skipped > 0 {
        say(&format!(
            "{skipped} entries would have gone past the budget; run it again with a larger one"
        ));
    }
    for why in &failures {
        say(&format!("not made: {why}"));
    }
    if made == 0 && !failures.is_empty() {
        return Err("no entry could be made".into());
    }
    Ok(())
}

enum Entered {
    Made(i64),
    TooDear,
}

async fn enter(gateway: &Gateway, missing: &Missing, maker: &Maker, left: &AtomicI64) -> Result<Entered, Failed> {
    let competition = &missing.competition;
    let is_edit = competition["mode"] == "image-edit";
    let path = if is_edit {
        "/openai/v1/images/edits"
    } else {
        "/openai/v1/images/generations"
    };
    let prompt = competition["prompt"].as_str().unwrap_or_default();
    let mut fields: Map<String, Value> = competition["settings"].as_object().cloned().unwrap_or_default();
    fields.insert("model".to_owned(), json!(missing.model));
    fields.insert("prompt".to_owned(), json!(format!("{prompt} {}", maker.suffix).trim()));
    fields.insert("size".to_owned(), competition["size"].clone());
    fields.insert("response_format".to_owned(), json!("url"));
    if is_edit {
        let source = competition["source_url"].as_str().unwrap_or_default();
        let bytes = gateway.bytes(source).await?;
        fields.insert("images".to_owned(), json!([{ "image_url": data_url(&bytes) }]));
    }
    let request = |path: &str| match &maker.key {
        Some(key) => gateway.request_as(key, Method::POST, path),
        None => gateway.request(Method::POST, path),
    };
    let estimate = gateway
        .json(request(&format!("{path}?dryRun=true")).json(&fields))
        .await?;
    let at_most = estimate["total_cost_micros"].as_i64().unwrap_or(0);
    if left.fetch_sub(at_most, Ordering::SeqCst) < at_most {
        left.fetch_add(at_most, Ordering::SeqCst);
        return Ok(Entered::TooDear);
    }
    // Begun again after a crash it gets the same image, and pays once; another order is another entry.
    let id = competition["id"].as_str().unwrap_or_default();
    let order = hex::encode(&Sha256::digest(Value::from(fields.clone()).to_string())[..ORDER_HASH_BYTES]);
    let once = format!("arena-{id}-{}-{}-{order}", missing.model, missing.number);
    let made = gateway
        .json(request(path).header("idempotency-key", once).json(&fields))
        .await;
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            left.fetch_add(at_most, Ordering::SeqCst);
            return Err(error);
        }
    };
    let cost = made["metadata"]["cost"].as_f64().unwrap_or(0.0);
    let cost_micros = (cost * 1e6).round() as i64;
    left.fetch_add(at_most - cost_micros, Ordering::SeqCst);
    let mut entry = json!({ "competition": id, "request_id": made["id"] });
    if let Some(account) = maker.account_id {
        entry["account_id"] = json!(account);
    }
    gateway
        .json(gateway.request(Method::POST, "/v1/arena/entries").json(&entry))
        .await?;
    Ok(Entered::Made(cost_micros))
}

fn data_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!(
        "data:image/png;base64,{}",
        base64::engine::general_purpose::STANDARD.encode(bytes)
    )
}

/// Fills the sandbox's boards.
pub(super) async fn demo(arguments: DemoArguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let competitions = gateway
        .json(gateway.request(Method::GET, "/v1/arena/competitions"))
        .await?;
    if competitions["sandbox"] != Value::Bool(true) {
        return Err("the demonstration is for installations on which no provider is real; 'pictor arena run' makes real entries".into());
    }
    let key = demo_key(&gateway).await?;
    let maker = Maker {
        account_id: Some(DEMO_ACCOUNT),
        key: Some(key),
        suffix: suffix(&competitions),
    };
    let models = demo_models(&competitions);
    let todo = missing(&competitions, &[], &models, 1);
    // In the sandbox nothing is charged: what it would cost does not matter.
    work(&gateway, todo, &maker, i64::MAX / 2).await?;
    let votes = json!({ "votes": DEMO_VOTES });
    let drawn = gateway
        .json(gateway.request(Method::POST, "/v1/arena/demo").json(&votes))
        .await?;
    say(&format!(
        "{} votes of nobody were drawn; see {}/leaderboard and {}/arena",
        drawn["votes"],
        gateway.url(),
        gateway.url()
    ));
    Ok(())
}

/// The models that take part in most competitions, the catalogue's first ones.
fn demo_models(competitions: &Value) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for competition in competitions["data"].as_array().into_iter().flatten() {
        for model in list(&competition["models"], "model") {
            match counted.iter_mut().find(|(known, _)| known == model) {
                Some((_, count)) => *count += 1,
                None => counted.push((model.to_owned(), 1)),
            }
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
        .into_iter()
        .take(DEMO_MODELS_MAX)
        .map(|(model, _)| model)
        .collect()
}

/// A key of the demonstration's own account.
async fn demo_key(gateway: &Gateway) -> Result<String, Failed> {
    let account = json!({ "id": DEMO_ACCOUNT, "billing_type": "postpaid", "credit_limit_usd": null });
    let known = gateway
        .json(gateway.request(Method::GET, &format!("/v1/accounts/{DEMO_ACCOUNT}")))
        .await;
    if known.is_err() {
        gateway
            .json(gateway.request(Method::POST, "/v1/accounts").json(&account))
            .await?;
    }
    let order = json!({ "name": "arena demo", "account_id": DEMO_ACCOUNT, "scopes": ["generate", "read"] });
    let made = gateway
        .json(gateway.request(Method::POST, "/v1/keys").json(&order))
        .await?;
    Ok(made["key"].as_str().ok_or("the gateway made no key")?.to_owned())
}
