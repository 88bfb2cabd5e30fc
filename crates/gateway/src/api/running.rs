//! A generation under way: started as a task of its own, waited for, answered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use planner::request::ResponseFormat;
use serde_json::json;
use tokio::select;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use super::answer::RESPONSE_FORMAT;
use super::caller::Caller;
use super::repeats::{self, Turn};
use super::undelivered::{Noted, Undelivered, note};
use super::{answer, events, sources};
use crate::boundary::passed;
use crate::generation::news::Teller;
use crate::generation::{Began, Order};
use crate::http::envelope::LogFacts;
use crate::http::repeat::Repeat;
use crate::http::state::AppState;
use crate::media::room::NoRoom;
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Answers an order: by the answer of the request that it repeats, or by doing it.
pub(super) async fn answer(state: AppState, caller: &Caller, repeat: &Repeat, mut order: Order) -> Response {
    if order.request.stream && (repeat.has_key() || repeat.is_async) {
        let message = "A stream cannot be sent again: leave out 'stream', or the headers 'Idempotency-Key' and 'Prefer: respond-async'.";
        let fault = planner::fault::Fault::new("stream", message);
        return Problem::faults(&[fault]).into_response();
    }
    loop {
        if let Some(hash) = &order.request_hash {
            match repeats::turn(&state, caller, repeat, hash, &order.scope).await {
                Ok(Turn::Fresh { claim, tries_before }) => {
                    order.claim = claim;
                    order.tries_before = tries_before;
                }
                Ok(Turn::Done(response)) => return response,
                Err(problem) => return problem.into_response(),
            }
        }
        match run(state.clone(), order, repeat.wait).await {
            Ok(response) => return response,
            // A twin was faster: its answer is this one's too.
            Err(Back::Claimed(back)) => order = *back,
            Err(Back::TakenOver(back)) => return repeats::of_record(&state, &back.id, &back.scope).await,
        }
    }
}

/// An order whose answer is that of another one.
enum Back {
    /// Another request has its key.
    Claimed(Box<Order>),
    /// Another process has done it.
    TakenOver(Box<Order>),
}

/// Starts the generation and waits for it, or streams while waiting. Gives the order back when others have done it.
async fn run(state: AppState, mut order: Order, wait: Option<Duration>) -> Result<Response, Back> {
    let without_links = match make_room(&state, &mut order, wait.is_some()).await {
        Ok(without_links) => without_links,
        Err(problem) => return Ok(problem.into_response()),
    };
    let mut response = work(state, order, wait).await?;
    if let Some(why) = without_links {
        response.headers_mut().insert(RESPONSE_FORMAT, why);
    }
    Ok(response)
}

/// Sees to it before anything is spent that images which have to be stored can be: also those of a caller who `may_leave`
/// before they are there. Where a link is a part of the answer alone, it is left out, and what to tell of it comes back.
async fn make_room(state: &AppState, order: &mut Order, may_leave: bool) -> Result<Option<HeaderValue>, Problem> {
    if order.caller.keeps_no_images() {
        return keep_none(order, may_leave);
    }
    let must_store = order.keeps_images() || may_leave || order.response_format == ResponseFormat::Url;
    if !must_store && !order.response_format.has_links() {
        return Ok(None);
    }
    let generator = &state.generator;
    let (caller, now) = (&order.caller, generator.clock.now());
    let looked = generator.room.look(&caller.account_id, caller.media_bytes, now).await;
    let Some(lack) = looked.map_err(|error| {
        tracing::error!(error = %error, "the room for images could not be looked up");
        Problem::of_database(&error)
    })?
    else {
        return Ok(None);
    };
    if must_store {
        return Err(no_room(lack));
    }
    order.response_format = ResponseFormat::B64Json;
    Ok(Some(HeaderValue::from_static("b64_json; reason=media_bytes")))
}

/// Sees to it that the images of a key that has none kept go out with the answer: links are left out, and who can be given
/// nothing but a link is refused.
fn keep_none(order: &mut Order, may_leave: bool) -> Result<Option<HeaderValue>, Problem> {
    if order.is_async || may_leave || order.response_format == ResponseFormat::Url {
        let message = "This API key's images are not kept (media_ttl_s 0), so there is no link to give: wait for the answer, without 'Prefer', and ask for response_format \"b64_json\".";
        return Err(Problem::against_rule("media_ttl_s", &json!(0), None, message));
    }
    if !order.response_format.has_links() {
        return Ok(None);
    }
    order.response_format = ResponseFormat::B64Json;
    Ok(Some(HeaderValue::from_static("b64_json; reason=media_ttl_s")))
}

/// 503 or 429: stored images take as much as they may.
fn no_room(lack: NoRoom) -> Problem {
    /// Images expire one by one.
    const RETRY_AFTER: Duration = Duration::from_secs(30);
    let advice = "Ask again for what is kept nowhere (response_format \"b64_json\", without Idempotency-Key and Prefer), or wait until stored images expire.";
    let problem = match lack {
        NoRoom::Gateway { limit_bytes } => Problem::overloaded(&format!(
            "The stored images of this gateway take as much as media_bytes allows: {limit_bytes} bytes. {advice}"
        )),
        NoRoom::Account { limit_bytes } => Problem::rate_limited(
            &format!(
                "The stored images of this account take as much as its media_bytes allows: {limit_bytes} bytes. {advice}"
            ),
            RETRY_AFTER,
        ),
    };
    Problem {
        retry_after: Some(RETRY_AFTER),
        ..problem
    }
}

async fn work(state: AppState, mut order: Order, wait: Option<Duration>) -> Result<Response, Back> {
    let Some(permit) = state.in_flight.take(&order.caller.account_id, Instant::now()) else {
        let message = "This gateway works on as many generations as it may (in_flight_generations), of which each account has its share. Try again shortly.";
        return Ok(Problem::overloaded(message).into_response());
    };
    sources::fetch(&state, &mut order).await;
    let (endpoint, id, is_async) = (
        (order.endpoint, order.response_format),
        order.id.clone(),
        order.is_async,
    );
    // What can be refused is refused before the stream begins, by the ordinary way, which puts it on record.
    let stream = order.request.stream && state.generator.plan(&order).is_ok();
    let news = order.news.as_ref().filter(|_| stream).map(Teller::listen);
    let (inlet, partials) = state.generator.listen(&order).filter(|_| stream).unzip();
    let (mut sender, mut receiver) = oneshot::channel();
    let (began, begun) = Began::channel();
    let (tasks, clock) = (state.tasks.clone(), state.generator.clock.clone());
    let work = async move {
        let mut generation = Box::pin(state.generator.generate(&order, inlet.as_ref(), began));
        let result = select! {
            biased;
            result = &mut generation => result,
            () = sender.closed() => {
                order.is_gone.store(true, Ordering::Relaxed);
                if order.request_hash.is_some() && !is_async {
                    note(&state, Noted::Break, order.id.clone());
                }
                (&mut generation).await
            }
        };
        drop(generation);
        // Given back before the answer goes out: who has it may ask again at once.
        drop(permit);
        // When nobody waits any more it comes back, and what is paid for is kept.
        drop(sender.send(Undelivered::new(state, (order, result))));
    };
    tasks.spawn(work.in_current_span());
    if stream {
        // Nor does it begin before the generation has: until then money and room may turn out to be short.
        return select! {
            biased;
            Ok(()) = begun => Ok(events::answer(clock, endpoint, receiver, (partials, news))),
            outcome = &mut receiver => answered(outcome.ok()),
        };
    }
    if is_async {
        // A refusal is told at once; what has begun is told later.
        select! {
            biased;
            Ok(()) = begun => return Ok(repeats::accepted(&id, None)),
            outcome = &mut receiver => return answered(outcome.ok()),
        }
    }
    let Some(wait) = wait else {
        return answered(receiver.await.ok());
    };
    // Proxies cut a silent connection after a while: who says so is told before it where the answer will be.
    let over = async {
        sleep(wait).await;
        begun.await
    };
    select! {
        biased;
        outcome = &mut receiver => answered(outcome.ok()),
        Ok(()) = over => Ok(repeats::accepted(&id, Some(wait))),
    }
}

fn answered(outcome: Option<Undelivered>) -> Result<Response, Back> {
    let Some(undelivered) = outcome else {
        return Ok(Problem::lost().into_response());
    };
    let response = match undelivered.outcome() {
        Some((_, Err(GenerationError::Claimed))) => return given_back(undelivered, Back::Claimed),
        Some((_, Err(GenerationError::TakenOver))) => return given_back(undelivered, Back::TakenOver),
        Some((order, Ok(generated))) => {
            let response = answer::answer(order, generated);
            passed("respond");
            response
        }
        Some((order, Err(error))) => failed(order, error),
        None => Problem::lost().into_response(),
    };
    Ok(undelivered.watch(response))
}

fn given_back(undelivered: Undelivered, back: fn(Box<Order>) -> Back) -> Result<Response, Back> {
    match undelivered.given_back() {
        Some(order) => Err(back(Box::new(order))),
        None => Ok(Problem::lost().into_response()),
    }
}

/// An error's answer; what is not the caller's to know goes to the log.
pub(super) fn failed(order: &Order, error: &GenerationError) -> Response {
    let problem = Problem::of_generation(error);
    if problem.status.is_server_error() {
        tracing::warn!(error = %error, code = problem.code, "a generation failed");
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
