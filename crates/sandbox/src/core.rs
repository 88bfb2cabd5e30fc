//! What all emulators share: the clock, ids, stores, faults, bill and log of one running sandbox.

use crate::bill::Bill;
use crate::calls::CallLog;
use crate::faults::FaultBook;
use crate::latency::Latency;
use crate::media::MediaStore;
use crate::pictures::Pictures;
use axum::http::{HeaderMap, Uri, header};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// One running sandbox, shared by every handler.
pub(crate) struct Core {
    base_url: String,
    public_url: Option<String>,
    clock_offset_ms: AtomicI64,
    pub(crate) bill: Bill,
    pub(crate) calls: Arc<CallLog>,
    pub(crate) faults: FaultBook,
    pub(crate) latency: Latency,
    pub(crate) media: MediaStore,
    pub(crate) pictures: Pictures,
    /// The most pixels of a picture of `mock-image`, where it stands beside real providers.
    pub(crate) mock_pixels_max: Option<u64>,
    /// Whether models that the tables lack are refused, as they are by the real services.
    pub(crate) is_strict: bool,
    /// What the control routes ask for.
    pub(crate) control_token: Option<String>,
    /// Work that outlives the request that began it, as at the real providers.
    pub(crate) tasks: TaskTracker,
}

impl Core {
    /// A core that is reached at `base_url` (no slash at its end), or at `public_url` behind a proxy.
    pub(crate) fn new(base_url: String, public_url: Option<String>, latency: bool) -> Self {
        Self {
            base_url,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            clock_offset_ms: AtomicI64::new(0),
            bill: Bill::default(),
            calls: Arc::default(),
            faults: FaultBook::default(),
            latency: Latency::new(latency),
            media: MediaStore::default(),
            pictures: Pictures::new(),
            mock_pixels_max: None,
            is_strict: true,
            control_token: None,
            tasks: TaskTracker::new(),
        }
    }

    /// The time that the emulators believe in: real, plus what the control route added.
    pub(crate) fn now(&self) -> Timestamp {
        let offset_ms = self.clock_offset_ms.load(Ordering::Relaxed);
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_millis(offset_ms)).unwrap_or(now)
    }

    /// Lets the emulators believe that more time has passed.
    pub(crate) fn advance_clock(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.clock_offset_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |offset_ms| {
                Some(offset_ms.saturating_add(by_ms))
            })
            .ok();
    }

    /// Where the sandbox itself listens, such as `http://127.0.0.1:8485`.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The base that links in an answer should have: the public URL, else the host the caller used.
    pub(crate) fn base_url_for(&self, uri: &Uri, headers: &HeaderMap) -> String {
        if let Some(public_url) = &self.public_url {
            return public_url.clone();
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .or_else(|| uri.authority().map(|authority| authority.as_str()));
        let scheme = self.base_url.split("://").next().unwrap_or("http");
        host.map_or_else(|| self.base_url.clone(), |host| format!("{scheme}://{host}"))
    }

    /// Whether a URL points at this very sandbox, by any of its names; then its path.
    pub(crate) fn own_path<'u>(&self, url: &'u str) -> Option<&'u str> {
        let (scheme, rest) = url.split_once("://")?;
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split(['?', '#']).next().unwrap_or(path);
        if let Some(public_url) = &self.public_url
            && let Some(tail) = url.strip_prefix(public_url.as_str())
            && tail.starts_with('/')
        {
            return tail.split(['?', '#']).next();
        }
        let (own_scheme, own) = self.base_url.split_once("://")?;
        if scheme != own_scheme {
            return None;
        }
        let (host, port) = split_port(authority);
        let (own_host, own_port) = split_port(own);
        let same_host = host == own_host || (is_loopback(host) && is_loopback(own_host));
        (same_host && port == own_port).then_some(path)
    }
}

fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0")
}
