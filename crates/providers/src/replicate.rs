//! Replicate's predictions: upload what is large, create, ask until it ends; the output is links.

mod error;

use planner::failure::{Failure, FailureKind};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply, Stage, State, Step, Which,
        fields::inline,
        misconfigured,
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Multipart, Node, base64_len},
    network::{same_origin, with_segment},
};

/// Longest data URI that the provider's documentation allows, in bytes; larger images are uploaded as files.
const INLINE_BYTES: u64 = 256_000;
/// How long the provider may hold the answer back until the prediction ends.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Longest such wait that the provider takes, in seconds.
const WAIT_MOST_S: u64 = 60;

/// The adapter. Options: `inline_bytes`, and `wait_s` to let the provider hold the answer back. By default it does not:
/// the job's handle is worth more when it is known at once.
#[derive(Debug)]
pub(crate) struct Replicate;

impl Adapter for Replicate {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        upload_or_create(request, state)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| same_origin(&job.status_url, &request.endpoint.base_url))?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        match state.phase.clone() {
            Phase::Upload(which) | Phase::Put(which, _) => uploaded(request, state, &reply, which),
            Phase::Submit => created(request, state, &reply),
            Phase::Poll | Phase::Fetch => polled(request, state, &reply),
        }
    }

    /// The prediction's address with `/cancel` behind it.
    fn cancel(&self, request: &ProviderRequest, job: &Job) -> Option<Call> {
        let url = with_segment(&job.result_url, "cancel")?;
        call(request, Method::POST, url, Stage::Poll).ok()
    }
}

fn call(request: &ProviderRequest, method: Method, url: Url, stage: Stage) -> Result<Call, Failure> {
    Ok(Call::new(method, url, stage).header(AUTHORIZATION, request.endpoint.authorization("Bearer")?))
}

fn upload_or_create(request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
    let inline_bytes = request.endpoint.option_u64("inline_bytes")?.unwrap_or(INLINE_BYTES);
    for which in request.images_in_use() {
        let image = request.image(which)?;
        if state.links.contains_key(&which) || base64_len(image.blob.len()) <= inline_bytes {
            continue;
        }
        let mut form = Multipart::new(state.nonce);
        form.file("content", &which.filename(image), &image.mime, image.blob.clone());
        state.phase = Phase::Upload(which);
        let url = request.endpoint.url("files")?;
        let mut upload = call(request, Method::POST, url, Stage::Upload)?.body(form.finish());
        upload.patience = Patience::Work;
        return Ok(upload);
    }
    state.phase = Phase::Submit;
    create(request, state)
}

/// `owner/name` is an official model; with a version (`owner/name:version`, or the version alone) it is any other.
fn create(request: &ProviderRequest, state: &State) -> Result<Call, Failure> {
    let model = &request.native.model;
    let input = Node::Object(request.pairs(|which, image| match state.links.get(&which) {
        Some(link) => Node::Json(Value::from(link.as_str())),
        None => inline(image),
    })?);
    let mut pairs = vec![("input".to_owned(), input)];
    let path = if model.contains(':') || !model.contains('/') {
        pairs.insert(0, ("version".to_owned(), Node::Json(Value::from(model.as_str()))));
        "predictions".to_owned()
    } else {
        format!("models/{model}/predictions")
    };
    let url = request.endpoint.url(&path)?;
    let mut call = call(request, Method::POST, url, Stage::Submit)?.body(Body::json(&Node::Object(pairs)));
    call.patience = Patience::Work;
    if let Some(seconds) = request.endpoint.option_u64("wait_s")? {
        let prefer = format!("wait={}", seconds.clamp(1, WAIT_MOST_S));
        let value = HeaderValue::from_str(&prefer).map_err(|_| misconfigured("the option `wait_s` cannot be sent"))?;
        call = call.header(PREFER, value);
    }
    Ok(call)
}

fn uploaded(request: &ProviderRequest, state: &mut State, reply: &Reply, which: Which) -> Step {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Step::refused(reply, error::judge(provider, reply, Stage::Upload));
    }
    let link = reply
        .document()
        .and_then(|document| text_of(&document.json["urls"]["get"]));
    let Some(link) = link else {
        return Step::Fail(unreadable(provider, reply, "no link to the uploaded file"));
    };
    state.links.insert(which, link.to_owned());
    upload_or_create(request, state).into()
}

fn created(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Step::Fail(error::judge(provider, reply, Stage::Submit));
    }
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    // The credential goes along to this address, so it must be the provider's.
    let address = text_of(&json["urls"]["get"])
        .and_then(|url| Url::parse(url).ok())
        .filter(|url| same_origin(url, &request.endpoint.base_url));
    let Some(url) = address else {
        return Step::Fail(unreadable(
            provider,
            reply,
            "the job's address is absent or on another host",
        ));
    };
    let id = text_of(&json["id"]).map(str::to_owned);
    state.job = Some(Job {
        id,
        status_url: url.clone(),
        result_url: url,
    });
    judge_prediction(request, state, reply)
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    Ok(state.asking(call(request, Method::GET, job.status_url.clone(), Stage::Poll)?))
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    if reply.is_success() {
        return judge_prediction(request, state, reply);
    }
    Step::refused(reply, error::judge(&request.endpoint.provider, reply, Stage::Poll))
}

fn judge_prediction(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    match text_of(&json["status"]) {
        Some("starting" | "processing") => poll(request, state, &job).into(),
        Some("succeeded") => match images(request, reply) {
            Ok(images) if images.is_empty() => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
            Ok(images) => Step::Done(Output {
                images,
                upstream_id: job.id,
                ..Output::default()
            }),
            Err(failure) => Step::Fail(failure),
        },
        Some("failed" | "canceled" | "aborted") => Step::Fail(error::judge_end(provider, reply)),
        _ if state.phase == Phase::Submit => poll(request, state, &job).into(),
        _ => unreadable_again(provider, state, reply, "no status of the job"),
    }
}

/// A list of links, or one.
fn images(request: &ProviderRequest, reply: &Reply) -> Result<Vec<OutputImage>, Failure> {
    let provider = &request.endpoint.provider;
    let Some(document) = reply.document() else {
        return Ok(Vec::new());
    };
    let items: Vec<&Value> = match &document.json["output"] {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    // Files of the API itself need the credential; the driver sends it to no other host.
    let headers = HeaderMap::from_iter([(AUTHORIZATION, request.endpoint.authorization("Bearer")?)]);
    let read = |item: &Value| {
        produced(document, item, &headers, None)
            .map_err(|error| bad_image(provider, reply, &error))
            .transpose()
    };
    items.into_iter().filter_map(read).collect()
}
