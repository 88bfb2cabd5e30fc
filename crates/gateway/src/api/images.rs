//! What generations and edits have in common: from a read body to an answer.

use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use planner::request::{Endpoint, ResponseFormat, parse};
use providers::SpoolScope;
use serde_json::Value;
use tokio::sync::oneshot;

use super::body::Received;
use super::caller::Caller;
use super::envelope::LogFacts;
use super::state::AppState;
use super::{answer, estimate, events, sources};
use crate::generation::{self, Generated, Order};
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Says which `response_format` was used and why.
const RESPONSE_FORMAT: HeaderName = HeaderName::from_static("x-pictor-response-format");

/// One of the two endpoints.
pub(super) struct Call {
    /// Which.
    pub(super) endpoint: Endpoint,
    /// Its path.
    pub(super) path: &'static str,
    /// Whether only the price is asked.
    pub(super) dry_run: bool,
}

/// Whether the query asks for a dry run.
pub(super) fn is_dry_run(query: Option<&str>) -> bool {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "dryRun" && value != "false")
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
    let (request, faults) = parse(
        call.endpoint,
        &received.fields,
        received.is_form,
        &state.generator.catalog,
    );
    let (images, mask) = sources::gather(&state, &scope, &mut received).await;
    let (response_format, why) = match (request.stream, request.response_format, caller.identity.response_format) {
        (true, _, _) => (ResponseFormat::B64Json, "stream"),
        (false, Some(asked), _) => (asked, "request"),
        (false, None, Some(own)) => (own, "key"),
        (false, None, None) => (ResponseFormat::Url, "default"),
    };
    let order = Order {
        id: caller.context.id.clone(),
        caller: generation::Caller {
            account_id: caller.identity.account_id.clone(),
            key_id: caller.identity.key_id.clone(),
        },
        endpoint: call.path,
        request,
        faults: faults.into_iter().chain(received.faults).collect(),
        images,
        mask,
        response_format,
        marks: caller.context.marks.clone(),
        request_size_bytes: received.size_bytes,
        scope,
    };
    let mut response = if call.dry_run {
        match state.generator.dry_run(&order) {
            Ok(plan) => estimate::answer(&plan),
            Err(error) => failed(&order, &error),
        }
    } else {
        run(state, order).await
    };
    if let Ok(value) = format!("{}; reason={why}", response_format.as_str()).parse() {
        response.headers_mut().insert(RESPONSE_FORMAT, value);
    }
    let mut facts = response.extensions_mut().remove::<LogFacts>().unwrap_or_default();
    facts.key_id = Some(caller.identity.key_id);
    response.extensions_mut().insert(facts);
    response
}

/// Starts the generation as a task of its own and waits for it, or streams while waiting.
async fn run(state: AppState, order: Order) -> Response {
    let Ok(permit) = std::sync::Arc::clone(&state.in_flight).try_acquire_owned() else {
        return Problem::overloaded("This gateway works on as many generations as it may. Try again shortly.")
            .into_response();
    };
    let endpoint = order.endpoint;
    // What can be refused is refused before the stream begins, by the ordinary way, which puts it on record.
    let stream = order.request.stream && state.generator.dry_run(&order).is_ok();
    let (sender, receiver) = oneshot::channel();
    let generator = state.generator.clone();
    state.tasks.spawn(async move {
        let result = generator.generate(&order).await;
        // Given back before the answer goes out: who has it may ask again at once.
        drop(permit);
        // Nobody waits any more: what is paid for is kept.
        if let Err((order, Ok(mut generated))) = sender.send((order, result)) {
            generator.keep(&order, &mut generated).await;
        }
    });
    if stream {
        return events::answer(endpoint, receiver);
    }
    match receiver.await {
        Ok((order, result)) => finished(&order, result),
        Err(_) => Problem::lost().into_response(),
    }
}

fn finished(order: &Order, result: Result<Generated, GenerationError>) -> Response {
    match result {
        Ok(generated) => answer::answer(order, &generated),
        Err(error) => failed(order, &error),
    }
}

/// An error's answer; what is not the caller's to know goes to the log.
pub(super) fn failed(order: &Order, error: &GenerationError) -> Response {
    let problem = Problem::of_generation(error);
    if problem.status.is_server_error() {
        tracing::warn!(request.id = %order.id, error = %error, code = problem.code, "a generation failed");
    }
    let code = problem.code;
    let mut response = problem.into_response();
    let mut provider = None;
    if let GenerationError::Attempts { model, attempts, .. } = error {
        provider = attempts.last().map(|attempt| attempt.provider.clone());
        answer::put_headers(
            &mut response,
            [
                (answer::MODEL, Some(model.as_str())),
                (answer::PROVIDER, provider.as_deref()),
            ],
        );
    }
    response.extensions_mut().insert(LogFacts {
        model: Some(order.request.model.chars().take(80).collect()),
        provider,
        error_code: Some(code),
        ..LogFacts::default()
    });
    response
}
