//! Files that are sent once and named in calls: uploads in pieces, and the list of what is there.

use super::{Gemini, Parameters, authorize};
use crate::core::Core;
use crate::google::errors;
use crate::media::NewMedia;
use crate::names::random_hex;
use crate::refused::Refused;
use crate::wire::{self, MAX_MULTIPART_BYTES};
use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Files are kept for two days, as documented.
const LIFE: Duration = Duration::from_hours(48);
/// Files and begun uploads that are remembered; the oldest are forgotten.
const MAX_FILES: usize = 1_000;
/// All pieces of one file.
const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;
/// Part of the address of every file.
const PLACE: &str = "/gemini/v1beta/files/";

/// The files of one sandbox.
#[derive(Default)]
pub(super) struct Files(Mutex<VecDeque<File>>);

#[derive(Clone)]
struct File {
    id: String,
    display_name: Option<String>,
    mime_type: String,
    /// Of an upload that is not over.
    pieces: Option<Vec<Bytes>>,
    /// As it is told, once it is there.
    told: Value,
}

/// What stands in the address of an upload.
#[derive(Deserialize)]
pub(super) struct Session {
    upload_id: Option<String>,
    key: Option<String>,
}

impl Files {
    fn add(&self, file: File) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() == MAX_FILES {
            files.pop_front();
        }
        files.push_back(file);
    }

    fn with<T>(&self, id: &str, act: impl FnOnce(&mut File) -> T) -> Option<T> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.iter_mut().find(|file| file.id == id).map(act)
    }

    fn told(&self, core: &Core) -> Vec<Value> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = |file: &&File| file.pieces.is_none() && core.media.get(&file.id, core.now()).is_ok();
        files.iter().filter(is_there).map(|file| file.told.clone()).collect()
    }

    /// Puts the bytes of named files where a call names them.
    pub(super) fn put_in(&self, fields: &mut Map<String, Value>, core: &Core) -> Result<(), Refused> {
        let turns = fields.get_mut("contents").into_iter().flat_map(each);
        let parts = turns.filter_map(|turn| turn.get_mut("parts")).flat_map(each);
        for part in parts {
            let Some(uri) = part["fileData"]["fileUri"].as_str() else {
                continue;
            };
            let Some(id) = core.own_path(uri).and_then(|path| path.strip_prefix(PLACE)) else {
                continue;
            };
            let file = core.media.get(id, core.now());
            let file = file.map_err(|_| errors::no_file(id))?;
            let mime_type = part["fileData"]["mimeType"].as_str().unwrap_or(&file.content_type);
            *part = json!({ "inlineData": { "mimeType": mime_type, "data": STANDARD.encode(&file.bytes) } });
        }
        Ok(())
    }
}

/// The items of a list, or a single one that stands for itself.
fn each(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(items) => items,
        single => std::slice::from_mut(single),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// `POST /gemini/upload/v1beta/files`: begins an upload, takes a piece of it, or ends it.
pub(super) async fn upload(
    State(emulator): State<Arc<Gemini>>,
    OriginalUri(uri): OriginalUri,
    Query(session): Query<Session>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let command = text(&headers, "x-goog-upload-command").to_owned();
    let Ok(bytes) = wire::read_body(body, MAX_MULTIPART_BYTES).await else {
        return errors::invalid("The upload is too large, or broke off.").into_response();
    };
    let base = emulator.core.base_url_for(&uri, &headers);
    match session.upload_id {
        // The id in the address is the key to it.
        Some(id) => emulator.take(&base, &id, &command, bytes),
        None => {
            let parameters = Parameters {
                key: session.key,
                alt: None,
            };
            match authorize(&headers, &parameters) {
                Ok(()) if command == "start" => emulator.begin(&base, &headers, &bytes),
                Ok(()) => errors::invalid("x-goog-upload-command must be start.").into_response(),
                Err(error) => error.into_response(),
            }
        }
    }
}

impl Gemini {
    fn begin(&self, base: &str, headers: &HeaderMap, about: &Bytes) -> Response {
        let about: Value = serde_json::from_slice(about).unwrap_or_default();
        let named = |camel: &str, snake: &str| {
            let value = about["file"][camel].as_str().or_else(|| about["file"][snake].as_str());
            value.map(str::to_owned)
        };
        let id = random_hex(6);
        let sent = text(headers, "x-goog-upload-header-content-type");
        let mime_type = if sent.is_empty() {
            named("mimeType", "mime_type").unwrap_or_else(|| "application/octet-stream".to_owned())
        } else {
            sent.to_owned()
        };
        self.files.add(File {
            id: id.clone(),
            display_name: named("displayName", "display_name"),
            mime_type,
            pieces: Some(Vec::new()),
            told: Value::Null,
        });
        let mut response = wire::json(StatusCode::OK, &json!({}));
        let url = format!("{base}/gemini/upload/v1beta/files?upload_id={id}&upload_protocol=resumable");
        for (name, value) in [("x-goog-upload-url", url.as_str()), ("x-goog-upload-status", "active")] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn take(&self, base: &str, id: &str, command: &str, bytes: Bytes) -> Response {
        let taken = self.files.with(id, |file| {
            let pieces = file.pieces.as_mut()?;
            let size: usize = pieces.iter().map(Bytes::len).sum();
            if size + bytes.len() > MAX_FILE_BYTES {
                return None;
            }
            pieces.push(bytes);
            Some(if command.contains("finalize") {
                let whole = pieces.concat();
                file.pieces = None;
                Some((whole, file.clone()))
            } else {
                None
            })
        });
        let (status, body) = match taken.flatten() {
            None => return errors::no_path().into_response(),
            Some(None) => ("active", json!({})),
            Some(Some((whole, file))) => ("final", json!({ "file": self.keep(base, file, whole) })),
        };
        let mut response = wire::json(StatusCode::OK, &body);
        let status = HeaderValue::from_static(status);
        response.headers_mut().insert("x-goog-upload-status", status);
        response
    }

    fn keep(&self, base: &str, file: File, bytes: Vec<u8>) -> Value {
        let now = self.core.now();
        let ends = now.checked_add(LIFE).unwrap_or(now);
        let mut told = json!({
            "name": format!("files/{}", file.id),
            "mimeType": file.mime_type,
            "sizeBytes": bytes.len().to_string(),
            "createTime": now.to_string(),
            "updateTime": now.to_string(),
            "expirationTime": ends.to_string(),
            // The service tells the digest's digits, in base64.
            "sha256Hash": STANDARD.encode(hex::encode(Sha256::digest(&bytes))),
            "uri": format!("{base}{PLACE}{}", file.id),
            "state": "ACTIVE",
            "source": "UPLOADED",
        });
        if let Some(name) = &file.display_name {
            told["displayName"] = json!(name);
        }
        let media = NewMedia {
            bytes: bytes.into(),
            content_type: file.mime_type,
            ttl: LIFE,
            fault: None,
        };
        self.core.media.put_as(file.id.clone(), media, now);
        self.files.with(&file.id, |kept| kept.told = told.clone());
        told
    }
}

/// `GET /gemini/v1beta/files`.
pub(super) async fn list(
    State(emulator): State<Arc<Gemini>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    match authorize(&headers, &parameters) {
        Ok(()) => wire::json(StatusCode::OK, &json!({ "files": emulator.files.told(&emulator.core) })),
        Err(error) => error.into_response(),
    }
}

/// `GET /gemini/v1beta/files/{id}`.
pub(super) async fn one(
    State(emulator): State<Arc<Gemini>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = authorize(&headers, &parameters) {
        return error.into_response();
    }
    let name = format!("files/{id}");
    let found = emulator.files.told(&emulator.core).into_iter();
    match found.into_iter().find(|file| file["name"] == name.as_str()) {
        Some(file) => wire::json(StatusCode::OK, &file),
        None => errors::no_file(&id).into_response(),
    }
}

/// `DELETE /gemini/v1beta/files/{id}`.
pub(super) async fn delete(
    State(emulator): State<Arc<Gemini>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = authorize(&headers, &parameters) {
        return error.into_response();
    }
    let is_file = emulator.files.with(&id, |_| ()).is_some();
    if is_file && emulator.core.media.delete(&id) {
        wire::json(StatusCode::OK, &json!({}))
    } else {
        errors::no_file(&id).into_response()
    }
}
