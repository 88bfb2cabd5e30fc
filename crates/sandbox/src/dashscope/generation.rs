//! The two ways to hand in a request: answered at once, or turned into a task.

use super::DashScope;
use super::ask::{Ask, check, shown, subject};
use super::errors::{self, authorize};
use super::tasks::{self, Task};
use super::work::told;
use crate::calls::CallHandle;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::Work;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// `POST .../multimodal-generation/generation`.
pub(super) async fn at_once(State(dashscope): State<Arc<DashScope>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&dashscope, &parts, body, false).await {
        Ok(work) => work,
        Err(refused) => return refused.into_response(),
    };
    let (work, made) = match work.run(&dashscope.core).await {
        Ok(done) => done,
        Err(refused) => return refused.into_response(),
    };
    let made = told(&dashscope.core, &work, made);
    let output = json!({ "choices": made.choices() });
    let body = json!({"output": output, "usage": made.usage(), "request_id": work.id});
    wire::spoil(wire::json(StatusCode::OK, &body), work.faults.body).await
}

/// `POST .../image-generation/generation`.
pub(super) async fn as_task(State(dashscope): State<Arc<DashScope>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&dashscope, &parts, body, true).await {
        Ok(work) => work,
        Err(refused) => return refused.into_response(),
    };
    if let Err(refused) = work.begin(&dashscope.core).await {
        return refused.into_response();
    }
    let faults = work.faults.clone();
    let task = Task::start(&dashscope, work);
    let body = json!({"request_id": random_uuid(), "output": {"task_id": task.id(), "task_status": tasks::PENDING}});
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &body), faults.body).await
}

/// Reads and checks a request.
///
/// # Errors
/// By its key, address or body.
async fn accept(dashscope: &DashScope, parts: &Parts, body: Body, is_task: bool) -> Result<Work<Ask>, Refused> {
    authorize(&parts.headers)?;
    let body = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => errors::error(413, "BadRequest.TooLarge", "Payload Too Large"),
        ObjectError::NotJson | ObjectError::NotAnObject => errors::parameter("The request body is not a JSON object."),
    })?;
    let (model, prompt) = subject(&json!(body))?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Alibaba, model.id, &shown(&json!(body), &prompt));
    }
    check_way(&parts.headers, is_task)?;
    if is_task && !model.tasks {
        return Err(errors::url());
    }
    let body = fit(body, |body| check(model, &json!(body)).is_ok());
    let ask = check(model, &json!(body))?;
    let core = &dashscope.core;
    Ok(Work::new(
        core,
        random_uuid(),
        ask,
        core.base_url_for(&parts.uri, &parts.headers),
    ))
}

/// Whether the header fits the address.
fn check_way(headers: &HeaderMap, is_task: bool) -> Result<(), Refused> {
    let asked = headers.get("x-dashscope-async").is_some_and(|value| value == "enable");
    match (asked, is_task) {
        (true, false) => Err(errors::error(
            403,
            "AccessDenied",
            "current user api does not support asynchronous calls.",
        )),
        (false, true) => Err(errors::error(
            403,
            "AccessDenied",
            "current user api does not support synchronous calls.",
        )),
        _ => Ok(()),
    }
}
