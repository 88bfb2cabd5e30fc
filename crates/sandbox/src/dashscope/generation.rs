//! The two ways to hand in a request: answered at once, or turned into a task.

use super::DashScope;
use super::ask::{check, shown, subject};
use super::errors::{Refused, authorize};
use super::tasks::{self, Task};
use super::work::{Made, Work};
use crate::calls::CallHandle;
use crate::faults::Call;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tracing::warn;

/// `POST .../multimodal-generation/generation`.
pub(super) async fn at_once(State(dashscope): State<Arc<DashScope>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&dashscope, &parts, body, false).await {
        Ok(work) => Arc::new(work),
        Err(refusal) => return refusal,
    };
    let running = Arc::clone(&work);
    let core = Arc::clone(&dashscope.core);
    // A caller that hangs up pays all the same.
    let run = dashscope.core.tasks.spawn(async move { running.run(&core).await });
    let made: Result<Made, Refused> = run.await.unwrap_or_else(|error| {
        warn!(%error, "an image call ended early");
        Err(Refused::internal())
    });
    let response = match made {
        Ok(made) => {
            let output = json!({ "choices": made.choices() });
            let body = json!({"output": output, "usage": made.usage(), "request_id": work.id});
            wire::json(StatusCode::OK, &body)
        }
        Err(refused) => return refused.to_response(),
    };
    work.faults.hang().await;
    wire::spoil(response, work.faults.body).await
}

/// `POST .../image-generation/generation`.
pub(super) async fn as_task(State(dashscope): State<Arc<DashScope>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&dashscope, &parts, body, true).await {
        Ok(work) => work,
        Err(refusal) => return refusal,
    };
    let faults = work.faults.clone();
    let task = Task::start(&dashscope, work);
    let body = json!({"request_id": random_uuid(), "output": {"task_id": task.id(), "task_status": tasks::PENDING}});
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &body), faults.body).await
}

/// Reads and checks a request.
///
/// # Errors
/// The answer, if the call is refused: by its key, address, body, or by a fault.
async fn accept(dashscope: &DashScope, parts: &Parts, body: Body, is_task: bool) -> Result<Work, Response> {
    authorize(&parts.headers).map_err(|refused| refused.to_response())?;
    let body = read_json(body).await.map_err(|refused| refused.to_response())?;
    let (model, prompt) = subject(&body).map_err(|refused| refused.to_response())?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Alibaba, model.id, &shown(&body, &prompt));
    }
    check_way(&parts.headers, is_task).map_err(|refused| refused.to_response())?;
    if is_task && !model.tasks {
        return Err(Refused::url().to_response());
    }
    let takes = |body: &Map<String, Value>| check(model, &json!(body)).is_ok();
    let body = json!(fit(body.as_object().cloned().unwrap_or_default(), takes));
    let core = &dashscope.core;
    let faults = core.faults.take(Call::Submit, Provider::Alibaba, model.id, &prompt);
    faults.wait().await;
    let refusal = faults.refusal.as_ref().map(Refused::by_fault);
    let ask = check(model, &body).map_err(|invalid| refusal.clone().unwrap_or(invalid).to_response())?;
    let work = Work {
        id: random_uuid(),
        ask,
        faults,
        base_url: core.base_url_for(&parts.uri, &parts.headers),
    };
    match refusal {
        Some(refused) => {
            work.charge_refused(core);
            Err(refused.to_response())
        }
        None => Ok(work),
    }
}

async fn read_json(body: Body) -> Result<Value, Refused> {
    let bytes = wire::read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| Refused::new(413, "BadRequest.TooLarge", "Payload Too Large"))?;
    let value: Option<Value> = serde_json::from_slice(&bytes).ok();
    value
        .filter(Value::is_object)
        .ok_or_else(|| Refused::parameter("The request body is not a JSON object."))
}

/// Whether the header fits the address.
fn check_way(headers: &HeaderMap, is_task: bool) -> Result<(), Refused> {
    let asked = headers.get("x-dashscope-async").is_some_and(|value| value == "enable");
    match (asked, is_task) {
        (true, false) => Err(Refused::new(
            403,
            "AccessDenied",
            "current user api does not support asynchronous calls.",
        )),
        (false, true) => Err(Refused::new(
            403,
            "AccessDenied",
            "current user api does not support synchronous calls.",
        )),
        _ => Ok(()),
    }
}
