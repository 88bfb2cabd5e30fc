//! Workflows that are jobs: handing one in, and asking for its result.

use super::Fireworks;
use super::ask::Ask;
use super::errors::{self, authorize};
use super::models::Way;
use super::run::{accept, read_json};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::faults::Moderation;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::{End, Work};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use imaging::ImageFormat;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Links live for ten minutes.
const LINKED: Duration = Duration::from_secs(600);

/// One job.
#[derive(Debug)]
pub(super) struct Job {
    work: Work<Ask>,
    /// None while it is being worked on; then with a link, without one under a fault, or with why there is none.
    end: Mutex<Option<Result<Option<String>, Refused>>>,
}

impl Job {
    async fn run(&self, core: &Core) {
        tokio::time::sleep(core.latency.queue()).await;
        let end = self.work.make(core).await.map(|made| {
            let drawn = made.pictures.into_iter().next()?;
            let format = self.work.ask.format;
            let extension = if format == ImageFormat::Png { "png" } else { "jpeg" };
            let id = self.work.publish(core, drawn.bytes, format.mime_type(), LINKED);
            let base_url = &self.work.base_url;
            Some(format!("{base_url}/fireworks/media/{id}/sample.{extension}"))
        });
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    fn ended(&self) -> Option<Result<Option<String>, Refused>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `POST .../workflows/.../{model}`.
pub(super) async fn submit(
    State(fireworks): State<Arc<Fireworks>>,
    Path(model): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&fireworks, &parts, body, &model, Way::Job).await {
        Ok(work) => work,
        Err(error) => return error.into_response(),
    };
    if let Err(refused) = work.begin(&fireworks.core).await {
        return refused.into_response();
    }
    let (id, faults) = (work.id.clone(), work.faults.clone());
    let job = Arc::new(Job {
        work,
        end: Mutex::new(None),
    });
    fireworks.jobs.insert(id.clone(), Arc::clone(&job));
    let core = Arc::clone(&fireworks.core);
    fireworks.core.tasks.spawn(async move { job.run(&core).await });
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &json!({ "request_id": id })), faults.body).await
}

/// `POST .../workflows/.../{model}/get_result`.
pub(super) async fn result(
    State(fireworks): State<Arc<Fireworks>>,
    Path(model): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(error) = authorize(&parts.headers) {
        return error.into_response();
    }
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let Some(id) = body.get("id").and_then(Value::as_str) else {
        return errors::invalid("Field required: 'id'").into_response();
    };
    let job = fireworks.jobs.get(id).filter(|job| job.work.ask.model.id == model);
    let Some(job) = job else {
        return wire::json(StatusCode::OK, &told(id, "Task not found", Value::Null, Value::Null));
    };
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Fireworks, job.work.ask.model.id, &Value::Null);
    }
    let ended = job.ended();
    let faults = job.work.poll_faults(&fireworks.core, ended.is_some());
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return errors::by_fault(refusal).into_response();
    }
    faults.hang().await;
    let error = |why: &str| told(id, "Error", Value::Null, json!({ "error": why }));
    let body = match ended {
        None => told(id, "Pending", Value::Null, Value::Null),
        Some(Ok(None)) => told(id, "Ready", json!({}), Value::Null),
        Some(Ok(Some(link))) => {
            let result = json!({"sample": link, "seed": job.work.seed(0)});
            told(id, "Ready", result, Value::Null)
        }
        Some(Err(refused)) => match refused.end {
            Some(End::Moderated(Moderation::Input)) => told(id, "Request Moderated", Value::Null, Value::Null),
            Some(End::Moderated(Moderation::Output)) => told(id, "Content Moderated", Value::Null, Value::Null),
            Some(End::Failed | End::Broken) => error("the image could not be made"),
            None => error("the input image could not be read"),
        },
    };
    wire::spoil(wire::json(StatusCode::OK, &body), faults.body).await
}

fn told(id: &str, status: &str, result: Value, details: Value) -> Value {
    let progress = if status == "Ready" { json!(1.0) } else { Value::Null };
    json!({"id": id, "status": status, "result": result, "progress": progress, "details": details})
}
