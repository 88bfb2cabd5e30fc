//! Requests that come again: by the caller's own key for them, or by the retry of an SDK whose first answer was lost.

use std::io::Read as _;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use planner::failure::WhenMaybeBilled;
use planner::request::ResponseFormat;
use providers::{Blob, Node, SpoolScope};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use super::answer::{put_told_headers, with_images};
use super::body::{Received, Source};
use super::caller::Caller;
use super::undelivered::{Noted, note, when_sent};
use crate::db::DatabaseError;
use crate::db::generations::Awaited;
use crate::db::idempotency::Claim;
use crate::db::journal::ClaimOf;
use crate::db::media::MediaRow;
use crate::http::repeat::Repeat;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::{Problem, codes};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long after its first try an SDK's retry finds it.
const RETRY_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// How long one look for an end waits to be woken: an end on another replica wakes nobody here.
const LOOK: Duration = Duration::from_millis(250);
/// How long images are waited for that are still being stored for a caller who has gone.
const KEEPING: Duration = Duration::from_secs(20);

/// The hash of a request: two with the same one ask for the same.
pub(super) async fn hash(path: &'static str, received: &Received) -> Result<String, Problem> {
    let mut hasher = Sha256::new();
    // Programs write the fields of an object in whatever order they like.
    let mut fields = Value::Object(received.fields.clone());
    fields.sort_all_objects();
    let fields = fields.to_string();
    let sources: Vec<Source> = received.images.iter().chain(&received.mask).cloned().collect();
    let hashed = tokio::task::spawn_blocking(move || {
        hasher.update(path);
        hasher.update(fields);
        for source in sources {
            match source {
                Source::Link { param, url } => hasher.update(format!("\n{param} {url}")),
                Source::File { param, blob } => {
                    hasher.update(format!("\n{param} "));
                    add(&mut hasher, &blob)?;
                }
            }
        }
        Ok::<_, std::io::Error>(hex::encode(hasher.finalize()))
    });
    match hashed.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(_)) | Err(_) => Err(Problem::internal()),
    }
}

fn add(hasher: &mut Sha256, blob: &Blob) -> std::io::Result<()> {
    let mut reader = blob.reader();
    let mut piece = [0; 64 << 10];
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok(()),
            count => hasher.update(&piece[..count]),
        }
    }
}

/// Whether a request is new.
pub(super) enum Turn {
    /// It is to be done; with the caller's key for it, and tries of the same that may have been paid for.
    Fresh {
        /// The key.
        claim: Option<ClaimOf>,
        /// Such tries.
        tries_before: u32,
    },
    /// It was done before: this is its answer.
    Done(Response),
}

/// Finds out whether a request is new, and waits for the answer of the one that it repeats.
///
/// # Errors
/// 409 for a key that came with another request before, or whose request is still under way when the caller does not wait
/// any longer.
pub(super) async fn turn(
    state: &AppState,
    caller: &Caller,
    repeat: &Repeat,
    hash: &str,
    scope: &SpoolScope,
) -> Result<Turn, Problem> {
    if let Some(key) = &repeat.key {
        return by_key(state, caller, (key, repeat), hash, scope).await;
    }
    if repeat.retry_count == 0 {
        return Ok(Turn::Fresh {
            claim: None,
            tries_before: 0,
        });
    }
    let database = &state.generator.database;
    let since = state
        .generator
        .clock
        .now()
        .checked_sub(RETRY_WINDOW)
        .unwrap_or(jiff::Timestamp::MIN);
    // The counter itself says that the first answer did not arrive, whatever the gateway's own side of the connection saw.
    let first = database
        .adopt(&caller.identity.key_id, hash, since, i64::from(repeat.retry_count))
        .await;
    if let Some(first) = first.map_err(|error| broken(&error))? {
        match ended(state, &first, repeat.wait).await? {
            Ended::Found(ended) => {
                if let Some(response) = again(state, &ended, scope).await? {
                    return Ok(Turn::Done(response));
                }
            }
            Ended::UnderWay => return Ok(Turn::Done(accepted(&first, repeat.wait))),
            Ended::Shared(failure) => return Ok(Turn::Done(failure.into_response())),
            Ended::Unknown => {}
        }
    }
    // Without an answer, or images that are kept, the retry is a request like any other; but tries whose outcome nobody
    // knows count, as they do under a key, the one that was just waited for among them.
    let unknown = database.unknown_tries_since(&caller.identity.key_id, hash, since).await;
    let tries = unknown.map_err(|error| broken(&error))?;
    tried_again(state, None, tries)
}

/// A request that is done once more, of which `tries` may have been paid for and gave nothing.
fn tried_again(state: &AppState, claim: Option<ClaimOf>, tries: i64) -> Result<Turn, Problem> {
    if !may_try_again(state.generator.policy.when_maybe_billed, tries) {
        return Err(Problem::outcome_unknown());
    }
    Ok(Turn::Fresh {
        claim,
        tries_before: u32::try_from(tries).unwrap_or(u32::MAX),
    })
}

async fn by_key(
    state: &AppState,
    caller: &Caller,
    (key, repeat): (&str, &Repeat),
    hash: &str,
    scope: &SpoolScope,
) -> Result<Turn, Problem> {
    let generator = &state.generator;
    let key_id = &caller.identity.key_id;
    let mut unanswered = None;
    loop {
        let now = generator.clock.now();
        let claim = |instead_of| {
            Some(ClaimOf {
                claim: Claim {
                    key: key.to_owned(),
                    request_hash: hash.to_owned(),
                    expires_at: generator.claim_ends(now),
                },
                instead_of,
            })
        };
        let claimed = generator.database.claimed(key_id, key, now).await;
        let Some(claimed) = claimed.map_err(|error| broken(&error))? else {
            return Ok(Turn::Fresh {
                claim: claim(None),
                tries_before: 0,
            });
        };
        if claimed.request_hash != hash {
            return Err(Problem::conflict(
                "This Idempotency-Key was used with another request before: each request needs a key of its own.",
            ));
        }
        if claimed.is_free() {
            return tried_again(state, claim(Some(claimed.generation_id)), claimed.unknown_outcomes);
        }
        if repeat.is_async && is_told_later(state, &claimed.generation_id).await? {
            return Ok(Turn::Done(replayed(accepted(&claimed.generation_id, None))));
        }
        let ended = match ended(state, &claimed.generation_id, repeat.wait).await? {
            Ended::UnderWay => return Err(Problem::under_way(&claimed.generation_id)),
            Ended::Found(ended) if unanswered.as_ref() != Some(&ended.id) => ended,
            Ended::Shared(failure) => return Ok(Turn::Done(replayed(failure.into_response()))),
            Ended::Found(_) | Ended::Unknown => {
                return Err(Problem::conflict(
                    "The request that this Idempotency-Key belongs to is not on record any more: use a new key.",
                ));
            }
        };
        if ended.answer.is_some() {
            let response = again(state, &ended, scope).await?.ok_or_else(Problem::images_gone)?;
            return Ok(Turn::Done(replayed(response)));
        }
        if ended.error_code.as_deref() != Some(codes::OUTCOME_UNKNOWN.name) {
            // It cost nothing and gave its key back: the next look finds it free, unless its answer was purged.
            unanswered = Some(ended.id);
            continue;
        }
        let unknown = generator.database.unknown_tries(&ended.id).await;
        let tries = claimed.unknown_outcomes + unknown.map_err(|error| broken(&error))?;
        return tried_again(state, claim(Some(ended.id)), tries);
    }
}

fn replayed(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Whether a caller who does not wait may be referred to a generation: it runs, or its answer is there.
async fn is_told_later(state: &AppState, id: &str) -> Result<bool, Problem> {
    let found = state
        .generator
        .database
        .awaited(id)
        .await
        .map_err(|error| broken(&error))?;
    Ok(found.is_some_and(|found| found.is_under_way() || found.answer.is_some()))
}

/// Whether a request may be sent once more of which `tries` may have been paid for and gave nothing.
const fn may_try_again(policy: WhenMaybeBilled, tries: i64) -> bool {
    match policy {
        WhenMaybeBilled::Never => tries == 0,
        WhenMaybeBilled::Once => tries <= 1,
        WhenMaybeBilled::Always => true,
    }
}

fn broken(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "it could not be seen whether a request came before");
    Problem::of_database(error)
}

/// What waiting for a generation came to.
enum Ended {
    /// It has ended.
    Found(Awaited),
    /// It failed at no cost while it was waited for: so would whoever tried the same at the same moment.
    Shared(Problem),
    /// It has not ended within the time that the caller waits.
    UnderWay,
    /// There is none of that id.
    Unknown,
}

/// The answer that stands on record of a request which another process has ended.
pub(super) async fn of_record(state: &AppState, id: &str, scope: &SpoolScope) -> Response {
    let answer = async {
        let found = state.generator.database.awaited(id).await;
        match found.map_err(|error| broken(&error))? {
            Some(found) => again(state, &found, scope).await,
            None => Ok(None),
        }
    };
    match answer.await {
        Ok(Some(response)) => response,
        Ok(None) => Problem::outcome_unknown().into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Waits for the end of a generation, here or on another replica, for as long as the caller does.
async fn ended(state: &AppState, id: &str, wait: Option<Duration>) -> Result<Ended, Problem> {
    let end = state.generator.ends.of(id);
    let since = Instant::now();
    loop {
        let woken = end.told();
        let found = state
            .generator
            .database
            .awaited(id)
            .await
            .map_err(|error| broken(&error))?;
        match found {
            Some(found) if found.is_under_way() => {
                let left = wait.map_or(LOOK, |wait| wait.saturating_sub(since.elapsed()));
                if left.is_zero() {
                    return Ok(Ended::UnderWay);
                }
                // Woken or not, the next look tells.
                let _ = timeout(left.min(LOOK), woken).await;
            }
            Some(found) => {
                let shared = end.failure().filter(|_| found.answer.is_none());
                return Ok(shared.cloned().map_or(Ended::Found(found), Ended::Shared));
            }
            None => return Ok(Ended::Unknown),
        }
    }
}

/// An answer once more, with fresh links or the bytes from the store; who gets it has it delivered. `None` when there was
/// none, or its images are not kept.
async fn again(state: &AppState, ended: &Awaited, scope: &SpoolScope) -> Result<Option<Response>, Problem> {
    let Some(answer) = &ended.answer else {
        return Ok(None);
    };
    let status = u16::try_from(answer.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body: Value = serde_json::from_str(&answer.body).map_err(|_| Problem::internal())?;
    if !status.is_success() {
        let mut response = respond::json(status, &body);
        let headers = response.headers_mut();
        headers.insert(
            HeaderName::from_static("x-should-retry"),
            // What was refused before anything was spent may be tried again, at another time.
            HeaderValue::from_static(if matches!(answer.status, 429 | 503) {
                "true"
            } else {
                "false"
            }),
        );
        return Ok(Some(delivering(state, &ended.id, response)));
    }
    let wanted = body["data"].as_array().map_or(0, Vec::len);
    let Some(media) = kept(state, &ended.id, wanted).await? else {
        return Ok(None);
    };
    let format = ended.response_format.as_deref().and_then(ResponseFormat::named);
    let format = format.unwrap_or(ResponseFormat::Url);
    let mut images = Vec::with_capacity(media.len());
    for row in media {
        let mut faces = Vec::with_capacity(2);
        if format.has_links() {
            faces.push(("url".to_owned(), Node::Json(Value::from(link(state, &row)))));
        }
        if format.has_bytes() {
            faces.push(("b64_json".to_owned(), Node::Base64(load(state, &row, scope).await?)));
        }
        images.push(faces);
    }
    let mut response = respond::streamed(&with_images(body.clone(), images));
    put_told_headers(&mut response, &body["metadata"]);
    Ok(Some(delivering(state, &ended.id, response)))
}

/// Puts it on record when the last byte of an answer that is sent again is on its way.
fn delivering(state: &AppState, id: &str, response: Response) -> Response {
    let (state, id) = (state.clone(), id.to_owned());
    when_sent(response, move || note(&state, Noted::Delivery, id))
}

/// The images of a generation, once all are stored. `None` when nobody stores them.
///
/// # Errors
/// 503 while the store is away.
async fn kept(state: &AppState, id: &str, wanted: usize) -> Result<Option<Vec<MediaRow>>, Problem> {
    let until = Instant::now() + KEEPING;
    loop {
        let end = state.generator.ends.of(id);
        let woken = end.told();
        let database = &state.generator.database;
        let found = database.awaited(id).await.map_err(|error| broken(&error))?;
        let media = database.media_of(id).await.map_err(|error| broken(&error))?;
        if media.len() >= wanted {
            return Ok(Some(media));
        }
        if found.is_none() {
            return Ok(None);
        }
        if Instant::now() >= until {
            let is_kept = state.generator.being_kept.holds(id)
                || database
                    .is_worked_on_elsewhere(id)
                    .await
                    .map_err(|error| broken(&error))?;
            return if is_kept {
                Err(Problem::overloaded(
                    "The images of this request are made and cannot be stored at this moment. Try again shortly.",
                ))
            } else {
                Ok(None)
            };
        }
        let _ = timeout(LOOK, woken).await;
    }
}

/// A fresh link to a stored image.
pub(super) fn link(state: &AppState, row: &MediaRow) -> String {
    let generator = &state.generator;
    let ttl = SignedDuration::from_secs(i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4));
    let ends_at = generator
        .clock
        .now()
        .checked_add(ttl)
        .unwrap_or(row.expires_at)
        .min(row.expires_at);
    let extension = row.path.rsplit('.').next().unwrap_or(&row.format);
    generator.links.sign(&row.id, extension, ends_at)
}

/// A stored image. Only one whose file is not there is gone: a store that is away comes back.
async fn load(state: &AppState, row: &MediaRow, scope: &SpoolScope) -> Result<Blob, Problem> {
    let loaded = state.generator.store.load(&row.path, scope).await;
    loaded.map_err(|error| {
        tracing::error!(media.id = %row.id, error = %error, "a stored image could not be read");
        if error.is_absent() {
            Problem::images_gone()
        } else {
            Problem::overloaded(
                "The images of this request are stored and cannot be read at this moment. Try again shortly.",
            )
        }
    })
}

/// The answer to a caller who does not wait, or not longer than `wait`.
pub(super) fn accepted(id: &str, wait: Option<Duration>) -> Response {
    let path = format!("/v1/requests/{id}");
    let body = serde_json::json!({ "id": id, "object": "request", "status": "processing", "url": path });
    let applied = wait.map_or_else(|| "respond-async".to_owned(), |wait| format!("wait={}", wait.as_secs()));
    let mut response = respond::json(StatusCode::ACCEPTED, &body);
    let told = [
        (HeaderName::from_static("preference-applied"), applied),
        (header::LOCATION, path),
    ];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_try_follows_one_that_may_have_been_paid() {
        assert!(!may_try_again(WhenMaybeBilled::Never, 1));
        assert!(may_try_again(WhenMaybeBilled::Once, 1));
        assert!(!may_try_again(WhenMaybeBilled::Once, 2));
        assert!(may_try_again(WhenMaybeBilled::Always, 5));
    }
}
