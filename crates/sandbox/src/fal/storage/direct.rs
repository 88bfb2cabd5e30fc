//! Uploads as the newer clients make them: a token for the place of files, and then the bytes straight to it.

use super::{Promise, join_parts, keep_part, safe_name};
use crate::fal::Fal;
use crate::fal::call::{authorize, media_ttl};
use crate::fal::errors::{plain, respond};
use crate::media::NewMedia;
use crate::names::random_hex;
use crate::refused::Refused;
use crate::wire::{self, MAX_MULTIPART_BYTES};
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a token works.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Tokens that are remembered; the oldest are forgotten.
const MAX_TOKENS: usize = 1_000;

/// Tokens that were given out, and until when they work.
#[derive(Default)]
pub(super) struct Tokens(Mutex<VecDeque<(String, Timestamp)>>);

impl Tokens {
    fn give(&self, until: Timestamp) -> String {
        let token = format!("cdn-{}", random_hex(16));
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == MAX_TOKENS {
            tokens.pop_front();
        }
        tokens.push_back((token.clone(), until));
        token
    }

    /// Whether headers carry one that works.
    fn check(&self, headers: &HeaderMap, now: Timestamp) -> Result<(), Refused> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer "));
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let works = |(token, until): &(String, Timestamp)| Some(token.as_str()) == given && now < *until;
        if tokens.iter().any(works) {
            Ok(())
        } else {
            Err(plain(401, "Invalid or expired upload token"))
        }
    }
}

/// `POST /fal/rest/storage/auth/token`.
pub(in crate::fal) async fn token(
    State(fal): State<Arc<Fal>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    if let Err(failure) = authorize(&headers) {
        return respond(failure, None);
    }
    let until = fal.core.now().checked_add(TOKEN_LIFE).unwrap_or(Timestamp::MAX);
    let answer = json!({
        "token": fal.uploads.tokens.give(until),
        "token_type": "Bearer",
        "base_url": place(&fal, &uri, &headers),
        // Python reads no Z before 3.11.
        "expires_at": until.to_string().replace('Z', "+00:00"),
    });
    wire::json(StatusCode::OK, &answer)
}

fn place(fal: &Fal, uri: &Uri, headers: &HeaderMap) -> String {
    format!("{}/fal/media", fal.core.base_url_for(uri, headers))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Where a file of this id is found.
fn link(fal: &Fal, uri: &Uri, headers: &HeaderMap, id: &str) -> String {
    let name = safe_name(text(headers, "x-fal-file-name").unwrap_or("file"));
    format!("{}/files/{id}/{name}", place(fal, uri, headers))
}

/// `POST /fal/media/files/upload`.
pub(in crate::fal) async fn upload(
    State(fal): State<Arc<Fal>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(failure) = fal.uploads.tokens.check(&headers, fal.core.now()) {
        return respond(failure, None);
    }
    let Ok(bytes) = wire::read_body(body, MAX_MULTIPART_BYTES).await else {
        return respond(plain(413, "Request Entity Too Large"), None);
    };
    let id = random_hex(16);
    let file = NewMedia {
        content_type: text(&headers, "content-type")
            .unwrap_or("application/octet-stream")
            .to_owned(),
        ttl: media_ttl(&headers, "x-fal-object-lifecycle"),
        bytes,
        fault: None,
    };
    fal.core.media.put_as(id.clone(), file, fal.core.now());
    wire::json(
        StatusCode::OK,
        &json!({ "access_url": link(&fal, &uri, &headers, &id) }),
    )
}

/// `POST /fal/media/files/upload/multipart`.
pub(in crate::fal) async fn begin(
    State(fal): State<Arc<Fal>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    if let Err(failure) = fal.uploads.tokens.check(&headers, fal.core.now()) {
        return respond(failure, None);
    }
    let id = random_hex(16);
    fal.uploads.add(Promise {
        id: id.clone(),
        content_type: text(&headers, "content-type")
            .unwrap_or("application/octet-stream")
            .to_owned(),
        ttl: media_ttl(&headers, "x-fal-object-lifecycle"),
        parts: Some(BTreeMap::new()),
    });
    let answer = json!({ "access_url": link(&fal, &uri, &headers, &id), "uploadId": id });
    wire::json(StatusCode::OK, &answer)
}

/// `PUT /fal/media/files/{id}/{name}/multipart/{upload}/{part}`.
pub(in crate::fal) async fn upload_part(
    State(fal): State<Arc<Fal>>,
    Path((_, _, upload, part)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match fal.uploads.tokens.check(&headers, fal.core.now()) {
        Ok(()) => keep_part(&fal, &upload, &part, body).await,
        Err(failure) => respond(failure, None),
    }
}

/// `POST /fal/media/files/{id}/{name}/multipart/{upload}/complete`.
pub(in crate::fal) async fn complete(
    State(fal): State<Arc<Fal>>,
    Path((_, _, upload, action)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match fal.uploads.tokens.check(&headers, fal.core.now()) {
        Ok(()) => join_parts(&fal, upload, &action, body).await,
        Err(failure) => respond(failure, None),
    }
}
