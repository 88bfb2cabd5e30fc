//! Answers in OpenAI's shape.

use std::any::Any;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use super::envelope::LogFacts;
use super::face::Faced;
use crate::problem::Problem;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self.body());
        let headers = response.headers_mut();
        if let Some(retry) = self.should_retry {
            headers.insert(
                SHOULD_RETRY,
                HeaderValue::from_static(if retry { "true" } else { "false" }),
            );
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(LogFacts {
            error_code: Some(self.code),
            ..LogFacts::default()
        });
        response.extensions_mut().insert(Faced(self));
        response
    }
}

/// The answer to a request whose handling panicked.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> axum::http::Response<Body> {
    let cause = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(
        panic = cause.as_deref().unwrap_or("(no text)"),
        "a request's handling panicked"
    );
    Problem::internal().into_response()
}

/// A body that is not held in memory.
pub(crate) fn streamed(body: &providers::Body) -> Response {
    let length = body.len();
    let mut response = Response::new(Body::from_stream(body.stream()));
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(body.content_type()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// A text answer that does not change while the process lives.
pub(crate) fn fixed(content_type: &'static str, text: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text.into()).into_response()
}
