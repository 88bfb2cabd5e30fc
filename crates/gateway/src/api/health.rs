//! Whether the process lives, and whether it can work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::http::respond;
use crate::http::state::AppState;

/// `GET /healthz`: the process lives.
pub(super) async fn healthz() -> Response {
    respond::json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /readyz`: something can be written, as it turns out within two seconds, and the gateway is not stopping.
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let writes = state.generator.database.probe().await;
    if let Err(error) = &writes {
        let trouble = state.generator.database.trouble();
        tracing::warn!(error = %error, trouble, "not ready: nothing can be written");
    }
    let (database, stopping) = (writes.is_ok(), state.tasks.is_closed());
    let ready = database && !stopping;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    respond::json(
        status,
        &json!({ "status": if ready { "ready" } else { "not ready" }, "database": database, "stopping": stopping }),
    )
}
