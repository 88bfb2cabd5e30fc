//! Tells a long base64 string from a long text by its beginning.

use super::base64::is_base64;

/// Longest `data:<mime>;base64,` that is looked for, in bytes; real ones have about 23.
const PREFIX_BYTES: usize = 256;

/// The beginning of a blob.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) mime: Option<String>,
    pub(super) base64: Vec<u8>,
    /// Inside an escape when the beginning ends in one.
    pub(super) unescape: Unescape,
}

/// Reads the raw beginning of a JSON string; `None` when it is plain text.
pub(super) fn recognize(raw: &[u8]) -> Option<Start> {
    let mut unescape = Unescape::default();
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while !rest.is_empty() {
        if !unescape.is_open() {
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            text.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
        }
        if let Some((byte, after)) = rest.split_first() {
            text.extend(unescape.push(*byte).ok()?);
            rest = after;
        }
    }
    let (mime, base64) = match data_prefix(&text) {
        Some((mime, start)) => (Some(mime), text.split_off(start)),
        None => (None, text),
    };
    // In a URL each character may be written as an escape.
    let is_escaped = |byte: u8| mime.is_some() && matches!(byte, b'%' | b' ' | b'\t');
    let is_one = base64.iter().all(|byte| is_base64(*byte) || is_escaped(*byte));
    is_one.then_some(Start { mime, base64, unescape })
}

/// The media type of a data URI and where its base64 begins.
pub(super) fn data_prefix(text: &[u8]) -> Option<(String, usize)> {
    let head = &text[..text.len().min(PREFIX_BYTES)];
    if !head.get(..5)?.eq_ignore_ascii_case(b"data:") {
        return None;
    }
    let comma = head.iter().position(|byte| *byte == b',')?;
    let parts = std::str::from_utf8(&head[5..comma]).ok()?;
    let mut words = parts.split(';').map(str::trim);
    let mime = words.next().unwrap_or_default();
    let is_base64 = words.next_back()?.eq_ignore_ascii_case("base64");
    is_base64.then(|| (mime.to_ascii_lowercase(), comma + 1))
}

/// Undoes the JSON escapes that can stand in base64, one byte at a time.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    open: bool,
    /// Digits and value of a `\u` escape.
    unicode: Option<(u8, u32)>,
}

impl Unescape {
    /// Whether the next byte belongs to an escape.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes a backslash or a byte that follows one; gives the character when the escape is complete.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<u8>, ()> {
        if !self.open {
            self.open = true;
            return Ok(None);
        }
        if let Some((digits, value)) = self.unicode {
            let digit = char::from(byte).to_digit(16).ok_or(())?;
            let (digits, value) = (digits + 1, value * 16 + digit);
            if digits < 4 {
                self.unicode = Some((digits, value));
                return Ok(None);
            }
            *self = Self::default();
            return u8::try_from(value).ok().filter(u8::is_ascii).map(Some).ok_or(());
        }
        let character = match byte {
            b'u' => {
                self.unicode = Some((0, 0));
                return Ok(None);
            }
            b'/' => b'/',
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return Err(()),
        };
        *self = Self::default();
        Ok(Some(character))
    }
}
