//! What generations and edits have in common: from a request to its answer.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::catalog::parameter::Parameter;
use planner::request::{Endpoint, ImageRequest, ResponseFormat, parse};
use planner::route::Prefer;
use planner::secret;
use providers::SpoolScope;
use serde_json::{Value, json};

use super::answer::RESPONSE_FORMAT;
use super::body::{Received, Room};
use super::caller::Caller;
use super::neighbours;
use super::purpose::{Purpose, misplaced};
use super::running::failed;
use super::{estimate, repeats, running, sources, webhooks};
use crate::auth::Scope;
use crate::boundary::passed;
use crate::generation::news::Teller;
use crate::generation::stages::{Stage, Stopwatch};
use crate::generation::{self, Order};
use crate::http::envelope::LogFacts;
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;

/// One of the two endpoints: what it is called, and how its bodies are read.
pub(super) trait Reading: 'static {
    /// Which.
    const ENDPOINT: Endpoint;
    /// Its path.
    const PATH: &'static str;

    /// Reads a body.
    ///
    /// # Errors
    /// 4xx for what cannot be read, 503.
    fn read(request: Request, room: &Room<'_>) -> impl Future<Output = Result<Received, Problem>> + Send;
}

/// Answers a request.
pub(super) async fn handle<R: Reading>(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    Box::pin(answer::<R>(state, caller, query, request, None)).await
}

/// The same with the model's name in the path, as Azure's SDKs send it.
pub(super) async fn at_deployment<R: Reading>(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(model): PathPart,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    Box::pin(answer::<R>(state, caller, query, request, Some(model))).await
}

async fn answer<R: Reading>(
    state: AppState,
    caller: Caller,
    query: Option<String>,
    request: Request,
    deployment: Option<String>,
) -> Response {
    let scope = state.spool.scope_of(&caller.identity.account_id);
    let read = async {
        caller.require(Scope::Generate)?;
        let purpose = Purpose::of(query.as_deref(), &caller)?;
        purpose.look_at_turn(&state, &caller)?;
        let room = Room {
            scope: &scope,
            limits: &state.generator.limits,
        };
        Ok((R::read(request, &room).await?, purpose))
    };
    let read: Result<_, Problem> = read.await;
    match read {
        Ok((received, purpose)) => {
            let call = Call {
                endpoint: R::ENDPOINT,
                path: R::PATH,
                purpose,
                deployment,
            };
            serve(state, caller, call, scope, received).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// A call of one of the two.
struct Call {
    endpoint: Endpoint,
    path: &'static str,
    /// What is wanted.
    purpose: Purpose,
    /// The model, where the path names it.
    deployment: Option<String>,
}

/// Answers a request whose body was read.
async fn serve(state: AppState, caller: Caller, call: Call, scope: SpoolScope, mut received: Received) -> Response {
    let stopwatch = Stopwatch::new(caller.context.arrived);
    stopwatch.since_arrival(Stage::Receive);
    let (is_async, (mut request, mut faults)) = stopwatch.time_now(Stage::Parse, || {
        let is_async = understand(&state, &call, &mut received);
        let (catalog, is_form) = (&state.generator.catalog, received.is_form);
        (is_async, parse(call.endpoint, &received.fields, is_form, catalog))
    });
    passed("parse");
    faults.extend(misplaced(&received.fields));
    let mut repeat = caller.context.repeat.clone();
    repeat.is_async |= is_async;
    faults.extend(webhooks::check(&state, &caller, repeat.is_async, &mut request));
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
    let most = state.generator.limits.input_images as usize;
    let sources::Gathered { images, mask, links } = sources::gather(most, &mut received);
    let (response_format, why) = response_format(&state, &request, &caller);
    let keeps = caller.identity.stores_payloads();
    let asked = keeps.then(|| asked(&state, &request, &received));
    // The request has them too: they may be large, and the generation takes a while.
    drop(std::mem::take(&mut received.fields));
    let mut order = Order {
        id: caller.context.id.clone(),
        asked,
        caller: generation::Caller::of(&caller.identity, &state.generator.catalog),
        endpoint: call.path,
        request,
        faults: faults.into_iter().chain(received.faults).collect(),
        images,
        mask,
        links,
        response_format,
        claim: None,
        request_hash,
        tries_before: 0,
        is_async: repeat.is_async,
        news: caller.context.hears_attempts.then(Teller::default),
        is_gone: Arc::default(),
        ratings: Arc::default(),
        seed: rand::random(),
        marks: caller.context.marks.clone(),
        request_size_bytes: received.size_bytes,
        scope,
        stopwatch,
    };
    rate(&state, &mut order).await;
    if call.purpose != Purpose::Images {
        sources::fetch(&state, &mut order).await;
    }
    let mut response = match call.purpose {
        Purpose::Images => Box::pin(running::answer(state, &caller, &repeat, order)).await,
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
        response.headers_mut().entry(RESPONSE_FORMAT).or_insert(value);
    }
    note_key(&mut response, caller.identity.key_id);
    response
}

/// Looks up how models are rated, for an order whose route prefers one by that. Without ratings the caller's order stands.
async fn rate(state: &AppState, order: &mut Order) {
    let route = state.generator.route(order);
    if route.prefer != Some(Prefer::Rating) || route.models.is_none_or(|models| models.is_empty()) {
        return;
    }
    match state.arena.ratings(&state.generator, order.request.mode).await {
        Ok(ratings) => order.ratings = Arc::new(ratings),
        Err(error) => tracing::error!(error = %error, "ratings could not be read"),
    }
}

/// Tells the log whose request it was.
fn note_key(response: &mut Response, key_id: String) {
    let mut facts = response.extensions_mut().remove::<LogFacts>().unwrap_or_default();
    facts.key_id = Some(key_id);
    response.extensions_mut().insert(facts);
}

/// Puts the fields under Pictor's own names, with the model that the path or the operator names. Returns whether the caller
/// does not want to wait.
fn understand(state: &AppState, call: &Call, received: &mut Received) -> bool {
    let fields = &mut received.fields;
    let is_unnamed = fields
        .get("model")
        .is_none_or(|model| model.is_null() || model.as_str().is_some_and(|name| name.trim().is_empty()));
    let default = state.choices.default_model.as_deref().filter(|_| is_unnamed);
    if let Some(model) = call.deployment.as_deref().or(default) {
        fields.insert("model".to_owned(), Value::from(model));
    }
    let is_async = neighbours::take_async(fields, &mut received.faults);
    let more = neighbours::understand(call.endpoint, fields, &state.generator.catalog);
    received.faults.extend(more);
    is_async
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
            Value::from(secret::SHOWN)
        } else {
            secret::shown(name, value)
        };
        (name.clone(), shown)
    });
    Value::Object(fields.collect()).to_string()
}

/// How the images come, and why so: the request says it, else the key, else what the caller's program is known to read,
/// else the operator.
fn response_format(state: &AppState, request: &ImageRequest, caller: &Caller) -> (ResponseFormat, Cow<'static, str>) {
    let (format, why): (_, Cow<'static, str>) = if let Some(asked) = request.response_format {
        (asked, "request".into())
    } else if let Some(own) = caller.identity.response_format {
        (own, "key".into())
    } else if let Some(client) = &caller.client {
        (client.response_format, format!("client:{}", client.name).into())
    } else if state.choices.response_format == ResponseFormat::Both {
        (ResponseFormat::Both, "default".into())
    } else {
        (state.choices.response_format, "settings".into())
    };
    // An event of OpenAI's always carries the bytes.
    if request.stream && format == ResponseFormat::Url {
        (ResponseFormat::Both, "stream".into())
    } else {
        (format, why)
    }
}
