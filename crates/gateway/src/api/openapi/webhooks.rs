//! Webhooks, described.

use serde_json::{Value, json};

use super::answers::{Has, answer};
use super::reference;
use crate::db::webhooks::WebhookState;
use crate::secrets::{OVERLAP_S_MAX, WEBHOOK_OVERLAP_S};
use crate::webhooks::{COMPLETED, FAILED, RETRY_AFTER, TIMEOUT};

/// Their paths.
pub(super) fn paths() -> Value {
    json!({
        "/v1/webhooks/secret": { "get": { "operationId": "webhookSecret", "summary": "The secret by which the account's webhooks are known, as the libraries of Standard Webhooks take it.",
            "description": "For keys with the scope generate.", "responses": answer("The secret.", "WebhookSecret", &[]) },
            "post": { "operationId": "rotateWebhookSecret", "summary": "Sign an account's webhooks with another secret, and with the former one beside it for a while.",
            "description": "For keys with the scope admin. Every message then has a signature by each secret that counts, so that receivers may change to the new one at any time before the former ends.",
            "requestBody": { "required": true, "content": { "application/json": { "schema": reference("WebhookSecretOrder") } } },
            "responses": answer("The secrets.", "WebhookSecret", &[Has::Body, Has::State]) } },
        "/v1/links/secret": { "get": { "operationId": "linkSecret", "summary": "Until when former secrets of links to images count.",
            "description": "For keys with the scope admin. The secrets are not shown.", "responses": answer("What counts.", "LinkSecret", &[]) },
            "post": { "operationId": "rotateLinkSecret", "summary": "Sign links to images with another secret.",
            "description": "For keys with the scope admin. Links that exist work until they end, unless overlap_s ends them sooner.",
            "requestBody": { "required": true, "content": { "application/json": { "schema": reference("LinkSecretOrder") } } },
            "responses": answer("What counts.", "LinkSecret", &[Has::Body, Has::State]) } },
    })
}

fn overlap(description: &str) -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0, "maximum": OVERLAP_S_MAX, "description": description })
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
        "WebhookSecret": { "type": "object", "required": ["key", "former"], "properties": {
            "key": { "type": "string", "description": "whsec_ and the base64 text of the bytes that sign." },
            "former": { "type": "array", "description": "Secrets that sign beside it until they end.", "items": { "type": "object", "required": ["key", "ends_at"], "properties": {
                "key": { "type": "string" }, "ends_at": { "type": "string", "format": "date-time" } } } } } },
        "WebhookSecretOrder": { "type": "object", "additionalProperties": false, "properties": {
            "account_id": { "type": ["string", "null"], "description": "The account; that of the calling key when absent." },
            "overlap_s": overlap(&format!("How long the former secret signs beside the new one, in seconds; {WEBHOOK_OVERLAP_S} when absent. 0 ends all former ones at once.")) } },
        "LinkSecret": { "type": "object", "required": ["object", "former"], "properties": { "object": { "const": "links.secret" },
            "former": { "type": "array", "items": { "type": "object", "required": ["ends_at"], "properties": { "ends_at": { "type": "string", "format": "date-time" } } } } } },
        "LinkSecretOrder": { "type": "object", "additionalProperties": false, "properties": {
            "overlap_s": overlap("How long links that the former secret signed work on, in seconds; until the last of them has ended when absent. 0 ends all of them at once.") } },
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
            "v1, and the base64 text of the HMAC-SHA256 of id.timestamp.body; several with a space between them while several secrets count.",
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
