//! The session of a request: its cookie, and what it may be used for.
//!
//! A session counts as a key for the pages of this site only. So whatever it authorizes beyond showing a page has to prove
//! that it comes from here (see [`is_own_origin`]), and forms carry the session's token besides.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde_json::json;
use url::Url;

use super::cookie::{self, Cookie};
use super::state::AppState;
use super::visitors::{self, COUNTED_FOR, FAILURES_MAX};
use crate::address::{self, PeerAddress};
use crate::auth::{AuthError, BegunSession, Identity, Session};
use crate::db::audit::{Action, AuditRow};
use crate::db::ledger::address_pool;
use crate::operator::is_id;
use crate::operator::witness::Witness;
use crate::problem::Problem;

/// What a form of a session carries its token in.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// The address that a request counts for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for CallerAddress
where
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = AppState::from_ref(state);
        let PeerAddress(peer) = parts.extensions.get().copied().ok_or_else(Problem::internal)?;
        let trusted = &state.sessions.trusted_proxies;
        Ok(Self(address::of_caller(peer, &parts.headers, trusted)))
    }
}

/// Whether a request has a session's cookie.
pub(crate) fn has_cookie(headers: &HeaderMap) -> bool {
    cookie::secret(headers).is_some()
}

/// The session of a request, if it has one that lasts: for showing a page, which another origin can open but not read.
/// Whatever changes something, or answers a script, asks [`own`] or [`of_form`].
///
/// # Errors
/// The database's.
pub(crate) async fn current(state: &AppState, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
    let Some(secret) = cookie::secret(headers) else {
        return Ok(None);
    };
    match state.keyring.session(secret).await {
        Ok(session) if session.identity.is_visitor && !state.sessions.has_visitors() => Ok(None),
        Ok(session) => Ok(Some(session)),
        Err(AuthError::Database(error)) => {
            tracing::error!(error = %error, "a session could not be looked up");
            Err(Problem::of_database(&error))
        }
        Err(_) => Ok(None),
    }
}

/// The session of a request that comes from a page of this site.
///
/// # Errors
/// 401 without a session that lasts, 403 from another origin.
pub(crate) async fn own(state: &AppState, headers: &HeaderMap) -> Result<Session, Problem> {
    check_origin(state, headers)?;
    current(state, headers)
        .await?
        .ok_or_else(|| Problem::authentication("This session has ended. Reload the page, or sign in again."))
}

/// The session of a form that one of its own pages sent.
///
/// # Errors
/// As [`own`], and 403 for a form that is not this session's.
pub(crate) async fn of_form(state: &AppState, headers: &HeaderMap, token: Option<&str>) -> Result<Session, Problem> {
    let session = own(state, headers).await?;
    if token.is_some_and(|token| session.owns_form(token)) {
        return Ok(session);
    }
    Err(Problem::permission(
        "This form is not from a page of your session. Go back, reload the page and send it again.",
    ))
}

/// Refuses what does not come from a page of this site.
///
/// # Errors
/// 403.
pub(crate) fn check_origin(state: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    if is_own_origin(state.shelf.public_url(), headers) {
        return Ok(());
    }
    Err(Problem::permission(
        "A session counts for requests from pages of this site only, and this one is not known to come from one (Origin). Elsewhere, send an API key.",
    ))
}

/// Whether a request comes from a page of this site: by its `Origin`, or where browsers send none (GET), by
/// `Sec-Fetch-Site` or `Referer`.
fn is_own_origin(public_url: Option<&str>, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_own = |address: &str| {
        let Ok(url) = Url::parse(address) else { return false };
        // By the operator's own name also the scheme is known.
        let public = public_url.and_then(|public| Url::parse(public).ok());
        if let Some(public) = public.filter(|public| authority(public) == authority(&url)) {
            return url.origin() == public.origin();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        // The scheme is a proxy's affair; a default port is written in neither.
        matches!(url.scheme(), "http" | "https") && host.is_some_and(|host| host.eq_ignore_ascii_case(authority(&url)))
    };
    if let Some(origin) = text("origin") {
        return is_own(origin);
    }
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    text("referer").is_some_and(is_own)
}

/// Host and port of an address as they stand in `Host`.
fn authority(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

/// The session of a visitor, whoever it is: the one that the request has, or one that begins now.
///
/// # Errors
/// 401 where visitors need a key, 403 from another origin, 429 when too many begin at one address.
pub(crate) async fn visit(
    state: &AppState,
    headers: &HeaderMap,
    CallerAddress(address): CallerAddress,
) -> Result<(Session, Option<Cookie>), Problem> {
    check_origin(state, headers)?;
    if let Some(session) = current(state, headers).await? {
        return Ok((session, None));
    }
    let sessions = &state.sessions;
    let Some(rules) = &sessions.visitors else {
        return Err(Problem::authentication(
            "Making images here takes an API key: sign in, or type a key. The operator has not opened the playground to visitors.",
        ));
    };
    let hash = sessions.hash(address);
    if visitors::count(&sessions.visits, &hash) >= rules.address_sessions {
        let message = "Too many sessions began at this address within ten minutes (visitors.address_sessions).";
        return Err(Problem::rate_limited(message, COUNTED_FOR));
    }
    match state.keyring.begin_visit(rules, address_pool(&hash)).await {
        Ok(BegunSession { session, secret }) => Ok((session, Some(Cookie::of(is_https(state, headers), &secret)))),
        Err(error) => Err(refused(&error)),
    }
}

/// Begins a session with a key. Attempts are counted by address, and told of in the log and the audit without the key.
///
/// # Errors
/// 401 and 403 for keys that cannot sign in, 429 after too many of them, 403 from another origin.
pub(crate) async fn sign_in(
    state: &AppState,
    headers: &HeaderMap,
    CallerAddress(address): CallerAddress,
    request_id: &str,
    key: &str,
) -> Result<(Session, Cookie), Problem> {
    check_origin(state, headers)?;
    let failures = &state.sessions.failures;
    let hash = state.sessions.hash(address);
    let failed = failures.get(&hash).map_or(0, |count| count.load(Ordering::Relaxed));
    if failed >= FAILURES_MAX {
        tracing::warn!(caller.address = %address, "sign-in refused: too many attempts failed from this address");
        return Err(Problem::rate_limited(
            "Too many sign-ins from this address failed. Try again in ten minutes.",
            COUNTED_FOR,
        ));
    }
    let now = state.generator.clock.now();
    let tell = |identity: &Identity| {
        let who = (identity.key_id.as_str(), identity.account_id.as_str());
        let witness = Witness::of_key(Some(who), Some(address), request_id, now);
        witness.line(Action::SignIn, Some(who.1), who.0, json!({}))
    };
    match state.keyring.sign_in(key, tell).await {
        Ok(BegunSession { session, secret }) => {
            tracing::info!(caller.address = %address, key.id = %session.identity.key_id, "signed in");
            Ok((session, Cookie::of(is_https(state, headers), &secret)))
        }
        Err(error) => {
            if !matches!(error, AuthError::Database(_)) {
                visitors::count(failures, &hash);
                tracing::warn!(caller.address = %address, error = %error, "a sign-in failed");
                // Who sends too many is not told of any more: the audit is no place to be filled from outside.
                let witness = Witness::of_key(None, Some(address), request_id, now);
                tell_of(state, &witness.refusal(named(key), &error.to_string())).await;
            }
            Err(refused(&error))
        }
    }
}

/// The public part of what may be a key: which one was tried.
fn named(key: &str) -> Option<&str> {
    let id = key.trim().strip_prefix("pk_")?.split('.').next()?;
    is_id(id).then_some(id)
}

/// Adds a line to the audit. Where that fails the log has the event all the same.
async fn tell_of(state: &AppState, line: &AuditRow) {
    if let Err(error) = state.generator.database.tell_audit(line).await {
        tracing::error!(error = %error, "the audit could not be added to");
    }
}

/// The face of a session that cannot begin.
fn refused(error: &AuthError) -> Problem {
    match error {
        AuthError::Database(error) => {
            tracing::error!(error = %error, "a session could not begin");
            Problem::of_database(error)
        }
        AuthError::MayNotSignIn => Problem::permission(&error.to_string()),
        _ => Problem::authentication(&error.to_string()),
    }
}

/// Ends a session, which the audit tells of.
///
/// # Errors
/// The database's.
pub(crate) async fn end(
    state: &AppState,
    session: &Session,
    CallerAddress(address): CallerAddress,
    request_id: &str,
) -> Result<(), Problem> {
    state.keyring.end_session(&session.id).await.map_err(|error| {
        tracing::error!(error = %error, "a session could not be ended");
        Problem::of_database(&error)
    })?;
    let who = (session.identity.key_id.as_str(), session.identity.account_id.as_str());
    let witness = Witness::of_key(Some(who), Some(address), request_id, state.generator.clock.now());
    tell_of(state, &witness.line(Action::SignOut, Some(who.1), who.0, json!({}))).await;
    Ok(())
}

/// Whether readers come by https: this gateway speaks nothing else, the operator's address says so, or the origin of the
/// page that asks.
fn is_https(state: &AppState, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let is = |address: &str| address.starts_with("https:");
    is(state.shelf.own_url()) || state.shelf.public_url().is_some_and(is) || origin.is_some_and(is)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_a_page_of_this_site_is_its_own_origin() {
        let host = ("host", "images.example:8484");
        let own = |public: Option<&str>, pairs: &[(&'static str, &'static str)]| {
            let mut all = vec![host];
            all.extend(pairs);
            is_own_origin(public, &headers(&all))
        };
        assert!(own(None, &[("origin", "http://images.example:8484")]));
        assert!(own(None, &[("origin", "https://images.example:8484")]));
        assert!(own(None, &[("sec-fetch-site", "same-origin")]));
        assert!(own(None, &[("referer", "http://images.example:8484/playground")]));
        for foreign in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://images.example")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://images.example:8484.evil.example")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("referer", "http://evil.example/images.example:8484")],
        ] {
            assert!(!own(None, foreign), "{foreign:?}");
        }
        let public = Some("https://pictor.example/");
        assert!(own(public, &[("origin", "https://pictor.example")]));
        assert!(!own(public, &[("origin", "http://pictor.example")]));
        assert!(
            own(public, &[("origin", "http://images.example:8484")]),
            "reached past the proxy"
        );
        assert!(!own(public, &[("origin", "http://evil.example")]));
    }
}
