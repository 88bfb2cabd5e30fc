//! A prediction's events as a stream: its pictures when they are there, then the end.

use super::Replicate;
use super::errors;
use super::prediction::{Prediction, Status};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;

/// `GET /streams/{id}`. The link is secret enough: clients ask for it without their token.
pub(super) async fn stream(State(replicate): State<Arc<Replicate>>, Path(id): Path<String>) -> Response {
    let Some(prediction) = replicate.jobs.get(&id) else {
        return errors::not_found().into_response();
    };
    let events = stream::once(async move {
        prediction.ended().await;
        Ok::<_, Infallible>(Bytes::from(events(&prediction)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// All events of a prediction that has ended.
fn events(prediction: &Prediction) -> String {
    let progress = prediction.progress();
    let mut text = String::new();
    let mut event = |name: &str, data: &str| {
        let number = text.matches("\n\n").count();
        text.push_str(&format!("event: {name}\nid: {number}:0\ndata: {data}\n\n"));
    };
    for link in progress.output.iter().flatten() {
        event("output", link);
    }
    if let Some(error) = &progress.error {
        event("error", error);
    }
    match progress.status {
        Status::Canceled | Status::Aborted => {
            event("done", &json!({"reason": "canceled"}).to_string());
        }
        Status::Failed => event("done", &json!({"reason": "error"}).to_string()),
        _ => event("done", "{}"),
    }
    text
}
