//! Pages that ask the API as everybody does, within the process: nothing here can do what the API cannot.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use planner::catalog::Catalog;
use planner::catalog::parameter::Kind;
use serde_json::{Map, Value, json};
use site::pages::playground::{Delivered, Outcome};
use site::told::{dollars, typed as text};
use tower::ServiceExt as _;

use crate::http::cookie::Cookie;
use crate::http::envelope::REQUEST_ID;
use crate::http::in_process::InProcess;
use crate::problem::Problem;

/// Largest answer that is read: links instead of images.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Headers by which the API knows who asks, and from where.
const OWN: [HeaderName; 6] = [
    header::COOKIE,
    header::ORIGIN,
    header::HOST,
    header::REFERER,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
];

/// The request of a page that asks.
pub(super) struct Own<'a> {
    /// Its headers.
    pub(super) headers: &'a HeaderMap,
    /// The cookie of a session that begins with it.
    pub(super) cookie: Option<&'a Cookie>,
}

/// `POST /openai/v1/images/generations` with the fields of a form.
pub(super) async fn generate(
    api: InProcess,
    own: &Own<'_>,
    catalog: &Catalog,
    pairs: &[(String, String)],
) -> Result<(StatusCode, Outcome), Problem> {
    let mut fields = Map::new();
    for (name, text) in pairs.iter().filter(|(_, text)| !text.trim().is_empty()) {
        fields.insert(name.clone(), typed(catalog, name, text));
    }
    let mut request = Request::new(Body::from(Value::Object(fields).to_string()));
    *request.uri_mut() = axum::http::Uri::from_static("/openai/v1/images/generations");
    put_headers(&mut request, own);
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers_mut().remove(header::CONTENT_LENGTH);
    ask(api, request).await
}

/// `POST /openai/v1/images/edits` with a form's body as it came.
pub(super) async fn edit(api: InProcess, own: &Own<'_>, sent: Request) -> Result<(StatusCode, Outcome), Problem> {
    let mut request = Request::new(sent.into_body());
    *request.uri_mut() = axum::http::Uri::from_static("/openai/v1/images/edits");
    put_headers(&mut request, own);
    ask(api, request).await
}

/// A text of a form in the type that its parameter has.
fn typed(catalog: &Catalog, name: &str, text: &str) -> Value {
    let kind = catalog.standard_parameter(name).and_then(|own| own.kind);
    match kind {
        None | Some(Kind::String) => Value::from(text),
        Some(_) => serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::from(text)),
    }
}

fn put_headers(request: &mut Request, own: &Own<'_>) {
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    for name in OWN {
        if let Some(value) = own.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(value) = own.cookie.and_then(|cookie| HeaderValue::from_str(cookie.pair()).ok()) {
        headers.insert(header::COOKIE, value);
    }
}

async fn ask(InProcess(api): InProcess, request: Request) -> Result<(StatusCode, Outcome), Problem> {
    let response = match api.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = id.unwrap_or_default().to_owned();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX)
        .await
        .map_err(|_| Problem::internal())?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}));
    let outcome = if status.is_success() {
        made(&body, id)
    } else {
        Outcome::Refused {
            status: status.as_u16(),
            message: text(&body["error"]["message"]),
            id,
        }
    };
    Ok((status, outcome))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn made(body: &Value, id: String) -> Outcome {
    let metadata = &body["metadata"];
    let facts = list(&metadata["images"]);
    let images = list(&body["data"]).iter().zip(facts).map(|(item, facts)| Delivered {
        url: text(&item["url"]),
        size: text(&facts["size"]),
        format: text(&facts["output_format"]),
    });
    let adjusted = list(&metadata["adjustments"]).iter().map(|one| {
        let used = if one["used"].is_null() {
            "left out".to_owned()
        } else {
            text(&one["used"])
        };
        format!("{} {}: {used}", text(&one["parameter"]), text(&one["requested"]))
    });
    let attempts = list(&metadata["attempts"]).len();
    let provider = text(&metadata["provider_name"]);
    Outcome::Made {
        images: images.collect(),
        id,
        charge: dollars(&metadata["cost"]),
        adjusted: adjusted.collect(),
        route: if attempts > 1 {
            format!("{provider}, after {} calls that failed", attempts - 1)
        } else {
            format!("{provider}, first attempt")
        },
    }
}
