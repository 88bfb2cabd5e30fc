//! What operations answer, described: their success, and every refusal by its status.

use serde_json::{Map, Value, json};

use super::reference;

/// What an operation has that can go wrong, beside what goes wrong everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    /// A JSON body.
    Body,
    /// A name in its path that may be nobody's.
    Name,
    /// A state that forbids it.
    State,
    /// Work of providers, which costs money.
    Work,
}

impl Has {
    const fn statuses(self) -> &'static [u16] {
        match self {
            Self::Body => &[408, 413, 415],
            Self::Name => &[404],
            Self::State => &[409],
            Self::Work => &[402, 404, 408, 409, 410, 413, 415, 429, 502, 504],
        }
    }
}

/// What every operation with a key may answer.
const EVERYWHERE: [u16; 5] = [400, 401, 403, 500, 503];

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Something is wrong with the request; the message tells all of it.",
        401 => "The API key is missing, malformed, unknown or revoked.",
        402 => "The account's money or the key's budget is too short.",
        403 => "The API key may not do this.",
        404 => "There is no such thing.",
        408 => "The body came too slowly.",
        409 => "It contradicts what was asked before under the same id or key, or that is still under way.",
        410 => "The images of the answer are not kept any more.",
        413 => "The body is larger than allowed.",
        415 => "The body is of a type or encoding that is not taken.",
        416 => "The file has no such part.",
        429 => "The limit of the key or of the provider is reached for now.",
        500 => "Something went wrong here.",
        502 => "No provider gave an image.",
        503 => "It cannot be done at this moment, or no provider of the model has a credential here.",
        504 => "A provider took too long.",
        _ => "An error.",
    }
}

fn header(kind: &str, description: &str) -> Value {
    json!({ "schema": { "type": kind }, "description": description })
}

/// Headers of every answer.
fn common_headers() -> Value {
    json!({ "x-request-id": header("string", "Pictor's id of the request.") })
}

fn with_headers(mut answer: Value, more: &[(&str, &str, &str)]) -> Value {
    for (name, kind, description) in more {
        answer["headers"][*name] = header(kind, description);
    }
    answer
}

/// A success with a body of one schema.
pub(super) fn success(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "headers": common_headers(), "content": { "application/json": { "schema": schema } } })
}

/// A refusal.
pub(super) fn refusal(status: u16) -> Value {
    let mut answer = success(meaning(status), &reference("Error"));
    if status == 401 {
        answer = with_headers(answer, &[("www-authenticate", "string", "Bearer")]);
    }
    if matches!(status, 409 | 429 | 503) {
        answer = with_headers(
            answer,
            &[("retry-after", "integer", "Seconds after which to try again.")],
        );
    }
    let retry = (
        "x-should-retry",
        "string",
        "true or false: what an official SDK obeys. Absent where its own rule is right.",
    );
    with_headers(answer, &[retry])
}

/// The refusals of an operation with a key.
fn refusals(has: &[Has]) -> Map<String, Value> {
    let own = has.iter().flat_map(|has| has.statuses());
    let all = EVERYWHERE.iter().chain(own);
    all.map(|status| (status.to_string(), refusal(*status))).collect()
}

/// What an operation with a key answers: 200 with a schema, or a refusal.
pub(super) fn answer(description: &str, schema: &str, has: &[Has]) -> Value {
    let mut all = refusals(has);
    all.insert("200".to_owned(), success(description, &reference(schema)));
    Value::Object(all)
}

/// The same of what makes something.
pub(super) fn made(description: &str, schema: &str, has: &[Has]) -> Value {
    let mut all = refusals(has);
    all.insert("201".to_owned(), success(description, &reference(schema)));
    Value::Object(all)
}

/// What the two endpoints for images answer.
pub(super) fn images() -> Value {
    let mut all = refusals(&[Has::Work]);
    let told = [
        ("x-pictor-provider", "string", "Who served it."),
        ("x-pictor-model", "string", "The model."),
        ("x-pictor-cost", "string", "The charge in US dollars."),
        (
            "x-litellm-response-cost",
            "string",
            "The same, where a LiteLLM proxy looks for it.",
        ),
        (
            "x-pictor-response-format",
            "string",
            "How the images come, and who decided that.",
        ),
        (
            "idempotent-replayed",
            "string",
            "true: the answer of an earlier request with the same Idempotency-Key.",
        ),
        ("deprecation", "string", "RFC 9745, of an offer with a last day."),
        ("sunset", "string", "RFC 8594, of an offer with a last day."),
    ];
    let kinds = json!({ "anyOf": [reference("ImagesResponse"), reference("Estimate"), reference("Explanation")] });
    let about = "The images; with dryRun what they would cost, with explain why they would go where they would.";
    let mut done = with_headers(success(about, &kinds), &told);
    done["content"]["text/event-stream"] = json!({ "schema": { "type": "string",
        "description": "With stream: events of which the data are an ImageEvent each, or an Error." } });
    all.insert("200".to_owned(), done);
    let begun = success(
        "Begun, for callers who do not wait, or not any longer.",
        &reference("AcceptedRequest"),
    );
    let place = [
        ("location", "string", "Path of the request, which tells its end."),
        ("preference-applied", "string", "respond-async, or wait=N."),
    ];
    all.insert("202".to_owned(), with_headers(begun, &place));
    Value::Object(all)
}

/// The answers of what needs no key: its successes, and the statuses of its refusals.
pub(super) fn open<const N: usize>(successes: [(u16, Value); N], refused: &[u16]) -> Value {
    let refused = refused.iter().map(|status| (*status, refusal(*status)));
    let all = successes.into_iter().chain(refused);
    Value::Object(all.map(|(status, answer)| (status.to_string(), answer)).collect())
}
