//! Jobs of the services that do not answer at once, and `GET /v2beta/results/{id}`.

use super::answer::{Accept, Picture};
use super::ask::Ask;
use super::errors;
use super::work::picture;
use super::{Stability, authorize};
use crate::core::Core;
use crate::faults::JobCall;
use crate::names::sha256_hex;
use crate::refused::Refused;
use crate::wire;
use crate::work::Work;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::{Arc, OnceLock};

/// How long a result is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A job.
pub(crate) struct Job {
    /// Of the key that began it: no other may see it.
    key_sha256: String,
    work: Work<Ask>,
    begun_at: Timestamp,
    end: OnceLock<Result<Picture, Refused>>,
}

/// Begins a job; it goes on whether or not anybody asks for it again.
pub(super) async fn begin(emulator: &Arc<Stability>, key: String, work: Work<Ask>) -> Result<Response, Refused> {
    work.begin(&emulator.core).await?;
    work.check_prompt(&emulator.core)?;
    let (id, faults) = (work.id.clone(), work.faults.clone());
    let job = Arc::new(Job {
        key_sha256: sha256_hex(&key),
        work,
        begun_at: emulator.core.now(),
        end: OnceLock::new(),
    });
    emulator.jobs.insert(id.clone(), Arc::clone(&job));
    let inner = Arc::clone(emulator);
    emulator.core.tasks.spawn(async move {
        let end = job.perform(&inner.core).await;
        let size_bytes = end.as_ref().map_or(0, |picture| picture.bytes.len());
        // Only this task ends the job.
        job.end.set(end).ok();
        inner.jobs.weigh(&job.work.id, size_bytes);
    });
    faults.hang().await;
    Ok(wire::json(StatusCode::OK, &json!({ "id": id })))
}

impl Job {
    async fn perform(&self, core: &Core) -> Result<Picture, Refused> {
        tokio::time::sleep(core.latency.queue()).await;
        let made = self.work.make(core).await?;
        picture(core, &self.work, made).await
    }
}

/// What became of a job: 202 while it goes on.
pub(super) async fn get(
    State(emulator): State<Arc<Stability>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&emulator, &id, &headers) {
        Ok((job, accept)) => tell(&emulator, &id, &job, accept).await,
        Err(error) => error.into_response(),
    }
}

fn find(emulator: &Stability, id: &str, headers: &HeaderMap) -> Result<(Arc<Job>, Accept), Refused> {
    let key = authorize(headers)?;
    let accept = Accept::of(headers)?;
    let lives = |job: &Arc<Job>| {
        let ends_at = job.begun_at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        job.key_sha256 == sha256_hex(&key) && emulator.core.now() < ends_at
    };
    let job = emulator.jobs.get(id).filter(lives);
    job.map(|job| (job, accept)).ok_or_else(errors::no_generation)
}

async fn tell(emulator: &Stability, id: &str, job: &Job, accept: Accept) -> Response {
    let call = if job.end.get().is_some() {
        JobCall::Result
    } else {
        JobCall::Status
    };
    let faults = job.work.later_faults(&emulator.core, call);
    faults.wait().await;
    if let Some(asked) = &faults.refusal {
        return errors::by_fault(asked).into_response();
    }
    faults.hang().await;
    let answer = match job.end.get() {
        None => wire::json(StatusCode::ACCEPTED, &json!({"id": id, "status": "in-progress"})),
        Some(Ok(picture)) => wire::spoil(picture.clone().answer(accept), job.work.faults.body).await,
        Some(Err(error)) => error.clone().into_response(),
    };
    wire::spoil(answer, faults.body).await
}
