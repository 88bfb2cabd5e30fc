//! Stability AI's v2beta services: a form in, one image out, at once or by a job whose result is asked for.

mod error;

use std::time::Duration;

use planner::{
    failure::{Failure, FailureKind, Moderation, Spent},
    native::NativeValue,
};
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Expect, ImageSource, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply,
        ReplyBody, Stage, State, Step,
        fields::referred,
        poll_delay,
        verdict::{failed, request_id, text_of, unreadable, unreadable_again},
    },
    body::{Body, Multipart},
    network::same_origin,
    spool::Blob,
};

/// The adapter. A native model is the path of its service, such as `stable-image/generate/ultra`. A native field whose
/// name ends in `?` holds what is sent under the bare name when the request has no such field: some services want a
/// prompt or a strength that a caller may leave out.
#[derive(Debug)]
pub(crate) struct Stability;

/// Services that answer with the id of a job; the status is no guide, it is 200 for all.
const DEFERRED: [&str; 2] = ["upscale/creative", "edit/replace-background-and-relight"];
/// Pause between polls: the documentation warns of refusals for more than one in ten seconds.
const POLL_EVERY: Duration = Duration::from_secs(10);
/// How often in a row the provider may say of a job that it failed inside before it is believed.
const BROKEN_MAX: u32 = 3;
/// Ends the name of a native field that holds a fallback.
const FALLBACK_MARK: char = '?';

impl Adapter for Stability {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        let url = request.endpoint.url(&request.native.model)?;
        let mut call = call(request, Method::POST, url, Stage::Submit)?.body(form(request, state.nonce)?);
        call.patience = Patience::Work;
        if !is_deferred(request) {
            call.expect = Expect::Bytes;
            call = call.header(ACCEPT, HeaderValue::from_static("image/*"));
        }
        Ok(call)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| same_origin(&job.status_url, &request.endpoint.base_url))?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        let provider = &request.endpoint.provider;
        match state.phase {
            Phase::Poll | Phase::Fetch => polled(request, state, &reply),
            _ if !reply.is_success() => Step::Fail(error::judge(request, &reply, Stage::Submit)),
            _ if is_deferred(request) => accepted(request, state, &reply).into(),
            _ => match picture(provider, &reply, request_id(&reply)) {
                Ok(output) => Step::Done(output),
                Err(failure) => Step::Fail(failure),
            },
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn is_deferred(request: &ProviderRequest) -> bool {
    DEFERRED.iter().any(|service| request.native.model.ends_with(service))
}

fn call(request: &ProviderRequest, method: Method, url: Url, stage: Stage) -> Result<Call, Failure> {
    Ok(Call::new(method, url, stage)
        .header(AUTHORIZATION, request.endpoint.authorization("Bearer")?)
        .header(ACCEPT, HeaderValue::from_static("application/json")))
}

/// Every service takes a form, also where no file goes along.
fn form(request: &ProviderRequest, nonce: u128) -> Result<Body, Failure> {
    let fields = &request.native.fields;
    let mut form = Multipart::new(nonce);
    let has_fallback = |name: &str| fields.contains_key(&format!("{name}{FALLBACK_MARK}"));
    for (name, value) in fields {
        let name = match name.strip_suffix(FALLBACK_MARK) {
            Some(bare) if is_given(fields.get(bare)) => continue,
            None if !is_given(Some(value)) && has_fallback(name) => continue,
            Some(bare) => bare,
            None => name,
        };
        match value {
            NativeValue::Json(_) | NativeValue::Shared(_) | NativeValue::Secret(_) => form.value(name, value),
            NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => {
                for which in referred(value) {
                    let image = request.image(which)?;
                    form.file(name, &which.filename(image), &image.mime, image.blob.clone());
                }
            }
        }
    }
    Ok(form.finish())
}

/// An empty text is as good as none: a prompt may be one.
fn is_given(value: Option<&NativeValue>) -> bool {
    match value {
        None | Some(NativeValue::Json(Value::Null)) => false,
        Some(value) => value
            .json()
            .and_then(Value::as_str)
            .is_none_or(|text| !text.trim().is_empty()),
    }
}

fn accepted(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Result<Call, Failure> {
    let id = reply.document().and_then(|document| text_of(&document.json["id"]));
    let Some(id) = id else {
        return Err(unreadable(&request.endpoint.provider, reply, "no id of the job"));
    };
    let url = request.endpoint.url(&format!("results/{id}"))?;
    let job = Job {
        id: Some(id.to_owned()),
        status_url: url.clone(),
        result_url: url,
    };
    state.job = Some(job.clone());
    poll(request, state, &job)
}

fn poll(request: &ProviderRequest, state: &mut State, job: &Job) -> Result<Call, Failure> {
    let mut call = call(request, Method::GET, job.status_url.clone(), Stage::Poll)?
        .header(ACCEPT, HeaderValue::from_static("image/*"));
    // What answers to a poll that comes late enough is the image itself.
    call.expect = Expect::Bytes;
    call.delay = pause(request.endpoint.is_loopback(), state.polls);
    state.polls += 1;
    state.phase = Phase::Poll;
    Ok(call)
}

/// A provider on this machine is a sandbox, which nobody need spare.
fn pause(is_here: bool, polls: u32) -> Duration {
    if is_here { poll_delay(polls) } else { POLL_EVERY }
}

fn polled(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let provider = &request.endpoint.provider;
    let Some(job) = state.job.clone() else {
        return Step::Fail(failed(provider, FailureKind::JobLost, reply));
    };
    if !reply.is_success() {
        return refused_poll(request, state, reply);
    }
    if reply.status == 202 {
        state.unreadable = 0;
        return poll(request, state, &job).into();
    }
    match picture(provider, reply, job.id) {
        Ok(output) => Step::Done(output),
        // Asking again costs nothing, and the job is done.
        Err(failure) if failure.kind == FailureKind::UnreadableAnswer => {
            unreadable_again(provider, state, reply, "no image")
        }
        Err(failure) => Step::Fail(failure),
    }
}

fn refused_poll(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Step {
    let failure = error::judge(request, reply, Stage::Poll);
    if !reply.is_hiccup() {
        return Step::Fail(failure);
    }
    // An inner error may be the answer's or the job's: only the job's stays.
    if error::is_own(reply) && failure.kind == FailureKind::ServerError {
        state.unreadable += 1;
        if state.unreadable > BROKEN_MAX {
            let mut failure = failed(&request.endpoint.provider, FailureKind::JobFailed, reply);
            failure.spent = Spent::No;
            return Step::Fail(failure);
        }
    }
    Step::Again(failure)
}

/// The image of an answer, unless its headers say that it was blurred or is none.
fn picture(provider: &str, reply: &Reply, id: Option<String>) -> Result<Output, Failure> {
    match reply.header("finish-reason") {
        None | Some("SUCCESS") => {}
        Some(reason) => return Err(not_finished(provider, reply, reason)),
    }
    let kind = reply.header(CONTENT_TYPE.as_str()).unwrap_or("image/");
    if !kind.trim_start().to_ascii_lowercase().starts_with("image/") {
        return Err(unreadable(provider, reply, "it is no image"));
    }
    let ReplyBody::Blob(blob) = &reply.body else {
        return Err(unreadable(provider, reply, "it has no bytes"));
    };
    if blob.is_empty() {
        return Err(failed(provider, FailureKind::EmptyAnswer, reply));
    }
    Ok(Output {
        images: vec![produced(blob)],
        upstream_id: id,
        ..Output::default()
    })
}

fn produced(blob: &Blob) -> OutputImage {
    OutputImage {
        source: ImageSource::Blob(blob.clone()),
        revised_prompt: None,
    }
}

/// The provider counts a filtered image among its successes and does not say whether it charges for it.
fn not_finished(provider: &str, reply: &Reply, reason: &str) -> Failure {
    let filtered = reason.eq_ignore_ascii_case("CONTENT_FILTERED");
    let kind = if filtered {
        FailureKind::ContentPolicy
    } else {
        FailureKind::JobFailed
    };
    let mut failure = failed(provider, kind, reply);
    failure.spent = Spent::Unknown;
    failure.code = Some(reason.to_owned());
    failure.moderation = filtered.then(|| Moderation {
        stage: Some("output".to_owned()),
        categories: Vec::new(),
    });
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_provider_is_asked_every_ten_seconds() {
        assert_eq!(pause(false, 0), Duration::from_secs(10));
        assert_eq!(pause(false, 9), Duration::from_secs(10));
        assert!(pause(true, 0) < Duration::from_secs(1));
    }
}
