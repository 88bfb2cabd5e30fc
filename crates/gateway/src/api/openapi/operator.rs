//! Keys, accounts and money, described.

use planner::format::Format;
use serde_json::{Value, json};

use super::answers::{Has, answer, made, success};
use super::{on_or_off, reference};
use crate::auth::Scope;
use crate::db::accounts::Billing;
use crate::db::audit::Action;
use crate::db::keys::KeyStatus;
use crate::ledger::{Book, Kind};
use crate::operator::keys::rules;
use crate::operator::{ID_CHARS_MAX, accounts, keys, postings};

fn query(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "description": description })
}

fn paging() -> [Value; 3] {
    [
        query(
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            "Elements of a page.",
        ),
        query(
            "starting_after",
            json!({ "type": "string" }),
            "The id before the first element. Excludes ending_before.",
        ),
        query(
            "ending_before",
            json!({ "type": "string" }),
            "The id after the last element.",
        ),
    ]
}

fn body(schema: &str) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": reference(schema) } } })
}

/// Their paths.
pub(super) fn paths() -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let mut of_lines = paging().to_vec();
    let actions = json!({ "type": "string", "enum": Action::ALL.map(Action::as_str) });
    of_lines.push(query("action", actions, "Only this."));
    let text = || json!({ "type": "string" });
    of_lines.push(query("account_id", text(), "Only what concerns this account."));
    of_lines.push(query("key_id", text(), "Only what was done by this API key."));
    of_lines.push(query("target", text(), "Only what was done to this."));
    let mut of_keys = paging().to_vec();
    let states = json!({ "type": "string", "enum": KeyStatus::ALL.map(KeyStatus::as_str) });
    of_keys.push(query("status", states, "Only keys in this state."));
    of_keys.push(query(
        "account_id",
        json!({ "type": "string" }),
        "Only keys of this account. Keys without the scope admin see those of their own.",
    ));
    let mut of_postings = vec![id.clone()];
    of_postings.extend(paging());
    let force = query(
        "force",
        on_or_off(),
        "Revokes even the last working key with the scope admin.",
    );
    let mut posted = made("The posting.", "Posting", &[Has::Body, Has::Name, Has::State]);
    posted["200"] = success(
        "The same id and content came before: nothing moved now.",
        &reference("Posting"),
    );
    let posting_id = json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": ID_CHARS_MAX }, "description": "The posting's id, where the body has none." });
    json!({
        "/v1/balance": { "get": { "operationId": "balance", "summary": "The account's balance.", "responses": answer("The balance.", "Balance", &[]) } },
        "/v1/keys": {
            "get": { "operationId": "listKeys", "summary": "API keys, newest first.", "parameters": of_keys, "responses": answer("A page of keys.", "KeyList", &[]) },
            "post": { "operationId": "createKey", "summary": "Make an API key. Its secret is told this once. For keys with the scope admin.", "requestBody": body("KeyOrder"), "responses": made("The key with its secret.", "NewKey", &[Has::Body, Has::Name]) } },
        "/v1/keys/{id}": {
            "get": { "operationId": "retrieveKey", "summary": "One API key.", "parameters": [id], "responses": answer("The key.", "Key", &[Has::Name]) },
            "patch": { "operationId": "changeKey", "summary": "Change an API key: what is left out stays, null clears. For keys with the scope admin.", "parameters": [id], "requestBody": body("KeyChange"), "responses": answer("The key.", "Key", &[Has::Body, Has::Name, Has::State]) },
            "delete": { "operationId": "revokeKey", "summary": "Revoke an API key for good. For keys with the scope admin.", "parameters": [id, force], "responses": answer("The key.", "Key", &[Has::Name, Has::State]) } },
        "/v1/audit": { "get": { "operationId": "audit", "summary": "What was done to sign-ins, keys, accounts, money and kept requests: by whom, from where. For keys with the scope admin.",
            "parameters": of_lines, "responses": answer("A page of lines, newest first.", "AuditList", &[]) } },
        "/v1/accounts": {
            "get": { "operationId": "listAccounts", "summary": "Accounts by id. This and what follows is for keys with the scope admin.", "parameters": paging(), "responses": answer("A page of accounts.", "AccountList", &[]) },
            "post": { "operationId": "createAccount", "summary": "Make an account.", "requestBody": body("AccountOrder"), "responses": made("The account.", "Account", &[Has::Body, Has::State]) } },
        "/v1/accounts/{id}": {
            "get": { "operationId": "retrieveAccount", "summary": "One account.", "parameters": [id], "responses": answer("The account.", "Account", &[Has::Name]) },
            "patch": { "operationId": "changeAccount", "summary": "Change an account: what is left out stays, null clears.", "parameters": [id], "requestBody": body("AccountChange"), "responses": answer("The account.", "Account", &[Has::Body, Has::Name]) } },
        "/v1/accounts/{id}/postings": {
            "get": { "operationId": "listPostings", "summary": "Movements of the account's money, newest first.", "parameters": of_postings, "responses": answer("A page of postings.", "PostingList", &[Has::Name]) },
            "post": { "operationId": "createPosting", "summary": "Pay in, correct, or give back a charge. The same id moves money once.", "parameters": [id, posting_id], "requestBody": body("PostingOrder"), "responses": posted } },
    })
}

fn list(element: &str) -> Value {
    json!({ "type": "object", "required": ["object", "data", "next_page_url", "previous_page_url"], "properties": {
        "object": { "const": "list" }, "data": { "type": "array", "items": reference(element) },
        "next_page_url": { "type": ["string", "null"] }, "previous_page_url": { "type": ["string", "null"] } } })
}

fn amounts(names: [&str; 3]) -> Value {
    let amount =
        json!({ "type": ["number", "null"], "minimum": 0, "description": "US dollars, exact to a millionth." });
    let properties = names.map(|name| (name.to_owned(), amount.clone()));
    json!({ "type": "object", "properties": serde_json::Map::from_iter(properties) })
}

/// What of a key can be set.
fn key_terms() -> Value {
    let texts = |what: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": what });
    json!({
        "name": { "type": "string", "minLength": 1, "maxLength": keys::NAME_CHARS_MAX },
        "budget": amounts(["total_usd", "day_usd", "month_usd"]),
        "rate_limit": { "type": "object", "properties": {
            "requests_per_minute": { "type": ["integer", "null"], "minimum": 1, "maximum": keys::REQUESTS_PER_MINUTE_MAX },
            "concurrent": { "type": ["integer", "null"], "minimum": 1, "maximum": keys::CONCURRENT_MAX, "description": "Generations at one time." } } },
        "models": texts("Models that it may use, by id or alias; empty: all."),
        "providers": texts("Providers that may serve it; empty: all."),
        "rules": key_rules(),
        "log_retention_days": { "type": ["integer", "null"], "minimum": 0, "maximum": accounts::LOG_RETENTION_DAYS_MAX, "description": "Days that its requests stay in the log; null: as its account says. 0: nothing that is written in them is kept, and the bare row goes after a day." },
        "media_ttl_s": { "anyOf": [{ "const": 0 }, { "type": "integer", "minimum": accounts::MEDIA_TTL_S_MIN, "maximum": accounts::MEDIA_TTL_S_MAX }, { "type": "null" }], "description": "Seconds that its images are kept; null: as its account says. 0: they go out with the answer and are not kept." },
        "route": { "anyOf": [reference("Route"), { "type": "null" }], "description": "How its requests are routed where they do not say." },
        "response_format": { "enum": ["url", "b64_json", "both", null], "description": "How it gets images when a request does not say." },
        "expires_at": { "type": ["string", "null"], "format": "date-time", "description": "Since when it works no more." },
    })
}

/// What a key may ask for beyond models and providers.
fn key_rules() -> Value {
    let texts = |items: Value, what: &str| json!({ "type": ["array", "null"], "items": items, "description": what });
    let text = || json!({ "type": "string" });
    json!({ "type": ["object", "null"], "description": "What is left out stays, null clears. A breach is a 403 whose error.metadata tells the rule and what it allows.", "properties": {
        "max_edge_px": { "type": ["integer", "null"], "minimum": 1, "maximum": rules::EDGE_PX_MAX, "description": "The longest side of an image, in pixels." },
        "max_pixels": { "type": ["integer", "null"], "minimum": 1, "maximum": rules::PIXELS_MAX, "description": "The most pixels of an image." },
        "output_formats": texts(json!({ "enum": Format::ALL.map(Format::as_str) }), "The only formats; empty: all."),
        "qualities": texts(json!({ "type": "string", "maxLength": rules::QUALITY_CHARS_MAX }), "The only qualities, in the words of models; empty: all."),
        "hours": texts(text(), "When it may make images, in UTC: such as 'mon-fri 08:00-18:00', 'sat', '22:00-06:00'; empty: always."),
        "regions": texts(text(), "The only regions in which its images are made, such as 'eu'; empty: all.") } })
}

/// What of an account can be set.
fn account_terms() -> Value {
    json!({
        "billing_type": { "enum": [Billing::Prepaid.as_str(), Billing::Postpaid.as_str()] },
        "credit_limit_usd": { "type": ["number", "null"], "minimum": 0, "description": "How much a postpaid account may owe; null: without limit." },
        "log_retention_days": { "type": ["integer", "null"], "minimum": 1, "maximum": accounts::LOG_RETENTION_DAYS_MAX, "description": "null: as set for the gateway." },
        "media_ttl_s": { "type": ["integer", "null"], "minimum": accounts::MEDIA_TTL_S_MIN, "maximum": accounts::MEDIA_TTL_S_MAX, "description": "null: as set for the gateway." },
        "media_bytes": { "type": ["integer", "null"], "minimum": 0, "description": "Bytes that its stored images may take; null: only the gateway's own limit holds." },
        "stores_payloads": { "type": "boolean", "description": "Whether what it asks and gets is kept." },
    })
}

fn object(required: &[&str], parts: &[&Value]) -> Value {
    let mut properties = serde_json::Map::new();
    for part in parts {
        properties.extend(part.as_object().cloned().unwrap_or_default());
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The same, where nothing else is taken.
fn closed(required: &[&str], parts: &[&Value]) -> Value {
    let mut schema = object(required, parts);
    schema["additionalProperties"] = Value::from(false);
    schema
}

/// Their schemas.
pub(super) fn schemas() -> Value {
    let id = json!({ "id": { "type": ["string", "null"], "minLength": 1, "maxLength": ID_CHARS_MAX, "pattern": "^[A-Za-z0-9._-]+$", "description": "Made when absent." } });
    let scopes = json!({
        "scopes": { "type": "array", "minItems": 1, "items": { "enum": Scope::ALL.map(Scope::as_str) }, "default": ["generate", "read"] },
        "account_id": { "type": "string", "description": "The account that pays; that of the calling key when absent." } });
    let key = json!({
        "id": { "type": "string" }, "object": { "const": "key" }, "last_four": { "type": "string" },
        "status": { "type": "string", "enum": KeyStatus::ALL.map(KeyStatus::as_str) },
        "spent": amounts(["total_usd", "day_usd", "month_usd"]),
        "created_at": { "type": "string", "format": "date-time" }, "revoked_at": { "type": ["string", "null"], "format": "date-time" } });
    let secret = json!({ "key": { "type": "string", "description": "The key itself: pk_<id>.<secret>." } });
    let account = json!({
        "id": { "type": "string" }, "object": { "const": "account" },
        "balance": { "type": "object", "properties": {
            "available_usd": { "type": "number", "description": "Below zero it is owed." }, "held_usd": { "type": "number", "description": "What calls under way may cost." } } },
        "created_at": { "type": "string", "format": "date-time" } });
    let ordered = [Kind::TopUp, Kind::Adjustment, Kind::Refund].map(Kind::as_str);
    let kinds = [
        Kind::Reserve,
        Kind::Charge,
        Kind::Release,
        Kind::Expire,
        Kind::TopUp,
        Kind::Adjustment,
        Kind::Refund,
        Kind::Undelivered,
    ];
    let books = [
        Book::Available,
        Book::Held,
        Book::Usage,
        Book::Markup,
        Book::WrittenOff,
        Book::Funding,
        Book::Adjustments,
        Book::Undelivered,
        Book::Operator,
    ];
    let money = json!({ "type": "object", "properties": { "amount": { "type": ["number", "null"] }, "currency": { "const": "usd" } } });
    json!({
        "Balance": { "type": "object", "required": ["object", "billing_type", "available", "left", "held"], "properties": {
            "object": { "const": "balance" }, "billing_type": { "enum": ["prepaid", "postpaid"] }, "available": money, "left": money, "held": money } },
        "Key": object(&["id", "object", "status"], &[&key, &scopes, &key_terms()]),
        "NewKey": object(&["id", "object", "status", "key"], &[&secret, &key, &scopes, &key_terms()]),
        "KeyList": list("Key"),
        "KeyOrder": closed(&[], &[&key_terms(), &scopes]),
        "KeyChange": closed(&[], &[&key_terms()]),
        "Account": object(&["id", "object", "billing_type", "balance"], &[&account, &account_terms()]),
        "AccountList": list("Account"),
        "AccountOrder": closed(&["billing_type"], &[&id, &account_terms()]),
        "AccountChange": closed(&[], &[&account_terms()]),
        "AuditLine": { "type": "object", "required": ["id", "object", "created_at", "action", "actor", "address", "request_id", "account_id", "target", "details"], "properties": {
            "id": { "type": "string" }, "object": { "const": "audit_line" }, "created_at": { "type": "string", "format": "date-time" },
            "action": { "enum": Action::ALL.map(Action::as_str) },
            "actor": { "type": "object", "description": "Who did it: an API key with its account, or a user of the machine on the command line.", "required": ["type", "id", "account_id"], "properties": {
                "type": { "enum": ["key", "command_line"] }, "id": { "type": ["string", "null"] }, "account_id": { "type": ["string", "null"] } } },
            "address": { "type": ["string", "null"], "description": "Where the request came from, as far as proxies are trusted." },
            "request_id": { "type": ["string", "null"] },
            "account_id": { "type": ["string", "null"], "description": "The account that it concerns." },
            "target": { "type": ["string", "null"], "description": "The id of the key, account, posting or request that it was done to." },
            "details": { "type": "object", "description": "What was ordered. Never a secret." } } },
        "AuditList": list("AuditLine"),
        "Posting": { "type": "object", "required": ["id", "object", "kind", "amount_usd", "entries"], "properties": {
            "id": { "type": "string" }, "object": { "const": "posting" },
            "kind": { "enum": kinds.map(Kind::as_str) },
            "account_id": { "type": "string" }, "amount_usd": { "type": "number", "description": "What it added to the available money." },
            "request_id": { "type": ["string", "null"] }, "key_id": { "type": ["string", "null"] }, "note": { "type": ["string", "null"] },
            "entries": { "type": "array", "description": "They sum to zero.", "items": { "type": "object", "properties": {
                "book": { "enum": books.map(Book::as_str) }, "amount_usd": { "type": "number" } } } },
            "created_at": { "type": "string", "format": "date-time" } } },
        "PostingList": list("Posting"),
        "PostingOrder": closed(&["kind", "amount_usd"], &[&id, &json!({
            "kind": { "enum": ordered }, "amount_usd": { "type": "number", "description": "What the account gets. An adjustment may be negative." },
            "request_id": { "type": "string", "description": "The request that a refund is of." }, "note": { "type": "string", "minLength": 1, "maxLength": postings::NOTE_CHARS_MAX } })]),
    })
}
