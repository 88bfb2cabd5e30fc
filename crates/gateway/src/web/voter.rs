//! Who votes in a browser: a random name in a cookie, of which only a hash is kept.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::arena::battles::Voter;
use crate::http::cookie;
use crate::http::session::CallerAddress;
use crate::http::state::AppState;

use crate::ids::random_text;

const COOKIE: &str = "voter";
/// Letters of the name: it cannot be guessed, so nobody votes for another.
const NAME_CHARS: usize = 24;
/// Bytes of its hash.
const HASH_BYTES: usize = 12;
/// A year: votes of one person stay together.
const AGE_S: u32 = 31_536_000;

/// The voter of a request, with a cookie to be set where there is none yet.
pub(super) fn of(
    state: &AppState,
    headers: &HeaderMap,
    CallerAddress(address): CallerAddress,
) -> (Voter, Option<String>) {
    let known = cookie::values(headers, COOKIE)
        .find(|name| name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(ToOwned::to_owned);
    let is_new = known.is_none();
    let name = known.unwrap_or_else(|| random_text(NAME_CHARS));
    let hash = Sha256::digest(name.as_bytes());
    let voter = Voter {
        id: format!("web-{}", hex::encode(&hash[..HASH_BYTES])),
        address: Some(state.sessions.hash(address)),
    };
    let secure = if state.shelf.public_url().is_some_and(|url| url.starts_with("https:")) {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        is_new.then(|| format!("{COOKIE}={name}; Path=/arena; HttpOnly; SameSite=Strict; Max-Age={AGE_S}{secure}"));
    (voter, cookie)
}

/// Sets the cookie, if there is one to be set.
pub(super) fn put(response: &mut Response, cookie: Option<String>) {
    if let Some(value) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
