//! Google's Gemini API: one call of `generateContent`, the images among the parts of its answer.
//!
//! Native fields: `prompt` and all images become parts of one turn; every other name is dotted, as
//! `generationConfig.imageConfig.aspectRatio`.

use planner::failure::{Failure, FailureKind};
use reqwest::{Method, header::HeaderName};

use crate::{
    adapter::{Adapter, Call, Job, Patience, ProviderRequest, Reply, Stage, State, Step},
    google::{answered, content_body},
};

/// Carries the key, which in the address would get into logs.
const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// The adapter.
#[derive(Debug)]
pub(crate) struct Gemini;

impl Adapter for Gemini {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let path = format!("models/{}:generateContent", request.native.model);
        let mut call = Call::new(Method::POST, request.endpoint.url(&path)?, Stage::Submit)
            .header(KEY, request.endpoint.key()?)
            .body(content_body(request)?);
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
        answered(&request.endpoint.provider, &reply)
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}
