//! The request log and what was spent, described.

use serde_json::{Value, json};

use super::answers::{Has, answer};
use super::{on_or_off, reference};
use crate::api::requests::SEARCH_CHARS_MAX;
use crate::db::generations::{Filter, Grouping, Status, TOOK_OF_MAX};
use crate::erasure::USER_CHARS_MAX;
use crate::generation::stages::Stage;

fn parameter(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "description": description })
}

fn moment(name: &str, meaning: &str) -> Value {
    let kinds = json!({ "type": "string", "format": "date-time" });
    parameter(
        name,
        kinds,
        &format!("{meaning} A day such as 2026-01-31 is all of that day in UTC."),
    )
}

fn account() -> Value {
    let description = "Another account than the key's own, or * for all of them: for keys with the scope admin.";
    parameter("account_id", json!({ "type": "string" }), description)
}

fn filters() -> Vec<Value> {
    let named = Filter::COLUMNS.map(|(name, _)| match name {
        "status" => parameter(
            name,
            json!({ "type": "string", "enum": Status::ALL.map(Status::as_str) }),
            "Where requests stand.",
        ),
        "model" => parameter(name, json!({ "type": "string" }), "A model's id or alias."),
        "provider" => parameter(name, json!({ "type": "string" }), "The provider of the first image."),
        _ => parameter(name, json!({ "type": "string" }), "The value of this field."),
    });
    let mut all = vec![
        parameter(
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            "Requests of a page; of a file, all when absent and without a maximum.",
        ),
        parameter(
            "starting_after",
            json!({ "type": "string" }),
            "The id before the first request. Excludes ending_before.",
        ),
        parameter(
            "ending_before",
            json!({ "type": "string" }),
            "The id after the last request of the page.",
        ),
        moment("created_after", "At or after this time."),
        moment("created_before", "At or before this time."),
        parameter(
            "summary",
            on_or_off(),
            "Adds the number and the cost of all requests that fit, whatever the page, by day too.",
        ),
        parameter(
            "q",
            json!({ "type": "string", "maxLength": SEARCH_CHARS_MAX }),
            "What is looked for: the beginning of an id, of your own id, of a session or user; a whole idempotency key, trace, model, provider, error code or key's id; or words of the prompt, all of them, where the account keeps it.",
        ),
        parameter(
            "attempts",
            on_or_off(),
            "Adds each request's account, provider, estimate and attempts in short.",
        ),
        parameter(
            "format",
            json!({ "type": "string", "enum": ["json", "csv", "ndjson"] }),
            "csv and ndjson answer with all requests that fit as a file; so do the types text/csv and application/x-ndjson in the header accept.",
        ),
        account(),
    ];
    all.extend(named);
    all
}

/// Their paths.
pub(super) fn paths() -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let mut list = answer("A page of requests, or all of them as a file.", "RequestList", &[]);
    list["200"]["content"]["text/csv"] = json!({ "schema": { "type": "string" } });
    list["200"]["content"]["application/x-ndjson"] = json!({ "schema": { "type": "string" } });
    let words = Grouping::ALL.map(Grouping::as_str);
    let group_by = json!({ "name": "group_by", "in": "query", "style": "form", "explode": false,
        "schema": { "type": "array", "uniqueItems": true, "items": { "type": "string", "enum": words }, "default": ["day"] },
        "description": "What the requests of a row have in common, separated by commas." });
    let usage = [
        group_by,
        moment("created_after", "At or after this time."),
        moment("created_before", "At or before this time."),
        parameter("key_id", json!({ "type": "string" }), "By this API key only."),
        account(),
    ];
    json!({
        "/v1/requests": { "get": { "operationId": "listRequests", "summary": "Past requests, newest first.", "parameters": filters(), "responses": list } },
        "/v1/requests/{id}": { "get": { "operationId": "retrieveRequest", "summary": "One request, by its id, by the caller's own x-request-id or by its Idempotency-Key.",
            "parameters": [id, account()], "responses": answer("The request.", "Request", &[Has::Name]) } },
        "/v1/requests/{id}/payloads": { "delete": { "operationId": "purgeRequest",
            "summary": "Forget what a request asked and got, images included. What it cost and how it went stays.",
            "description": "For the API key that made the request, whatever its scopes, and for keys with the scope admin. Links to the images end at once. May be repeated.",
            "parameters": [id, account()], "responses": answer("It is forgotten.", "PurgedRequest", &[Has::Name, Has::State]) } },
        "/v1/erasures": { "post": { "operationId": "eraseUser", "summary": "Forget an end user: what its requests asked and got, their images, pictures on show, and its votes.",
            "description": "For keys with the scope admin. What requests cost and how they went stays, without the user. Requests under way are left and counted: send the same once more when they have ended. The audit tells of it without the name.",
            "requestBody": { "required": true, "content": { "application/json": { "schema": reference("ErasureOrder") } } },
            "responses": answer("What was forgotten.", "Erasure", &[Has::Body]) } },
        "/v1/usage": { "get": { "operationId": "usage", "summary": "What was spent, as far back as the request log reaches.",
            "parameters": usage, "responses": answer("The spending.", "Usage", &[]) } },
    })
}

fn nullable(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

/// Their schemas.
pub(super) fn schemas() -> Value {
    let dollars = json!({ "type": ["number", "null"], "description": "US dollars." });
    let micros = json!({ "type": "integer", "description": "Millionths of a US dollar." });
    let list = |element: &str| json!({ "type": "array", "items": { "type": "object", "description": element } });
    let properties = json!({
        "id": { "type": "string" }, "object": { "const": "request" }, "created_at": { "type": "string", "format": "date-time" },
        "model": { "type": "string" }, "modality": { "const": "image" }, "endpoint": { "type": "string" },
        "status": { "type": "string", "enum": Status::ALL.map(Status::as_str) },
        "cost": dollars, "currency": { "const": "usd" }, "duration_ms": nullable("integer"), "key_id": { "type": "string" },
        "error_code": nullable("string"), "error_message": nullable("string"), "session_id": nullable("string"), "trace_id": nullable("string"),
        "user": nullable("string"), "request_size_bytes": { "type": "integer" }, "response_size_bytes": nullable("integer"),
        "client_request_id": nullable("string"), "idempotency_key": nullable("string"),
        "provider": { "type": ["string", "null"], "description": "The provider of the first image. This and what follows: not in lists." },
        "estimate": dollars, "cost_basis": nullable("string"), "cost_components": list("A line of the charge."),
        "markup": { "type": "number", "description": "Of the cost, the operator's part, where there is one." },
        "adjustments": list("A parameter whose value was changed."), "attempts": list("A call to a provider: how it ended, whether it was spent, the provider's status, and what its failure says. For keys with the scope admin also the provider's own words ('excerpt'), redacted and cut."),
        "account_id": { "type": "string" },
        "timings": { "type": "array", "description": "Where the time went: Pictor's own stages and the attempts, by when they began.", "items": { "type": "object",
            "required": ["stage", "started_ms", "duration_ms"], "properties": {
                "stage": { "type": "string", "enum": Stage::ALL.map(Stage::as_str) },
                "attempt": { "type": "integer", "description": "Of an attempt, its place among them, from 0." },
                "started_ms": { "type": "number", "description": "Milliseconds since the request came in." },
                "duration_ms": { "type": "number" } } } },
        "policy": { "type": "object", "description": "For keys with the scope admin, where the operator's policy denied the request: when it did ('before' or 'after'), by what ('terms' or 'hook'), the term, the hook's reason and categories, or why there was no answer." },
        "plan": list("A candidate in its order: estimate, fit, chance to be drawn first, and why it stood there."),
        "result": reference("ImagesResponse"),
        "payloads": { "type": "object", "description": "What was asked and answered, for accounts that keep it.", "properties": {
            "request": { "type": "object" }, "response": { "type": ["object", "null"] } } },
        "payloads_purged_at": { "type": "string", "format": "date-time" },
        "webhook": reference("Webhook")
    });
    json!({
        "Request": { "type": "object", "required": ["id", "object", "created_at", "model", "modality", "endpoint", "status", "cost", "currency", "key_id"], "properties": properties },
        "RequestList": { "type": "object", "required": ["object", "data", "next_page_url", "previous_page_url"], "properties": {
            "object": { "const": "list" }, "data": { "type": "array", "items": reference("Request") },
            "next_page_url": nullable("string"), "previous_page_url": nullable("string"),
            "summary": { "type": "object", "properties": { "count": { "type": "integer" }, "completed": { "type": "integer" },
                "failed": { "type": "integer", "description": "Those that ended without an image." }, "total_cost": dollars, "total_cost_micros": micros, "currency": { "const": "usd" },
                "took": { "type": ["object", "null"], "description": "How long those that delivered took: the median, and what one in twenty exceeds.", "properties": {
                    "p50_ms": { "type": "integer" }, "p95_ms": { "type": "integer" },
                    "of": { "type": "integer", "maximum": TOOK_OF_MAX, "description": "Of how many: the latest." } } },
                "days": { "type": "array", "description": "The same by day in UTC, the earliest first; only days with requests.", "items": { "type": "object", "properties": {
                    "day": { "type": "string", "format": "date" }, "requests": { "type": "integer" }, "completed": { "type": "integer" }, "failed": { "type": "integer" }, "cost_micros": micros } } } } } } },
        "PurgedRequest": { "type": "object", "required": ["id", "object", "purged", "already_purged", "media_deleted"], "properties": {
            "id": { "type": "string" }, "object": { "const": "request.payloads" }, "purged": { "const": true },
            "already_purged": { "type": "boolean" }, "media_deleted": { "type": "integer" } } },
        "ErasureOrder": { "type": "object", "required": ["user"], "additionalProperties": false, "properties": {
            "user": { "type": "string", "minLength": 1, "maxLength": USER_CHARS_MAX, "description": "As requests name it in user." },
            "account_id": { "type": ["string", "null"], "description": "The account whose requests are meant; that of the calling key when absent, * for all of them." } } },
        "Erasure": { "type": "object", "required": ["object", "requests", "media_deleted", "exhibits_taken_down", "votes_deleted", "under_way"], "properties": {
            "object": { "const": "erasure" }, "requests": { "type": "integer" }, "media_deleted": { "type": "integer" },
            "exhibits_taken_down": { "type": "integer" }, "votes_deleted": { "type": "integer" },
            "under_way": { "type": "integer", "description": "Requests that have not ended, and were left." } } },
        "Usage": { "type": "object", "required": ["object", "group_by", "currency", "data", "totals", "truncated"], "properties": {
            "object": { "const": "usage" }, "group_by": { "type": "array", "items": { "type": "string" } }, "currency": { "const": "usd" },
            "created_after": nullable("string"), "created_before": nullable("string"),
            "data": { "type": "array", "description": "The latest day first, in it the highest cost.", "items": { "type": "object", "required": ["requests", "completed", "cost", "cost_micros"], "properties": {
                "day": { "type": "string", "format": "date" }, "model": { "type": "string" }, "provider": nullable("string"), "key_id": { "type": "string" }, "user": nullable("string"),
                "requests": { "type": "integer" }, "completed": { "type": "integer" }, "cost": { "type": "number" }, "cost_micros": micros } } },
            "totals": { "type": "object", "description": "Of all requests that fit, whether or not their group is told." },
            "truncated": { "type": "boolean", "description": "Whether there are more groups than are told." } } },
    })
}
