//! The cookies of the site.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// The cookie that holds a session's secret.
const COOKIE: &str = "pictor_session";
/// The cookie that says that somebody signed in.
const DESK: &str = "desk";

/// The values of the cookies of that name.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let texts = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The secret in a request's cookie.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    values(headers, COOKIE).find(|secret| !secret.is_empty())
}

/// Whether somebody signed in, as far as pages that are the same for everybody are concerned.
pub(crate) fn is_signed_in(headers: &HeaderMap) -> bool {
    values(headers, DESK).next().is_some()
}

/// A cookie to be set.
#[derive(Debug, Clone)]
pub(crate) struct Cookie(String);

impl Cookie {
    /// The one with a session's secret.
    pub(crate) fn of(is_https: bool, secret: &str) -> Self {
        let secure = if is_https { "; Secure" } else { "" };
        Self(format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}"))
    }

    /// Name and value, as a browser sends them.
    pub(crate) fn pair(&self) -> &str {
        self.0.split(';').next().unwrap_or_default()
    }

    /// The one that takes a session's away.
    pub(crate) fn none() -> Self {
        Self(format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
    }

    /// The one by which pages that are the same for everybody name the desk instead of the way in. It authorizes nothing.
    pub(crate) fn desk(signed_in: bool) -> Self {
        let age = if signed_in { "" } else { "; Max-Age=0" };
        Self(format!("{DESK}=1; Path=/; SameSite=Lax{age}"))
    }

    /// Puts it on an answer.
    pub(crate) fn put(&self, response: &mut Response) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_its_own_cookie() {
        let secret = |text: &'static str| {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]);
            secret(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(secret("a=b; pictor_session=xyz; theme=dark").as_deref(), Some("xyz"));
        assert_eq!(secret("pictor_sessions=xyz"), None);
        assert_eq!(secret("pictor_session="), None);
    }
}
