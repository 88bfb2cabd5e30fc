//! Around every request: its id, its headers, its one log line.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use tracing::Instrument as _;

use super::linger::lingering;
use super::repeat::Repeat;
use super::state::AppState;
use crate::address::{self, PeerAddress};
use crate::generation::record::Marks;
use crate::ids::request_id;
use crate::problem::Problem;
use crate::telemetry::{self, Answered};

/// The id of every answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before it is read.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    /// Our id of it.
    pub(crate) id: String,
    /// The caller's marks.
    pub(crate) marks: Marks,
    /// Whether it is one that came before.
    pub(crate) repeat: Repeat,
    /// Whether its stream is to tell of calls to providers.
    pub(crate) hears_attempts: bool,
    /// When its head was read.
    pub(crate) arrived: Instant,
    /// Where it came from.
    pub(crate) address: Option<IpAddr>,
}

/// What an endpoint wants in the log line.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFacts {
    /// API key.
    pub(crate) key_id: Option<String>,
    /// Model.
    pub(crate) model: Option<String>,
    /// Provider.
    pub(crate) provider: Option<String>,
    /// Charge.
    pub(crate) cost_micros: Option<i64>,
    /// Error code.
    pub(crate) error_code: Option<&'static str>,
}

/// Longest mark of a caller that is kept.
const MARK_CHARS_MAX: usize = 200;

/// Events beyond OpenAI's that a caller asks for: `attempts`.
const EVENTS: &str = "x-pictor-events";

fn mark(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.chars().take(MARK_CHARS_MAX).collect())
}

fn marks(headers: &HeaderMap) -> Marks {
    let trace_id = mark(headers, "traceparent").and_then(|parent| parent.split('-').nth(1).map(ToOwned::to_owned));
    Marks {
        client_request_id: mark(headers, "x-request-id"),
        session_id: mark(headers, "x-session-id"),
        trace_id,
    }
}

/// Paths that are asked every few seconds by who watches: their lines are for who asks for details.
const WATCHED: [&str; 2] = ["/healthz", "/readyz"];

/// Refuses a request that does not say to which host it goes, or says it twice: who stands between might read it otherwise.
fn check_host(request: &Request) -> Result<(), Problem> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        let message = "A request needs exactly one 'Host' header.";
        return Err(Problem::invalid(StatusCode::BAD_REQUEST, message));
    }
    Ok(())
}

/// What a collector hears of an answer.
fn answered<'a>(
    request_id: &'a str,
    method: &'a Method,
    route: Option<&'a str>,
    status: StatusCode,
    facts: &'a LogFacts,
    took: Duration,
) -> Answered<'a> {
    Answered {
        method: method.as_str(),
        route,
        status: status.as_u16(),
        request_id,
        model: facts.model.as_deref(),
        provider: facts.provider.as_deref(),
        cost_micros: facts.cost_micros,
        error_code: facts.error_code,
        took,
    }
}

/// Gives the request an id, runs it, and puts the id on the answer and the line into the log. All that is logged on the way
/// has its id, whatever the level.
pub(crate) async fn envelope(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(state.generator.clock.now());
    let method = request.method().clone();
    // The path as routed: ids and signatures in real paths stay out of the log.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let repeat = check_host(&request).and_then(|()| Repeat::read(request.headers()));
    let peer = request.extensions().get::<PeerAddress>().copied();
    let address = peer.map(|peer| address::of_caller(peer.0, request.headers(), &state.trusted_proxies));
    // A caller that waits for '100 Continue' sends nothing that could be left unread.
    if !request.headers().contains_key(header::EXPECT) {
        request = request.map(lingering);
    }
    let span = tracing::error_span!("request", request.id = %id, trace.id = tracing::field::Empty);
    let trace_id = telemetry::join(&span, request.headers());
    if let Some(trace_id) = &trace_id {
        span.record("trace.id", trace_id.as_str());
    }
    let mut response = match repeat {
        Ok(repeat) => {
            let context = RequestContext {
                id: id.clone(),
                marks: marks(request.headers()),
                repeat,
                hears_attempts: mark(request.headers(), EVENTS).is_some_and(|kinds| {
                    kinds
                        .split(',')
                        .any(|kind| kind.trim().eq_ignore_ascii_case("attempts"))
                }),
                arrived: started,
                address,
            };
            request.extensions_mut().insert(context);
            next.run(request).instrument(span.clone()).await
        }
        Err(problem) => problem.into_response(),
    };
    let led = matched.as_ref().map(MatchedPath::as_str);
    let metrics = &state.generator.metrics;
    metrics.request_answered(method.as_str(), led, response.status().as_u16());
    let facts = response.extensions_mut().remove::<LogFacts>().unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    // What an answer is, its own header tells: nothing here is to be guessed.
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let status = response.status();
    let took = started.elapsed();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if led.is_some_and(|route| WATCHED.contains(&route)) {
        tracing::debug!(request.id = %id, http.route = led, http.status = status.as_u16(), duration_ms, "request");
        return response;
    }
    telemetry::answered(&span, &answered(&id, &method, led, status, &facts, took));
    // Of who is let in the key is known; of who is not, the address is all there is.
    let stranger = address.filter(|_| status == StatusCode::UNAUTHORIZED);
    tracing::info!(
        request.id = %id,
        http.method = %method,
        http.route = led.unwrap_or("(none)"),
        http.status = status.as_u16(),
        duration_ms,
        client.address = stranger.map(tracing::field::display),
        key.id = facts.key_id.as_deref(),
        model.id = facts.model.as_deref(),
        provider.id = facts.provider.as_deref(),
        cost_micros = facts.cost_micros,
        error.code = facts.error_code,
        trace.id = trace_id.as_deref(),
        "request"
    );
    response
}
