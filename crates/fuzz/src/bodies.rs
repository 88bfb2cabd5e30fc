//! Callers' bodies.

use gateway::fuzzed::read_body;
use serde_json::{Map, Value};

use crate::PIECES;

/// The boundary of every form here.
const FORM: &str = "multipart/form-data; boundary=x";

/// A form is the same however it comes.
pub(crate) fn multipart(data: &[u8]) {
    // That all readings agree is what counts.
    let _ = whole_and_in_pieces(FORM, data);
}

/// A body is read exactly where the JSON parser reads an object, and is the same however it comes.
pub(crate) fn json(data: &[u8]) {
    let read = whole_and_in_pieces("application/json", data);
    let bare = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let plain = serde_json::from_slice::<Map<String, Value>>(bare);
    if read.is_ok() {
        assert!(plain.is_ok(), "what is no object was read");
    }
    if plain.is_err() {
        assert!(read.is_err(), "{plain:?}");
    }
}

fn whole_and_in_pieces(content_type: &str, data: &[u8]) -> Result<Value, u16> {
    let whole = read_body(content_type, data, data.len().max(1));
    for bytes in PIECES {
        let pieces = read_body(content_type, data, bytes);
        // What is wrong first may be another thing, as less is known then.
        assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "in pieces of {bytes} bytes");
    }
    whole
}
