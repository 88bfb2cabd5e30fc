//! DashScope, the API of Alibaba Cloud's Model Studio: a chat-shaped request, answered at once or as a task that is asked
//! for; the results are links.

mod error;

use planner::{
    failure::{Failure, FailureKind},
    native::NativeValue,
};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply, Stage, State, Step,
        fields::{inline, nested},
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Node},
    network::same_origin,
    splitter::Document,
};

/// Where a request is answered at once.
const AT_ONCE: &str = "services/aigc/multimodal-generation/generation";
/// Where a request becomes a task.
const AS_TASK: &str = "services/aigc/image-generation/generation";
/// The native field that makes the request a task. It is sent as this header and not in the body.
const TASK_FIELD: &str = "X-DashScope-Async";
/// That header.
const TASK_HEADER: HeaderName = HeaderName::from_static("x-dashscope-async");

/// The adapter. Native fields: `prompt` and `image` become the parts of the message, [`TASK_FIELD`] a header; all others
/// are parameters, a dot in a name meaning nesting. A `size` of the form `1024x1024` is sent as `1024*1024`.
#[derive(Debug)]
pub(crate) struct DashScope;

impl Adapter for DashScope {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let is_task = is_task(request);
        let path = if is_task { AS_TASK } else { AT_ONCE };
        let mut call = call(request, Method::POST, request.endpoint.url(path)?, Stage::Submit)?.body(body(request)?);
        if is_task {
            call = call.header(TASK_HEADER, HeaderValue::from_static("enable"));
        }
        call.patience = Patience::Work;
        Ok(call)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| same_origin(&job.status_url, &request.endpoint.base_url))?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        if state.phase == Phase::Submit {
            answered(request, state, &reply)
        } else {
            polled(request, state, &reply)
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn call(request: &ProviderRequest, method: Method, url: Url, stage: Stage) -> Result<Call, Failure> {
    Ok(Call::new(method, url, stage).header(AUTHORIZATION, request.endpoint.authorization("Bearer")?))
}

fn is_task(request: &ProviderRequest) -> bool {
    match request.native.fields.get(TASK_FIELD) {
        Some(NativeValue::Json(value)) => !matches!(value, Value::Null | Value::Bool(false)),
        _ => false,
    }
}

/// Images come before the text, as in the provider's own examples.
fn body(request: &ProviderRequest) -> Result<Body, Failure> {
    let part = |kind: &str, node| Node::Object(vec![(kind.to_owned(), node)]);
    let mut content = Vec::new();
    let mut text = None;
    let mut parameters = Vec::new();
    for (name, node) in request.pairs(|_, image| inline(image))? {
        match (name.as_str(), node) {
            (TASK_FIELD, _) => {}
            ("prompt", node) => text = Some(node),
            ("image", Node::List(images)) => content.extend(images.into_iter().map(|image| part("image", image))),
            ("image", image) => content.push(part("image", image)),
            ("size", Node::Json(Value::String(size))) => parameters.push((name, Node::Json(starred(&size).into()))),
            (_, node) => parameters.push((name, node)),
        }
    }
    content.extend(text.map(|text| part("text", text)));
    let message = Node::Object(vec![
        ("role".to_owned(), Node::Json("user".into())),
        ("content".to_owned(), Node::List(content)),
    ]);
    let mut pairs = vec![
        ("model".to_owned(), Node::Json(request.native.model.clone().into())),
        ("input".to_owned(), part("messages", Node::List(vec![message]))),
    ];
    if !parameters.is_empty() {
        pairs.push(("parameters".to_owned(), nested(parameters)));
    }
    Ok(Body::json(&Node::Object(pairs)))
}

/// `1024x1024` as `1024*1024`; anything else as it is.
fn starred(size: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match size.split_once(['x', 'X']) {
        Some((width, height)) if is_number(width) && is_number(height) => format!("{width}*{height}"),
        _ => size.to_owned(),
    }
}

/// The answer to the request: images, or a task.
fn answered(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    if !reply.is_success() || error::is_refusal(reply) {
        return Step::Fail(error::judge(request, reply, Stage::Submit));
    }
    let Some(document) = reply.document() else {
        return Step::Fail(unreadable(provider, reply, "no JSON"));
    };
    let output = &document.json["output"];
    if !output.is_object() {
        return Step::Fail(unreadable(provider, reply, "no output"));
    }
    let Some(id) = text_of(&output["task_id"]) else {
        return done(request, reply, document, text_of(&document.json["request_id"]));
    };
    let url = match request.endpoint.url(&format!("tasks/{id}")) {
        Ok(url) => url,
        Err(failure) => return Step::Fail(failure),
    };
    let job = Job {
        id: Some(id.to_owned()),
        status_url: url.clone(),
        result_url: url,
    };
    state.job = Some(job.clone());
    judge_task(request, state, reply, document, &job)
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    Ok(state.asking(call(request, Method::GET, job.status_url.clone(), Stage::Poll)?))
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    if !reply.is_success() || error::is_refusal(reply) {
        let failure = error::judge(request, reply, Stage::Poll);
        let hiccup = matches!(
            failure.kind,
            FailureKind::RateLimited | FailureKind::Overloaded | FailureKind::ServerError
        );
        return if reply.is_hiccup() || hiccup {
            Step::Again(failure)
        } else {
            Step::Fail(failure)
        };
    }
    match reply.document() {
        Some(document) => judge_task(request, state, reply, document, &job),
        None => unreadable_again(provider, state, reply, "no JSON"),
    }
}

fn judge_task(request: &ProviderRequest, state: &mut State, reply: &Reply, document: &Document, job: &Job) -> Step {
    let provider = &request.endpoint.provider;
    match text_of(&document.json["output"]["task_status"]) {
        Some("PENDING" | "RUNNING" | "SUSPENDED") => {
            state.unreadable = 0;
            poll(request, state, job).into()
        }
        Some("SUCCEEDED") => done(request, reply, document, job.id.as_deref()),
        Some("FAILED" | "CANCELED") => Step::Fail(error::judge_end(request, reply)),
        // The provider says so of tasks that it has forgotten.
        Some("UNKNOWN") => Step::Fail(failed(provider, FailureKind::JobLost, reply)),
        _ if state.phase == Phase::Submit => poll(request, state, job).into(),
        _ => unreadable_again(provider, state, reply, "no status of the task"),
    }
}

fn done(request: &ProviderRequest, reply: &Reply, document: &Document, id: Option<&str>) -> Step {
    match images(request, reply, document) {
        Ok(images) if images.is_empty() => {
            Step::Fail(failed(&request.endpoint.provider, FailureKind::EmptyAnswer, reply))
        }
        Ok(images) => Step::Done(Output {
            images,
            upstream_id: id.map(str::to_owned),
            ..Output::default()
        }),
        Err(failure) => Step::Fail(failure),
    }
}

/// The images of all messages, or of the list that older tasks have. A text beside them that is not the prompt is what
/// the model made of it.
fn images(request: &ProviderRequest, reply: &Reply, document: &Document) -> Result<Vec<OutputImage>, Failure> {
    let output = &document.json["output"];
    let mut found = Vec::new();
    let mut add = |value: &Value, revised: Option<&str>| {
        let image = produced(document, value, &HeaderMap::new(), revised.map(str::to_owned))
            .map_err(|error| bad_image(&request.endpoint.provider, reply, &error))?;
        found.extend(image);
        Ok(())
    };
    let prompt = match request.native.fields.get("prompt") {
        Some(NativeValue::Json(prompt)) => text_of(prompt),
        _ => None,
    };
    for choice in items(&output["choices"]) {
        let content = items(&choice["message"]["content"]);
        let text = content.iter().find_map(|part| text_of(&part["text"]));
        let revised = text.filter(|text| Some(*text) != prompt);
        for part in content {
            add(&part["image"], revised)?;
        }
    }
    for result in items(&output["results"]) {
        add(&result["url"], text_of(&result["actual_prompt"]))?;
    }
    Ok(found)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_with_a_star() {
        for (given, sent) in [
            ("1024x768", "1024*768"),
            ("1328*1328", "1328*1328"),
            ("2K", "2K"),
            ("x", "x"),
            ("4xx2", "4xx2"),
        ] {
            assert_eq!(starred(given), sent);
        }
    }
}
