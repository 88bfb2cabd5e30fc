//! Server-sent events in the shape of OpenAI's image streams.

use crate::faults::BodyFault;
use crate::pictures::Drawn;
use crate::segments::{self, Segment};
use crate::wire;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::Duration;

/// One event, in the pieces it is sent in.
pub(crate) type Event = Vec<Segment>;

/// An event with an image in `b64_json` and the fields of `rest`, a non-empty object, after it.
pub(crate) fn image_event(kind: &str, image: Bytes, rest: &Value) -> Event {
    let head = format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"b64_json\":\"");
    let tail = format!("\",{}\n\n", &rest.to_string()[1..]);
    vec![Segment::Text(head), Segment::Base64(image), Segment::Text(tail)]
}

/// The event that ends a stream that failed; `error` is the error object.
pub(crate) fn error_event(error: &Value) -> Event {
    let data = json!({"type": "error", "error": error});
    vec![Segment::Text(format!("event: error\ndata: {data}\n\n"))]
}

/// A stream of pictures, one after the other: its partial ones, then itself.
pub(crate) struct Stream<'a> {
    /// `image_generation` or `image_edit`.
    pub(crate) prefix: &'a str,
    /// What every event tells.
    pub(crate) told: Value,
    /// After each partial picture.
    pub(crate) pause: Duration,
    /// What ends it after the first one's partial pictures.
    pub(crate) error: Option<Value>,
    pub(crate) fault: Option<BodyFault>,
}

impl Stream<'_> {
    /// The answer; `usage` is told with the picture of an index, where it has one.
    pub(crate) fn answer(&self, pictures: &[Drawn], usage: impl Fn(usize) -> Option<Value>) -> Response {
        let last_kind = format!("{}.completed", self.prefix);
        let mut events = Vec::new();
        for (index, picture) in pictures.iter().enumerate() {
            for (step, partial) in picture.partials.iter().enumerate() {
                let mut told = self.told.clone();
                told["partial_image_index"] = json!(step);
                let mut event = image_event(&format!("{}.partial_image", self.prefix), partial.clone(), &told);
                event.push(Segment::Pause(self.pause));
                events.push(event);
            }
            if let Some(error) = &self.error {
                events.push(error_event(error));
                break;
            }
            let mut told = self.told.clone();
            if let Some(usage) = usage(index) {
                told["usage"] = usage;
            }
            events.push(image_event(&last_kind, picture.bytes.clone(), &told));
        }
        answer(&events, &last_kind, self.fault)
    }
}

/// The answer of these events; `last_kind` names the event that garbage pretends to be.
pub(crate) fn answer(events: &[Event], last_kind: &str, fault: Option<BodyFault>) -> Response {
    let body = match fault {
        None => segments::body(events.concat()),
        Some(BodyFault::Empty) => Body::empty(),
        Some(BodyFault::Garbage) => {
            let mut bytes = format!("event: {last_kind}\ndata: ").into_bytes();
            bytes.extend_from_slice(wire::GARBAGE);
            bytes.extend_from_slice(b"\n\n");
            Body::from(bytes)
        }
        Some(BodyFault::Cut) => broken(events, true),
        Some(BodyFault::Stall) => broken(events, false),
    };
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

/// The first event and half of the second, or half of the only one; then a broken or a silent connection.
fn broken(events: &[Event], then_break: bool) -> Body {
    let sizes_bytes: Vec<usize> = events.iter().map(|event| segments::size_bytes(event)).collect();
    let keep_bytes = match sizes_bytes.as_slice() {
        [] => 0,
        [only] => only / 2,
        [first, second, ..] => first + second / 2,
    };
    let whole = segments::body(events.concat());
    let head = async move {
        let bytes = match whole.collect().await {
            Ok(whole) => whole.to_bytes(),
            Err(_) => Bytes::new(),
        };
        bytes.slice(..keep_bytes.min(bytes.len()))
    };
    wire::broken_body_of(head, then_break)
}
