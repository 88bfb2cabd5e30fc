//! OpenRouter: its Images API, and its chat completions for models that make images only while they talk.

mod chat;
mod error;
mod images;
mod usage;

use planner::failure::{Failure, FailureKind, Spent};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};

use crate::adapter::{
    Adapter, Call, Job, Output, OutputImage, Patience, ProviderRequest, Reply, Stage, State, Step,
    verdict::{failed, request_id, text_of, unreadable},
};

/// The adapter. An offer whose native fields have `modalities`, which the Images API lacks, goes to chat completions.
/// Options: `referer` and `title`, by which OpenRouter shows an application in its rankings.
#[derive(Debug)]
pub(crate) struct OpenRouter;

/// The native field that makes an offer one of chat completions.
const CHAT_FIELD: &str = "modalities";
/// Endpoint options that become headers.
const HEADER_OPTIONS: [(&str, HeaderName); 2] = [
    ("referer", HeaderName::from_static("http-referer")),
    ("title", HeaderName::from_static("x-title")),
];

impl Adapter for OpenRouter {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let (path, body) = if is_chat(request) {
            ("chat/completions", chat::body(request)?)
        } else {
            ("images", images::body(request)?)
        };
        let mut call = Call::new(Method::POST, request.endpoint.url(path)?, Stage::Submit)
            .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
            .body(body);
        for (option, header) in HEADER_OPTIONS {
            if let Some(value) = request
                .endpoint
                .options
                .get(option)
                .and_then(|value| HeaderValue::from_str(value).ok())
            {
                call = call.header(header, value);
            }
        }
        call.patience = Patience::Work;
        Ok(call)
    }

    fn resume(&self, _request: &ProviderRequest, _state: &mut State, _handle: &str) -> Result<Call, Failure> {
        Err(Failure::new(
            FailureKind::JobLost,
            "this provider answers at once and keeps no jobs",
        ))
    }

    fn next(&self, request: &ProviderRequest, _state: &mut State, reply: Reply) -> Step {
        match outcome(request, &reply) {
            Ok(output) => Step::Done(output),
            Err(failure) => Step::Fail(failure),
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn is_chat(request: &ProviderRequest) -> bool {
    request.native.fields.contains_key(CHAT_FIELD)
}

fn outcome(request: &ProviderRequest, reply: &Reply) -> Result<Output, Failure> {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Err(error::judge(request, reply));
    }
    let Some(document) = reply.document() else {
        return Err(unreadable(provider, reply, "no JSON"));
    };
    let json = &document.json;
    // What fails after the work began is told in a success.
    if json["error"].is_object() {
        return Err(error::judge(request, reply));
    }
    let cost = usage::cost_micros(&json["usage"]);
    let images = if is_chat(request) {
        chat::images(request, reply, document)
    } else {
        images::images(request, reply, document)
    }
    .and_then(|images| some(provider, reply, images))
    .map_err(|failure| with_cost(failure, cost))?;
    Ok(Output {
        images,
        usage: usage::read(&json["usage"]),
        reported_cost_micros: cost,
        upstream_id: text_of(&json["id"]).map(str::to_owned).or_else(|| request_id(reply)),
    })
}

fn some(provider: &str, reply: &Reply, images: Vec<OutputImage>) -> Result<Vec<OutputImage>, Failure> {
    if images.is_empty() {
        return Err(failed(provider, FailureKind::EmptyAnswer, reply));
    }
    Ok(images)
}

/// An answer says what it cost even when there is nothing to be had from it.
fn with_cost(mut failure: Failure, cost_micros: Option<i64>) -> Failure {
    match cost_micros {
        Some(0) => failure.spent = Spent::No,
        Some(_) => failure.spent = Spent::Yes,
        None => {}
    }
    failure
}
