//! The operator's own policy: what may be asked for, and what may be handed out.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::in_force;
use crate::signing::{PREFIX, is_secret};
use crate::words::words;

/// Longest wait for an answer, in milliseconds.
pub const TIMEOUT_MS_MAX: u64 = 60_000;
/// Most terms: each prompt is looked through for all of them at once.
pub const TERMS_MAX: usize = 100_000;
/// Longest term.
pub const TERM_CHARS_MAX: usize = 200;

/// Who is asked before images are made and handed out, and what is refused without asking.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// Words, and words in a row, that no prompt may hold.
    #[serde(serialize_with = "count")]
    pub terms: Vec<String>,
    /// Where it is asked before anything is spent.
    pub before_url: Option<String>,
    /// Where it is asked before images are handed out.
    pub after_url: Option<String>,
    /// Whether links to the images are sent there, for which they are stored.
    pub after_links: bool,
    /// The secret that signs what is sent there, as webhooks are signed. Absent: nothing is signed.
    #[serde(serialize_with = "in_force::hidden")]
    pub secret: Option<String>,
    /// Longest wait for an answer, in milliseconds, 1 to [`TIMEOUT_MS_MAX`].
    pub timeout_ms: u64,
    /// What happens where no answer can be had.
    pub when_unanswered: WhenUnanswered,
}

/// An address may hold a token.
impl std::fmt::Debug for PolicySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicySettings")
            .field("terms", &self.terms.len())
            .field("before_url", &self.before_url.is_some())
            .field("after_url", &self.after_url.is_some())
            .field("after_links", &self.after_links)
            .field("secret", &self.secret.is_some())
            .field("timeout_ms", &self.timeout_ms)
            .field("when_unanswered", &self.when_unanswered)
            .finish()
    }
}

/// What happens to a request about which the operator's policy cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnanswered {
    /// It is refused.
    #[default]
    Deny,
    /// It goes on.
    Allow,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            terms: Vec::new(),
            before_url: None,
            after_url: None,
            after_links: false,
            secret: None,
            timeout_ms: 3_000,
            when_unanswered: WhenUnanswered::Deny,
        }
    }
}

impl PolicySettings {
    /// The first mistake, if there is one.
    pub(super) fn mistake(&self) -> Option<String> {
        if !(1..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return Some(format!(
                "policy.timeout_ms must be from 1 to {TIMEOUT_MS_MAX}, not {}",
                self.timeout_ms
            ));
        }
        for (name, url) in [("before_url", &self.before_url), ("after_url", &self.after_url)] {
            let is_address = |url: &String| {
                let parsed = Url::parse(url).ok();
                parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            };
            if url.as_ref().is_some_and(|url| !is_address(url)) {
                return Some(format!(
                    "policy.{name} must be an address such as https://policy.example.com/before"
                ));
            }
        }
        if self.secret.as_deref().is_some_and(|secret| !is_secret(secret)) {
            return Some(format!(
                "policy.secret must be '{PREFIX}' with base64 behind it, as webhooks' secrets are"
            ));
        }
        if self.terms.len() > TERMS_MAX {
            return Some(format!(
                "policy.terms has {} terms; {TERMS_MAX} are taken",
                self.terms.len()
            ));
        }
        let is_wrong = |term: &&String| term.chars().count() > TERM_CHARS_MAX || words(term).is_empty();
        let place = self.terms.iter().position(|term| is_wrong(&term))?;
        Some(format!(
            "policy.terms: the term {} must hold a letter or a digit, and at most {TERM_CHARS_MAX} characters",
            place + 1
        ))
    }

    /// The hosts that are asked.
    pub(crate) fn hosts(&self) -> HashSet<String> {
        let urls = self.before_url.iter().chain(&self.after_url);
        let host = |url: &String| Some(Url::parse(url).ok()?.host_str()?.to_lowercase());
        urls.filter_map(host).collect()
    }
}

/// A list that may be long, and is no pleasure to read, is told by its length.
fn count<S: serde::Serializer>(terms: &[String], out: S) -> Result<S::Ok, S::Error> {
    if terms.is_empty() {
        return out.collect_seq(terms);
    }
    out.serialize_str(&format!("({} terms)", terms.len()))
}
