//! `GET /openapi.json`: the API described from the code and the catalogue.

mod answers;
mod arena;
mod images;
mod models;
mod operator;
mod requests;
mod webhooks;

use axum::extract::State;
use axum::response::Response;
use planner::catalog::Catalog;
use planner::health::SAMPLES_MAX;
use planner::request::WEBHOOK_URL_CHARS_MAX;
use planner::schema;
use serde_json::{Map, Value, json};

use answers::{Has, answer};

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
        "security": [{ "api_key": [] }, { "api_key_header": [] }],
        "paths": merged(paths(), [requests::paths(), operator::paths(), webhooks::paths(), arena::paths(), arena::exhibit_paths()]),
        "webhooks": webhooks::sent(),
        "components": { "securitySchemes": { "api_key": { "type": "http", "scheme": "bearer" }, "api_key_header": { "type": "apiKey", "in": "header", "name": "api-key" } }, "schemas": merged(schemas(catalog), [images::schemas(), models::schemas(), requests::schemas(), operator::schemas(), webhooks::schemas(), arena::schemas()]) },
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
    let credential = json!({
        "name": { "type": "string", "description": "The operator's name of it, or its place in the list." },
        "resting_until": until("Until when it is not used while another one may be, as the provider refused it."),
        "cause": { "type": ["string", "null"], "description": "The code of that refusal." },
    });
    json!({ "type": "object", "required": ["id", "object", "name", "service", "offers"], "properties": {
        "credentials": { "type": "array", "description": "Where it has several. For keys with the scope admin.", "items": { "type": "object", "properties": credential } },
        "id": { "type": "string" }, "object": { "const": "provider" }, "name": { "type": "string" }, "service": { "enum": ["real", "sandbox", "off"] },
        "offers": { "type": "array", "description": "Those that were tried.", "items": { "type": "object", "properties": offer } } } })
}

/// The schema of a request body: every standard parameter with its strongest handling. `images` says how this body
/// holds the two that are images: the field, the parameter and the type.
fn body(catalog: &Catalog, images: &[(&str, &str, Value)]) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "model".to_owned(),
        json!({ "type": "string", "minLength": 1, "description": "A model's id or alias, or provider/model to force a provider." }),
    );
    let mut standard = schema::standard_properties(catalog);
    standard.values_mut().for_each(apart);
    for (field, parameter, kind) in images {
        let mut property = kind.clone();
        for key in ["description", "x-group", "x-handling"] {
            property[key] = standard[*parameter][key].clone();
        }
        properties.insert((*field).to_owned(), property);
    }
    standard.retain(|name, _| !matches!(name.as_str(), "image" | "mask"));
    properties.extend(standard);
    properties.insert("route".to_owned(), reference("Route"));
    properties.insert(
        "webhook_url".to_owned(),
        json!({ "type": "string", "format": "uri", "maxLength": WEBHOOK_URL_CHARS_MAX,
            "description": "An https:// URL with a host name, to which a WebhookEvent is posted when the request has ended, signed by Standard Webhooks. With the header 'Prefer: respond-async'." }),
    );
    json!({ "type": "object", "required": ["model"], "properties": properties, "additionalProperties": true })
}

/// Words and switches that stand for one another become two forms of a value: a list of both is more than makers of
/// clients understand.
fn apart(property: &mut Value) {
    let Some(all) = property["enum"]
        .as_array()
        .filter(|all| all.iter().any(Value::is_boolean))
    else {
        return;
    };
    let words: Vec<Value> = all.iter().filter(|value| !value.is_boolean()).cloned().collect();
    if words.is_empty() {
        return;
    }
    property["anyOf"] = json!([{ "type": "string", "enum": words }, { "type": "boolean" }]);
    if let Some(fields) = property.as_object_mut() {
        fields.remove("enum");
        fields.remove("type");
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn header(name: &str, schema: &Value, description: &str) -> Value {
    json!({ "name": name, "in": "header", "schema": schema, "description": description })
}

/// A switch of a query: other words mean the same, and the name alone is on.
fn on_or_off() -> Value {
    json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": ["", "1", "yes", "0", "no"] }] })
}

/// What the two endpoints for images take beside their bodies.
fn of_images() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let key =
        json!({ "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX, "pattern": "^[!-~]([ -~]*[!-~])?$" });
    vec![
        json!({ "name": "dryRun", "in": "query", "schema": on_or_off(), "description": "Answers with the cost at the most, and makes nothing." }),
        json!({ "name": "explain", "in": "query", "schema": on_or_off(), "description": "For keys with the scope admin: what each offer would be sent, and why in this order. Makes nothing." }),
        json!({ "name": "api-version", "in": "query", "schema": text, "description": "Taken and ignored, as Azure's SDKs send it." }),
        header(
            "Prefer",
            &text,
            "respond-async: answers 202 at once; the request's own path or its webhook tells the end. wait=N: answers 202 when N seconds are over.",
        ),
        header(
            "x-pictor-events",
            &text,
            "attempts: with stream: true, an event pictor.attempt as each call to a provider begins and ends: provider, model, outcome (started, succeeded, failed), code. Without the header no event but OpenAI's is sent.",
        ),
        header(
            "Idempotency-Key",
            &key,
            "The caller's own key for the request: with the same body it is done once, and every other one gets the same answer.",
        ),
        header(
            "x-request-id",
            &text,
            "The caller's own id of the request, kept as client_request_id.",
        ),
        header("x-session-id", &text, "Kept with the request."),
        header(
            "traceparent",
            &text,
            "W3C Trace Context, of which the trace id is kept with the request.",
        ),
    ]
}

/// The two endpoints for images, under Pictor's own path and as Azure's SDKs call them.
fn image_paths() -> Value {
    let made = answers::images();
    let of_images = of_images();
    let body = |content: Value| json!({ "required": true, "content": content });
    let json_body = |schema: &str| json!({ "application/json": { "schema": reference(schema) } });
    let mut edit = json_body("EditRequest");
    edit["multipart/form-data"] = json!({ "schema": reference("EditForm") });
    let unnamed = |what: &str| json!({ "type": "object", "description": format!("{what}, where model need not be.") });
    let as_json = json!({ "application/json": { "schema": unnamed("GenerationRequest") } });
    let mut as_both = json!({ "application/json": { "schema": unnamed("EditRequest") } });
    as_both["multipart/form-data"] = json!({ "schema": unnamed("EditForm") });
    let mut at_deployment = of_images.clone();
    at_deployment.insert(0, json!({ "name": "model", "in": "path", "required": true, "schema": { "type": "string" }, "description": "The model, in place of the body's field." }));
    json!({
        "/openai/v1/images/generations": { "post": { "operationId": "generateImages", "summary": "Make images from a prompt.", "parameters": of_images,
            "requestBody": body(json_body("GenerationRequest")), "responses": made } },
        "/openai/v1/images/edits": { "post": { "operationId": "editImages", "summary": "Make images from images, or enlarge one.", "parameters": of_images,
            "requestBody": body(edit), "responses": made } },
        "/openai/deployments/{model}/images/generations": { "post": { "operationId": "generateImagesAtDeployment", "summary": "Make images from a prompt, as Azure's SDKs call it.", "parameters": at_deployment,
            "requestBody": body(as_json), "responses": made } },
        "/openai/deployments/{model}/images/edits": { "post": { "operationId": "editImagesAtDeployment", "summary": "Make images from images, as Azure's SDKs call it.", "parameters": at_deployment,
            "requestBody": body(as_both), "responses": made } },
    })
}

fn paths() -> Value {
    let with_schema = json!({ "name": "schema", "in": "query", "schema": on_or_off(), "description": "Adds what a request may hold, as JSON Schema, and the sizes." });
    let id_and_schema =
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }, with_schema]);
    let query = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": "A part of the link." });
    let media = json!([{ "name": "file", "in": "path", "required": true, "schema": { "type": "string" } }, query("expires"), query("signature"),
        header("Range", &json!({ "type": "string" }), "The part that is wanted."), header("If-None-Match", &json!({ "type": "string" }), "What is there already.")]);
    let open = json!([]);
    let file = |description: &str, kind: &str| json!({ "description": description, "content": { kind: { "schema": { "type": "string" } } } });
    let image = |description: &str| file(description, "image/*");
    let state = |description: &str, properties: Value| {
        answers::success(
            description,
            &json!({ "type": "object", "required": ["status"], "properties": properties }),
        )
    };
    let flag = json!({ "type": "boolean" });
    let readiness = |word: &str| json!({ "status": { "const": word }, "database": flag, "stopping": flag });
    let parts = [
        (200, image("The image.")),
        (206, image("A part of it.")),
        (304, json!({ "description": "It is there already." })),
    ];
    let ready = [
        (200, state("It can.", readiness("ready"))),
        (503, state("It cannot.", readiness("not ready"))),
    ];
    let own = json!({
        "/openai/v1/models": { "get": { "operationId": "listModels", "summary": "Every model.", "parameters": [with_schema], "responses": answer("A list of models.", "ModelList", &[]) } },
        "/openai/v1/models/{id}": { "get": { "operationId": "retrieveModel", "summary": "One model.", "parameters": id_and_schema, "responses": answer("The model.", "Model", &[Has::Name]) } },
        "/media/{file}": { "get": { "operationId": "media", "summary": "A stored image under a signed link.", "security": open,
            "parameters": media, "responses": answers::open(parts, &[400, 404, 416, 500, 503]) } },
        "/healthz": { "get": { "operationId": "healthz", "summary": "Whether the process lives.", "security": open,
            "responses": answers::open([(200, state("It does.", json!({ "status": { "const": "ok" } })))], &[400]) } },
        "/readyz": { "get": { "operationId": "readyz", "summary": "Whether the gateway can work.", "security": open, "responses": answers::open(ready, &[400]) } },
        "/v1/health/providers": { "get": { "operationId": "providerHealth", "summary": "How each provider is served, and how its offers have been doing as this gateway saw it since it started.",
            "responses": answer("Every provider.", "ProviderHealthList", &[]) } },
        "/metrics": { "get": { "operationId": "metrics", "summary": "Figures for monitoring, in the text format of OpenMetrics. 404 where they have an address of their own. At addresses that are not loopback they take a key with the scope read, unless the operator opened them.", "security": open,
            "responses": answers::open([(200, file("The figures.", "application/openmetrics-text"))], &[400, 401, 403, 404]) } },
        "/openapi.json": { "get": { "operationId": "openapi", "summary": "This document.", "security": open,
            "responses": answers::open([(200, answers::success("The document.", &json!({ "type": "object" })))], &[400]) } },
    });
    merged(own, [image_paths()])
}
