//! Replicate's error bodies, and its check of tokens.

use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// A call that was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// Title, detail and status, as the API tells most errors.
    Problem {
        status: u16,
        body: Value,
        retry_after: Option<Duration>,
    },
    /// A page of the proxy in front.
    Page { status: u16 },
}

impl Refused {
    /// A problem with a title and a detail.
    pub(super) fn new(status: u16, title: &str, detail: &str) -> Self {
        Self::of(json!({"title": title, "detail": detail, "status": status}), status)
    }

    /// A problem with a body of its own.
    pub(super) fn of(body: Value, status: u16) -> Self {
        Self::Problem {
            status,
            body,
            retry_after: None,
        }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "Unauthenticated", "You did not pass a valid authentication token")
    }

    pub(super) fn not_found() -> Self {
        let detail = "The requested resource could not be found.";
        Self::of(json!({"detail": detail, "status": 404}), 404)
    }

    pub(super) fn bad_version() -> Self {
        Self::new(
            422,
            "Invalid version or not permitted",
            "The specified version does not exist (or perhaps you don't have permission to use it?)",
        )
    }

    fn throttled(after: Duration) -> Self {
        let seconds = after.as_secs_f64().ceil().max(1.0) as u64;
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self::Problem {
            status: 429,
            body: json!({"detail": detail, "status": 429, "retry_after": seconds}),
            retry_after: Some(after),
        }
    }

    /// A refusal asked for by a fault, in Replicate's words.
    pub(super) fn by_fault(refusal: &Refusal) -> Self {
        let usual = match refusal.status {
            None | Some(402) if refusal.quota || refusal.status.is_some() => Self::new(
                402,
                "Insufficient credit",
                "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing \
                 to purchase credit. Once you purchase credit, please wait a few minutes before trying again.",
            ),
            None | Some(429) => Self::throttled(refusal.retry_after.unwrap_or(Duration::from_secs(1))),
            Some(401) => Self::unauthenticated(),
            Some(403) => Self::new(403, "Forbidden", "You do not have permission to perform this action."),
            Some(404) => Self::not_found(),
            Some(422) => Self::new(422, "Input validation failed", "- input: is refused\n"),
            Some(500) => Self::new(500, "Internal server error", "Something went wrong."),
            Some(status) if wire::is_proxy_status(status) => return Self::Page { status },
            Some(status) => Self::new(status, "Error", "The request was refused."),
        };
        let Self::Problem {
            status,
            mut body,
            retry_after,
        } = usual
        else {
            return usual;
        };
        if let Some(message) = &refusal.message {
            body["detail"] = json!(message);
        }
        Self::Problem {
            status,
            body,
            retry_after: retry_after.or(refusal.retry_after),
        }
    }

    /// The answer.
    pub(super) fn to_response(&self) -> Response {
        match self {
            Self::Page { status } => wire::proxy_page(*status, "api.replicate.com"),
            Self::Problem {
                status,
                body,
                retry_after,
            } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = wire::json(status, body);
                if let Some(after) = retry_after {
                    let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
                    response.headers_mut().insert("retry-after", seconds);
                }
                response
            }
        }
    }
}

/// Checks the token: one that begins with `r8_` and is not called invalid, by either scheme.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
        .map(|(_, token)| token.trim());
    match token {
        Some(token)
            if token.len() > 3
                && token.starts_with("r8_")
                && !token.contains("invalid")
                && !token.contains("revoked") =>
        {
            Ok(())
        }
        _ => Err(Refused::unauthenticated()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_checked() {
        for (value, allowed) in [
            ("Bearer r8_sandbox", true),
            ("Token r8_sandbox", true),
            ("Bearer r8_", false),
            ("Bearer r8_invalid", false),
            ("Bearer sk-sandbox", false),
            ("r8_sandbox", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", HeaderValue::from_static(value));
            assert_eq!(authorize(&headers).is_ok(), allowed, "{value}");
        }
    }

    #[test]
    fn refusals_have_their_own_words() {
        let told = |refusal: &Refusal| match Refused::by_fault(refusal) {
            Refused::Problem {
                status,
                body,
                retry_after,
            } => (status, body["detail"].as_str().map(str::to_owned), retry_after),
            Refused::Page { status } => (status, None, None),
        };
        let two = Duration::from_millis(1_500);
        let limit = Refusal {
            status: Some(429),
            retry_after: Some(two),
            ..Refusal::default()
        };
        let text = "Request was throttled. Expected available in 2 seconds.".to_owned();
        assert_eq!(told(&limit), (429, Some(text), Some(two)));
        let quota = Refusal {
            quota: true,
            ..Refusal::default()
        };
        assert_eq!(told(&quota).0, 402);
        let bad = Refusal {
            status: Some(400),
            message: Some("Sandbox: no".to_owned()),
            ..Refusal::default()
        };
        assert_eq!(told(&bad), (400, Some("Sandbox: no".to_owned()), None));
        let page = Refusal {
            status: Some(502),
            ..Refusal::default()
        };
        assert_eq!(told(&page), (502, None, None));
    }
}
