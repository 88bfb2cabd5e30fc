//! `POST /v1`: a list of tasks, and one answer with what came of each.

use super::Runware;
use super::ask::check;
use super::errors;
use super::models::Model;
use super::work::Job;
use crate::calls::CallHandle;
use crate::faults::{BodyFault, Faults};
use crate::inputs;
use crate::media::NewMedia;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES};
use crate::work::Work;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Tasks in one list.
const MAX_TASKS: usize = 100;
/// Uploaded images live for a month.
const UPLOADS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What came of all tasks so far.
#[derive(Default)]
struct Outcome {
    data: Vec<Value>,
    errors: Vec<Value>,
    /// The first error: it gives the status when nothing went well.
    first: Option<Refused>,
    hang: bool,
    body: Option<BodyFault>,
}

impl Outcome {
    fn fail(&mut self, error: Refused, task_type: Option<&str>, task_uuid: Option<&str>) {
        self.errors.push(errors::entry(&error, task_type, task_uuid));
        self.first.get_or_insert(error);
    }

    fn strike(&mut self, faults: &Faults) {
        self.hang |= faults.hang;
        self.body = self.body.or(faults.body);
    }

    fn to_response(&self) -> Response {
        let mut body = json!({ "data": self.data });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        match &self.first {
            Some(first) if self.data.is_empty() => Refused { body, ..first.clone() }.into_response(),
            _ => wire::json(StatusCode::OK, &body),
        }
    }
}

/// `POST /v1`.
pub(super) async fn run(State(runware): State<Arc<Runware>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let tasks = match read(body).await {
        Ok(tasks) => tasks,
        Err(error) => return errors::respond(error),
    };
    if let Err(error) = authorize(&parts, &tasks) {
        let entry = errors::entry(&error, Some("authentication"), None);
        return errors::respond(Refused { body: entry, ..error });
    }
    let mut outcome = Outcome::default();
    for task in &tasks {
        one(&runware, &parts, task, &mut outcome).await;
    }
    let response = outcome.to_response();
    if outcome.hang {
        std::future::pending::<()>().await;
    }
    wire::spoil(response, outcome.body).await
}

async fn read(body: Body) -> Result<Vec<Map<String, Value>>, Refused> {
    let invalid = || errors::error(400, "invalidRequest", "The body must be a JSON array of task objects.");
    let bytes = wire::read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| errors::error(413, "payloadTooLarge", "The request is too large."))?;
    let tasks: Vec<Map<String, Value>> = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if (1..=MAX_TASKS).contains(&tasks.len()) {
        Ok(tasks)
    } else {
        Err(invalid())
    }
}

/// The key stands in the header, or in a first task.
fn authorize(parts: &Parts, tasks: &[Map<String, Value>]) -> Result<(), Refused> {
    let header = parts.headers.get("authorization");
    let by_header = header
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "));
    let first = tasks.first().filter(|task| is_of(task, "authentication"));
    let by_task = first.and_then(|task| task.get("apiKey")).and_then(Value::as_str);
    match by_header.or(by_task).map(str::trim) {
        Some(key) if !key.is_empty() && !key.contains("invalid") => Ok(()),
        _ => Err(errors::bad_key()),
    }
}

fn is_of(task: &Map<String, Value>, task_type: &str) -> bool {
    task.get("taskType").is_some_and(|given| given == task_type)
}

async fn one(runware: &Arc<Runware>, parts: &Parts, task: &Map<String, Value>, outcome: &mut Outcome) {
    let task_type = task.get("taskType").and_then(Value::as_str);
    let id = task.get("taskUUID").and_then(Value::as_str);
    let result = match task_type {
        Some("authentication") => {
            outcome.data.push(json!({"taskType": "authentication"}));
            return;
        }
        Some("imageInference") => infer(runware, parts, task, outcome).await,
        Some("imageUpload") => upload(runware, task).map(|entry| vec![entry]),
        Some("getResponse") => return respond(runware, parts, id, outcome).await,
        Some(_) => Err(errors::invalid(
            "taskType",
            "Supported values here are authentication, imageInference, imageUpload and getResponse.",
        )),
        None => Err(errors::missing("taskType")),
    };
    match result {
        Ok(entries) => outcome.data.extend(entries),
        Err(error) => outcome.fail(error, task_type, id),
    }
}

/// The UUID of a task: a random one, in lower or upper case.
fn uuid(task: &Map<String, Value>) -> Result<String, Refused> {
    let id = task.get("taskUUID").ok_or_else(|| errors::missing("taskUUID"))?;
    let id = id.as_str().unwrap_or_default().to_ascii_lowercase();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let good = lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| digits(part));
    if good && parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']) {
        Ok(id)
    } else {
        Err(errors::invalid("taskUUID", "It must be a UUID v4."))
    }
}

async fn infer(
    runware: &Arc<Runware>,
    parts: &Parts,
    task: &Map<String, Value>,
    outcome: &mut Outcome,
) -> Result<Vec<Value>, Refused> {
    let core = &runware.core;
    let id = uuid(task)?;
    let model = task.get("model").ok_or_else(|| errors::missing("model"))?;
    let model = Model::find(model.as_str().unwrap_or_default()).ok_or_else(errors::no_model)?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        let mut shown = task.clone();
        // The log leaves out what is called a prompt.
        for (given, named) in [("positivePrompt", "prompt"), ("negativePrompt", "negative_prompt")] {
            if let Some(text) = shown.remove(given) {
                shown.insert(named.to_owned(), text);
            }
        }
        handle.note_fields(Provider::Runware, model.id, &shown);
    }
    if runware.jobs.get(&id).is_some() {
        return Err(errors::conflict());
    }
    let task = fit(task.clone(), |task| check(model, task).is_ok());
    let ask = check(model, &task)?;
    let work = Work::new(core, id.clone(), ask, core.base_url_for(&parts.uri, &parts.headers));
    outcome.strike(&work.faults);
    work.begin(core).await?;
    let is_async = work.ask.is_async;
    let job = Job::new(work);
    runware.jobs.insert(id.clone(), Arc::clone(&job));
    let running = Arc::clone(core);
    // A caller that hangs up pays all the same.
    let run = core.tasks.spawn(async move { job.run(&running).await });
    if is_async {
        return Ok(vec![json!({"taskType": "imageInference", "taskUUID": id})]);
    }
    run.await.unwrap_or_else(|error| {
        warn!(%error, "an image task ended early");
        Err(errors::failed())
    })
}

fn upload(runware: &Runware, task: &Map<String, Value>) -> Result<Value, Refused> {
    let id = uuid(task)?;
    let image = task.get("image").and_then(Value::as_str);
    let image = image.ok_or_else(|| errors::missing("image"))?;
    let core = &runware.core;
    let loaded = inputs::load(core, image).map_err(|error| errors::invalid("image", &error.to_string()))?;
    let media = NewMedia {
        bytes: loaded.bytes,
        content_type: loaded.content_type,
        ttl: UPLOADS_KEPT,
        fault: None,
    };
    let place = core.media.put(media, core.now());
    let part = |from: usize, to: usize| &place[from..to];
    let uuid = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    Ok(json!({"taskType": "imageUpload", "taskUUID": id, "imageUUID": uuid}))
}

/// How an asynchronous task stands.
async fn respond(runware: &Runware, parts: &Parts, id: Option<&str>, outcome: &mut Outcome) {
    let job = id.and_then(|id| runware.jobs.get(&id.to_ascii_lowercase()));
    let Some(job) = job.filter(|job| job.work.ask.is_async) else {
        let unknown = errors::invalid("taskUUID", "There is no asynchronous task of this UUID.");
        return outcome.fail(unknown, Some("getResponse"), id);
    };
    let ask = &job.work.ask;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Runware, ask.model.id, &Value::Null);
    }
    let ended = job.ended();
    let faults = job.work.poll_faults(&runware.core, ended.is_some());
    outcome.strike(&faults);
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return outcome.fail(errors::by_fault(refusal), Some("getResponse"), id);
    }
    match ended {
        None => outcome
            .data
            .push(json!({"taskType": "imageInference", "taskUUID": job.work.id, "status": "processing"})),
        Some(Ok(entries)) => outcome.data.extend(entries.into_iter().map(|mut entry| {
            entry["status"] = json!("success");
            entry
        })),
        // Asking went well: what is told is that the task did not.
        Some(Err(error)) => {
            let mut entry = errors::entry(&error, Some("imageInference"), Some(&job.work.id));
            entry["status"] = json!("error");
            outcome.errors.push(entry);
        }
    }
}
