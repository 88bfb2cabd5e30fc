//! Pages of other origins that call the API: allowed for the origins that the operator names, and never with the site's
//! own sign-in.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::state::AppState;

/// How long a browser may remember what is allowed.
const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// What of an answer a page may read beside its body.
const EXPOSED: [&str; 14] = [
    "x-request-id",
    "x-pictor-provider",
    "x-pictor-model",
    "x-pictor-cost",
    "x-pictor-response-format",
    "x-litellm-response-cost",
    "x-should-retry",
    "retry-after",
    "idempotent-replayed",
    "preference-applied",
    "location",
    "deprecation",
    "sunset",
    "content-length",
];

/// The rules for these origins, which the settings have checked; `*` is any. `None` when there is none.
pub(crate) fn rules(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let rules = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        // SDKs send headers of their own, more with each version.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(MAX_AGE);
    Some(rules)
}

/// Answers preflights of the API and marks its answers.
pub(crate) async fn cors(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_api = ["/openai/", "/v1/", "/media/"]
        .iter()
        .any(|root| path.starts_with(root))
        || state.api_aliases.iter().any(|alias| path.starts_with(alias.as_str()));
    match &state.choices.cors {
        Some(rules) if is_api => match rules.layer(next).oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        _ => next.run(request).await,
    }
}
