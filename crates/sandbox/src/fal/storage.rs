//! Uploads: a promise of a place, then the bytes, whole or in parts.

pub(super) mod direct;

use super::Fal;
use super::call::{authorize, media_ttl, read_json};
use super::errors::{Detail, invalid, plain, respond};
use crate::media::NewMedia;
use crate::names::random_hex;
use crate::wire::{self, MAX_MULTIPART_BYTES};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Promised places that are remembered; the oldest are forgotten.
const MAX_PROMISES: usize = 1_000;
/// Parts of one upload: clients send 10 MB each.
const MAX_PARTS: usize = 1_000;
/// Bytes of all unfinished uploads together.
const MAX_UNFINISHED_BYTES: usize = 512 * 1024 * 1024;

/// A promised place for a file.
struct Promise {
    id: String,
    content_type: String,
    ttl: Duration,
    /// Of an upload in parts; None where the file comes whole.
    parts: Option<BTreeMap<usize, Bytes>>,
}

impl Promise {
    fn size_bytes(&self) -> usize {
        self.parts.iter().flat_map(BTreeMap::values).map(Bytes::len).sum()
    }
}

/// Uploads that were begun.
#[derive(Default)]
pub(super) struct Uploads {
    promises: Mutex<VecDeque<Promise>>,
    tokens: direct::Tokens,
}

impl Uploads {
    fn add(&self, promise: Promise) {
        let mut promises = self.promises.lock().unwrap_or_else(PoisonError::into_inner);
        if promises.len() == MAX_PROMISES {
            promises.pop_front();
        }
        promises.push_back(promise);
    }

    /// Does something with a promise; None if there is none of that id.
    fn with<T>(&self, id: &str, act: impl FnOnce(&mut Promise) -> T) -> Option<T> {
        let mut promises = self.promises.lock().unwrap_or_else(PoisonError::into_inner);
        promises.iter_mut().find(|promise| promise.id == id).map(act)
    }

    fn unfinished_bytes(&self) -> usize {
        let promises = self.promises.lock().unwrap_or_else(PoisonError::into_inner);
        promises.iter().map(Promise::size_bytes).sum()
    }
}

/// `POST /fal/rest/storage/upload/initiate`.
pub(super) async fn initiate(State(fal): State<Arc<Fal>>, request: Request) -> Response {
    begin(&fal, request, false).await
}

/// `POST /fal/rest/storage/upload/initiate-multipart`.
pub(super) async fn initiate_multipart(State(fal): State<Arc<Fal>>, request: Request) -> Response {
    begin(&fal, request, true).await
}

async fn begin(fal: &Fal, request: Request, in_parts: bool) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(failure) = authorize(&parts.headers) {
        return respond(failure, None);
    }
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(failure) => return respond(failure, None),
    };
    let (Some(content_type), Some(file_name)) = (body["content_type"].as_str(), body["file_name"].as_str()) else {
        let missing = ["content_type", "file_name"]
            .into_iter()
            .filter(|name| !body[*name].is_string());
        let details = missing.map(|name| Detail::field(name, "missing", "Field required").with_input(&Value::Null));
        return respond(invalid(&details.collect::<Vec<_>>()), None);
    };
    let id = random_hex(16);
    fal.uploads.add(Promise {
        id: id.clone(),
        content_type: content_type.to_owned(),
        ttl: media_ttl(&parts.headers, "x-fal-object-lifecycle"),
        parts: in_parts.then(BTreeMap::new),
    });
    let base_url = fal.core.base_url_for(&parts.uri, &parts.headers);
    let way = if in_parts { "upload-multipart" } else { "upload" };
    let answer = json!({
        "upload_url": format!("{base_url}/fal/media/{way}/{id}"),
        "file_url": format!("{base_url}/fal/media/files/{id}/{}", safe_name(file_name)),
    });
    wire::json(StatusCode::OK, &answer)
}

/// A file name that needs no escaping in a URL.
fn safe_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .take(100)
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
            _ => '_',
        })
        .collect();
    if safe.trim_matches('.').is_empty() {
        "file".to_owned()
    } else {
        safe
    }
}

/// `PUT /fal/media/upload/{id}`: the secret id is all the key that is needed.
pub(super) async fn upload(
    State(fal): State<Arc<Fal>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let bytes = match wire::read_body(body, MAX_MULTIPART_BYTES).await {
        Ok(bytes) => bytes,
        Err(_) => return respond(plain(413, "Request Entity Too Large"), None),
    };
    let sent_type = headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let file = fal.uploads.with(&id, |promise| {
        promise.parts.is_none().then(|| NewMedia {
            content_type: sent_type.unwrap_or(&promise.content_type).to_owned(),
            ttl: promise.ttl,
            bytes,
            fault: None,
        })
    });
    let Some(Some(file)) = file else {
        return no_upload();
    };
    fal.core.media.put_as(id, file, fal.core.now());
    StatusCode::OK.into_response()
}

/// `PUT /fal/media/upload-multipart/{id}/{part}`.
pub(super) async fn upload_part(
    State(fal): State<Arc<Fal>>,
    Path((id, part)): Path<(String, String)>,
    body: Body,
) -> Response {
    keep_part(&fal, &id, &part, body).await
}

async fn keep_part(fal: &Fal, id: &str, part: &str, body: Body) -> Response {
    let number = part.parse().ok().filter(|part| (1..=MAX_PARTS).contains(part));
    let Some(number) = number else {
        return respond(plain(400, "Invalid part number"), None);
    };
    let Ok(bytes) = wire::read_body(body, MAX_MULTIPART_BYTES).await else {
        return respond(plain(413, "Request Entity Too Large"), None);
    };
    if fal.uploads.unfinished_bytes() + bytes.len() > MAX_UNFINISHED_BYTES {
        return respond(plain(507, "Too many unfinished uploads"), None);
    }
    let etag = etag(&bytes);
    let kept = fal.uploads.with(id, |promise| {
        let parts = promise.parts.as_mut()?;
        parts.insert(number, bytes);
        Some(())
    });
    if kept.flatten().is_none() {
        return no_upload();
    }
    let mut response = wire::json(StatusCode::OK, &json!({"partNumber": number, "etag": etag}));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert("etag", value);
    }
    response
}

/// `POST /fal/media/upload-multipart/{id}/complete`.
pub(super) async fn complete(
    State(fal): State<Arc<Fal>>,
    Path((id, action)): Path<(String, String)>,
    body: Body,
) -> Response {
    join_parts(&fal, id, &action, body).await
}

async fn join_parts(fal: &Fal, id: String, action: &str, body: Body) -> Response {
    if action != "complete" {
        return respond(plain(405, "Method Not Allowed"), None);
    }
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(failure) => return respond(failure, None),
    };
    let joined = fal.uploads.with(&id, |promise| join(promise, &body["parts"]));
    match joined {
        None => no_upload(),
        Some(None) => respond(plain(400, "The parts do not match those uploaded"), None),
        Some(Some(file)) => {
            fal.core.media.put_as(id, file, fal.core.now());
            wire::json(StatusCode::OK, &json!({ "status": "ok" }))
        }
    }
}

/// The whole file, if the listed parts are those that were sent, in order.
fn join(promise: &mut Promise, listed: &Value) -> Option<NewMedia> {
    let sent = promise.parts.as_ref()?;
    let listed = listed.as_array()?;
    let same = listed.len() == sent.len()
        && listed.iter().zip(sent).all(|(entry, (number, bytes))| {
            entry["partNumber"].as_u64() == u64::try_from(*number).ok()
                && entry["etag"].as_str() == Some(etag(bytes).as_str())
        });
    if !same || sent.is_empty() {
        return None;
    }
    let mut whole = BytesMut::with_capacity(promise.size_bytes());
    for bytes in sent.values() {
        whole.extend_from_slice(bytes);
    }
    promise.parts = Some(BTreeMap::new());
    Some(NewMedia {
        bytes: whole.freeze(),
        content_type: promise.content_type.clone(),
        ttl: promise.ttl,
        fault: None,
    })
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex::encode(Sha256::digest(bytes))[..32])
}

fn no_upload() -> Response {
    respond(plain(404, "Upload not found"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe_for_urls() {
        assert_eq!(safe_name("my photo (1).png"), "my_photo__1_.png");
        assert_eq!(safe_name("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(safe_name(".."), "file");
        assert_eq!(safe_name(""), "file");
    }
}
