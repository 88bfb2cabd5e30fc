//! HTTP pieces that every emulator needs: bounded bodies, JSON and HTML answers, and answers that break off.

use crate::faults::BodyFault;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

/// The largest JSON body taken: 16 input images as text are within it, as at the gateway.
pub(crate) const MAX_JSON_BYTES: usize = 64 * 1024 * 1024;
/// The largest multipart body taken.
pub(crate) const MAX_MULTIPART_BYTES: usize = 256 * 1024 * 1024;
/// Shorter keys do not exist at any provider.
const MIN_KEY_CHARS: usize = 8;
/// What comes instead of an answer under the fault `garbage`: no JSON, no image, not even UTF-8.
pub(crate) const GARBAGE: &[u8] = b"\xfe\xffsandbox garbage\x00\x01 {\"data\": [ \xc3\x28";

/// Why a request body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
}

/// Reads a whole body of at most `limit_bytes`.
pub(crate) async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Broken),
    }
}

/// Why a body is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectError {
    TooLarge,
    Broken,
    NotJson,
    NotAnObject,
}

/// Reads a body that must be a JSON object.
pub(crate) async fn read_object(body: Body) -> Result<Map<String, Value>, ObjectError> {
    let bytes = read_body(body, MAX_JSON_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge => ObjectError::TooLarge,
        BodyError::Broken => ObjectError::Broken,
    })?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(ObjectError::NotAnObject),
        Err(_) => Err(ObjectError::NotJson),
    }
}

/// The key that a caller bears: None without the header, or with another scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

/// Whether a key is one that the sandbox takes: any that begins as the provider's do, is long enough, and does not say itself
/// that it is none.
pub(crate) fn is_key(key: &str, prefix: &str) -> bool {
    let says_no = ["invalid", "revoked"].iter().any(|word| key.contains(word));
    key.starts_with(prefix) && key.len() >= MIN_KEY_CHARS && !says_no
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    let body = Body::from(value.to_string());
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The page that a proxy in front of a provider shows when what is behind it does not answer.
pub(crate) fn proxy_page(status: u16, host: &str) -> Response {
    let title = match status {
        502 => "Bad gateway",
        503 => "Service unavailable",
        504 => "Gateway time-out",
        520 => "Web server is returning an unknown error",
        524 => "A timeout occurred",
        _ => "Error",
    };
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{host} | {status}: {title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<p>Error code {status}</p>\n<hr>\n</body>\n</html>\n"
    );
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let kind = HeaderValue::from_static("text/html; charset=UTF-8");
    (status, [(header::CONTENT_TYPE, kind)], page).into_response()
}

/// Whether a refusal of this status comes from the proxy, as a page, rather than from the provider's own code.
pub(crate) fn is_proxy_status(status: u16) -> bool {
    matches!(status, 502 | 503 | 504 | 520..=527)
}

/// Does to a finished answer what a fault asks for. `Empty` is each emulator's own affair and changes nothing here.
pub(crate) async fn spoil(response: Response, fault: Option<BodyFault>) -> Response {
    match fault {
        None | Some(BodyFault::Empty) => response,
        Some(BodyFault::Cut) => cut(response).await,
        Some(BodyFault::Stall) => stall(response).await,
        Some(BodyFault::Garbage) => {
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(GARBAGE))
        }
    }
}

/// The first half of an answer, then a broken connection.
pub(crate) async fn cut(response: Response) -> Response {
    halve(response, true).await
}

/// The first half of an answer, then nothing.
pub(crate) async fn stall(response: Response) -> Response {
    halve(response, false).await
}

async fn halve(response: Response, then_break: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = match body.collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(_) => Bytes::new(),
    };
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(parts, broken_body(half, then_break))
}

/// A body of `head`, after which the connection breaks or stays silent.
pub(crate) fn broken_body(head: Bytes, then_break: bool) -> Body {
    broken_body_of(std::future::ready(head), then_break)
}

/// The same, where the head is yet to be made.
pub(crate) fn broken_body_of(head: impl Future<Output = Bytes> + Send + 'static, then_break: bool) -> Body {
    let end = stream::once(async move {
        if !then_break {
            std::future::pending::<()>().await;
        }
        // Without a pause the server drops the connection before it has sent the first half.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::once(async { Ok(head.await) }).chain(end))
}
