//! Tasks: their states, and asking for them.

use super::DashScope;
use super::ask::Ask;
use super::errors::{self, authorize};
use super::work::{KEPT, Summary, told};
use crate::calls::CallHandle;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::Work;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// The state of a task that waits.
pub(super) const PENDING: &str = "PENDING";

/// Where a task stands.
#[derive(Clone, Debug)]
enum Progress {
    Pending,
    Running,
    Succeeded(Summary),
    Failed(Refused),
}

/// One task.
#[derive(Debug)]
pub(super) struct Task {
    work: Work<Ask>,
    submitted_at: Timestamp,
    state: Mutex<Standing>,
}

#[derive(Debug)]
struct Standing {
    progress: Progress,
    scheduled_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

impl Task {
    /// Begins a task; it goes on whether or not anybody asks for it again.
    pub(super) fn start(dashscope: &Arc<DashScope>, work: Work<Ask>) -> Arc<Self> {
        let task = Arc::new(Self {
            work,
            submitted_at: dashscope.core.now(),
            state: Mutex::new(Standing {
                progress: Progress::Pending,
                scheduled_at: None,
                ended_at: None,
            }),
        });
        dashscope.tasks.insert(task.id().to_owned(), Arc::clone(&task));
        let (core, running) = (Arc::clone(&dashscope.core), Arc::clone(&task));
        dashscope.core.tasks.spawn(async move {
            let queue = core.latency.queue();
            if !queue.is_zero() {
                tokio::time::sleep(queue).await;
            }
            running.change(Progress::Running, core.now());
            let ended = match running.work.make(&core).await {
                Ok(made) => Progress::Succeeded(told(&core, &running.work, made)),
                Err(refused) => Progress::Failed(refused),
            };
            running.change(ended, core.now());
        });
        task
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.work.id
    }

    fn change(&self, progress: Progress, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Pending | Progress::Running => state.scheduled_at = Some(now),
            Progress::Succeeded(_) | Progress::Failed(_) => state.ended_at = Some(now),
        }
        state.progress = progress;
    }

    fn is_final(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(state.progress, Progress::Succeeded(_) | Progress::Failed(_))
    }

    fn body(&self) -> Value {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut output = json!({"task_id": self.id(), "submit_time": local(self.submitted_at)});
        for (name, at) in [("scheduled_time", state.scheduled_at), ("end_time", state.ended_at)] {
            if let Some(at) = at {
                output[name] = json!(local(at));
            }
        }
        let mut body = json!({"request_id": random_uuid()});
        output["task_status"] = match &state.progress {
            Progress::Pending => json!(PENDING),
            Progress::Running => json!("RUNNING"),
            Progress::Succeeded(made) => {
                output["finished"] = json!(true);
                output["choices"] = made.choices();
                body["usage"] = made.usage();
                json!("SUCCEEDED")
            }
            Progress::Failed(refused) => {
                output["code"] = refused.body["code"].clone();
                output["message"] = refused.body["message"].clone();
                json!("FAILED")
            }
        };
        body["output"] = output;
        body
    }
}

/// `2026-03-31 19:57:58.840`.
fn local(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// `GET /tasks/{id}`. Tasks are forgotten after a day.
pub(super) async fn get(State(dashscope): State<Arc<DashScope>>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.into_response();
    }
    let core = &dashscope.core;
    let kept = SignedDuration::try_from(KEPT).unwrap_or(SignedDuration::MAX);
    let task = dashscope
        .tasks
        .get(&id)
        .filter(|task| core.now().duration_since(task.submitted_at) < kept);
    let Some(task) = task else {
        let output = json!({"task_id": id, "task_status": "UNKNOWN"});
        return wire::json(StatusCode::OK, &json!({"request_id": random_uuid(), "output": output}));
    };
    let model = task.work.ask.model.id;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Alibaba, model, &Value::Null);
    }
    let faults = task.work.poll_faults(core, task.is_final());
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return errors::by_fault(refusal).into_response();
    }
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &task.body()), faults.body).await
}
