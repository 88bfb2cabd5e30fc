//! `GET /openapi.json`: the API described from the code and the catalogue.

mod arena;
mod models;
mod operator;
mod requests;
mod webhooks;

use axum::extract::State;
use axum::response::Response;
use planner::catalog::Catalog;
use planner::format::Format;
use planner::health::SAMPLES_MAX;
use planner::request::WEBHOOK_URL_CHARS_MAX;
use planner::schema;
use serde_json::{Map, Value, json};

use crate::http::repeat::KEY_CHARS_MAX;
use crate::http::respond;
use crate::http::state::AppState;

/// The document.
pub(super) async fn handle(State(state): State<AppState>) -> Response {
    respond::fixed("application/json", state.openapi.to_string())
}

/// Builds the document once. The parameters of requests are those of the catalogue.
#[must_use]
pub(crate) fn document(catalog: &Catalog) -> String {
    let value = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pictor",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One OpenAI-compatible API in front of every image model and every provider that runs it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "api_key": [] }],
        "paths": merged(paths(), [requests::paths(), operator::paths(), webhooks::paths(), arena::paths()]),
        "webhooks": webhooks::sent(),
        "components": { "securitySchemes": { "api_key": { "type": "http", "scheme": "bearer" } }, "schemas": merged(schemas(catalog), [models::schemas(), requests::schemas(), operator::schemas(), webhooks::schemas(), arena::schemas()]) },
    });
    value.to_string()
}

/// One object of several.
fn merged<const N: usize>(mut first: Value, others: [Value; N]) -> Value {
    for other in others {
        if let (Value::Object(fields), Value::Object(more)) = (&mut first, other) {
            fields.extend(more);
        }
    }
    first
}

fn schemas(catalog: &Catalog) -> Value {
    let generation = body(catalog, &[]);
    let images = json!({ "type": "array", "minItems": 1, "items": { "type": "object", "required": ["image_url"], "properties": {
        "image_url": { "type": "string", "description": "An https:// or data: URL." } } } });
    let edit_json = body(
        catalog,
        &[
            ("images", "image", images.clone()),
            ("mask", "mask", images["items"].clone()),
        ],
    );
    let files = json!({ "type": "array", "minItems": 1, "items": { "type": "string", "contentMediaType": "application/octet-stream" } });
    let edit_form = body(
        catalog,
        &[
            ("image", "image", files.clone()),
            ("mask", "mask", files["items"].clone()),
        ],
    );
    json!({
        "GenerationRequest": generation,
        "EditRequest": edit_json,
        "EditForm": edit_form,
        "ImagesResponse": { "type": "object", "required": ["id", "created", "data", "metadata"], "properties": {
            "id": { "type": "string" },
            "created": { "type": "integer", "description": "Unix time in seconds." },
            "size": { "type": "string", "description": "Measured width and height of the first image." },
            "output_format": { "type": "string", "enum": Format::ALL.map(Format::as_str) },
            "data": { "type": "array", "items": { "type": "object", "properties": {
                "url": { "type": "string" }, "b64_json": { "type": "string" }, "revised_prompt": { "type": "string" } } } },
            "background": { "enum": ["transparent", "opaque"] }, "quality": { "enum": ["low", "medium", "high"] },
            "usage": { "type": "object", "description": "Tokens, of models that are priced by them; metadata.usage_basis tells how they are known." },
            "metadata": { "type": "object", "description": "Model, provider, cost, adjustments, images and attempts." },
        } },
        "Estimate": { "type": "object", "required": ["estimated", "model", "provider", "total_cost_micros", "currency", "components", "candidates"], "properties": {
            "estimated": { "const": true }, "model": { "type": "string" }, "provider": { "type": "string" },
            "total_cost_micros": { "type": "integer", "description": "Millionths of a US dollar." }, "currency": { "const": "USD" },
            "components": { "type": "array", "items": { "type": "object" } }, "candidates": { "type": "array", "items": { "type": "object" } },
            "adjustments": { "type": "array", "items": { "type": "object" } }, "cost_basis": { "type": "string" } } },
        "ProviderHealthList": { "type": "object", "required": ["object", "data"], "properties": { "object": { "const": "list" }, "data": { "type": "array", "items": reference("ProviderHealth") } } },
        "ProviderHealth": provider_health(),
        "Error": { "type": "object", "required": ["error"], "properties": { "error": { "type": "object", "required": ["message", "type", "param", "code"], "properties": {
            "message": { "type": "string" }, "type": { "type": "string" }, "param": { "type": ["string", "null"] }, "code": { "type": "string" }, "metadata": { "type": "object" } } } } },
    })
}

fn provider_health() -> Value {
    let time = json!({ "type": ["string", "null"], "format": "date-time" });
    let until = |what: &str| {
        let mut time = time.clone();
        time["description"] = Value::from(what);
        time
    };
    let offer = json!({
        "native_model": { "type": "string" },
        "healthy": { "type": "boolean", "description": "Whether it is tried before the others that are not." },
        "state": { "enum": ["closed", "open", "half_open"] },
        "until": until("When an open circuit may be probed."),
        "cause": { "type": ["string", "null"], "description": "The code of the failure that opened the circuit." },
        "resting_until": until("Until when the provider asked to be left alone."),
        "success_rate": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
        "latency_p50_ms": { "type": ["integer", "null"], "description": "Median time of the successes." },
        "samples": { "type": "integer", "maximum": SAMPLES_MAX, "description": "Calls that the figures are from." },
    });
    json!({ "type": "object", "required": ["id", "object", "name", "service", "offers"], "properties": {
        "id": { "type": "string" }, "object": { "const": "provider" }, "name": { "type": "string" }, "service": { "enum": ["real", "sandbox", "off"] },
        "offers": { "type": "array", "description": "Those that were tried.", "items": { "type": "object", "properties": offer } } } })
}

/// The schema of a request body: every standard parameter with its strongest handling. `images` says how this body
/// holds the two that are images: the field, the parameter and the type.
fn body(catalog: &Catalog, images: &[(&str, &str, Value)]) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "model".to_owned(),
        json!({ "type": "string", "description": "A model's id or alias, or provider/model to force a provider." }),
    );
    let mut standard = schema::standard_properties(catalog);
    for (field, parameter, kind) in images {
        let mut property = kind.clone();
        for key in ["description", "x-group", "x-handling"] {
            property[key] = standard[*parameter][key].clone();
        }
        properties.insert((*field).to_owned(), property);
    }
    standard.retain(|name, _| !matches!(name.as_str(), "image" | "mask"));
    properties.extend(standard);
    properties.insert(
        "webhook_url".to_owned(),
        json!({ "type": "string", "format": "uri", "maxLength": WEBHOOK_URL_CHARS_MAX,
            "description": "An https:// URL with a host name, to which a WebhookEvent is posted when the request has ended, signed by Standard Webhooks. With the header 'Prefer: respond-async'." }),
    );
    json!({ "type": "object", "required": ["model"], "properties": properties, "additionalProperties": true })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn answer(description: &str, schema: &str) -> Value {
    json!({
        "200": { "description": description, "content": { "application/json": { "schema": reference(schema) } } },
        "default": { "description": "An error.", "content": { "application/json": { "schema": reference("Error") } } },
    })
}

fn paths() -> Value {
    let of_images = json!([
        { "name": "dryRun", "in": "query", "schema": { "type": "boolean" }, "description": "Answers with the cost at the most, and makes nothing." },
        { "name": "explain", "in": "query", "schema": { "type": "boolean" }, "description": "For keys with the scope admin: what each offer would be sent, and why in this order. Makes nothing." },
        { "name": "Prefer", "in": "header", "schema": { "type": "string" }, "description": "respond-async: answers 202 at once; the request's own path or its webhook tells the end." },
        { "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX }, "description": "The caller's own key for the request: with the same body it is done once, and every other one gets the same answer." },
    ]);
    let mut made = answer("The images.", "ImagesResponse");
    made["202"] = json!({ "description": "Begun, for callers who do not wait.", "headers": { "Location": { "schema": { "type": "string" } }, "Preference-Applied": { "schema": { "const": "respond-async" } } },
        "content": { "application/json": { "schema": reference("AcceptedRequest") } } });
    let with_schema = json!({ "name": "schema", "in": "query", "schema": { "type": "boolean" }, "description": "Adds what a request may hold, as JSON Schema, and the sizes." });
    let id_and_schema =
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }, with_schema]);
    let json_body = |schema: &str| json!({ "application/json": { "schema": reference(schema) } });
    let open = json!([]);
    let mut edit = json_body("EditRequest");
    edit["multipart/form-data"] = json!({ "schema": reference("EditForm") });
    let mut at_deployment = of_images.clone();
    if let Some(parameters) = at_deployment.as_array_mut() {
        parameters.insert(0, json!({ "name": "model", "in": "path", "required": true, "schema": { "type": "string" }, "description": "The model, in place of the body's field." }));
    }
    json!({
        "/openai/v1/images/generations": { "post": { "operationId": "generateImages", "summary": "Make images from a prompt.", "parameters": of_images,
            "requestBody": { "required": true, "content": json_body("GenerationRequest") }, "responses": made } },
        "/openai/v1/images/edits": { "post": { "operationId": "editImages", "summary": "Make images from images, or enlarge one.", "parameters": of_images,
            "requestBody": { "required": true, "content": edit }, "responses": made } },
        "/openai/deployments/{model}/images/generations": { "post": { "operationId": "generateImagesAtDeployment", "summary": "Make images from a prompt, as Azure's SDKs call it.", "parameters": at_deployment,
            "requestBody": { "required": true, "content": json_body("GenerationRequest") }, "responses": made } },
        "/openai/deployments/{model}/images/edits": { "post": { "operationId": "editImagesAtDeployment", "summary": "Make images from images, as Azure's SDKs call it.", "parameters": at_deployment,
            "requestBody": { "required": true, "content": edit }, "responses": made } },
        "/openai/v1/models": { "get": { "operationId": "listModels", "summary": "Every model.", "parameters": [with_schema], "responses": answer("A list of models.", "ModelList") } },
        "/openai/v1/models/{id}": { "get": { "operationId": "retrieveModel", "summary": "One model.", "parameters": id_and_schema, "responses": answer("The model.", "Model") } },
        "/media/{file}": { "get": { "operationId": "media", "summary": "A stored image under a signed link.", "security": open,
            "parameters": [{ "name": "file", "in": "path", "required": true, "schema": { "type": "string" } }], "responses": { "200": { "description": "The image." } } } },
        "/healthz": { "get": { "operationId": "healthz", "summary": "Whether the process lives.", "security": open, "responses": { "200": { "description": "It does." } } } },
        "/readyz": { "get": { "operationId": "readyz", "summary": "Whether the gateway can work.", "security": open, "responses": { "200": { "description": "It can." } } } },
        "/v1/health/providers": { "get": { "operationId": "providerHealth", "summary": "How each provider is served, and how its offers have been doing as this gateway saw it since it started.",
            "responses": answer("Every provider.", "ProviderHealthList") } },
        "/metrics": { "get": { "operationId": "metrics", "summary": "Figures for monitoring, in the text format of OpenMetrics. 404 where they have an address of their own.", "security": open,
            "responses": { "200": { "description": "The figures.", "content": { "application/openmetrics-text": { "schema": { "type": "string" } } } } } } },
        "/openapi.json": { "get": { "operationId": "openapi", "summary": "This document.", "security": open, "responses": { "200": { "description": "The document." } } } },
    })
}
