//! The layer that puts every call into the log.

use crate::calls::CallRecord;
use crate::core::Core;
use crate::strangers;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

/// Logs every call but those to the control routes.
pub(crate) async fn log_calls(State(core): State<Arc<Core>>, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/_sandbox/") {
        return next.run(request).await;
    }
    let handle = core.calls.begin(CallRecord::begun(&request, core.now()));
    request.extensions_mut().insert(handle.clone());
    let started = Instant::now();
    let response = strangers::watch(&core, next.run(request)).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    core.calls.end(&handle, response.status().as_u16(), duration_ms);
    response
}
