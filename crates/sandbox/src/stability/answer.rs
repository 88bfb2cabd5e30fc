//! Answers: the image itself with headers, or JSON with the image in base64.

use super::errors;
use super::new_id;
use crate::refused::Refused;
use crate::segments::{self, Segment};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use imaging::ImageFormat;

/// What the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    Image,
    Json,
}

impl Accept {
    /// By the header; without one it is the image.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        match accept.unwrap_or("*/*") {
            "*/*" | "image/*" => Ok(Self::Image),
            accept if accept.starts_with("application/json") => Ok(Self::Json),
            _ => Err(errors::bad_request("accept: must be image/* or application/json")),
        }
    }
}

/// A picture to hand out.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// Empty where a fault took the image.
    pub(super) bytes: Bytes,
    pub(super) format: ImageFormat,
    pub(super) seed: u32,
    /// Blurred, since the output was against the rules.
    pub(super) filtered: bool,
}

impl Picture {
    fn finish_reason(&self) -> &'static str {
        if self.filtered { "CONTENT_FILTERED" } else { "SUCCESS" }
    }

    /// The answer in the form that was asked for.
    pub(super) fn answer(self, accept: Accept) -> Response {
        let kind = self.format.mime_type();
        let mut response = match accept {
            Accept::Image => {
                let headers = [
                    ("content-type", kind.to_owned()),
                    ("finish-reason", self.finish_reason().to_owned()),
                    ("seed", self.seed.to_string()),
                ];
                (headers, Body::from(self.bytes)).into_response()
            }
            Accept::Json => {
                let parts = self.json();
                let headers = [
                    ("content-type", format!("application/json; type={kind}")),
                    ("content-length", segments::size_bytes(&parts).to_string()),
                ];
                (headers, segments::body(parts)).into_response()
            }
        };
        if let Ok(id) = HeaderValue::from_str(&new_id()[..32]) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    fn json(self) -> Vec<Segment> {
        let rest = format!(
            "\",\"finish_reason\":\"{}\",\"seed\":{}}}",
            self.finish_reason(),
            self.seed
        );
        vec![
            Segment::Text("{\"image\":\"".to_owned()),
            Segment::Base64(self.bytes),
            Segment::Text(rest),
        ]
    }
}
