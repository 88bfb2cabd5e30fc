//! Pages as answers, and the second face of an error: a page for whoever looks with a browser.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use site::frame::{Page, Visit, whole};

use super::envelope::RequestContext;
use super::state::AppState;
use super::visit;
use crate::problem::Problem;

/// What pages may load and do: nothing but what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Beginnings of paths that only programs ask for.
const OF_PROGRAMS: [&str; 6] = ["/v1/", "/openai/", "/media/", "/assets/", "/plates/", "/openapi.json"];

/// The problem that an answer is the face of, for whoever wants another face of it.
#[derive(Debug, Clone)]
pub(crate) struct Faced(pub(crate) Problem);

/// A page as an answer.
pub(crate) fn page(page: &Page, visit: &Visit, headers: &HeaderMap) -> Response {
    text("text/html; charset=utf-8", whole(page, visit), headers)
}

/// A page that is one person's own: nothing keeps it.
pub(crate) fn own_page(page: &Page, visit: &Visit) -> Response {
    let mut response = Response::new(Body::from(whole(page, visit)));
    let own = response.headers_mut();
    own.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    guard(own);
    keep_to_oneself(own);
    response
}

/// Keeps an answer out of caches.
pub(crate) fn keep_to_oneself(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A text that depends on the reader and on the moment: it is asked for again each time, and sent only when it has changed.
pub(crate) fn text(content_type: &'static str, text: String, headers: &HeaderMap) -> Response {
    let etag = etag(text.as_bytes());
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(text))
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(header::VARY, HeaderValue::from_static("accept, cookie, host"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        own.insert(header::ETAG, value);
    }
    guard(own);
    response
}

/// What a browser must not do with an answer of the site.
pub(crate) fn guard(headers: &mut HeaderMap) {
    const GUARDS: [(HeaderName, &str); 2] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A name for a version of some bytes, in quotes.
pub(crate) fn etag(bytes: &[u8]) -> String {
    const ETAG_BYTES: usize = 12;
    let hash = Sha256::digest(bytes);
    format!("\"{}\"", hex::encode(&hash[..ETAG_BYTES]))
}

/// Whether whoever asks would rather see a page than JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let place = |kind: &str| accepted.find(kind).unwrap_or(usize::MAX);
    accepted.contains("text/html") && place("text/html") < place("application/json")
}

/// Shows errors as pages to browsers, wherever a page was asked for.
pub(crate) async fn faces(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_page = state.has_pages
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && wants_page(request.headers())
        && !OF_PROGRAMS.iter().any(|beginning| path.starts_with(beginning));
    if !is_page {
        return next.run(request).await;
    }
    let visit = visit::of(&state, request.headers());
    let id = request
        .extensions()
        .get::<RequestContext>()
        .map(|context| context.id.clone());
    let response = next.run(request).await;
    let Some(Faced(problem)) = response.extensions().get::<Faced>().cloned() else {
        return response;
    };
    let shown = site::pages::problem::page(
        &path,
        problem.status.as_u16(),
        problem.code,
        &problem.message,
        id.as_deref(),
    );
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    guard(&mut parts.headers);
    Response::from_parts(parts, Body::from(Bytes::from(whole(&shown, &visit))))
}
