//! Reads fixtures: each is a conversation, the requests by method and path, the answers in full.
//!
//! ```text
//! > POST /openai/v1/images/generations
//! < 200                      or: < 200 cut, < 200 stall, < hang, < close
//! content-type: application/json
//!
//! {"data": [{"b64_json": "{{image}}"}]}
//! ```

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::scripted::{Answer, Exchange, Scripted};

/// Bytes that stand for an image of this size; adapters do not look into it.
pub(crate) fn picture(size_bytes: usize) -> Vec<u8> {
    let pattern: Vec<u8> = (0..251_u32)
        .map(|index| index.wrapping_mul(7919).to_le_bytes()[0])
        .collect();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(pattern.repeat(size_bytes / pattern.len() + 1));
    bytes.truncate(size_bytes);
    bytes
}

/// Size of the image that fixtures name `{{image}}`, in bytes: long enough for the spool.
pub(crate) const IMAGE_BYTES: usize = 5000;
/// Size of `{{small}}`, in bytes: short enough to stay text.
pub(crate) const SMALL_BYTES: usize = 300;
/// Size of `{{huge}}`, in bytes.
pub(crate) const HUGE_BYTES: usize = 32 << 20;
/// The credential of all tests.
pub(crate) const CREDENTIAL: &str = "test-credential-4711";

/// The conversation of `case`, or `None` when the protocol has no such fixture.
pub(crate) fn conversation(protocol: &str, case: &str, server: &Scripted) -> Option<Vec<Exchange>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{protocol}/{case}.http"));
    let text = std::fs::read_to_string(path).ok()?;
    let text = text
        .replace("{{base}}", &server.base)
        .replace("{{cdn}}", &server.cdn)
        .replace("{{credential}}", CREDENTIAL);
    let mut exchanges = Vec::new();
    for part in text.split("\n> ").map(|part| part.strip_prefix("> ").unwrap_or(part)) {
        let (request, rest) = part.split_once('\n').expect("a request line");
        exchanges.push(Exchange {
            request: request.trim().to_owned(),
            answer: answer(rest),
        });
    }
    Some(exchanges)
}

fn answer(text: &str) -> Answer {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words: Vec<&str> = first
        .strip_prefix("< ")
        .expect("an answer line")
        .split_whitespace()
        .collect();
    let status = match words[0] {
        "hang" => return Answer::Hang,
        "close" => return Answer::Close,
        status => status.parse().expect("a status"),
    };
    let (head, body) = match rest.strip_prefix('\n') {
        Some(body) => ("", body),
        None => rest.split_once("\n\n").unwrap_or((rest, "")),
    };
    let headers = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // The empty line at the end of an event is part of it.
    let body = fill(if head.contains("text/event-stream") {
        body
    } else {
        body.trim_end()
    });
    match words.get(1) {
        Some(&"stall") => Answer::Stall { status, headers, body },
        Some(&"cut") => Answer::Cut { status, headers, body },
        _ => Answer::Reply { status, headers, body },
    }
}

fn fill(body: &str) -> Vec<u8> {
    match body {
        "{{raw-image}}" => return picture(IMAGE_BYTES),
        "{{raw-huge}}" => return picture(HUGE_BYTES),
        "{{raw-small}}" => return picture(SMALL_BYTES),
        _ => {}
    }
    let mut text = body.to_owned();
    for (name, size_bytes) in [
        ("{{image}}", IMAGE_BYTES),
        ("{{small}}", SMALL_BYTES),
        ("{{huge}}", HUGE_BYTES),
    ] {
        if text.contains(name) {
            text = text.replace(name, &STANDARD.encode(picture(size_bytes)));
        }
    }
    text.into_bytes()
}
