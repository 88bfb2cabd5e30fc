//! Signing what is sent to others, as Standard Webhooks says.

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with.
pub(crate) const PREFIX: &str = "whsec_";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Whether a text is a secret that signs.
pub(crate) fn is_secret(text: &str) -> bool {
    key(text).is_some_and(|key| !key.is_empty())
}

fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()
}

/// The headers of a message in JSON, signed by each of these secrets; without any it goes unsigned. `None` where one of them is no
/// secret.
pub(crate) fn headers<'a>(
    secrets: impl Iterator<Item = &'a String>,
    id: &str,
    at_s: i64,
    body: &str,
) -> Option<HeaderMap> {
    let signed: Option<Vec<String>> = secrets.map(|secret| signature(secret, id, at_s, body)).collect();
    let signed = signed?.join(" ");
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    for (name, text) in [(ID, id.to_owned()), (TIMESTAMP, at_s.to_string()), (SIGNATURE, signed)] {
        if !text.is_empty() {
            headers.insert(name, HeaderValue::try_from(text).ok()?);
        }
    }
    Some(headers)
}

/// The signature of a message, as its header has it.
fn signature(secret: &str, id: &str, at_s: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{at_s}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_convention_says() {
        // The example of Standard Webhooks' reference implementation.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signature(
            secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.expect("a secret"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert!(signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a", 1, "").is_none());
    }
}
