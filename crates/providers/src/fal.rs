//! fal's queue: upload what is large, submit, ask until done, get the result and judge it by its own status.

mod error;

use planner::failure::{Failure, FailureKind};
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};

use crate::{
    adapter::{
        Adapter, Call, Expect, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply, Stage, State, Step,
        Which,
        fields::inline,
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Node},
    network::{same_origin, with_segment},
};

/// Images up to this size together go along as data URIs, in bytes. One round trip to the storage and one upload cost
/// about as long as sending a mebibyte and a third.
const INLINE_BYTES: u64 = 1 << 20;
/// Where uploads begin, unless the option `rest_url` says otherwise.
const REST_URL: &str = "https://rest.fal.ai";
/// Limit on the wait before the work starts, in seconds.
const START_TIMEOUT: HeaderName = HeaderName::from_static("x-fal-request-timeout");

/// The adapter. Options: `rest_url`, `inline_bytes`, `start_timeout_s`.
#[derive(Debug)]
pub(crate) struct Fal;

impl Adapter for Fal {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        upload_or_submit(request, state)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| {
            same_origin(&job.status_url, &request.endpoint.base_url)
                && same_origin(&job.result_url, &request.endpoint.base_url)
        })?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        match state.phase.clone() {
            Phase::Upload(_) | Phase::Put(..) if !reply.is_success() => refused_upload(request, &reply),
            Phase::Upload(which) => put(request, state, &reply, which).into(),
            Phase::Put(which, link) => {
                state.links.insert(which, link);
                upload_or_submit(request, state).into()
            }
            Phase::Submit => accepted(request, state, &reply).into(),
            Phase::Poll => polled(request, state, &reply),
            Phase::Fetch => fetched(request, state, &reply),
        }
    }

    /// The result's address with `/cancel` behind it.
    fn cancel(&self, request: &ProviderRequest, job: &Job) -> Option<Call> {
        let url = with_segment(&job.result_url, "cancel")?;
        call(request, Method::PUT, url, Stage::Poll).ok()
    }
}

fn call(request: &ProviderRequest, method: Method, url: Url, stage: Stage) -> Result<Call, Failure> {
    Ok(Call::new(method, url, stage)
        .header(AUTHORIZATION, request.endpoint.authorization("Key")?)
        .header(ACCEPT, HeaderValue::from_static("application/json")))
}

/// Uploads the next image when all together are too large to go along, else submits.
fn upload_or_submit(request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
    let images = request.images_in_use();
    let mut size_bytes = 0;
    for which in &images {
        size_bytes += request.image(*which)?.blob.len();
    }
    if size_bytes > request.endpoint.option_u64("inline_bytes")?.unwrap_or(INLINE_BYTES)
        && let Some(which) = images.into_iter().find(|which| !state.links.contains_key(which))
    {
        let image = request.image(which)?;
        let mut url = request
            .endpoint
            .option_url("rest_url", REST_URL, "storage/upload/initiate")?;
        url.query_pairs_mut().append_pair("storage_type", "fal-cdn-v3");
        let body = json!({ "content_type": image.mime, "file_name": which.filename(image) });
        state.phase = Phase::Upload(which);
        return Ok(call(request, Method::POST, url, Stage::Upload)?.body(Body::json(&Node::Json(body))));
    }
    state.phase = Phase::Submit;
    let pairs = request.pairs(|which, image| match state.links.get(&which) {
        Some(link) => Node::Json(Value::from(link.as_str())),
        None => inline(image),
    })?;
    let url = request.endpoint.url(&request.native.model)?;
    let mut submit = call(request, Method::POST, url, Stage::Submit)?.body(Body::json(&Node::Object(pairs)));
    if let Some(seconds) = request.endpoint.option_u64("start_timeout_s")? {
        submit = submit.header(START_TIMEOUT, HeaderValue::from(seconds));
    }
    Ok(submit)
}

fn put(request: &ProviderRequest, state: &mut State, reply: &Reply, which: Which) -> Result<Call, Failure> {
    let provider = &request.endpoint.provider;
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let upload_url = text_of(&json["upload_url"]).and_then(|url| Url::parse(url).ok());
    let (Some(upload_url), Some(link)) = (upload_url, text_of(&json["file_url"])) else {
        return Err(unreadable(provider, reply, "no place to upload to"));
    };
    let image = request.image(which)?;
    state.phase = Phase::Put(which, link.to_owned());
    // The address is signed: it needs no credential, and it is on another host.
    let mut call = Call::new(Method::PUT, upload_url, Stage::Upload).body(Body::blob(image.blob.clone(), &image.mime));
    call.expect = Expect::Nothing;
    call.patience = Patience::Work;
    Ok(call)
}

fn refused_upload(request: &ProviderRequest, reply: &Reply) -> Step {
    Step::refused(reply, error::judge(&request.endpoint.provider, reply, Stage::Upload))
}

fn accepted(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Result<Call, Failure> {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Err(error::judge(provider, reply, Stage::Submit));
    }
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    // The credential goes along to these addresses, so they must be the provider's.
    let address = |key: &str| {
        text_of(&json[key])
            .and_then(|url| Url::parse(url).ok())
            .filter(|url| same_origin(url, &request.endpoint.base_url))
    };
    let (Some(status_url), Some(result_url)) = (address("status_url"), address("response_url")) else {
        return Err(unreadable(
            provider,
            reply,
            "the job's addresses are absent or on another host",
        ));
    };
    let job = Job {
        id: text_of(&json["request_id"]).map(str::to_owned),
        status_url,
        result_url,
    };
    state.job = Some(job.clone());
    poll(request, state, &job)
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    Ok(state.asking(call(request, Method::GET, job.status_url.clone(), Stage::Poll)?))
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Step::refused(reply, error::judge(provider, reply, Stage::Poll));
    }
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    let status = reply.document().and_then(|document| text_of(&document.json["status"]));
    match status {
        Some("IN_QUEUE" | "IN_PROGRESS") => poll(request, state, &job).into(),
        // A completed job may have failed; only the result tells.
        Some("COMPLETED") => {
            state.unreadable = 0;
            state.phase = Phase::Fetch;
            call(request, Method::GET, job.result_url, Stage::Fetch).into()
        }
        Some(other) => {
            let mut failure = failed(provider, FailureKind::JobFailed, reply);
            failure.code = Some(other.to_owned());
            Step::Fail(failure)
        }
        None => unreadable_again(provider, state, reply, "no status of the job"),
    }
}

fn fetched(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    if reply.is_success() {
        return match images(request, reply) {
            Some(Ok(images)) if images.is_empty() => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
            Some(Ok(images)) => Step::Done(Output {
                images,
                upstream_id: state.job.take().and_then(|job| job.id),
                ..Output::default()
            }),
            Some(Err(failure)) => Step::Fail(failure),
            None => unreadable_again(provider, state, reply, "no JSON"),
        };
    }
    if reply.status == 400
        && error::says_unfinished(reply)
        && let Some(job) = state.job.clone()
    {
        return poll(request, state, &job).into();
    }
    let failure = error::judge(provider, reply, Stage::Fetch);
    // An error in fal's own shape is the model's verdict; any other is a hiccup on the way.
    if reply.is_hiccup() && !error::is_verdict(reply) {
        Step::Again(failure)
    } else {
        Step::Fail(failure)
    }
}

/// `images` of most models, `image` of upscalers.
fn images(request: &ProviderRequest, reply: &Reply) -> Option<Result<Vec<OutputImage>, Failure>> {
    let document = reply.document()?;
    let json = &document.json;
    let revised_prompt = text_of(&json["revised_prompt"]).map(str::to_owned);
    let items: Vec<&Value> = match (&json["images"], &json["image"]) {
        (Value::Array(items), _) => items.iter().collect(),
        (_, image @ Value::Object(_)) => vec![image],
        _ => Vec::new(),
    };
    let read = |item: &Value| {
        let value = if item.is_string() { item } else { &item["url"] };
        produced(document, value, &HeaderMap::new(), revised_prompt.clone())
            .map_err(|error| bad_image(&request.endpoint.provider, reply, &error))
            .transpose()
    };
    Some(items.into_iter().filter_map(read).collect())
}
