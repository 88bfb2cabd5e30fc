//! One call: sending it, and reading its answer into a reply.

use std::time::SystemTime;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{
    Client, Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, field};

use super::{Attempt, Driver, Reach, retry_after};
use crate::{
    adapter::{Call, Expect, Patience, Reply, ReplyBody},
    body::Segment,
    fetch::FetchError,
    network::is_private_address,
    splitter::{Document, SplitError, SplitLimits, Splitter},
    spool::{SpoolError, SpoolScope},
};

/// How much of an error answer is read, in bytes: real ones have a few hundred, error pages of proxies some thousands.
const ERROR_BYTES: usize = 64 * 1024;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// No connection was made.
    NotSent,
    /// The time was over.
    TimedOut,
    /// The connection was cut.
    Interrupted,
    /// One of our bounds.
    Limit(String),
    /// There is no room for the answer now.
    NoRoom(String),
    /// The address is none that we call.
    Refused(FetchError),
}

impl From<SpoolError> for SendError {
    fn from(error: SpoolError) -> Self {
        Self::NoRoom(error.to_string())
    }
}

impl Driver {
    /// Makes `call` within its time.
    pub(super) async fn send(&self, attempt: &Attempt<'_>, call: &Call) -> Result<Reply, SendError> {
        let span = tracing::debug_span!(
            "upstream_call",
            provider = attempt.request.endpoint.provider,
            stage = call.stage.as_str(),
            status = field::Empty,
            duration_ms = field::Empty,
        );
        // Read in the span around: that of the call is a detail of the log.
        let trace_parent = (self.config.trace_parent)();
        let begun = Instant::now();
        let limit = match call.patience {
            Patience::Work => attempt.deadline,
            Patience::Quick => attempt.deadline.min(begun + self.config.quick_timeout),
        };
        let exchange = self.exchange(attempt, call, limit, trace_parent);
        let result = exchange.instrument(span.clone()).await;
        span.record(
            "duration_ms",
            u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        if let Ok(reply) = &result {
            span.record("status", reply.status);
        }
        tracing::debug!(parent: &span, answered = result.is_ok(), "call ended");
        result
    }

    async fn exchange(
        &self,
        attempt: &Attempt<'_>,
        call: &Call,
        limit: Instant,
        trace_parent: Option<String>,
    ) -> Result<Reply, SendError> {
        let reach = Reach::of(&attempt.request.endpoint, &call.url);
        let client = self.client_for(reach, call)?;
        let mut request = request_of(call, reach);
        let trace_parent = trace_parent.and_then(|parent| HeaderValue::from_str(&parent).ok());
        if let Some(parent) = trace_parent.filter(|_| reach == Reach::Own) {
            request.headers_mut().insert("traceparent", parent);
        }
        let sent = client.execute(request);
        let response = timeout_at(limit, sent)
            .await
            .map_err(|_| SendError::TimedOut)?
            .map_err(|error| from_reqwest(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let retry_after = retry_after(&headers, SystemTime::now());
        let body = match call.expect {
            Expect::Events(listening) if response.status().is_success() && is_stream(&response) => {
                self.listen(attempt, listening, response, limit).await?
            }
            expect => timeout_at(limit, self.read(response, expect, attempt.scope))
                .await
                .map_err(|_| SendError::TimedOut)??,
        };
        Ok(Reply {
            status,
            headers,
            retry_after,
            body,
        })
    }

    fn client_for(&self, reach: Reach, call: &Call) -> Result<&Client, SendError> {
        if reach == Reach::Public {
            self.guarded.check(&call.url).map_err(SendError::Refused)?;
            return Ok(&self.guarded.client);
        }
        Ok(&self.own)
    }

    async fn read(&self, response: Response, expect: Expect, scope: &SpoolScope) -> Result<ReplyBody, SendError> {
        if !response.status().is_success() {
            return Ok(read_error(response, scope).await);
        }
        if matches!(expect, Expect::Nothing) {
            // A little is read so that the connection can serve again.
            let _ = beginning(response, ERROR_BYTES).await;
            return Ok(ReplyBody::Empty);
        }
        let limit = self.config.answer_bytes;
        match response.content_length() {
            Some(length) if length > limit => return Err(too_large(limit)),
            Some(length) => scope.expect(length),
            None => {}
        }
        let mut sink = match expect {
            Expect::Bytes => Sink::Blob(scope.writer()),
            Expect::Json | Expect::Events(_) | Expect::Nothing => {
                let limits = SplitLimits::of_answer(limit);
                Sink::Json(Splitter::new(scope.clone(), limits))
            }
        };
        let mut size_bytes = 0;
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| from_reqwest(&error))?;
            size_bytes += piece.len() as u64;
            if size_bytes > limit {
                return Err(too_large(limit));
            }
            if let Err(error) = sink.push(&piece) {
                return unreadable(&error);
            }
        }
        sink.finish().or_else(|error| unreadable(&error))
    }
}

enum Sink {
    Blob(crate::spool::BlobWriter),
    Json(Splitter),
}

impl Sink {
    fn push(&mut self, piece: &[u8]) -> Result<(), SplitError> {
        match self {
            Self::Blob(writer) => Ok(writer.write(piece)?),
            Self::Json(splitter) => splitter.push(piece),
        }
    }

    fn finish(self) -> Result<ReplyBody, SplitError> {
        match self {
            Self::Blob(writer) => Ok(ReplyBody::Blob(writer.finish()?)),
            Self::Json(splitter) => splitter.finish().map(ReplyBody::Document),
        }
    }
}

/// Whether the answer is a stream of events; a provider may answer with a document although it was asked for a stream.
fn is_stream(response: &Response) -> bool {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/event-stream")
}

/// A broken document is the provider's fault and the adapter's to judge; a bound is ours.
pub(super) fn unreadable(error: &SplitError) -> Result<ReplyBody, SendError> {
    match error {
        SplitError::Syntax(_)
        | SplitError::Cut
        | SplitError::BadBase64
        | SplitError::TooDeep { .. }
        | SplitError::TooMany { .. } => Ok(ReplyBody::Unreadable(error.to_string())),
        SplitError::TextTooLong { .. } | SplitError::BlobTooLong { .. } => Err(SendError::Limit(error.to_string())),
        SplitError::Spool(_) => Err(SendError::NoRoom(error.to_string())),
    }
}

pub(super) fn too_large(limit: u64) -> SendError {
    SendError::Limit(format!("the answer is larger than {limit} bytes"))
}

/// The body of an error: JSON when it is, otherwise its beginning. A cut error is still an error.
async fn read_error(response: Response, scope: &SpoolScope) -> ReplyBody {
    let bytes = beginning(response, ERROR_BYTES).await;
    match serde_json::from_slice(&bytes) {
        Ok(json) => ReplyBody::Document(Document::from_json(json, scope.clone())),
        Err(_) if bytes.is_empty() => ReplyBody::Empty,
        Err(_) => ReplyBody::Text(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

async fn beginning(response: Response, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(piece)) = stream.next().await {
        let room = most - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if bytes.len() == most {
            break;
        }
    }
    bytes
}

pub(super) fn request_of(call: &Call, reach: Reach) -> Request {
    let mut request = Request::new(call.method.clone(), call.url.clone());
    *request.headers_mut() = call.headers.clone();
    if reach != Reach::Own {
        remove_secrets(request.headers_mut());
    }
    if let Some(body) = &call.body {
        if let Ok(value) = HeaderValue::from_str(body.content_type()) {
            request.headers_mut().insert(CONTENT_TYPE, value);
        }
        // An exact length, since several providers refuse chunked bodies.
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        *request.body_mut() = Some(match body.segments() {
            [] => Bytes::new().into(),
            [Segment::Bytes(bytes)] => bytes.clone().into(),
            _ => reqwest::Body::wrap_stream(body.stream()),
        });
    }
    request
}

/// Takes the credential out, whatever header carries it: adapters mark it as sensitive.
fn remove_secrets(headers: &mut HeaderMap) {
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| value.is_sensitive())
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
    headers.remove(AUTHORIZATION);
}

pub(super) fn from_reqwest(error: &reqwest::Error) -> SendError {
    if is_private_address(error) {
        SendError::Refused(FetchError::PrivateAddress)
    } else if error.is_connect() || error.is_builder() {
        SendError::NotSent
    } else if error.is_timeout() {
        SendError::TimedOut
    } else {
        SendError::Interrupted
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url, header::ACCEPT};

    use super::*;
    use crate::adapter::Stage;

    #[test]
    fn the_credential_stays_home_whatever_its_header() {
        let mut secret = HeaderValue::from_static("very-secret");
        secret.set_sensitive(true);
        let call = Call::new(
            Method::GET,
            Url::parse("https://a.example/").expect("an address"),
            Stage::Poll,
        )
        .header(HeaderName::from_static("x-key"), secret)
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer very-secret"))
        .header(ACCEPT, HeaderValue::from_static("application/json"));
        assert_eq!(request_of(&call, Reach::Own).headers().len(), 3);
        for reach in [Reach::Local, Reach::Public] {
            let headers = request_of(&call, reach).headers().clone();
            assert_eq!(headers.len(), 1, "{headers:?}");
            assert!(headers.contains_key(ACCEPT));
        }
    }
}
