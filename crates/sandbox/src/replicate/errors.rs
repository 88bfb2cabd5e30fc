//! Replicate's error bodies, and its check of tokens.

use crate::faults::RefusalFault;
use crate::refused::Refused;
use axum::http::HeaderMap;
use serde_json::json;
use std::time::Duration;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.replicate.com";

/// A problem with a title and a detail.
pub(super) fn problem(status: u16, title: &str, detail: &str) -> Refused {
    Refused::new(status, json!({"title": title, "detail": detail, "status": status}))
}

pub(super) fn unauthenticated() -> Refused {
    problem(401, "Unauthenticated", "You did not pass a valid authentication token")
}

pub(super) fn not_found() -> Refused {
    let detail = "The requested resource could not be found.";
    Refused::new(404, json!({"detail": detail, "status": 404}))
}

pub(super) fn bad_version() -> Refused {
    problem(
        422,
        "Invalid version or not permitted",
        "The specified version does not exist (or perhaps you don't have permission to use it?)",
    )
}

fn throttled(after: Duration) -> Refused {
    let seconds = after.as_secs_f64().ceil().max(1.0) as u64;
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
    let body = json!({"detail": detail, "status": 429, "retry_after": seconds});
    Refused::new(429, body).after(after)
}

/// A refusal asked for by a fault, in Replicate's words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let usual = match refusal.status {
        None | Some(402) if refusal.quota || refusal.status.is_some() => problem(
            402,
            "Insufficient credit",
            "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing \
             to purchase credit. Once you purchase credit, please wait a few minutes before trying again.",
        ),
        None | Some(429) => throttled(refusal.retry_after.unwrap_or(Duration::from_secs(1))),
        Some(401) => unauthenticated(),
        Some(403) => problem(403, "Forbidden", "You do not have permission to perform this action."),
        Some(404) => not_found(),
        Some(422) => problem(422, "Input validation failed", "- input: is refused\n"),
        Some(500) => problem(500, "Internal server error", "Something went wrong."),
        Some(status) => problem(status, "Error", "The request was refused."),
    };
    Refused::by_fault(refusal, HOST, &["/detail"], usual)
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
        _ => Err(unauthenticated()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

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
        let told = |refusal: &RefusalFault| {
            let refused = by_fault(refusal);
            let detail = refused.body["detail"].as_str().map(str::to_owned);
            (refused.status, detail, refused.retry_after)
        };
        let two = Duration::from_millis(1_500);
        let limit = RefusalFault {
            status: Some(429),
            retry_after: Some(two),
            ..RefusalFault::default()
        };
        let text = "Request was throttled. Expected available in 2 seconds.".to_owned();
        assert_eq!(told(&limit), (429, Some(text), Some(two)));
        let quota = RefusalFault {
            quota: true,
            ..RefusalFault::default()
        };
        assert_eq!(told(&quota).0, 402);
        let bad = RefusalFault {
            status: Some(400),
            message: Some("Sandbox: no".to_owned()),
            ..RefusalFault::default()
        };
        assert_eq!(told(&bad), (400, Some("Sandbox: no".to_owned()), None));
        let page = RefusalFault {
            status: Some(502),
            ..RefusalFault::default()
        };
        assert_eq!(told(&page).0, 502);
    }
}
