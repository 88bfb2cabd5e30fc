//! What every route shares, of the API and of the site: the state, what is around a request, and the shape of answers.

pub(crate) mod around;
pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod envelope;
pub(crate) mod face;
pub(crate) mod fallback;
pub(crate) mod in_process;
pub(crate) mod linger;
pub(crate) mod path;
pub(crate) mod repeat;
pub(crate) mod respond;
pub(crate) mod session;
pub(crate) mod shelf;
pub(crate) mod state;
pub(crate) mod visit;
pub(crate) mod visitors;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use state::Current;

/// Puts around the routes what is around all of them: fallbacks, panics, ids, the log line.
pub(crate) fn surrounded(routes: Router<Current>, state: Current) -> Router {
    routes
        .fallback(fallback::route)
        .method_not_allowed_fallback(fallback::method)
        .layer(CatchPanicLayer::custom(respond::panicked))
        .layer(from_fn_with_state(state.clone(), face::faces))
        .layer(from_fn_with_state(state.clone(), cors::cors))
        .layer(from_fn_with_state(state.clone(), envelope::envelope))
        .with_state(state)
}

/// Has browsers come by TLS alone from now on (RFC 6797). They heed it where they were reached by a name whose certificate
/// they trust.
pub(crate) fn only_by_tls(router: Router) -> Router {
    router.layer(map_response(|mut response: Response| async move {
        let always = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, always);
        response
    }))
}
