//! Models that the tables lack: outside of tests each is served by a model like it, so that it can be tried at once, and the
//! answer says so.
//!
//! A stand-in takes what its kind takes; fields that it does not take are left out and named in the answer, too.

use crate::core::Core;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Stand-ins are kept for good, so one table has at most so many; further models are refused.
const MAX_STAND_INS: usize = 1_000;
/// The longest id of a model that is taken.
const MAX_ID_BYTES: usize = 200;
/// Fields of a body that are looked at one by one; the rest of a larger one is left as it is.
const MAX_FIELDS: usize = 100;
/// Longer texts are what a call is about, and never left out.
const LONG_TEXT_BYTES: usize = 256;
/// What the name of a text or list that a call is about holds.
const NEEDED: [&str; 7] = ["prompt", "model", "task", "message", "content", "instance", "modalit"];
/// Names a model that the tables lack.
const UNKNOWN_MODEL: HeaderName = HeaderName::from_static("x-sandbox-unknown-model");
/// Names the fields that its stand-in did not take.
const IGNORED_FIELDS: HeaderName = HeaderName::from_static("x-sandbox-ignored-fields");

tokio::task_local! {
    static CALL: RefCell<Seen>;
}

/// What a running call has to do with strangers.
#[derive(Default)]
struct Seen {
    are_served: bool,
    model: Option<String>,
    ignored: Vec<String>,
}

/// Runs a call; its answer names the model if the tables lack it.
pub(crate) async fn watch(core: &Core, call: impl Future<Output = Response>) -> Response {
    let seen = Seen {
        are_served: !core.is_strict,
        ..Seen::default()
    };
    let work = async {
        let response = call.await;
        (response, CALL.with(RefCell::take))
    };
    let (mut response, seen) = CALL.scope(RefCell::new(seen), work).await;
    let told = [
        (UNKNOWN_MODEL, seen.model),
        (IGNORED_FIELDS, Some(seen.ignored.join(", "))),
    ];
    for (name, text) in told {
        let text = text.filter(|text| !text.is_empty());
        if let Some(Ok(value)) = text.as_deref().map(HeaderValue::from_str) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The stand-ins of one table of models.
pub(crate) struct Strangers<M: 'static>(Mutex<BTreeMap<String, &'static M>>);

impl<M> Strangers<M> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// What stands in for the model of this id, made at its first call; None where strangers are refused.
    pub(crate) fn serve(&self, id: &str, stand_in: impl FnOnce(&'static str) -> M) -> Option<&'static M> {
        let are_served = CALL.try_with(|call| call.borrow().are_served) == Ok(true);
        if !are_served || id.is_empty() || id.len() > MAX_ID_BYTES {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(id).copied();
        let model = match found {
            Some(model) => model,
            None if known.len() == MAX_STAND_INS => return None,
            None => {
                let model: &'static M = Box::leak(Box::new(stand_in(String::leak(id.to_owned()))));
                known.insert(id.to_owned(), model);
                model
            }
        };
        CALL.try_with(|call| call.borrow_mut().model = Some(id.to_owned())).ok();
        Some(model)
    }
}

/// Whether the running call's model is one that the tables lack.
pub(crate) fn is_served() -> bool {
    CALL.try_with(|call| call.borrow().model.is_some()) == Ok(true)
}

/// The body of a call without what a stand-in does not take; of a model in the tables, the body as it is.
pub(crate) fn fit(body: Map<String, Value>, takes: impl Fn(&Map<String, Value>) -> bool) -> Map<String, Value> {
    if takes(&body) || !is_served() {
        return body;
    }
    let mut fields = Vec::new();
    spare(&body, &mut Vec::new(), &mut fields);
    fields.truncate(MAX_FIELDS);
    // Most often it is one.
    for field in &fields {
        let rest = without(&body, std::slice::from_ref(field));
        if takes(&rest) {
            ignore(std::slice::from_ref(field));
            return rest;
        }
    }
    let mut kept = without(&body, &fields);
    if !takes(&kept) {
        // What is wrong is no matter of the model, and is to be told.
        return body;
    }
    let mut left_out: Vec<Field> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let tried: Vec<Field> = left_out.iter().chain(&fields[index + 1..]).cloned().collect();
        let more = without(&body, &tried);
        if takes(&more) {
            kept = more;
        } else {
            left_out.push(field.clone());
        }
    }
    ignore(&left_out);
    kept
}

/// The places of one field, or of a width and its height.
type Field = Vec<Vec<String>>;

/// The fields of a body that it could do without.
fn spare(body: &Map<String, Value>, at: &mut Vec<String>, found: &mut Vec<Field>) {
    let mut size = Vec::new();
    for (name, value) in body {
        at.push(name.clone());
        match value {
            Value::Object(inner) if !inner.is_empty() => spare(inner, at, found),
            value if is_needed(name, value) => {}
            _ if matches!(name.as_str(), "width" | "height") => size.push(at.clone()),
            _ => found.push(vec![at.clone()]),
        }
        at.pop();
    }
    if !size.is_empty() {
        found.push(size);
    }
}

/// Whether this is what a call is about: words, images, or the model.
fn is_needed(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    let named = (value.is_string() || value.is_array()) && NEEDED.iter().any(|word| name.contains(word));
    named || has_link(value)
}

fn has_link(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let is_link = ["http://", "https://", "data:"]
                .iter()
                .any(|scheme| text.starts_with(scheme));
            is_link || text.len() > LONG_TEXT_BYTES
        }
        Value::Array(items) => items.iter().any(has_link),
        Value::Object(fields) => fields.values().any(has_link),
        _ => false,
    }
}

fn without(body: &Map<String, Value>, fields: &[Field]) -> Map<String, Value> {
    let mut body = body.clone();
    for place in fields.iter().flatten() {
        let Some((name, parents)) = place.split_last() else {
            continue;
        };
        let inner = parents
            .iter()
            .try_fold(&mut body, |body, parent| body.get_mut(parent)?.as_object_mut());
        if let Some(inner) = inner {
            inner.remove(name);
        }
    }
    body
}

fn ignore(fields: &[Field]) {
    let names = fields.iter().flatten().map(|place| place.join("."));
    CALL.try_with(|call| call.borrow_mut().ignored.extend(names)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use serde_json::json;

    static TABLE: Strangers<&'static str> = Strangers::new();

    /// What is left of a body for a stand-in that takes only these numbers, and the headers of the answer.
    async fn called(strict: bool, body: Value, takes: fn(&Map<String, Value>) -> bool) -> (Option<Value>, Vec<String>) {
        let mut core = Core::new("http://127.0.0.1:9".to_owned(), None, false);
        core.is_strict = strict;
        let mut left = None;
        let answer = watch(&core, async {
            left = TABLE.serve("new-model", |id| id).map(|_| {
                let body = body.as_object().cloned().expect("an object");
                Value::Object(fit(body, takes))
            });
            ().into_response()
        });
        let answer = answer.await;
        let header = |name: &HeaderName| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let headers = [UNKNOWN_MODEL, IGNORED_FIELDS].iter().filter_map(header).collect();
        (left, headers)
    }

    #[tokio::test]
    async fn strangers_are_served_and_named_unless_it_is_strict() {
        let (left, headers) = called(false, json!({"prompt": "x"}), |_| true).await;
        assert_eq!(
            (left, headers),
            (Some(json!({"prompt": "x"})), vec!["new-model".to_owned()])
        );
        let (left, headers) = called(true, json!({"prompt": "x"}), |_| true).await;
        assert_eq!((left, headers), (None, Vec::new()));
    }

    #[tokio::test]
    async fn what_a_stand_in_does_not_take_is_left_out() {
        let takes = |body: &Map<String, Value>| {
            let has_edge = |name: &str| body.get("size").is_some_and(|size| size.get(name).is_some());
            let whole = has_edge("width") == has_edge("height");
            body.contains_key("prompt")
                && body.get("seed").is_none_or(Value::is_i64)
                && whole
                && body.get("mood").is_none()
        };
        let body = json!({"prompt": "x", "seed": 7, "mood": 3, "size": {"width": 9, "height": 9}});
        let (left, headers) = called(false, body, takes).await;
        let expected = json!({"prompt": "x", "seed": 7, "size": {"width": 9, "height": 9}});
        assert_eq!((left, headers[1].as_str()), (Some(expected), "mood"));
        let body = json!({"prompt": "x", "seed": "y", "mood": 3, "size": {"width": 9}});
        let (left, headers) = called(false, body, takes).await;
        assert_eq!(left, Some(json!({"prompt": "x", "size": {}})));
        assert_eq!(headers[1], "seed, mood, size.width");
        let body = json!({"seed": "y", "size": {}});
        let (left, headers) = called(false, body.clone(), takes).await;
        assert_eq!((left, headers.len()), (Some(body), 1), "other mistakes are told");
    }
}
