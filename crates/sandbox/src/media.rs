//! Files that answers link to: kept in memory, bounded, and gone after their time.

use crate::faults::MediaFault;
use crate::names::random_hex;
use crate::wire;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// All files together; the oldest are dropped past it.
const MAX_TOTAL_BYTES: usize = 512 * 1024 * 1024;
/// Files, and remains of expired ones, that are remembered.
const MAX_ITEMS: usize = 20_000;

/// A file to keep.
pub(crate) struct NewMedia {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: String,
    pub(crate) ttl: Duration,
    pub(crate) fault: Option<MediaFault>,
}

/// A kept file.
#[derive(Clone, Debug)]
pub(crate) struct MediaItem {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: String,
    pub(crate) fault: Option<MediaFault>,
    expires_at: Timestamp,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Unknown,
    Expired,
}

/// All kept files.
#[derive(Default)]
pub(crate) struct MediaStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: HashMap<String, MediaItem>,
    order: VecDeque<String>,
    total_bytes: usize,
}

impl MediaStore {
    /// Keeps a file and returns its new id (32 hexadecimal digits).
    pub(crate) fn put(&self, media: NewMedia, now: Timestamp) -> String {
        let id = random_hex(16);
        self.put_as(id.clone(), media, now);
        id
    }

    /// Keeps a file under a known id, as after a promised upload.
    pub(crate) fn put_as(&self, id: String, media: NewMedia, now: Timestamp) {
        let ttl = SignedDuration::try_from(media.ttl).unwrap_or(SignedDuration::MAX);
        let item = MediaItem {
            bytes: media.bytes,
            content_type: media.content_type,
            fault: media.fault,
            expires_at: now.checked_add(ttl).unwrap_or(Timestamp::MAX),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.remove(&id);
        state.total_bytes += item.bytes.len();
        state.order.push_back(id.clone());
        state.items.insert(id, item);
        while state.items.len() > 1 && (state.total_bytes > MAX_TOTAL_BYTES || state.items.len() > MAX_ITEMS) {
            let Some(oldest) = state.order.front().cloned() else {
                break;
            };
            state.remove(&oldest);
        }
    }

    /// The file, if it still lives.
    pub(crate) fn get(&self, id: &str, now: Timestamp) -> Result<MediaItem, Missing> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let item = state.items.get_mut(id).ok_or(Missing::Unknown)?;
        if item.expires_at <= now {
            // The remains stay, so that an expired link can be told from a wrong one.
            state.total_bytes -= item.bytes.len();
            item.bytes = Bytes::new();
            return Err(Missing::Expired);
        }
        Ok(item.clone())
    }

    /// Forgets a file; false if there was none.
    pub(crate) fn delete(&self, id: &str) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.remove(id)
    }
}

impl State {
    fn remove(&mut self, id: &str) -> bool {
        let Some(item) = self.items.remove(id) else {
            return false;
        };
        self.total_bytes -= item.bytes.len();
        self.order.retain(|other| other != id);
        true
    }
}

/// Serves a kept file by its id (an extension or file name after it is for the caller's eyes and cut off first).
pub(crate) async fn serve(files: &MediaStore, now: Timestamp, id: &str) -> Response {
    let id = id.split('.').next().unwrap_or(id);
    let item = match files.get(id, now) {
        Ok(item) => item,
        Err(Missing::Unknown) => return (StatusCode::NOT_FOUND, "Not Found").into_response(),
        Err(Missing::Expired) => {
            return (StatusCode::FORBIDDEN, "Request has expired").into_response();
        }
    };
    let content_type =
        HeaderValue::from_str(&item.content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let response = |body: Body| ([(header::CONTENT_TYPE, content_type)], body).into_response();
    match item.fault {
        None => response(Body::from(item.bytes)),
        Some(MediaFault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
            (status, "The file is not here, as asked for by a fault").into_response()
        }
        Some(MediaFault::Garbage) => response(Body::from(wire::GARBAGE)),
        Some(MediaFault::Hang) => std::future::pending().await,
        Some(MediaFault::Cut) => wire::cut(response(Body::from(item.bytes))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(size_bytes: usize) -> NewMedia {
        NewMedia {
            bytes: Bytes::from(vec![7; size_bytes]),
            content_type: "image/png".to_owned(),
            ttl: Duration::from_secs(60),
            fault: None,
        }
    }

    #[test]
    fn files_live_for_their_time() {
        let store = MediaStore::default();
        let now = Timestamp::UNIX_EPOCH;
        let id = store.put(media(10), now);
        assert_eq!(store.get(&id, now).map(|item| item.bytes.len()), Ok(10));
        let later = now + SignedDuration::from_secs(60);
        assert_eq!(
            store.get(&id, later).map(|item| item.bytes.len()),
            Err(Missing::Expired)
        );
        assert_eq!(store.get("nope", now).err(), Some(Missing::Unknown));
        assert!(store.delete(&id));
        assert!(!store.delete(&id));
    }

    #[test]
    fn the_oldest_go_when_it_is_full() {
        let store = MediaStore::default();
        let now = Timestamp::UNIX_EPOCH;
        let third = MAX_TOTAL_BYTES / 3 + 1;
        let ids: Vec<_> = (0..3).map(|_| store.put(media(third), now)).collect();
        assert_eq!(store.get(&ids[0], now).err(), Some(Missing::Unknown));
        assert!(store.get(&ids[1], now).is_ok());
        assert!(store.get(&ids[2], now).is_ok());
    }
}
