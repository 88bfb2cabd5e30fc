//! Decodes base64 that arrives in pieces: both alphabets, with or without padding, line breaks allowed.

use base64::Engine as _;

use crate::engine::BASE64;

/// Not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadBase64;

/// Holds at most three characters between pieces.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    carry: Vec<u8>,
    padding: u8,
    /// The digits so far of a character that is written as in a URL, `%2B`.
    escape: Option<Vec<u8>>,
    decoded: Decoded,
}

/// What a push decoded. Its memory is made once and written over.
#[derive(Debug, Default)]
struct Decoded {
    bytes: Vec<u8>,
    size_bytes: usize,
}

impl Decoded {
    fn clear(&mut self) {
        self.size_bytes = 0;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size_bytes]
    }

    fn decode(&mut self, text: &[u8]) -> Result<(), BadBase64> {
        let most = self.size_bytes + text.len().div_ceil(4) * 3;
        if self.bytes.len() < most {
            self.bytes.resize(most, 0);
        }
        let written = BASE64.decode_slice(text, &mut self.bytes[self.size_bytes..]);
        self.size_bytes += written.map_err(|_| BadBase64)?;
        Ok(())
    }
}

/// What a push completed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed<'a> {
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// How many characters of the text, from its beginning, are plain ones of the standard alphabet, where nothing but padding
    /// follows them.
    pub(crate) plain: Option<usize>,
}

impl Decoder {
    /// Decodes what `text` completes.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<Pushed<'_>, BadBase64> {
        self.decoded.clear();
        let mut is_whole = self.escape.is_none();
        let mut rest = text;
        while self.escape.is_none() && !self.carry.is_empty() && !rest.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(4 - self.carry.len()));
            is_whole &= head.iter().all(|byte| is_symbol(*byte) || *byte == b'=');
            self.push_any(head)?;
            rest = tail;
        }
        // Padding is left to the careful path, which knows that nothing may follow it.
        let whole = rest.len() - padding(rest);
        let (quads, tail) = rest.split_at(whole - whole % 4);
        // Padding in the middle is read leniently here, and is the careful path's to refuse.
        let is_plain =
            self.padding == 0 && self.escape.is_none() && !quads.ends_with(b"=") && self.decoded.decode(quads).is_ok();
        is_whole &= is_plain && tail.iter().all(|byte| is_symbol(*byte) || *byte == b'=');
        self.push_any(if is_plain { tail } else { rest })?;
        Ok(Pushed {
            bytes: self.decoded.bytes(),
            plain: is_whole.then(|| text.len() - padding(text)),
        })
    }

    /// Decodes the last characters.
    pub(crate) fn finish(&mut self) -> Result<&[u8], BadBase64> {
        self.decoded.clear();
        let complete = match self.carry.len() {
            _ if self.escape.is_some() => false,
            0 => self.padding == 0,
            1 => false,
            held => self.padding == 0 || held + usize::from(self.padding) == 4,
        };
        if !complete {
            return Err(BadBase64);
        }
        let carry = std::mem::take(&mut self.carry);
        self.decoded.decode(&carry)?;
        Ok(self.decoded.bytes())
    }

    fn push_any(&mut self, text: &[u8]) -> Result<(), BadBase64> {
        let mut plain = std::mem::take(&mut self.carry);
        plain.reserve(text.len());
        for byte in text {
            let Some(byte) = self.unescaped(*byte)? else {
                continue;
            };
            match byte {
                b'\n' | b'\r' | b'\t' | b' ' => {}
                b'=' if self.padding < 2 => self.padding += 1,
                _ if self.padding > 0 => return Err(BadBase64),
                b'-' => plain.push(b'+'),
                b'_' => plain.push(b'/'),
                byte if is_symbol(byte) => plain.push(byte),
                _ => return Err(BadBase64),
            }
        }
        self.carry = plain.split_off(plain.len() - plain.len() % 4);
        self.decoded.decode(&plain)
    }
}

impl Decoder {
    /// The character that `byte` is or completes.
    fn unescaped(&mut self, byte: u8) -> Result<Option<u8>, BadBase64> {
        let Some(mut digits) = self.escape.take() else {
            if byte == b'%' {
                self.escape = Some(Vec::new());
                return Ok(None);
            }
            return Ok(Some(byte));
        };
        digits.push(byte);
        if digits.len() < 2 {
            self.escape = Some(digits);
            return Ok(None);
        }
        let digits = std::str::from_utf8(&digits).map_err(|_| BadBase64)?;
        u8::from_str_radix(digits, 16).map(Some).map_err(|_| BadBase64)
    }
}

/// How many characters of padding a text ends with.
fn padding(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| **byte == b'=').count()
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether `byte` can stand in base64. A space would let in plain words, so it is not allowed here.
pub(crate) fn is_base64(byte: u8) -> bool {
    is_symbol(byte) || matches!(byte, b'-' | b'_' | b'=' | b'\n' | b'\r')
}

/// Decodes a short text whole.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, BadBase64> {
    let mut decoder = Decoder::default();
    let mut bytes = decoder.push(text)?.bytes.to_vec();
    bytes.extend_from_slice(decoder.finish()?);
    Ok(bytes)
}
