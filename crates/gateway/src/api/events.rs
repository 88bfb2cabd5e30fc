//! `stream: true`: the answer as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use planner::usage::Usage;
use providers::Node;
use serde_json::Value;
use tokio::sync::oneshot::Receiver;
use tokio::time::timeout;

use super::answer::{format, size, usage_json};
use crate::generation::{Generated, Order};
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Proxies cut connections that are silent for 30 seconds and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Outcome = (Order, Result<Generated, GenerationError>);

/// The stream: comments while the generation runs, then an event for each image, or an `error` event.
pub(super) fn answer(endpoint: &'static str, receiver: Receiver<Outcome>) -> Response {
    let waiting = stream::unfold(Some(receiver), move |state| async move {
        let mut receiver = state?;
        match timeout(KEEP_ALIVE, &mut receiver).await {
            Err(_) => Some((stream::iter([piece(": waiting\n\n")]).boxed(), Some(receiver))),
            Ok(Ok((_, Ok(generated)))) => Some((completed(endpoint, &generated).boxed(), None)),
            Ok(Ok((_, Err(error)))) => Some((failed(&Problem::of_generation(&error)).boxed(), None)),
            Ok(Err(_)) => Some((failed(&Problem::lost()).boxed(), None)),
        }
    });
    let body = Body::from_stream(stream::iter([piece(": accepted\n\n")]).chain(waiting.flatten()));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would hold events back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn piece(text: impl Into<Bytes>) -> Result<Bytes, std::io::Error> {
    Ok(text.into())
}

fn failed(problem: &Problem) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    stream::iter([piece(format!("event: error\ndata: {}\n\n", problem.body()))])
}

/// One `completed` event for each image.
fn completed(endpoint: &str, generated: &Generated) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    let kind = if endpoint.ends_with("edits") {
        "image_edit.completed"
    } else {
        "image_generation.completed"
    };
    let text = |value: &str| Node::Json(Value::from(value));
    let events: Vec<_> = generated
        .images
        .iter()
        .enumerate()
        .map(|(index, delivered)| {
            let mut fields = vec![
                ("type".to_owned(), text(kind)),
                ("b64_json".to_owned(), Node::Base64(delivered.image.blob.clone())),
                (
                    "created_at".to_owned(),
                    Node::Json(Value::from(generated.created_at.as_second())),
                ),
                ("size".to_owned(), text(&size(delivered))),
                ("output_format".to_owned(), text(&format(delivered))),
                (
                    "background".to_owned(),
                    text(if delivered.image.info.has_alpha {
                        "transparent"
                    } else {
                        "opaque"
                    }),
                ),
                (
                    "quality".to_owned(),
                    text(generated.quality.as_deref().unwrap_or("auto")),
                ),
            ];
            if let Some(usage) = &generated.usage {
                // The whole call's usage stands on the first event, so that the sum over events is right.
                let usage = if index == 0 { *usage } else { Usage::default() };
                fields.push(("usage".to_owned(), Node::Json(usage_json(&usage))));
            }
            providers::Body::json(&Node::Object(fields))
        })
        .collect();
    let head = Bytes::from(format!("event: {kind}\ndata: "));
    stream::iter(events).flat_map(move |event| {
        let start = stream::iter([piece(head.clone())]);
        start.chain(event.stream()).chain(stream::iter([piece("\n\n")]))
    })
}
