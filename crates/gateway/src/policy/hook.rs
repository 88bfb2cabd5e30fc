//! Asking whoever the operator named: one signed message, one answer within a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use providers::GuardedClient;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::outcome::{Moment, Why};
use crate::signing;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Longest reason that a caller is told.
const REASON_CHARS_MAX: usize = 500;
/// Most categories, and the longest of them.
const CATEGORIES_MAX: usize = 16;
const CATEGORY_CHARS_MAX: usize = 60;

/// Who is asked, and how.
pub struct Hook {
    /// Where.
    pub url: Url,
    /// By which client.
    pub client: Arc<GuardedClient>,
    /// The secret that signs what is sent.
    pub secret: Option<String>,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// Of an address its host alone may be seen.
impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl Hook {
    /// Asks about a generation at `moment`. Returns why it is denied, if it is.
    pub async fn ask(&self, moment: Moment, generation_id: &str, data: Value, now: Timestamp) -> Option<Why> {
        match self.answer(moment, generation_id, data, now).await {
            Ok(verdict) => verdict,
            Err(cause) => Some(Why::Unanswered(cause)),
        }
    }

    async fn answer(
        &self,
        moment: Moment,
        generation_id: &str,
        data: Value,
        now: Timestamp,
    ) -> Result<Option<Why>, String> {
        let kind = format!("generation.{}", moment.as_str());
        let body = json!({ "type": kind, "timestamp": now.to_string(), "data": data }).to_string();
        let id = format!("msg_{generation_id}_{}", moment.as_str());
        let headers = signing::headers(self.secret.iter(), &id, now.as_second(), &body);
        let headers = headers.ok_or("the message could not be signed")?;
        let deadline = Instant::now() + self.timeout;
        let sent = self
            .client
            .ask(&self.url, headers, body.into(), (deadline, ANSWER_BYTES_MAX));
        let (status, answer) = sent.await.map_err(|error| error.to_string())?;
        if !(200..300).contains(&status) {
            return Err(format!("it answered with HTTP status {status}"));
        }
        read(&answer)
    }
}

/// What an answer says.
fn read(answer: &[u8]) -> Result<Option<Why>, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| "its answer is no JSON")?;
    match answer["decision"].as_str() {
        Some("allow") => Ok(None),
        Some("deny") => Ok(Some(Why::Said {
            reason: answer["reason"].as_str().and_then(|text| line(text, REASON_CHARS_MAX)),
            categories: answer["categories"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| line(one.as_str()?, CATEGORY_CHARS_MAX))
                .take(CATEGORIES_MAX)
                .collect(),
        })),
        _ => Err("its answer has no 'decision' that is 'allow' or 'deny'".to_owned()),
    }
}

/// A text as one short line; `None` when nothing is left.
fn line(text: &str, chars_max: usize) -> Option<String> {
    let shown = |sign: char| if sign.is_control() { ' ' } else { sign };
    let line: String = text.chars().map(shown).take(chars_max).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_decision_with_its_reason_or_none_at_all() {
        let said = |reason: Option<&str>, categories: &[&str]| {
            Ok(Some(Why::Said {
                reason: reason.map(ToOwned::to_owned),
                categories: categories.iter().map(|one| (*one).to_owned()).collect(),
            }))
        };
        assert_eq!(read(br#"{"decision":"allow","reason":"fine"}"#), Ok(None));
        assert_eq!(read(br#"{"decision":"deny"}"#), said(None, &[]));
        assert_eq!(
            read(br#"{"decision":"deny","reason":" two\nlines ","categories":["weapons",7,""]}"#),
            said(Some("two lines"), &["weapons"])
        );
        let long = format!(r#"{{"decision":"deny","reason":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(read(long.as_bytes()), said(Some(&"x".repeat(REASON_CHARS_MAX)), &[]));
        for broken in ["", "ok", "{}", r#"{"decision":"maybe"}"#, r#"{"decision":true}"#, "[]"] {
            assert!(read(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
