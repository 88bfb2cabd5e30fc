//! DashScope's errors: a request id, a code and a text; and its check of API keys.

use crate::faults::{Moderation, RefusalFault};
use crate::names::random_uuid;
use crate::refused::Refused;
use crate::wire;
use axum::http::HeaderMap;
use serde_json::json;

/// Who answers in the provider's place when it is down.
const HOST: &str = "dashscope-intl.aliyuncs.com";

pub(super) fn error(status: u16, code: &str, message: impl Into<String>) -> Refused {
    let body = json!({"request_id": random_uuid(), "code": code, "message": message.into()});
    Refused::new(status, body)
}

/// An argument that is not allowed.
pub(super) fn parameter(message: impl Into<String>) -> Refused {
    error(400, "InvalidParameter", message)
}

/// An address that is not there, or not there for this model.
pub(super) fn url() -> Refused {
    parameter("url error, please check url!")
}

pub(super) fn no_model() -> Refused {
    error(404, "ModelNotFound", "Model not exist.")
}

fn bad_key() -> Refused {
    error(401, "InvalidApiKey", "Invalid API-key provided.")
}

/// The safety check. What strikes after the work began comes with HTTP 200.
pub(super) fn inspection(stage: Moderation) -> Refused {
    let (status, what) = match stage {
        Moderation::Input => (400, "Input"),
        Moderation::Output => (200, "Output"),
    };
    let message = format!("{what} data may contain inappropriate content.");
    error(status, "DataInspectionFailed", message)
}

pub(super) fn internal() -> Refused {
    let message = "An internal error has occured during algorithm execution.";
    error(500, "InternalError.Algo", message)
}

/// A refusal asked for by a fault, in DashScope's words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 400 } else { 429 });
    let arrears = "Access denied, please make sure your account is in good standing.";
    let used_up = "You exceeded your current quota, please check your plan and billing details.";
    let limited = "Requests rate limit exceeded, please try again later.";
    let unpurchased = "Access to model denied. Please make sure you are eligible for using the model.";
    let usual = match status {
        402 => error(402, "Arrearage", arrears),
        400 if refusal.status.is_none() => error(400, "Arrearage", arrears),
        429 if refusal.quota => error(429, "insufficient_quota", used_up),
        429 => error(429, "Throttling.RateQuota", limited),
        400 => parameter("Required parameter is missing or invalid."),
        401 => bad_key(),
        403 => error(403, "AccessDenied.Unpurchased", unpurchased),
        404 => no_model(),
        500 => internal(),
        status => error(status, "InternalError", "Internal server error!"),
    };
    Refused::by_fault(refusal, HOST, &["/message"], usual)
}

/// Checks the key: one that begins with `sk-` and is not called invalid.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        Some(key) if wire::is_key(key, "sk-") => Ok(()),
        Some(_) => Err(bad_key()),
        None => Err(error(401, "InvalidApiKey", "No API-key provided.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn keys_are_checked() {
        for (value, allowed) in [
            ("Bearer sk-sandbox", true),
            ("bearer sk-sandbox", true),
            ("Bearer sk-", false),
            ("Bearer sk-invalid", false),
            ("Key sk-sandbox", false),
            ("sk-sandbox", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", HeaderValue::from_static(value));
            assert_eq!(authorize(&headers).is_ok(), allowed, "{value}");
        }
        assert!(authorize(&HeaderMap::new()).is_err());
    }
}
