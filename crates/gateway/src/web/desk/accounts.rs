//! `/app/accounts`: who pays, what is there, and what moved.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};
use site::frame::Page;
use site::pages::desk::accounts;

use super::super::elsewhere::see;
use super::super::query::value;
use super::keys::figure;
use super::requests::part;
use super::sitting::Sitting;
use crate::http::path::PathPart;
use crate::ids::random_text;
use crate::problem::Problem;

/// Letters of the id of a movement that a form orders.
const POSTING_CHARS: usize = 20;

/// All accounts, or a reader's own.
pub(super) async fn show(sitting: Sitting) -> Response {
    let pairs = sitting.pairs.clone();
    let page = listed(&sitting, None, &pairs).await;
    sitting.answer(page)
}

async fn listed(sitting: &Sitting, fault: Option<&str>, values: &[(String, String)]) -> Result<Page, Problem> {
    if !sitting.desk.is_admin {
        let balance = sitting.get("/v1/balance", &[]).await?;
        return Ok(accounts::own(&sitting.desk, &balance));
    }
    let page = sitting.get("/v1/accounts", &sitting.place()).await?;
    Ok(accounts::page(&sitting.desk, &page, fault, values))
}

/// Makes an account.
pub(super) async fn make(sitting: Sitting, request: Request) -> Response {
    let form = match sitting.form(request).await {
        Ok(form) => form,
        Err(problem) => return sitting.refuse(&problem, None),
    };
    let mut order = terms(&form.pairs, false);
    if let Some(id) = value(&form.pairs, "id") {
        order.insert("id".to_owned(), json!(id));
    }
    match sitting.send(Method::POST, "/v1/accounts", &Value::Object(order)).await {
        Ok(account) => see(&path_of(account["id"].as_str().unwrap_or_default())),
        Err(problem) => {
            let page = listed(&sitting, Some(&problem.message), &form.pairs).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

fn path_of(id: &str) -> String {
    format!("/app/accounts/{}", part(id))
}

/// One account with its statement.
pub(super) async fn one(sitting: Sitting, PathPart(id): PathPart) -> Response {
    let done = value(&sitting.pairs, "done").map(|_| "The money has moved: it stands in the statement.");
    let page = page_of(&sitting, &id, None, done, &[]).await;
    sitting.answer(page)
}

async fn page_of(
    sitting: &Sitting,
    id: &str,
    fault: Option<&str>,
    done: Option<&str>,
    values: &[(String, String)],
) -> Result<Page, Problem> {
    let path = format!("/v1/accounts/{}", part(id));
    let account = sitting.get(&path, &[]).await?;
    let postings = sitting.get(&format!("{path}/postings"), &sitting.place()).await?;
    // A form that was refused keeps its id: what it ordered may have been done by the same form before.
    let posting_id = match value(values, "id") {
        Some(id) => id.to_owned(),
        None => format!("desk_{}", random_text(POSTING_CHARS)),
    };
    Ok(accounts::one(&accounts::One {
        desk: &sitting.desk,
        account: &account,
        postings: &postings,
        fault,
        done,
        values,
        posting_id: &posting_id,
    }))
}

/// Changes the terms of an account.
pub(super) async fn change(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let form = match sitting.form(request).await {
        Ok(form) => form,
        Err(problem) => return sitting.refuse(&problem, None),
    };
    let path = format!("/v1/accounts/{}", part(&id));
    let change = Value::Object(terms(&form.pairs, true));
    match sitting.send(Method::PATCH, &path, &change).await {
        Ok(_) => see(&path_of(&id)),
        Err(problem) => {
            let page = page_of(&sitting, &id, Some(&problem.message), None, &form.pairs).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// Moves money.
pub(super) async fn post(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let form = match sitting.form(request).await {
        Ok(form) => form,
        Err(problem) => return sitting.refuse(&problem, None),
    };
    let mut order = Map::new();
    for name in ["kind", "request_id", "note", "id"] {
        let given = value(&form.pairs, name);
        order.extend(given.map(|given| (name.to_owned(), json!(given))));
    }
    let amount = value(&form.pairs, "amount_usd");
    order.extend(amount.map(|amount| ("amount_usd".to_owned(), figure(amount))));
    let path = format!("/v1/accounts/{}/postings", part(&id));
    match sitting.send(Method::POST, &path, &Value::Object(order)).await {
        Ok(_) => see(&format!("{}?done=1", path_of(&id))),
        Err(problem) => {
            let page = page_of(&sitting, &id, Some(&problem.message), None, &form.pairs).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// What of an account can be set, as the API takes it; with `clears`, what is empty is `null`.
fn terms(pairs: &[(String, String)], clears: bool) -> Map<String, Value> {
    let mut order = Map::new();
    let billing = value(pairs, "billing_type");
    order.extend(billing.map(|billing| ("billing_type".to_owned(), json!(billing))));
    for name in ["credit_limit_usd", "log_retention_days", "media_ttl_s", "media_bytes"] {
        let is_of_prepaid = name == "credit_limit_usd" && billing == Some("prepaid");
        match value(pairs, name) {
            Some(text) => {
                order.insert(name.to_owned(), figure(text));
            }
            // A prepaid account has no such limit to be cleared.
            None if clears && !is_of_prepaid => {
                order.insert(name.to_owned(), Value::Null);
            }
            None => {}
        }
    }
    let keeps = value(pairs, "stores_payloads").is_some();
    order.insert("stores_payloads".to_owned(), json!(keeps));
    order
}
