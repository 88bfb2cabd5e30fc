//! What a request's headers say of its coming again, or of an answer that is not waited for.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What the official SDKs send: 0 with a first try, more with each retry of their own.
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Longest key of a caller that is taken, in characters.
pub(crate) const KEY_CHARS_MAX: usize = 255;

/// What a request says of its being repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The caller's own key for the request.
    pub(crate) key: Option<String>,
    /// Whether an SDK counts its tries.
    is_counted: bool,
    /// Which of its retries this is; 0 for a first try.
    pub(crate) retry_count: u32,
    /// Whether the caller does not want to wait.
    pub(crate) is_async: bool,
    /// How long the caller waits at the most.
    pub(crate) wait: Option<Duration>,
}

impl Repeat {
    /// Reads the headers.
    ///
    /// # Errors
    /// 400 for a key that is empty, too long or not plain text.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let key = headers
            .get(IDEMPOTENCY_KEY)
            .map(|value| value.to_str().unwrap_or("").trim());
        if key.is_some_and(|key| key.is_empty() || key.len() > KEY_CHARS_MAX) {
            let message = format!("'Idempotency-Key' must be plain text of 1 to {KEY_CHARS_MAX} characters.");
            return Err(Problem::invalid(StatusCode::BAD_REQUEST, message));
        }
        let count = headers
            .get(RETRY_COUNT)
            .and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        let prefers = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let wishes: Vec<&str> = prefers.flat_map(|value| value.split(',')).map(str::trim).collect();
        let wait = wishes.iter().find_map(|wish| {
            let (name, seconds) = wish.split_once('=')?;
            let is_wait = name.trim().eq_ignore_ascii_case("wait");
            is_wait.then(|| seconds.trim().trim_matches('"').parse().ok()).flatten()
        });
        Ok(Self {
            key: key.map(ToOwned::to_owned),
            is_counted: count.is_some(),
            retry_count: count.unwrap_or(0),
            is_async: wishes.iter().any(|wish| wish.eq_ignore_ascii_case("respond-async")),
            wait: wait.map(Duration::from_secs),
        })
    }

    /// Whether its answer may be asked for again.
    pub(crate) const fn may_repeat(&self) -> bool {
        self.key.is_some() || self.is_counted
    }

    /// Whether it has a key of the caller's.
    pub(crate) const fn has_key(&self) -> bool {
        self.key.is_some()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<Repeat, Problem> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Repeat::read(&headers.collect())
    }

    #[test]
    fn headers_say_what_is_repeated() {
        assert_eq!(read(&[]), Ok(Repeat::default()));
        let first = read(&[("x-stainless-retry-count", "0")]).expect("legal");
        assert!(first.may_repeat() && first.retry_count == 0);
        assert_eq!(read(&[("x-stainless-retry-count", "2")]).expect("legal").retry_count, 2);
        let prefers = read(&[("prefer", "wait=5, Respond-Async")]).expect("legal");
        assert!(prefers.is_async && !prefers.may_repeat());
        assert_eq!(prefers.wait, Some(Duration::from_secs(5)));
        assert!(read(&[("idempotency-key", " ")]).is_err());
        assert!(read(&[("idempotency-key", "a-1")]).expect("legal").has_key());
    }
}
