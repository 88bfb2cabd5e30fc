//! Webhooks, described.

use serde_json::{Value, json};

use super::answers::answer;
use super::reference;
use crate::db::webhooks::WebhookState;
use crate::webhooks::{COMPLETED, FAILED, RETRY_AFTER, TIMEOUT};

/// Their paths.
pub(super) fn paths() -> Value {
    json!({
        "/v1/webhooks/secret": { "get": { "operationId": "webhookSecret", "summary": "The secret by which the account's webhooks are known, as the libraries of Standard Webhooks take it.",
            "description": "For keys with the scope generate.", "responses": answer("The secret.", "WebhookSecret", &[]) } },
    })
}

/// Their schemas.
pub(super) fn schemas() -> Value {
    json!({
        "AcceptedRequest": { "type": "object", "required": ["id", "object", "status", "url"], "properties": {
            "id": { "type": "string" }, "object": { "const": "request" }, "status": { "const": "processing" },
            "url": { "type": "string", "description": "Path of the request, which tells its end." } } },
        "WebhookEvent": { "type": "object", "required": ["type", "timestamp", "data"], "properties": {
            "type": { "enum": [COMPLETED, FAILED] }, "timestamp": { "type": "string", "format": "date-time", "description": "When the generation ended." },
            "data": reference("Request") } },
        "WebhookSecret": { "type": "object", "required": ["key"], "properties": {
            "key": { "type": "string", "description": "whsec_ and the base64 text of the bytes that sign." } } },
        "Webhook": { "type": "object", "description": "Where the webhook stands, for requests that have one.", "required": ["state", "tries", "last_status", "last_error"], "properties": {
            "state": { "enum": WebhookState::ALL.map(WebhookState::as_str), "description": "Pending until the receiver has taken it; failed after the last try." },
            "tries": { "type": "integer", "maximum": RETRY_AFTER.len() + 1 },
            "last_status": { "type": ["integer", "null"], "description": "What the receiver answered the last try with." },
            "last_error": { "type": ["string", "null"], "description": "Why it did not answer." } } },
    })
}

/// What is sent to receivers.
pub(super) fn sent() -> Value {
    let header = |name: &str, description: &str| json!({ "name": name, "in": "header", "required": true, "schema": { "type": "string" }, "description": description });
    let headers = [
        header("webhook-id", "msg_ and the request's id: the same with every try."),
        header("webhook-timestamp", "Unix time of the try in seconds."),
        header(
            "webhook-signature",
            "v1, and the base64 text of the HMAC-SHA256 of id.timestamp.body.",
        ),
    ];
    let waits = RETRY_AFTER.map(|wait| wait.as_secs().to_string()).join(", ");
    let taken = format!(
        "Taken. After any other answer, or none in {} seconds, it is sent again after waits of {waits} seconds.",
        TIMEOUT.as_secs()
    );
    json!({ "requestEnded": { "post": { "operationId": "requestEnded", "summary": "A request with a webhook_url has ended.", "security": [], "parameters": headers,
        "requestBody": { "required": true, "content": { "application/json": { "schema": reference("WebhookEvent") } } },
        "responses": { "2XX": { "description": taken } } } } })
}
