//! The answer as server-sent events: a finished picture each, then the usage, then `[DONE]`.

use super::ask::Ask;
use super::job::{Picture, Told};
use crate::faults::BodyFault;
use crate::segments::Segment;
use crate::sse::{self, Event};
use crate::work::Work;
use axum::response::Response;
use serde_json::{Value, json};

const SUCCEEDED: &str = "image_generation.partial_succeeded";
const FAILED: &str = "image_generation.partial_failed";
const COMPLETED: &str = "image_generation.completed";

/// The events of all pictures.
pub(super) fn answer(work: &Work<Ask>, told: Told) -> Response {
    let (model, created) = (work.ask.model.id, told.created);
    let mut events: Vec<Event> = Vec::with_capacity(told.pictures.len() + 2);
    for (index, picture) in told.pictures.into_iter().enumerate() {
        let mut rest = json!({"model": model, "created": created, "image_index": index});
        events.push(match picture {
            Ok(Picture::Bytes(bytes)) => {
                rest["size"] = json!(told.size);
                sse::image_event(SUCCEEDED, bytes, &rest)
            }
            Ok(Picture::Link(url)) => {
                rest["size"] = json!(told.size);
                rest["url"] = json!(url);
                event(SUCCEEDED, rest)
            }
            Err(refused) => {
                rest["error"] = super::errors::item(&refused, &work.id);
                event(FAILED, rest)
            }
        });
    }
    let usage = json!({"model": model, "created": created, "usage": told.usage});
    events.push(event(COMPLETED, usage));
    events.push(vec![Segment::Text("data: [DONE]\n\n".to_owned())]);
    // A stream without a picture still ends as usual.
    let fault = work.faults.body.filter(|fault| *fault != BodyFault::Empty);
    sse::answer(&events, COMPLETED, fault)
}

fn event(kind: &str, mut data: Value) -> Event {
    data["type"] = json!(kind);
    vec![Segment::Text(format!("event: {kind}\ndata: {data}\n\n"))]
}
