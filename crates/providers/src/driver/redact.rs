//! Takes secrets, prompts, addresses' queries and image bytes out of what providers say, before anybody sees it.

mod echoes;

use planner::{failure::Failure, native::NativeValue, secret};
use reqwest::Url;
use serde_json::Value;

use self::echoes::Echoes;
use crate::adapter::ProviderRequest;

/// Longest text that leaves the driver, in characters.
const TEXT_CHARS: usize = 500;
/// Longest code or name of an argument, in characters.
const NAME_CHARS: usize = 100;
/// A shorter half of a credential is too common to be replaced.
const SECRET_PART_CHARS: usize = 6;
/// A shorter prompt is too common to be replaced.
const PROMPT_CHARS: usize = 4;
/// A string of this length in any field is treated like a prompt.
const PROSE_CHARS: usize = 64;
/// A word of this length without punctuation is a key, a hash or a piece of base64.
const OPAQUE_CHARS: usize = 40;
/// How keys of known services begin.
const KEY_PREFIXES: [&str; 9] = ["sk-", "sk_", "pk_", "r8_", "hf_", "ghp_", "xai-", "whsec_", "key-"];
/// Names whose values are secret in an address or a header, beside those that look like a credential's anywhere.
const SECRET_NAMES: [&str; 2] = ["key", "signature"];
/// A word after the name of a credential is one too when it is so long, or has a digit.
const CREDENTIAL_CHARS: usize = 16;
/// What is looked at of a text, in characters: only its beginning is kept.
const LOOKED_AT_CHARS: usize = 16_000;

/// Knows what one request must not show.
pub(super) struct Redactor {
    /// What is replaced, longest first, and by what.
    replacements: Vec<(String, &'static str)>,
    /// What the caller wrote.
    echoes: Echoes,
}

impl Redactor {
    pub(super) fn new(request: &ProviderRequest) -> Self {
        let mut replacements = Vec::new();
        let mut prose = Vec::new();
        let credential = request.endpoint.credential.expose();
        add(&mut replacements, credential, "[redacted]", 1);
        for part in credential.split(':') {
            add(&mut replacements, part, "[redacted]", SECRET_PART_CHARS);
        }
        for (name, value) in &request.native.fields {
            match value {
                NativeValue::Secret(secret) => add(&mut replacements, secret, "[redacted]", 1),
                NativeValue::Json(_) | NativeValue::Shared(_) => {
                    let Some(json) = value.json() else { continue };
                    for text in secret::texts(json) {
                        add(&mut replacements, text, "[redacted]", 1);
                    }
                    let Some(text) = json.as_str() else { continue };
                    let least = if name.contains("prompt") {
                        PROMPT_CHARS
                    } else {
                        PROSE_CHARS
                    };
                    add(&mut replacements, text, "[prompt]", least);
                    if text.chars().count() >= least {
                        prose.push(text);
                    }
                }
                NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => {}
            }
        }
        replacements.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self {
            replacements,
            echoes: Echoes::of(prose.into_iter()),
        }
    }

    /// The failure with every text cleaned and bounded.
    pub(super) fn failure(&self, failure: Failure) -> Failure {
        let name = |text: Option<String>| text.map(|text| self.clean(&text, NAME_CHARS));
        let message = self.clean(&failure.message, TEXT_CHARS);
        Failure {
            message,
            excerpt: failure.excerpt.as_deref().map(|text| self.clean(text, TEXT_CHARS)),
            code: name(failure.code),
            param: name(failure.param),
            upstream_request_id: name(failure.upstream_request_id),
            ..failure
        }
    }

    fn clean(&self, text: &str, most_chars: usize) -> String {
        let mut text: String = text.chars().take(LOOKED_AT_CHARS).collect();
        for (secret, replacement) in &self.replacements {
            text = text.replace(secret, replacement);
        }
        let text = self.echoes.replace(&text, "[prompt]");
        words(&text).chars().take(most_chars).collect()
    }
}

/// Adds a text as it is and as it stands in JSON.
fn add(replacements: &mut Vec<(String, &'static str)>, text: &str, by: &'static str, least_chars: usize) {
    if text.chars().count() < least_chars {
        return;
    }
    let json = Value::from(text).to_string();
    let inner = json[1..json.len() - 1].to_owned();
    if inner != text {
        replacements.push((inner, by));
    }
    replacements.push((text.to_owned(), by));
}

/// Judges every word; what stands between them stays, but for control characters.
fn words(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = "";
    let mut awaited = Awaited::Nothing;
    while let Some(first) = rest.chars().next() {
        if is_between(first) {
            cleaned.push(if first.is_control() { ' ' } else { first });
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let end = rest.find(is_between).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        let is_secret = match awaited {
            Awaited::Nothing => false,
            Awaited::Secret => true,
            Awaited::Credential => {
                word.chars().count() >= CREDENTIAL_CHARS || word.bytes().any(|byte| byte.is_ascii_digit())
            }
        };
        cleaned.push_str(&if is_secret {
            "[redacted]".to_owned()
        } else {
            one_word(word)
        });
        awaited = Awaited::after(before, word);
        before = word;
        rest = tail;
    }
    cleaned
}

/// What the next word is, as those before it say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// The rest of a header's value.
    Secret,
    /// The value of what may be a credential.
    Credential,
}

impl Awaited {
    /// What follows `word`, which came after `before`.
    fn after(before: &str, word: &str) -> Self {
        if word.eq_ignore_ascii_case("bearer") {
            return Self::Secret;
        }
        let name = match word.strip_suffix([':', '=']) {
            Some("") => before.to_owned(),
            Some(name) => format!("{before} {name}"),
            None => return Self::Nothing,
        };
        // "Missing key: prompt" names no credential.
        if secret::is_credential(&name) && !name.trim().eq_ignore_ascii_case("key") {
            Self::Credential
        } else {
            Self::Nothing
        }
    }
}

fn is_between(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '\\'
        )
}

fn one_word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let end = &word[bare.len()..];
    let lower = bare.to_ascii_lowercase();
    if lower.starts_with("data:") && lower.contains(";base64,") && !lower.ends_with(";base64,") {
        return format!("[data]{end}");
    }
    if bare.contains("://") {
        return format!("{}{end}", address(bare));
    }
    if let Some((name, value)) = bare.split_once(['=', ':'])
        && !value.is_empty()
        && (secret::is_credential(name)
            || SECRET_NAMES
                .iter()
                .any(|secret| name.to_ascii_lowercase().ends_with(secret)))
    {
        return format!("{name}=[redacted]{end}");
    }
    let is_key = bare.len() >= 8 && KEY_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
    let is_masked = bare.matches('*').count() >= 3;
    if is_key || is_masked || is_opaque(bare) {
        format!("[redacted]{end}")
    } else {
        word.to_owned()
    }
}

fn is_opaque(word: &str) -> bool {
    word.len() >= OPAQUE_CHARS
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.'))
}

/// An address without what may be secret in it.
fn address(word: &str) -> String {
    // How an address begins is no address: "must begin with https://".
    if word.ends_with("://") && word[..word.len() - 3].bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return word.to_owned();
    }
    let Ok(mut url) = Url::parse(word) else {
        return "[address]".to_owned();
    };
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return "[address]".to_owned();
    }
    if had_query {
        format!("{url}?[redacted]")
    } else {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use planner::failure::FailureKind;
    use proptest::prelude::*;

    use super::*;
    use crate::adapter::sample;

    fn redactor(credential: &str) -> Redactor {
        let fields = vec![
            ("prompt", NativeValue::Json("a \"red\" fox\nasleep".into())),
            ("size", NativeValue::Json("1024x1024".into())),
            (
                "more",
                NativeValue::Shared(std::sync::Arc::new(
                    serde_json::json!({ "Access Token": "nested-part" }),
                )),
            ),
            ("openai_api_key", NativeValue::Secret("callers-key".to_owned())),
        ];
        let access = sample::access("https://a.example/", credential, &[]);
        Redactor::new(&sample::request(access, "m", fields))
    }

    fn cleaned(redactor: &Redactor, text: &str) -> String {
        redactor
            .failure(Failure::new(FailureKind::InvalidArgument, text))
            .message
    }

    #[test]
    fn secrets_prompts_and_images_go_and_the_rest_stays() {
        let redactor = redactor("0123-id:very-secret-part");
        for (text, expected) in [
            (
                "Invalid size '1024x1024'. Try 1536x1024.",
                "Invalid size '1024x1024'. Try 1536x1024.",
            ),
            ("key 0123-id:very-secret-part is bad", "key [redacted] is bad"),
            ("got very-secret-part!", "got [redacted]!"),
            ("with callers-key.", "with [redacted]."),
            (
                "Incorrect API key provided: sk-abc12***wxyz. See https://a.example/keys.",
                "Incorrect API key provided: [redacted]. See https://a.example/keys.",
            ),
            ("token r8_abcdefgh", "token [redacted]"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
            ("bad ab****yz", "bad [redacted]"),
            ("api_key=abc&x", "api_key=[redacted]"),
            ("not a \"red\" fox\nasleep!", "not [prompt]!"),
            (r#"{"x":"a \"red\" fox\nasleep"}"#, r#"{"x":"[prompt]"}"#),
            (
                "at https://u:p@b.example/x?sig=1#f now",
                "at https://b.example/x?[redacted] now",
            ),
            ("data:image/png;base64,iVBORw0KGgo=", "[data]"),
            (
                "a link must begin with https:// or data:",
                "a link must begin with https:// or data:",
            ),
            ("got A  RED fox asleep, see above", "got [prompt], see above"),
            ("bad API Key: abc123def", "bad API Key: [redacted]"),
            ("API_KEY = 'abc123def'", "API_KEY = '[redacted]'"),
            ("a token: it is missing", "a token: it is missing"),
            ("with nested-part.", "with [redacted]."),
            ("a line\r\nand\tanother\u{1b}[0m", "a line  and another [0m"),
            (
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
                "[redacted]",
            ),
        ] {
            assert_eq!(cleaned(&redactor, text), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_bounded_after_they_are_cleaned() {
        let redactor = redactor("very-secret");
        let text = format!("{}very-secret", "é ".repeat(247));
        let mut failure = Failure::new(FailureKind::InvalidArgument, text.clone());
        failure.excerpt = Some(text.repeat(3));
        failure.code = Some("c".repeat(300));
        let cleaned = redactor.failure(failure);
        assert_eq!(cleaned.message.chars().count(), TEXT_CHARS);
        assert!(cleaned.message.ends_with("[redac"));
        assert_eq!(cleaned.excerpt.expect("kept").chars().count(), TEXT_CHARS);
        assert_eq!(cleaned.code.expect("kept").len(), NAME_CHARS);
    }

    proptest! {
        #[test]
        fn the_credential_never_survives(
            credential in "[A-Za-z0-9_+/=.-]{8,40}",
            before in ".{0,60}",
            after in ".{0,60}",
        ) {
            prop_assume!(!before.contains(&credential) && !after.contains(&credential));
            let cleaned = cleaned(&redactor(&credential), &format!("{before}{credential}{after}"));
            prop_assert!(!cleaned.contains(&credential), "{cleaned}");
        }
    }
}
