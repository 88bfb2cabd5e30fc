//! The rate-limit headers: counted per minute, never enforced but by a fault.

use super::set;
use axum::http::HeaderMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests a minute that the headers promise. High: a load test against the sandbox should not look throttled.
const REQUESTS_PER_MINUTE: u64 = 10_000;
/// Input images a minute that the headers promise.
const INPUT_IMAGES_PER_MINUTE: u64 = 5_000;
const WINDOW: Duration = Duration::from_secs(60);

/// The current minute's count.
#[derive(Default)]
pub(super) struct RateLimits {
    window: Mutex<Option<(Instant, u64, u64)>>,
}

impl RateLimits {
    /// Counts input images of a call.
    pub(super) fn count_images(&self, images: u64) {
        self.count(0, images);
    }

    /// Counts a request and tells what is left of the minute, unless the answer says something else already.
    pub(super) fn stamp(&self, headers: &mut HeaderMap) {
        let (left, requests, images) = self.count(1, 0);
        if headers.contains_key("x-ratelimit-limit-requests") {
            return;
        }
        let requests_left = REQUESTS_PER_MINUTE.saturating_sub(requests);
        let images_left = INPUT_IMAGES_PER_MINUTE.saturating_sub(images);
        let reset = reset_text(left);
        let numbers = [
            ("x-ratelimit-limit-requests", REQUESTS_PER_MINUTE),
            ("x-ratelimit-remaining-requests", requests_left),
            ("x-ratelimit-limit-input-images", INPUT_IMAGES_PER_MINUTE),
            ("x-ratelimit-remaining-input-images", images_left),
        ];
        for (name, number) in numbers {
            set(headers, name, &number.to_string());
        }
        set(headers, "x-ratelimit-reset-requests", &reset);
        set(headers, "x-ratelimit-reset-input-images", &reset);
    }

    fn count(&self, requests: u64, images: u64) -> (Duration, u64, u64) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let current = window.filter(|(start, ..)| now.duration_since(*start) < WINDOW);
        let (start, old_requests, old_images) = current.unwrap_or((now, 0, 0));
        let (requests, images) = (old_requests + requests, old_images + images);
        *window = Some((start, requests, images));
        (WINDOW - now.duration_since(start), requests, images)
    }
}

/// The headers of an answer that says the limit is reached.
pub(super) fn exhausted(headers: &mut HeaderMap, after: Duration) {
    retry_after(headers, after);
    let reset = reset_text(after);
    for (name, value) in [
        ("x-ratelimit-limit-requests", "5"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-limit-input-images", "5"),
        ("x-ratelimit-remaining-input-images", "0"),
    ] {
        set(headers, name, value);
    }
    set(headers, "x-ratelimit-reset-requests", &reset);
    set(headers, "x-ratelimit-reset-input-images", &reset);
}

/// When to come back, in whole seconds (rounded up) and exactly.
pub(super) fn retry_after(headers: &mut HeaderMap, after: Duration) {
    let millis = after.as_millis();
    set(headers, "retry-after", &millis.div_ceil(1_000).to_string());
    set(headers, "retry-after-ms", &millis.to_string());
}

/// Times as the service writes them: `120ms`, `12s`.
fn reset_text(after: Duration) -> String {
    match after.as_millis() {
        millis if millis < 1_000 => format!("{millis}ms"),
        millis => format!("{}s", millis.div_ceil(1_000)),
    }
}
