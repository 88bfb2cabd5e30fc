//! Workflows that are jobs: handing one in, and asking for its result.

use super::Fireworks;
use super::errors::{ApiError, authorize};
use super::models::Way;
use super::run::{accept, read_json};
use super::work::Work;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults, Stage};
use crate::media::NewMedia;
use crate::provider::Provider;
use crate::wire;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use imaging::ImageFormat;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Links live for ten minutes.
const LINKED: Duration = Duration::from_secs(600);

/// How a job ended.
#[derive(Clone, Debug)]
enum End {
    /// With a link, or without one under a fault.
    Ready(Option<String>),
    Moderated(Stage),
    Failed(String),
}

/// One job.
#[derive(Debug)]
pub(super) struct Job {
    work: Work,
    /// None while it is being worked on.
    end: Mutex<Option<End>>,
}

impl Job {
    async fn run(&self, core: &Core) {
        let queue = core.latency.queue();
        if !queue.is_zero() {
            tokio::time::sleep(queue).await;
        }
        let end = self.end_of(core).await;
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    async fn end_of(&self, core: &Core) -> End {
        let faults = &self.work.faults;
        if let Some(stage) = faults.moderation {
            self.work.charge_if_asked(core);
            return End::Moderated(stage);
        }
        if faults.failed {
            self.work.charge_if_asked(core);
            return End::Failed("the image could not be made".to_owned());
        }
        if faults.body == Some(BodyFault::Empty) {
            return End::Ready(None);
        }
        match self.work.draw(core).await {
            Err(_) => End::Failed("the input image could not be read".to_owned()),
            Ok(bytes) => {
                let format = self.work.ask.format;
                let media = NewMedia {
                    bytes,
                    content_type: format.mime_type().to_owned(),
                    ttl: LINKED,
                    fault: faults.media,
                };
                let extension = if format == ImageFormat::Png { "png" } else { "jpeg" };
                let id = core.media.put(media, core.now());
                let base_url = &self.work.base_url;
                End::Ready(Some(format!("{base_url}/fireworks/media/{id}/sample.{extension}")))
            }
        }
    }

    fn ended(&self) -> Option<End> {
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
        Err(refusal) => return refusal,
    };
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
        return error.to_response();
    }
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(error) => return error.to_response(),
    };
    let Some(id) = body.get("id").and_then(Value::as_str) else {
        return ApiError::invalid("Field required: 'id'").to_response();
    };
    let job = fireworks.jobs.get(id).filter(|job| job.work.ask.model.id == model);
    let Some(job) = job else {
        return wire::json(StatusCode::OK, &told(id, "Task not found", Value::Null, Value::Null));
    };
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Fireworks, job.work.ask.model.id, &Value::Null);
    }
    let ended = job.ended();
    let faults = poll_faults(&fireworks, &job, ended.is_some());
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return ApiError::by_fault(refusal).to_response();
    }
    faults.hang().await;
    let body = match ended {
        None => told(id, "Pending", Value::Null, Value::Null),
        Some(End::Ready(None)) => told(id, "Ready", json!({}), Value::Null),
        Some(End::Ready(Some(link))) => {
            let result = json!({"sample": link, "seed": job.work.seed()});
            told(id, "Ready", result, Value::Null)
        }
        Some(End::Moderated(Stage::Input)) => told(id, "Request Moderated", Value::Null, Value::Null),
        Some(End::Moderated(Stage::Output)) => told(id, "Content Moderated", Value::Null, Value::Null),
        Some(End::Failed(why)) => told(id, "Error", Value::Null, json!({ "error": why })),
    };
    wire::spoil(wire::json(StatusCode::OK, &body), faults.body).await
}

fn told(id: &str, status: &str, result: Value, details: Value) -> Value {
    let progress = if status == "Ready" { json!(1.0) } else { Value::Null };
    json!({"id": id, "status": status, "result": result, "progress": progress, "details": details})
}

/// One route tells the state and the result: faults of either strike it.
fn poll_faults(fireworks: &Fireworks, job: &Job, has_ended: bool) -> Faults {
    let ask = &job.work.ask;
    let take = |call| {
        let book = &fireworks.core.faults;
        book.take(call, Provider::Fireworks, ask.model.id, &ask.prompt)
    };
    let faults = take(Call::Status);
    if faults == Faults::default() && has_ended {
        return take(Call::Result);
    }
    faults
}
