//! A task: begun, worked on in the background, and asked for at `GET /v1/get_result`.

use super::errors;
use super::work::{Ask, run};
use super::{Bfl, authorize};
use crate::calls::CallHandle;
use crate::faults::{Faults, Moderation};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::{End, Work};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// One task.
#[derive(Debug)]
pub(super) struct Task {
    work: Work<Ask>,
    /// Empty while it runs.
    end: OnceLock<Result<Value, Refused>>,
}

impl Task {
    fn body(&self) -> Value {
        let (status, result, details) = match self.end.get() {
            None => ("Pending", Value::Null, Value::Null),
            Some(Ok(result)) => ("Ready", result.clone(), Value::Null),
            Some(Err(refused)) => {
                let status = match refused.end {
                    Some(End::Moderated(Moderation::Input)) => "Request Moderated",
                    Some(End::Moderated(Moderation::Output)) => "Content Moderated",
                    _ => "Error",
                };
                (status, Value::Null, refused.body.clone())
            }
        };
        json!({"id": self.work.id, "status": status, "result": result, "progress": null, "details": details})
    }
}

/// Begins a task; it goes on whether or not anybody asks for it. Gives the faults that strike the answer.
pub(super) fn begin(bfl: &Arc<Bfl>, work: Work<Ask>) -> Faults {
    let (id, faults) = (work.id.clone(), work.faults.clone());
    let task = Arc::new(Task {
        work,
        end: OnceLock::new(),
    });
    bfl.tasks.insert(id, Arc::clone(&task));
    let core = Arc::clone(&bfl.core);
    bfl.core.tasks.spawn(async move {
        let end = run(&core, &task.work).await;
        // Only this task sets it.
        task.end.set(end).ok();
    });
    faults
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    id: String,
}

/// Tells how a task is.
pub(super) async fn get(State(bfl): State<Arc<Bfl>>, Query(asked): Query<Asked>, request: Request) -> Response {
    if let Err(refused) = authorize(request.headers()) {
        return refused.into_response();
    }
    let Some(task) = bfl.tasks.get(&asked.id) else {
        let body =
            json!({"id": asked.id, "status": "Task not found", "result": null, "progress": null, "details": null});
        return wire::json(StatusCode::OK, &body);
    };
    let path = task.work.ask.model.id;
    if let Some(handle) = request.extensions().get::<CallHandle>() {
        handle.note(Provider::Bfl, path, &Value::Null);
    }
    let faults = task.work.poll_faults(&bfl.core, task.end.get().is_some());
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return errors::by_fault(refusal).into_response();
    }
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &task.body()), faults.body).await
}
