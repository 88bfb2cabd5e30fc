//! The files API: uploads that predictions can take as inputs, for a day.

use super::Replicate;
use super::errors::{self, authorize};
use crate::form::{FormError, read_form};
use crate::media::{self, NewMedia};
use crate::names::random_hex;
use crate::wire;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long files are kept.
const TTL: Duration = Duration::from_secs(24 * 3_600);
/// Files that are remembered; the oldest are forgotten first.
const MAX_FILES: usize = 1_000;
/// The largest file taken, as documented.
const MAX_FILE_BYTES: usize = 100 * 1024 * 1024;

/// What is known of a file beside its bytes.
#[derive(Clone, Debug)]
struct File {
    id: String,
    name: String,
    content_type: String,
    size_bytes: usize,
    sha256: String,
    metadata: Value,
    created_at: Timestamp,
}

impl File {
    fn expires_at(&self) -> Timestamp {
        let ttl = SignedDuration::try_from(TTL).unwrap_or(SignedDuration::MAX);
        self.created_at.checked_add(ttl).unwrap_or(Timestamp::MAX)
    }

    fn body(&self, base_url: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size_bytes,
            "etag": &self.sha256[..32],
            "checksums": {"sha256": self.sha256},
            "metadata": self.metadata,
            "created_at": self.created_at,
            "expires_at": self.expires_at(),
            "urls": {"get": format!("{base_url}/replicate/v1/files/{}", self.id)},
        })
    }
}

/// The files that were uploaded, oldest first.
#[derive(Default)]
pub(super) struct Files {
    files: Mutex<VecDeque<File>>,
}

impl Files {
    /// Remembers a file and returns the one forgotten for it, if any.
    fn add(&self, file: File) -> Option<File> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = if files.len() == MAX_FILES {
            files.pop_front()
        } else {
            None
        };
        files.push_back(file);
        forgotten
    }

    fn living(&self, now: Timestamp) -> Vec<File> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|file| file.expires_at() > now);
        files.iter().cloned().collect()
    }

    fn get(&self, id: &str, now: Timestamp) -> Option<File> {
        self.living(now).into_iter().find(|file| file.id == id)
    }

    fn remove(&self, id: &str) -> bool {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let before = files.len();
        files.retain(|file| file.id != id);
        files.len() < before
    }
}

/// `POST /files`: a part `content`, and perhaps `metadata`, `filename` and `type`.
pub(super) async fn create(State(replicate): State<Arc<Replicate>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.into_response();
    }
    let too_large = || errors::problem(413, "Request entity too large", "The file is too large.");
    let bad = |detail: &str| errors::problem(400, "Bad request", detail).into_response();
    let form = match read_form(&parts.headers, body).await {
        Ok(form) => form,
        Err(FormError::TooLarge) => return too_large().into_response(),
        Err(FormError::NotMultipart | FormError::Broken) => {
            return bad("The body is not a multipart form.");
        }
    };
    let text = |name: &str| {
        let mut texts = form.texts.iter();
        texts.find(|(field, _)| field == name).map(|(_, text)| text.clone())
    };
    let Some(content) = form.files.iter().find(|file| file.name == "content") else {
        return bad("Missing content");
    };
    if content.bytes.len() > MAX_FILE_BYTES {
        return too_large().into_response();
    }
    // Some clients send the metadata as a file part of type JSON.
    let metadata = text("metadata").or_else(|| {
        let part = form.files.iter().find(|file| file.name == "metadata")?;
        String::from_utf8(part.bytes.to_vec()).ok()
    });
    let metadata = match metadata.as_deref().map(serde_json::from_str::<Value>) {
        None => json!({}),
        Some(Ok(metadata)) if metadata.is_object() => metadata,
        Some(_) => return bad("metadata must be a JSON object"),
    };
    let content_type = text("type").or_else(|| content.content_type.clone());
    let file = File {
        id: random_hex(20),
        name: text("filename").unwrap_or_else(|| content.file_name.clone()),
        content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        size_bytes: content.bytes.len(),
        sha256: hex::encode(Sha256::digest(&content.bytes)),
        metadata,
        created_at: replicate.core.now(),
    };
    let kept = NewMedia {
        bytes: content.bytes.clone(),
        content_type: file.content_type.clone(),
        ttl: TTL,
        fault: None,
    };
    let core = &replicate.core;
    core.media.put_as(file.id.clone(), kept, file.created_at);
    let body = file.body(&core.base_url_for(&parts.uri, &parts.headers));
    if let Some(forgotten) = replicate.files.add(file) {
        core.media.delete(&forgotten.id);
    }
    wire::json(StatusCode::CREATED, &body)
}

/// `GET /files`.
pub(super) async fn list(State(replicate): State<Arc<Replicate>>, uri: Uri, headers: HeaderMap) -> Response {
    if let Err(refused) = authorize(&headers) {
        return refused.into_response();
    }
    let base_url = replicate.core.base_url_for(&uri, &headers);
    let files = replicate.files.living(replicate.core.now());
    let results: Vec<Value> = files.iter().rev().map(|file| file.body(&base_url)).collect();
    wire::json(
        StatusCode::OK,
        &json!({"previous": null, "next": null, "results": results}),
    )
}

/// `GET /files/{id}`.
pub(super) async fn get(
    State(replicate): State<Arc<Replicate>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = authorize(&headers) {
        return refused.into_response();
    }
    let base_url = replicate.core.base_url_for(&uri, &headers);
    match replicate.files.get(&id, replicate.core.now()) {
        None => errors::not_found().into_response(),
        Some(file) => wire::json(StatusCode::OK, &file.body(&base_url)),
    }
}

/// `DELETE /files/{id}`.
pub(super) async fn delete(
    State(replicate): State<Arc<Replicate>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = authorize(&headers) {
        return refused.into_response();
    }
    if !replicate.files.remove(&id) {
        return errors::not_found().into_response();
    }
    replicate.core.media.delete(&id);
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
pub(super) struct Ticket {
    owner: String,
    expiry: i64,
    signature: String,
}

/// `GET /files/{id}/download`: the bytes, for whoever has a signature of `owner id expiry` by the webhook secret.
pub(super) async fn download(
    State(replicate): State<Arc<Replicate>>,
    Path(id): Path<String>,
    ticket: Result<Query<Ticket>, QueryRejection>,
) -> Response {
    let now = replicate.core.now();
    let allowed = ticket.is_ok_and(|Query(ticket)| {
        let signed = format!("{} {id} {}", ticket.owner, ticket.expiry);
        ticket.expiry > now.as_second() && replicate.secret.verify(signed.as_bytes(), &ticket.signature)
    });
    if !allowed {
        return errors::problem(403, "Forbidden", "The signature is missing, wrong or expired.").into_response();
    }
    match replicate.files.get(&id, now) {
        None => errors::not_found().into_response(),
        Some(file) => media::serve(&replicate.core.media, replicate.core.now(), &file.id).await,
    }
}
