//! Black Forest Labs: submit, ask at the address that came back until the task ends, take the picture from a signed link.

mod error;

use planner::{
    failure::{Failure, FailureKind},
    native::NativeValue,
};
use reqwest::{
    Method, Url,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    adapter::{
        Adapter, Call, Job, Output, OutputImage, Patience, Phase, ProviderRequest, Reply, Stage, State, Step,
        fields::nested,
        misconfigured,
        money::micros_of,
        verdict::{bad_image, failed, produced, text_of, unreadable, unreadable_again},
    },
    body::{Body, Node},
};

/// The header of the credential.
const KEY: HeaderName = HeaderName::from_static("x-key");
/// What a credit is worth: a cent.
const DOLLARS_PER_CREDIT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The adapter. Option: `own_domain`, since tasks are asked for at hosts of a region.
///
/// Images travel in the request as base64. A list becomes numbered fields (`input_image`, `input_image_2`, ...), and the
/// field `size`, as an object or as `WxH`, becomes `width` and `height`.
#[derive(Debug)]
pub(crate) struct Bfl;

impl Adapter for Bfl {
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure> {
        state.phase = Phase::Submit;
        let url = request.endpoint.url(&request.native.model)?;
        let mut submit = call(request, Method::POST, url, Stage::Submit)?.body(Body::json(&body(request)?));
        submit.patience = Patience::Work;
        Ok(submit)
    }

    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure> {
        let job = state.resumed(handle, |job| request.endpoint.owns(&job.status_url))?;
        poll(request, state, &job)
    }

    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step {
        match state.phase {
            Phase::Submit | Phase::Upload(_) | Phase::Put(..) => accepted(request, state, &reply).into(),
            Phase::Poll | Phase::Fetch => polled(request, state, &reply),
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

fn call(request: &ProviderRequest, method: Method, url: Url, stage: Stage) -> Result<Call, Failure> {
    Ok(Call::new(method, url, stage)
        .header(KEY, request.endpoint.key()?)
        .header(ACCEPT, HeaderValue::from_static("application/json")))
}

fn body(request: &ProviderRequest) -> Result<Node, Failure> {
    let mut pairs = Vec::new();
    for (name, node) in request.pairs(|_, image| Node::Base64(image.blob.clone()))? {
        match (name.as_str(), node) {
            ("size", Node::Json(size)) => pairs.extend(edges(&size)?),
            (_, Node::List(images)) => {
                let numbered = images.into_iter().enumerate().map(|(index, image)| match index {
                    0 => (name.clone(), image),
                    _ => (format!("{name}_{}", index + 1), image),
                });
                pairs.extend(numbered);
            }
            (_, node) => pairs.push((name, node)),
        }
    }
    Ok(nested(pairs))
}

/// `{"width", "height"}` or `WxH` as two fields.
fn edges(size: &Value) -> Result<[(String, Node); 2], Failure> {
    let by_name = |name: &str| size[name].as_u64();
    let by_text = || {
        let (width, height) = size.as_str()?.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    };
    let (width, height): (u64, u64) = by_name("width")
        .zip(by_name("height"))
        .or_else(by_text)
        .ok_or_else(|| misconfigured("the provider's field `size` is neither an object nor `WxH`"))?;
    Ok([
        ("width".to_owned(), Node::Json(width.into())),
        ("height".to_owned(), Node::Json(height.into())),
    ])
}

fn accepted(request: &ProviderRequest, state: &mut State, reply: &Reply) -> Result<Call, Failure> {
    let provider = &request.endpoint.provider;
    if !reply.is_success() {
        return Err(error::judge(provider, reply, Stage::Submit));
    }
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    // The credential goes along to this address, so it must be the provider's.
    let address = text_of(&json["polling_url"])
        .and_then(|url| Url::parse(url).ok())
        .filter(|url| request.endpoint.owns(url));
    let Some(mut url) = address else {
        let what = "the job's address is absent or on another host";
        return Err(unreadable(provider, reply, what));
    };
    let id = text_of(&json["id"]).map(str::to_owned);
    if let Some(id) = &id
        && !url.query_pairs().any(|(name, _)| name == "id")
    {
        url.query_pairs_mut().append_pair("id", id);
    }
    state.job_cost_micros = micros_of(&json["cost"], DOLLARS_PER_CREDIT);
    let job = Job {
        id,
        status_url: url.clone(),
        result_url: url,
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
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    // Older answers call it `state`.
    match text_of(&json["status"]).or_else(|| text_of(&json["state"])) {
        Some("Pending") => poll(request, state, &job).into(),
        Some("Ready") => match sample(request, reply) {
            Ok(Some(image)) => Step::Done(Output {
                images: vec![image],
                reported_cost_micros: state.job_cost_micros,
                upstream_id: job.id,
                ..Output::default()
            }),
            Ok(None) => Step::Fail(failed(provider, FailureKind::EmptyAnswer, reply)),
            Err(failure) => Step::Fail(failure),
        },
        Some(status) => match error::judge_end(provider, reply, status) {
            Some(failure) => Step::Fail(failure),
            None => unreadable_again(provider, state, reply, "an unknown status of the job"),
        },
        None => unreadable_again(provider, state, reply, "no status of the job"),
    }
}

/// The picture; its link is signed and needs no credential.
fn sample(request: &ProviderRequest, reply: &Reply) -> Result<Option<OutputImage>, Failure> {
    let Some(document) = reply.document() else {
        return Ok(None);
    };
    let result = &document.json["result"];
    let sent = match request.native.fields.get("prompt") {
        Some(NativeValue::Json(prompt)) => prompt.as_str(),
        _ => None,
    };
    let revised_prompt = text_of(&result["prompt"])
        .filter(|prompt| Some(*prompt) != sent)
        .map(str::to_owned);
    produced(document, &result["sample"], &HeaderMap::new(), revised_prompt)
        .map_err(|error| bad_image(&request.endpoint.provider, reply, &error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credits_are_cents() {
        for (credits, micros) in [
            (json!(4), Some(40_000)),
            (json!(1.4), Some(14_000)),
            (json!(0.1), Some(1_000)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(1e40), None),
            (json!("4"), Some(40_000)),
            (Value::Null, None),
        ] {
            assert_eq!(micros_of(&credits, DOLLARS_PER_CREDIT), micros, "{credits}");
        }
    }

    #[test]
    fn sizes_become_two_fields() {
        for size in [json!({"width": 1280, "height": 720}), json!("1280x720")] {
            let pairs = edges(&size).expect("a size");
            assert_eq!(
                format!("{pairs:?}"),
                r#"[("width", Json(1280)), ("height", Json(720))]"#
            );
        }
        for bad in [json!("auto"), json!({"width": 1}), json!(5)] {
            assert!(edges(&bad).is_err(), "{bad}");
        }
    }
}
