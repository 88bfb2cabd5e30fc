//! `/app/keys`: API keys.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};
use site::frame::Page;
use site::pages::desk::keys;

use super::super::elsewhere::see;
use super::super::query::value;
use super::requests::part;
use super::sitting::Sitting;
use crate::http::path::PathPart;
use crate::problem::Problem;

/// All keys.
pub(super) async fn show(sitting: Sitting) -> Response {
    let pairs = sitting.pairs.clone();
    let page = listed(&sitting, None, None, &pairs).await;
    sitting.answer(page)
}

async fn listed(
    sitting: &Sitting,
    made: Option<&Value>,
    fault: Option<&str>,
    values: &[(String, String)],
) -> Result<Page, Problem> {
    let page = sitting.get("/v1/keys", &sitting.place()).await?;
    Ok(keys::page(&keys::Shown {
        desk: &sitting.desk,
        page: &page,
        made,
        fault,
        values,
    }))
}

/// Makes a key, and shows it this once.
pub(super) async fn make(sitting: Sitting, request: Request) -> Response {
    let form = match sitting.form(request).await {
        Ok(form) => form,
        Err(problem) => return sitting.refuse(&problem, None),
    };
    let mut order = terms(&form.pairs, false);
    let scopes = form.pairs.iter().filter(|(name, _)| name == "scopes");
    order.insert("scopes".to_owned(), scopes.map(|(_, scope)| json!(scope)).collect());
    if let Some(account) = value(&form.pairs, "account_id") {
        order.insert("account_id".to_owned(), json!(account));
    }
    match sitting.send(Method::POST, "/v1/keys", &Value::Object(order)).await {
        Ok(made) => {
            let page = listed(&sitting, Some(&made), None, &[]).await;
            sitting.answer(page)
        }
        Err(problem) => {
            let page = listed(&sitting, None, Some(&problem.message), &form.pairs).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// One key.
pub(super) async fn one(sitting: Sitting, PathPart(id): PathPart) -> Response {
    let page = page_of(&sitting, &id, None, &[]).await;
    sitting.answer(page)
}

async fn page_of(
    sitting: &Sitting,
    id: &str,
    fault: Option<&str>,
    filled: &[(String, String)],
) -> Result<Page, Problem> {
    let key = sitting.get(&format!("/v1/keys/{}", part(id)), &[]).await?;
    Ok(keys::one(&sitting.desk, &key, fault, filled))
}

/// Changes a key: what is empty is cleared.
pub(super) async fn change(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let form = match sitting.form(request).await {
        Ok(form) => form,
        Err(problem) => return sitting.refuse(&problem, None),
    };
    let path = format!("/v1/keys/{}", part(&id));
    let change = Value::Object(terms(&form.pairs, true));
    match sitting.send(Method::PATCH, &path, &change).await {
        Ok(_) => see(&format!("/app/keys/{}", part(&id))),
        Err(problem) => {
            let page = page_of(&sitting, &id, Some(&problem.message), &form.pairs).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// Revokes a key.
pub(super) async fn revoke(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let done = async {
        let form = sitting.form(request).await?;
        let force = value(&form.pairs, "force").is_some();
        let path = format!("/v1/keys/{}?force={force}", part(&id));
        sitting.send(Method::DELETE, &path, &Value::Null).await
    };
    match done.await {
        Ok(_) => see(&format!("/app/keys/{}", part(&id))),
        Err(problem) => {
            let page = page_of(&sitting, &id, Some(&problem.message), &[]).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// A figure of a form as a number; what is none stays as it is, so that it is told what it must be.
pub(super) fn figure(text: &str) -> Value {
    let number = serde_json::from_str::<serde_json::Number>(text.trim());
    number.map_or_else(|_| json!(text), Value::Number)
}

/// What of a key can be set, as the API takes it; with `clears`, what is empty is `null`.
fn terms(pairs: &[(String, String)], clears: bool) -> Map<String, Value> {
    let of = |name: &str, read: &dyn Fn(&str) -> Value| match value(pairs, name) {
        Some(text) => Some((name.to_owned(), read(text))),
        None if clears => Some((name.to_owned(), Value::Null)),
        None => None,
    };
    let text = |text: &str| json!(text);
    let list = |text: &str| {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Value::from(parts.collect::<Vec<_>>())
    };
    let mut order = Map::new();
    if let Some(name) = value(pairs, "name") {
        order.insert("name".to_owned(), json!(name));
    }
    let budget = ["total_usd", "day_usd", "month_usd"].into_iter();
    let budget: Map<String, Value> = budget.filter_map(|name| of(name, &figure)).collect();
    let rate = ["requests_per_minute", "concurrent"].into_iter();
    let rate: Map<String, Value> = rate.filter_map(|name| of(name, &figure)).collect();
    order.insert("budget".to_owned(), Value::Object(budget));
    order.insert("rate_limit".to_owned(), Value::Object(rate));
    order.extend(of("expires_at", &text));
    for name in ["log_retention_days", "media_ttl_s"] {
        order.extend(of(name, &figure));
    }
    let figures = ["max_edge_px", "max_pixels"].into_iter();
    let mut rules: Map<String, Value> = figures.filter_map(|name| of(name, &figure)).collect();
    let lists = ["output_formats", "qualities", "hours", "regions"].into_iter();
    rules.extend(lists.filter_map(|name| of(name, &list)));
    order.insert("rules".to_owned(), Value::Object(rules));
    order.extend(of("models", &list));
    order.extend(of("providers", &list));
    order
}
