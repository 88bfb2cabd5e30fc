//! `GET /v1/balance`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::caller::Caller;
use super::respond;
use crate::auth::Scope;

/// The account's balance. Accounts are postpaid: there is no amount.
pub(super) async fn handle(caller: Caller) -> Response {
    if let Err(problem) = caller.require(Scope::Read) {
        return problem.into_response();
    }
    let body =
        json!({ "object": "balance", "billing_type": "postpaid", "available": { "amount": null, "currency": "usd" } });
    respond::json(StatusCode::OK, &body)
}
