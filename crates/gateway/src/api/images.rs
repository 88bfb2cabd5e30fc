//! What generations and edits have in common: from a read body to an answer.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use planner::catalog::parameter::Parameter;
use planner::request::{Endpoint, ImageRequest, ResponseFormat, parse};
use providers::SpoolScope;
use serde_json::{Value, json};

use super::body::Received;
use super::caller::Caller;
use super::purpose::{Purpose, misplaced};
use super::running::failed;
use super::{estimate, repeats, running, sources, webhooks};
use crate::boundary::passed;
use crate::generation::{self, Order};
use crate::http::envelope::LogFacts;
use crate::http::respond;
use crate::http::state::AppState;

/// Says which `response_format` was used and why.
const RESPONSE_FORMAT: HeaderName = HeaderName::from_static("x-pictor-response-format");

/// One of the two endpoints.
pub(super) struct Call {
    /// Which.
    pub(super) endpoint: Endpoint,
    /// Its path.
    pub(super) path: &'static str,
    /// What is wanted.
    pub(super) purpose: Purpose,
}

/// Answers a request whose body was read.
pub(super) async fn serve(
    state: AppState,
    caller: Caller,
    call: Call,
    scope: SpoolScope,
    mut received: Received,
) -> Response {
    if let (Some(model), false) = (&state.default_model, received.fields.contains_key("model")) {
        received.fields.insert("model".to_owned(), Value::from(&**model));
    }
    let (mut request, mut faults) = parse(
        call.endpoint,
        &received.fields,
        received.is_form,
        &state.generator.catalog,
    );
    passed("parse");
    faults.extend(misplaced(&received.fields));
    let repeat = caller.context.repeat.clone();
    faults.extend(webhooks::check(&state, repeat.is_async, &mut request));
    let wants_images = call.purpose == Purpose::Images;
    // A stream is not sent again: an SDK has its first bytes at once, and from then on does not try again.
    let request_hash = if wants_images && repeat.may_repeat() && !request.stream {
        match repeats::hash(call.path, &received).await {
            Ok(hash) => Some(hash),
            Err(problem) => return problem.into_response(),
        }
    } else {
        None
    };
    let (images, mask) = sources::gather(&state, &scope, &mut received).await;
    let (response_format, why) = response_format(&request, &caller);
    let asked = caller
        .identity
        .account
        .stores_payloads
        .then(|| asked(&state, &request, &received));
    let order = Order {
        id: caller.context.id.clone(),
        asked,
        caller: generation::Caller::of(&caller.identity, &state.generator.catalog),
        endpoint: call.path,
        request,
        faults: faults.into_iter().chain(received.faults).collect(),
        images,
        mask,
        response_format,
        claim: None,
        request_hash,
        tries_before: 0,
        is_async: repeat.is_async,
        is_gone: Arc::default(),
        seed: rand::random(),
        marks: caller.context.marks.clone(),
        request_size_bytes: received.size_bytes,
        scope,
    };
    let mut response = match call.purpose {
        Purpose::Images => running::answer(state, &caller, &repeat, order).await,
        Purpose::Estimate => match state.generator.plan(&order) {
            Ok(plan) => estimate::answer(&plan),
            Err(error) => failed(&order, &error),
        },
        Purpose::Explanation => match state.generator.explain(&order) {
            Ok(explanation) => respond::json(StatusCode::OK, &json!(explanation)),
            Err(error) => failed(&order, &error),
        },
    };
    if let Ok(value) = format!("{}; reason={why}", response_format.as_str()).parse() {
        response.headers_mut().insert(RESPONSE_FORMAT, value);
    }
    let mut facts = response.extensions_mut().remove::<LogFacts>().unwrap_or_default();
    facts.key_id = Some(caller.identity.key_id);
    response.extensions_mut().insert(facts);
    response
}

/// What was asked, as it is kept: without images, and of secrets only that they were there.
fn asked(state: &AppState, request: &ImageRequest, received: &Received) -> String {
    let catalog = &state.generator.catalog;
    let found = catalog.find(&request.model).ok();
    let own = found.map(|found| catalog.parameters_of(found.model));
    let is_secret = |name: &str| {
        let name = catalog.canonical_parameter(name);
        let parameter = own.as_ref().and_then(|own| own.get(name));
        parameter
            .or_else(|| catalog.standard_parameter(name))
            .is_some_and(Parameter::is_secret)
    };
    let fields = received.fields.iter().map(|(name, value)| {
        let shown = if is_secret(name) {
            Value::from("(secret)")
        } else {
            value.clone()
        };
        (name.clone(), shown)
    });
    Value::Object(fields.collect()).to_string()
}

/// How the images come, and why so: the request says it, else the key, else what the caller's program is known to read.
fn response_format(request: &ImageRequest, caller: &Caller) -> (ResponseFormat, Cow<'static, str>) {
    if request.stream {
        (ResponseFormat::B64Json, "stream".into())
    } else if let Some(asked) = request.response_format {
        (asked, "request".into())
    } else if let Some(own) = caller.identity.response_format {
        (own, "key".into())
    } else if let Some(client) = &caller.client {
        (client.response_format, format!("client:{}", client.name).into())
    } else {
        (ResponseFormat::Url, "default".into())
    }
}
