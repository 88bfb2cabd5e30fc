//! The answer as server-sent events: a finished picture each, then the usage, then `[DONE]`.

use super::job::{Job, Made, Picture};
use crate::faults::BodyFault;
use crate::segments::Segment;
use crate::sse::{self, Event};
use axum::response::Response;
use serde_json::{Value, json};

const SUCCEEDED: &str = "image_generation.partial_succeeded";
const FAILED: &str = "image_generation.partial_failed";
const COMPLETED: &str = "image_generation.completed";

/// The events of all pictures.
pub(super) fn answer(job: &Job, made: Made, fault: Option<BodyFault>) -> Response {
    let (count, created) = (made.count(), made.created);
    let common = |index: usize| json!({"model": job.ask.model.id, "created": created, "image_index": index});
    let mut events: Vec<Event> = Vec::with_capacity(made.pictures.len() + 2);
    for (index, picture) in made.pictures.into_iter().enumerate() {
        let mut rest = common(index);
        events.push(match picture {
            Ok(Picture::Bytes(drawn)) => {
                rest["size"] = json!(job.size());
                sse::image_event(SUCCEEDED, drawn.bytes, &rest)
            }
            Ok(Picture::Link(url)) => {
                rest["size"] = json!(job.size());
                rest["url"] = json!(url);
                event(SUCCEEDED, rest)
            }
            Err(refused) => {
                rest["error"] = refused.item(&job.id);
                event(FAILED, rest)
            }
        });
    }
    let usage = json!({"model": job.ask.model.id, "created": created, "usage": job.usage(count)});
    events.push(event(COMPLETED, usage));
    events.push(vec![Segment::Text("data: [DONE]\n\n".to_owned())]);
    // A stream without a picture still ends as usual.
    sse::answer(&events, COMPLETED, fault.filter(|fault| *fault != BodyFault::Empty))
}

fn event(kind: &str, mut data: Value) -> Event {
    data["type"] = json!(kind);
    vec![Segment::Text(format!("event: {kind}\ndata: {data}\n\n"))]
}
