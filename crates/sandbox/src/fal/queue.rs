//! The queue: submit, status, status stream, result and cancel.

use super::Fal;
use super::call::{accept, authorize};
use super::errors::{self, plain, respond, stamp};
use super::job::{self, Job, Phase};
use super::run::outcome_response;
use crate::calls::CallHandle;
use crate::delivery;
use crate::faults::{BodyFault, Faults, JobCall};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::Asked;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::watch;

/// Every call below `/fal/queue/`: `{owner}/{alias}/requests/{id}...` asks for a job, all else begins one.
pub(super) async fn queue(State(fal): State<Arc<Fal>>, Path(path): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let Some(at) = segments.iter().position(|segment| *segment == "requests") else {
        if parts.method != Method::POST {
            return respond(plain(405, "Method Not Allowed"), None);
        }
        return submit(&fal, &parts, body, &path).await;
    };
    if let Err(failure) = authorize(&parts.headers) {
        return respond(failure, None);
    }
    let (app, rest) = segments.split_at(at);
    let [_, id, action @ ..] = rest else {
        return respond(plain(404, "Not Found"), None);
    };
    // Requests belong to the app: with the rest of the endpoint's path in the URL, nothing is found.
    if app.len() != 2 {
        return respond(plain(405, "Method Not Allowed"), None);
    }
    let job = fal
        .jobs
        .get(id)
        .filter(|job| job.task.work.ask.endpoint.app() == app.join("/"));
    match (&parts.method, action) {
        (&Method::GET, [] | ["response"]) => result(&fal, &parts, job).await,
        (&Method::GET, ["status"]) => status(&fal, &parts, job).await,
        (&Method::GET, ["status", "stream"]) => status_stream(&fal, &parts, job),
        (&Method::PUT, ["cancel"]) => cancel(job),
        (_, [] | ["response" | "status" | "cancel"] | ["status", "stream"]) => {
            respond(plain(405, "Method Not Allowed"), None)
        }
        _ => respond(plain(404, "Not Found"), None),
    }
}

async fn submit(fal: &Arc<Fal>, parts: &Parts, body: Body, endpoint: &str) -> Response {
    let webhook_url = query_value(&parts.uri, "fal_webhook");
    if let Some(url) = &webhook_url
        && delivery::target(url).is_none()
    {
        return respond(plain(400, "Invalid webhook URL"), None);
    }
    let task = match accept(fal, parts, body, endpoint).await {
        Ok(task) => task,
        Err(refusal) => return refusal,
    };
    let (hang, spoiled) = (task.work.faults.hang, task.work.faults.body);
    let job = job::start(fal, task, webhook_url);
    if hang {
        std::future::pending::<()>().await;
    }
    let mut answer = urls(&job, &job.task.work.base_url);
    answer["status"] = json!("IN_QUEUE");
    answer["gateway_request_id"] = json!(job.task.work.id);
    answer["queue_position"] = json!(0);
    let mut response = wire::json(StatusCode::OK, &answer);
    stamp(&mut response, Some(&job.task.work.id));
    wire::spoil(response, spoiled).await
}

/// The id of a job and the links to ask for it, which keep only the app of the endpoint.
fn urls(job: &Job, base_url: &str) -> Value {
    let id = &job.task.work.id;
    let url = format!(
        "{base_url}/fal/queue/{}/requests/{id}",
        job.task.work.ask.endpoint.app()
    );
    json!({
        "request_id": id, "response_url": url,
        "status_url": format!("{url}/status"), "cancel_url": format!("{url}/cancel"),
    })
}

fn status_body(fal: &Fal, parts: &Parts, job: &Job, phase: &Phase) -> Value {
    let base_url = fal.core.base_url_for(&parts.uri, &parts.headers);
    let wants_logs =
        query_value(&parts.uri, "logs").is_some_and(|logs| matches!(logs.to_ascii_lowercase().as_str(), "1" | "true"));
    let logs = || if wants_logs { json!(job.logs()) } else { Value::Null };
    let mut body = urls(job, &base_url);
    match phase {
        Phase::Queued => {
            body["status"] = json!("IN_QUEUE");
            body["queue_position"] = json!(0);
        }
        Phase::Running => {
            body["status"] = json!("IN_PROGRESS");
            body["logs"] = logs();
        }
        Phase::Done(finished) => {
            body["status"] = json!("COMPLETED");
            body["logs"] = logs();
            if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), finished.status_fields()) {
                body.extend(fields);
            }
        }
    }
    body
}

/// The faults that strike a later call of a job, and the answer if they refuse it.
async fn later_faults(fal: &Fal, parts: &Parts, job: &Job, call: JobCall) -> Result<Faults, Response> {
    let work = &job.task.work;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Fal, work.ask.endpoint.id, &Value::Null);
    }
    let faults = work.later_faults(&fal.core, call);
    faults.wait().await;
    match &faults.refusal {
        Some(refusal) => Err(respond(work.ask.by_fault(refusal), None)),
        None => {
            faults.hang().await;
            Ok(faults)
        }
    }
}

async fn status(fal: &Fal, parts: &Parts, job: Option<Arc<Job>>) -> Response {
    let Some(job) = job else {
        return no_request();
    };
    let faults = match later_faults(fal, parts, &job, JobCall::Status).await {
        Ok(faults) => faults,
        Err(refusal) => return refusal,
    };
    let phase = job.phase();
    let code = match phase {
        Phase::Done(_) => StatusCode::OK,
        Phase::Queued | Phase::Running => StatusCode::ACCEPTED,
    };
    let mut response = wire::json(code, &status_body(fal, parts, &job, &phase));
    stamp(&mut response, Some(&job.task.work.id));
    wire::spoil(response, faults.body).await
}

fn status_stream(fal: &Arc<Fal>, parts: &Parts, job: Option<Arc<Job>>) -> Response {
    let Some(job) = job else {
        return no_request();
    };
    let mut changes = job.watch();
    changes.mark_changed();
    let state = Some((Arc::clone(fal), parts.clone(), Arc::clone(&job), changes));
    let events = stream::unfold(state, async |state| {
        let (fal, parts, job, mut changes): (_, _, _, watch::Receiver<Phase>) = state?;
        changes.changed().await.ok()?;
        let phase = changes.borrow_and_update().clone();
        let body = status_body(&fal, &parts, &job, &phase);
        let event = Bytes::from(format!("data: {body}\n\n"));
        let more = !matches!(phase, Phase::Done(_));
        let next = more.then_some((fal, parts, job, changes));
        Some((Ok::<_, Infallible>(event), next))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = (headers, Body::from_stream(events)).into_response();
    stamp(&mut response, Some(&job.task.work.id));
    response
}

async fn result(fal: &Fal, parts: &Parts, job: Option<Arc<Job>>) -> Response {
    let Some(job) = job else {
        return no_request();
    };
    let faults = match later_faults(fal, parts, &job, JobCall::Result).await {
        Ok(faults) => faults,
        Err(refusal) => return refusal,
    };
    let id = &job.task.work.id;
    let Phase::Done(finished) = job.phase() else {
        return respond(plain(400, "Request is still in progress"), Some(id));
    };
    if let Some(failure) = result_failure(&faults) {
        return respond(failure, Some(id));
    }
    wire::spoil(outcome_response(&finished.outcome, id), faults.body).await
}

/// What a fault makes of a result that is there.
fn result_failure(faults: &Faults) -> Option<Refused> {
    if faults.moderation.is_some() {
        Some(errors::flagged())
    } else if faults.failed {
        Some(errors::broken())
    } else if faults.body == Some(BodyFault::Empty) {
        Some(errors::no_media())
    } else {
        None
    }
}

fn cancel(job: Option<Arc<Job>>) -> Response {
    let (code, status) = match job {
        None => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Some(job) if job.request_cancel() => (StatusCode::ACCEPTED, "CANCELLATION_REQUESTED"),
        Some(_) => (StatusCode::BAD_REQUEST, "ALREADY_COMPLETED"),
    };
    let mut response = wire::json(code, &json!({ "status": status }));
    stamp(&mut response, None);
    response
}

fn no_request() -> Response {
    respond(plain(404, "Request not found"), None)
}

/// A value of the query, decoded.
fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    pairs
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}
