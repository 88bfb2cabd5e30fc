//! The parts of a multipart body (RFC 7578), one after the other. Every byte is looked at once, and no more is held than
//! a piece of the body and a part's headers.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

use super::{BodyError, Pieces};

/// Longest boundary: RFC 2046 allows 70 characters.
const BOUNDARY_BYTES_MAX: usize = 200;
/// What may stand before the first boundary: nothing does in real forms.
const PREAMBLE_BYTES_MAX: usize = 4 << 10;
/// Longest headers of one part: a name, a file's name and a type.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Why a form cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartsError {
    /// The body itself could not be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It is no form with this boundary.
    #[error("{0}")]
    Broken(&'static str),
}

/// The boundary that a content type names.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let found = parameters(content_type).find(|(name, _)| name == "boundary")?.1;
    let is_legal = !found.is_empty() && found.len() <= BOUNDARY_BYTES_MAX && !found.contains(['\r', '\n']);
    is_legal.then_some(found)
}

/// The parameters after the first `;` of a header: names in small letters, values without quotes.
fn parameters(header: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        rest = left;
        Some((name, value))
    })
}

/// The text up to the closing quote, and what follows it. Browsers write a quote within as `%22`, others as `\"`; a
/// backslash before anything else is one of a path.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &text[index + 1..]),
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// What the headers of a part say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Name of the field.
    pub(super) name: String,
    /// Whether it is a file.
    pub(super) is_file: bool,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self, PartsError> {
        let text = String::from_utf8_lossy(bytes);
        let mut disposition = None;
        for line in text.split("\r\n") {
            if let Some((name, value)) = line.split_once(':')
                && name.trim().eq_ignore_ascii_case("content-disposition")
            {
                disposition = Some(value);
            }
        }
        let mut head = Self {
            name: String::new(),
            is_file: false,
        };
        for (name, value) in parameters(disposition.unwrap_or_default()) {
            match name.as_str() {
                "name" => head.name = value.replace("%22", "\""),
                "filename" | "filename*" => head.is_file = true,
                _ => {}
            }
        }
        if head.name.is_empty() {
            return Err(PartsError::Broken("a part has no name"));
        }
        Ok(head)
    }
}

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first boundary.
    Preamble,
    /// In a part's data.
    Data,
    /// Right after a boundary.
    Boundary,
    /// After the last boundary.
    End,
}

/// A form, read part by part.
pub(super) struct Parts {
    pieces: Pieces,
    /// What stands between two parts.
    delimiter: Finder<'static>,
    buffer: BytesMut,
    place: Place,
}

impl Parts {
    pub(super) fn new(pieces: Pieces, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            pieces,
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            // The first boundary stands at the beginning, or after a line's end like the others.
            buffer: BytesMut::from(&b"\r\n"[..]),
            place: Place::Preamble,
        }
    }

    /// Bytes that came so far.
    pub(super) const fn received(&self) -> u64 {
        self.pieces.received()
    }

    /// The head of the next part; what is left of the one before is passed over. `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Head>, PartsError> {
        let mut passed = 0;
        loop {
            match self.place {
                Place::End => return Ok(None),
                Place::Boundary => return self.head().await,
                Place::Data => while self.data().await?.is_some() {},
                Place::Preamble => {
                    if let Some(data) = self.until_boundary().await? {
                        passed += data.len();
                    }
                    if passed > PREAMBLE_BYTES_MAX {
                        return Err(PartsError::Broken(
                            "it does not begin with the boundary that content-type names",
                        ));
                    }
                }
            }
        }
    }

    /// The next piece of the part's data; `None` at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, PartsError> {
        if self.place == Place::Data {
            self.until_boundary().await
        } else {
            Ok(None)
        }
    }

    async fn more(&mut self) -> Result<(), PartsError> {
        match self.pieces.next().await? {
            Some(piece) => {
                self.buffer.extend_from_slice(&piece);
                Ok(())
            }
            None => Err(PartsError::Broken("it ends before its last boundary")),
        }
    }

    /// The bytes before the next boundary, as they come; `None` once the boundary is passed.
    async fn until_boundary(&mut self) -> Result<Option<Bytes>, PartsError> {
        let length = self.delimiter.needle().len();
        loop {
            match self.delimiter.find(&self.buffer) {
                Some(0) => {
                    let _ = self.buffer.split_to(length);
                    self.place = Place::Boundary;
                    return Ok(None);
                }
                Some(at) => return Ok(Some(self.buffer.split_to(at).freeze())),
                // The end of what is here may be the beginning of a boundary.
                None if self.buffer.len() >= length => {
                    let sure = self.buffer.len() - (length - 1);
                    return Ok(Some(self.buffer.split_to(sure).freeze()));
                }
                None => self.more().await?,
            }
        }
    }

    /// Reads what follows a boundary: the end of the form, or the headers of a part.
    async fn head(&mut self) -> Result<Option<Head>, PartsError> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.place = Place::End;
            // What follows the end is read and forgotten, so that the answer is not cut by unread bytes.
            while self.pieces.next().await?.is_some() {}
            return Ok(None);
        }
        let mut seen = 0;
        loop {
            let from = usize::saturating_sub(seen, 3);
            if let Some(at) = memchr::memmem::find(&self.buffer[from..], b"\r\n\r\n") {
                let head = self.buffer.split_to(from + at + 4);
                self.place = Place::Data;
                return Head::read(&head).map(Some);
            }
            seen = self.buffer.len();
            if seen > HEADER_BYTES_MAX {
                return Err(PartsError::Broken("the headers of a part are longer than 16 KiB"));
            }
            self.more().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::HeaderMap;
    use futures_util::stream;

    use super::*;
    use crate::settings::limits::Limits;

    type Read = Vec<(String, bool, Vec<u8>)>;

    async fn read(text: &[u8], piece_bytes: usize) -> Result<Read, String> {
        let chunks: Vec<_> = text.chunks(piece_bytes).map(Bytes::copy_from_slice).collect();
        let body = Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)));
        let pieces =
            Pieces::multipart(body, &HeaderMap::new(), &Limits::default()).map_err(|problem| problem.message)?;
        let mut parts = Parts::new(pieces, "b");
        let mut found = Vec::new();
        while let Some(head) = parts.next().await.map_err(|error| error.to_string())? {
            let mut all = Vec::new();
            while let Some(data) = parts.data().await.map_err(|error| error.to_string())? {
                all.extend_from_slice(&data);
            }
            found.push((head.name, head.is_file, all));
        }
        Ok(found)
    }

    const FORM: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\n1\r\n--\r\n--b\r\n\
        content-disposition: form-data; filename=\"a;\\\".png\"; name=two\r\nContent-Type: image/png\r\n\r\n\r\n-\r\n--\r\n--b\r\n\
        Content-Disposition: form-data; name=\"a%22[]\"\r\n\r\n\r\n--b--\r\nmore";

    #[tokio::test]
    async fn parts_are_the_same_in_pieces_of_any_size() {
        let right: Read = vec![
            ("one".to_owned(), false, b"1\r\n--".to_vec()),
            ("two".to_owned(), true, b"\r\n-\r\n--".to_vec()),
            ("a\"[]".to_owned(), false, Vec::new()),
        ];
        for piece_bytes in 1..=FORM.len() {
            assert_eq!(read(FORM, piece_bytes).await.as_ref(), Ok(&right), "{piece_bytes}");
        }
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_is_told_so() {
        let end = FORM.len() - b"--\r\nmore".len();
        for length in 0..end {
            assert!(read(&FORM[..length], 7).await.is_err(), "{length}");
        }
    }

    #[tokio::test]
    async fn without_its_boundary_a_form_is_refused_early() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'-'; 1024])));
        let pieces = Pieces::multipart(Body::from_stream(endless), &HeaderMap::new(), &Limits::default());
        let mut parts = Parts::new(pieces.expect("no length is told"), "b");
        assert!(parts.next().await.is_err());
        assert!(parts.received() < 16 << 10, "{}", parts.received());
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotes() {
        for (header, right) in [
            ("multipart/form-data; boundary=x-1", Some("x-1")),
            ("multipart/form-data; charset=utf-8; Boundary=\"x y\"", Some("x y")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
        ] {
            assert_eq!(boundary(header).as_deref(), right, "{header}");
        }
    }
}
