//! A whole answer of the gateway, and what holds for every one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header, empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> String {
        self.header("x-request-id").to_owned()
    }

    /// The body of a success.
    pub(crate) fn ok(&self) -> Value {
        let shown: String = self.text().chars().take(2_000).collect();
        assert_eq!(self.status, StatusCode::OK, "{shown}");
        self.json()
    }

    /// The error object of a failure with this status and code.
    pub(crate) fn error(&self, status: u16, code: &str) -> Value {
        let shown: String = self.text().chars().take(2_000).collect();
        assert_eq!(self.status.as_u16(), status, "{shown}");
        let error = self.json()["error"].clone();
        assert_eq!(error["code"], code, "{shown}");
        error
    }

    /// The error object of a 400 that names `param`.
    pub(crate) fn fault(&self, param: &str) -> Value {
        let error = self.error(400, "INVALID_REQUEST");
        assert_eq!(error["param"], param, "{error}");
        error
    }

    /// Checks what holds for every answer of the gateway.
    fn check(&self) {
        let id = self.header("x-request-id");
        let tail = id.strip_prefix("req_").unwrap_or_default();
        assert!(
            tail.len() == 27 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "every answer has an id: '{id}'"
        );
        if !self.status.is_client_error() && !self.status.is_server_error() {
            return;
        }
        if self.body.is_empty() {
            // An answer to HEAD has no body.
            return;
        }
        assert_eq!(self.header("content-type"), "application/json");
        let body = self.json();
        let error = &body["error"];
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{body}");
        for field in ["message", "type", "code"] {
            assert!(
                error[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} is missing in {body}"
            );
        }
        let param = error.get("param");
        assert!(
            param.is_some_and(|param| param.is_null() || param.is_string()),
            "{body}"
        );
        let kinds = match self.status.as_u16() {
            401 => ["authentication_error"].as_slice(),
            402 => ["insufficient_quota"].as_slice(),
            403 => ["permission_error"].as_slice(),
            429 => ["rate_limit_error", "upstream_error"].as_slice(),
            400 => ["invalid_request_error", "image_generation_user_error", "upstream_error"].as_slice(),
            404 | 405 | 408 | 409 | 413 | 415 | 416 => ["invalid_request_error"].as_slice(),
            500 => ["server_error"].as_slice(),
            502 | 504 => ["upstream_error"].as_slice(),
            503 => ["server_error", "invalid_request_error"].as_slice(),
            other => panic!("no error has the status {other}: {body}"),
        };
        assert!(
            kinds.contains(&error["type"].as_str().unwrap_or_default()),
            "{} {body}",
            self.status
        );
    }
}

/// Sends to the gateway and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let reply = try_send(request).await.expect("the gateway answers");
    reply.check();
    reply
}

/// Sends and reads the whole answer, which may break off.
pub(crate) async fn try_send(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Reply { status, headers, body })
}

/// The bytes behind a base64 text.
pub(super) fn from_base64(text: &Value) -> Vec<u8> {
    STANDARD
        .decode(text.as_str().expect("base64 is a text"))
        .expect("it is base64")
}
