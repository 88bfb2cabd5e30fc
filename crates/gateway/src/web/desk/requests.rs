//! `/app/requests`: the log.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use jiff::{SignedDuration, ToSpan as _};
use planner::explain::Explanation;
use planner::mode::Mode;
use planner::view::ModelView;
use serde_json::{Value, json};
use site::frame::Page;
use site::html::Html;
use site::pages::desk::request::{self, drawer};
use site::pages::desk::requests::{self as pages, FILTERS, PERIOD_DEFAULT, TIMES};
use site::samples::Sample;

use super::super::asked::{self, INPUT_PX, input};
use super::super::elsewhere::see;
use super::super::query::value;
use super::sitting::{PLACE, Sitting, encoded, fragment};
use crate::generation::Generator;
use crate::http::path::PathPart;
use crate::ids::request_time;
use crate::problem::Problem;

/// By what a page is asked to tell where its request would go now.
const EXPLAIN: &str = "explain";
/// Requests of a page.
const ROWS: &str = "25";

/// The log.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = whole(&sitting, None).await;
    sitting.answer(page)
}

/// The log with one request open beside it.
pub(super) async fn one(sitting: Sitting, PathPart(id): PathPart) -> Response {
    let page = async {
        let request = found(&sitting, &id).await?;
        whole(&sitting, Some(&request)).await
    };
    let page = page.await;
    sitting.answer(page)
}

/// What all that fit come to.
pub(super) async fn totals(sitting: Sitting) -> Response {
    let summary = summary(&sitting).await;
    fragment(summary.map(|summary| pages::totals(&summary).0))
}

/// One request's row, for a script that heard of its end.
pub(super) async fn row(sitting: Sitting, PathPart(id): PathPart) -> Response {
    let row = async {
        let mut query = of_account(&sitting);
        query.extend(pairs([("q", id.as_str()), ("attempts", "true"), ("limit", "1")]));
        let page = sitting.get("/v1/requests", &query).await?;
        let request = page["data"].get(0).cloned().unwrap_or_default();
        Ok(pages::row(&sitting.pairs, &request, ""))
    };
    fragment(row.await)
}

/// All that fit as a file: the API's own.
pub(super) async fn export(sitting: Sitting) -> Response {
    let mut query = asked(&sitting);
    let format = value(&sitting.pairs, "format").unwrap_or("csv");
    query.extend(pairs([("format", format)]));
    see(&format!("/v1/requests?{}", encoded(&query)))
}

/// Forgets pictures and texts of a request.
pub(super) async fn purge(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let done = async {
        sitting.form(request).await?;
        let path = format!("/v1/requests/{}/payloads?{}", part(&id), encoded(&of_account(&sitting)));
        sitting.send(Method::DELETE, &path, &Value::Null).await
    };
    match done.await {
        Ok(_) => see(&format!("/app/requests/{}", part(&id))),
        Err(problem) => sitting.refuse(&problem, None),
    }
}

/// Hangs a picture of a request in the gallery: the first where none is named.
pub(super) async fn publish(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let done = async {
        let form = sitting.form(request).await?;
        let prompt = value(&form.pairs, "prompt").unwrap_or_default();
        let position = value(&form.pairs, "position").and_then(|position| position.parse::<u32>().ok());
        let order = json!({ "request_id": id, "position": position.unwrap_or(0), "prompt": prompt });
        sitting.send(Method::POST, "/v1/arena/exhibits", &order).await
    };
    match done.await {
        Ok(exhibit) => see(&format!(
            "/gallery/{}",
            part(exhibit["id"].as_str().unwrap_or_default())
        )),
        Err(problem) => sitting.refuse(&problem, None),
    }
}

/// Forgets all of an end user.
pub(super) async fn erase(sitting: Sitting, request: Request) -> Response {
    let done = async {
        let form = sitting.form(request).await?;
        let named = |name: &str| value(&form.pairs, name).unwrap_or_default().to_owned();
        let order = json!({ "user": named("user"), "account_id": named("account_id") });
        sitting.send(Method::POST, "/v1/erasures", &order).await
    };
    match done.await {
        Ok(_) => see("/app/audit?action=user_erase"),
        Err(problem) => sitting.refuse(&problem, None),
    }
}

fn pairs<const COUNT: usize>(all: [(&str, &str); COUNT]) -> [(String, String); COUNT] {
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// A part of a path.
pub(super) fn part(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn of_account(sitting: &Sitting) -> Vec<(String, String)> {
    let account = sitting.account();
    account
        .map(|account| ("account_id".to_owned(), account))
        .into_iter()
        .collect()
}

async fn found(sitting: &Sitting, id: &str) -> Result<Value, Problem> {
    let path = format!("/v1/requests/{}", part(id));
    sitting.get(&path, &of_account(sitting)).await
}

/// Where the period begins that a page shows.
pub(super) fn since(sitting: &Sitting, default: &str) -> Option<String> {
    let days = value(&sitting.pairs, "days").unwrap_or(default);
    let days: i64 = days.parse().ok().filter(|days| (1..=3_650).contains(days))?;
    let since = sitting.state.generator.clock.now() - SignedDuration::from_hours(24 * days);
    Some(since.to_string())
}

/// What the page asks the API for, without the place in the list. A whole id finds its request whatever the filters.
fn asked(sitting: &Sitting) -> Vec<(String, String)> {
    let mut query = of_account(sitting);
    let looked_for = value(&sitting.pairs, "q");
    if let Some(id) = looked_for.filter(|text| request_time(text).is_some()) {
        query.extend(pairs([("q", id)]));
        return query;
    }
    query.extend(looked_for.map(|text| ("q".to_owned(), text.to_owned())));
    query.extend(sitting.asked(&FILTERS));
    // Days that are named go before the ranges that are offered.
    let named = sitting.asked(&TIMES);
    if named.is_empty() {
        query.extend(since(sitting, PERIOD_DEFAULT).map(|since| ("created_after".to_owned(), since)));
    }
    query.extend(named);
    query
}

async fn summary(sitting: &Sitting) -> Result<Value, Problem> {
    let mut query = asked(sitting);
    query.extend(pairs([("summary", "true"), ("limit", "1")]));
    let found = sitting.get("/v1/requests", &query).await?;
    let mut summary = found["summary"].clone();
    fill_days(&mut summary);
    Ok(summary)
}

/// Days without requests are days, too.
fn fill_days(summary: &mut Value) {
    let Some(days) = summary["days"].as_array() else { return };
    let day_of = |day: &Value| day["day"].as_str()?.parse::<jiff::civil::Date>().ok();
    let (Some(first), Some(last)) = (days.first().and_then(day_of), days.last().and_then(day_of)) else {
        return;
    };
    let mut all = Vec::new();
    let mut known = days.iter().peekable();
    for day in first.series(1.day()).take_while(|day| *day <= last).take(4_000) {
        match known.next_if(|own| day_of(own) == Some(day)) {
            Some(own) => all.push(own.clone()),
            None => all.push(json!({ "day": day.to_string() })),
        }
    }
    summary["days"] = Value::from(all);
}

/// Where a request would go if it came now. Of input images nothing is kept: usual ones stand for them.
fn explained(generator: &Generator, request: &Value) -> Option<Explanation> {
    let catalog = &generator.catalog;
    let model = catalog.find(request["model"].as_str()?).ok()?.model;
    let view = ModelView::of(catalog, model, generator.upstreams.available());
    let is_edit = request["endpoint"]
        .as_str()
        .is_some_and(|path| path.ends_with("/edits"));
    let mode = if is_edit { Mode::ImageEdit } else { Mode::TextToImage };
    let fields = match request["payloads"]["request"].as_object() {
        Some(kept) => kept.clone(),
        None => {
            let sample = Sample::of(&view, mode)
                .prompt
                .map(|prompt| ("prompt".to_owned(), json!(prompt)));
            std::iter::once(("model".to_owned(), json!(model.id)))
                .chain(sample)
                .collect()
        }
    };
    let images = [input(INPUT_PX, INPUT_PX)];
    Some(asked::explained(generator, &view, mode, &fields, &images, false))
}

async fn whole(sitting: &Sitting, open: Option<&Value>) -> Result<Page, Problem> {
    let mut query = asked(sitting);
    query.extend(pairs([("attempts", "true"), ("limit", ROWS)]));
    query.extend(sitting.asked(&PLACE));
    let listed = sitting.get("/v1/requests", &query).await;
    let summary = match value(&sitting.pairs, "totals") {
        Some(_) => Some(summary(sitting).await?),
        None => None,
    };
    let keys = sitting.keys().await?;
    let accounts = sitting.accounts().await?;
    let providers = sitting.providers();
    let kept = sitting
        .pairs
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "totals" | EXPLAIN) && !value.is_empty());
    let kept: Vec<(String, String)> = kept.cloned().collect();
    let back = if kept.is_empty() {
        "/app/requests".to_owned()
    } else {
        format!("/app/requests?{}", encoded(&kept))
    };
    let address = sitting.address();
    let generator = &sitting.state.generator;
    let explained_at = open.filter(|_| sitting.desk.is_admin).map(|request| {
        let mut query = kept.clone();
        query.extend(pairs([(EXPLAIN, "1")]));
        let id = part(request["id"].as_str().unwrap_or_default());
        format!("/app/requests/{id}?{}#again", encoded(&query))
    });
    let asks = explained_at.is_some() && value(&sitting.pairs, EXPLAIN).is_some();
    let explanation = open.filter(|_| asks).and_then(|request| explained(generator, request));
    let drawn = open.map(|request| -> Html {
        drawer(&request::Shown {
            desk: &sitting.desk,
            request,
            keys: &keys,
            providers: &providers,
            back: &back,
            address: &address,
            explained_at: explained_at.as_deref(),
            explanation: explanation.as_ref(),
        })
    });
    Ok(pages::page(&pages::Shown {
        desk: &sitting.desk,
        query: &sitting.pairs,
        page: listed.as_ref().map_err(|problem| problem.message.as_str()),
        summary: summary.as_ref(),
        models: generator.catalog.models().map(|model| model.id.as_str()).collect(),
        providers: providers.0.iter().map(|(id, _)| id.as_str()).collect(),
        keys: &keys,
        accounts: accounts.iter().map(String::as_str).collect(),
        open: drawn,
        open_id: open.and_then(|open| open["id"].as_str()).unwrap_or_default(),
    }))
}
