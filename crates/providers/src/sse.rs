//! Server-sent events whose data is JSON: every `data:` text goes through a splitter as it arrives.

use crate::{
    splitter::{Document, SplitError, SplitLimits, Splitter},
    spool::SpoolScope,
};

/// Longest line that is not data, in bytes: names of fields and events are short, comments are dropped.
const LINE_BYTES: usize = 4096;
/// What some servers send in place of JSON when they are done.
const DONE: &[u8] = b"[DONE]";

/// One event.
#[derive(Debug)]
pub struct SseEvent {
    /// The `event:` field.
    pub name: Option<String>,
    /// The `data:` field.
    pub data: SseData,
}

/// The data of an event.
#[derive(Debug)]
pub enum SseData {
    /// A JSON document.
    Json(Document),
    /// The literal `[DONE]`.
    Done,
}

/// Takes a stream in pieces of any size.
#[derive(Debug)]
pub struct SseParser {
    scope: SpoolScope,
    limits: SplitLimits,
    line: Line,
    after_return: bool,
    name: Option<String>,
    data: Option<Data>,
}

#[derive(Debug)]
enum Line {
    /// The field's name, up to the colon.
    Field(Vec<u8>),
    /// Just after the colon: one space is not part of the value.
    Value(Field),
    /// In the value.
    Rest(Field),
}

#[derive(Debug)]
enum Field {
    Data,
    Event(Vec<u8>),
    Ignored,
}

/// Held back until it is known not to be [`DONE`].
#[derive(Debug)]
struct Data {
    head: Vec<u8>,
    splitter: Splitter,
}

impl Data {
    fn push(&mut self, bytes: &[u8]) -> Result<(), SplitError> {
        if self.head.len() > DONE.len() {
            return self.splitter.push(bytes);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() > DONE.len() {
            self.splitter.push(&self.head)?;
            self.head.truncate(DONE.len() + 1);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SseData, SplitError> {
        if self.head == DONE {
            return Ok(SseData::Done);
        }
        if self.head.len() <= DONE.len() {
            self.splitter.push(&self.head)?;
        }
        Ok(SseData::Json(self.splitter.finish()?))
    }
}

impl SseParser {
    /// A parser; `limits` hold for each event.
    #[must_use]
    pub fn new(scope: SpoolScope, limits: SplitLimits) -> Self {
        Self {
            scope,
            limits,
            line: Line::Field(Vec::new()),
            after_return: false,
            name: None,
            data: None,
        }
    }

    /// Takes `bytes` up to the end of the next event, and leaves what follows it: so an event that came is never lost to
    /// a fault behind it. `None` when all is taken.
    ///
    /// # Errors
    /// [`SplitError`] when an event is not a document, or passes a bound.
    pub fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<SseEvent>, SplitError> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                *bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.in_line(bytes)?;
                *bytes = &[];
                break;
            };
            self.in_line(&bytes[..end])?;
            self.after_return = bytes[end] == b'\r';
            *bytes = &bytes[end + 1..];
            if let Some(event) = self.end_line()? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Ends the stream. An event whose document is whole counts, even if the empty line after it is missing: an image
    /// that came is paid for.
    ///
    /// # Errors
    /// [`SplitError::Cut`] when an event is unfinished.
    pub fn end(&mut self) -> Result<Option<SseEvent>, SplitError> {
        match self.end_line()? {
            Some(event) => Ok(Some(event)),
            None => self.end_line(),
        }
    }

    fn in_line(&mut self, mut bytes: &[u8]) -> Result<(), SplitError> {
        while !bytes.is_empty() {
            match &mut self.line {
                Line::Field(name) => {
                    let colon = bytes.iter().position(|byte| *byte == b':');
                    let end = colon.unwrap_or(bytes.len());
                    append(name, &bytes[..end])?;
                    bytes = bytes.get(end + 1..).unwrap_or_default();
                    if colon.is_some() {
                        let field = self.field()?;
                        self.line = Line::Value(field);
                    }
                }
                Line::Value(field) => {
                    let field = std::mem::replace(field, Field::Ignored);
                    bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
                    self.line = Line::Rest(field);
                }
                Line::Rest(Field::Data) => {
                    if let Some(data) = &mut self.data {
                        data.push(bytes)?;
                    }
                    bytes = &[];
                }
                Line::Rest(Field::Event(name)) => {
                    append(name, bytes)?;
                    bytes = &[];
                }
                Line::Rest(Field::Ignored) => bytes = &[],
            }
        }
        Ok(())
    }

    /// What the line is about, once its name is complete. Several data lines are one text with line breaks.
    fn field(&mut self) -> Result<Field, SplitError> {
        let Line::Field(name) = &self.line else {
            return Ok(Field::Ignored);
        };
        match name.as_slice() {
            b"event" => Ok(Field::Event(Vec::new())),
            b"data" => {
                match &mut self.data {
                    Some(data) => data.push(b"\n")?,
                    None => {
                        let splitter = Splitter::new(self.scope.clone(), self.limits);
                        self.data = Some(Data {
                            head: Vec::new(),
                            splitter,
                        });
                    }
                }
                Ok(Field::Data)
            }
            _ => Ok(Field::Ignored),
        }
    }

    fn end_line(&mut self) -> Result<Option<SseEvent>, SplitError> {
        match std::mem::replace(&mut self.line, Line::Field(Vec::new())) {
            Line::Field(name) if name.is_empty() => {
                let name = self.name.take();
                let Some(data) = self.data.take() else { return Ok(None) };
                Ok(Some(SseEvent {
                    name,
                    data: data.finish()?,
                }))
            }
            Line::Value(Field::Event(name)) | Line::Rest(Field::Event(name)) => {
                self.name = Some(String::from_utf8_lossy(&name).into_owned());
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

fn append(line: &mut Vec<u8>, bytes: &[u8]) -> Result<(), SplitError> {
    if line.len() + bytes.len() <= LINE_BYTES {
        line.extend_from_slice(bytes);
        Ok(())
    } else {
        Err(SplitError::TextTooLong { text_bytes: LINE_BYTES })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;
    use crate::spool::{Spool, SpoolLimits};

    const LIMITS: SplitLimits = SplitLimits {
        text_bytes: 10_000,
        ..SplitLimits::of_answer(1 << 20)
    };

    fn parse(text: &[u8], size: usize) -> Result<Vec<SseEvent>, SplitError> {
        let mut parser = SseParser::new(Spool::new(SpoolLimits::default()).scope(), LIMITS);
        let mut events = Vec::new();
        for mut piece in text.chunks(size) {
            while let Some(event) = parser.push(&mut piece)? {
                events.push(event);
            }
        }
        events.extend(parser.end()?);
        Ok(events)
    }

    fn image() -> Vec<u8> {
        (0..9000_u32)
            .map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect()
    }

    #[test]
    fn events_arrive_whatever_the_line_ends_and_pieces() {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = format!(
                ": hello\n\nevent: image_generation.partial_image\ndata: {{\"b64_json\":\"{}\",\ndata:\"index\": 0}}\nid: 7\n\n\
                 data: {{}}\n\ndata: [DONE]\n\n",
                STANDARD.encode(image())
            )
            .replace('\n', line_end);
            for size in [1, 3, 100, 100_000] {
                let events = parse(text.as_bytes(), size).expect("valid");
                assert_eq!(events.len(), 3);
                assert_eq!(events[0].name.as_deref(), Some("image_generation.partial_image"));
                let SseData::Json(document) = &events[0].data else {
                    panic!("JSON")
                };
                assert_eq!(document.json["index"], 0);
                let blob = document.blob(&document.json["b64_json"]).expect("a blob");
                assert_eq!(blob.read_all().expect("readable"), image());
                assert!(events[1].name.is_none());
                assert!(matches!(events[2].data, SseData::Done));
            }
        }
    }

    #[test]
    fn broken_streams_are_refused() {
        assert!(matches!(parse(b"data: {\"a\": 1", 4), Err(SplitError::Cut)));
        assert!(matches!(parse(b"data: {\"a\": \n\n", 4), Err(SplitError::Cut)));
        assert!(matches!(
            parse(b"data: <html></html>\n\n", 4),
            Err(SplitError::Syntax(_))
        ));
        let long = [b"event: ".as_slice(), &[b'x'; LINE_BYTES + 1]].concat();
        assert!(matches!(parse(&long, 100), Err(SplitError::TextTooLong { .. })));
        assert!(parse(b": a comment of any length\n", 4).expect("valid").is_empty());
    }

    #[test]
    fn a_whole_document_counts_without_the_empty_line_after_it() {
        for end in ["", "\n", "\r\n"] {
            let events = parse(format!("event: last\ndata: {{\"a\": 1}}{end}").as_bytes(), 4).expect("valid");
            assert_eq!(events.len(), 1, "{end:?}");
            assert_eq!(events[0].name.as_deref(), Some("last"));
        }
    }

    #[test]
    fn an_event_that_came_is_not_lost_to_a_fault_behind_it() {
        let mut parser = SseParser::new(Spool::new(SpoolLimits::default()).scope(), LIMITS);
        let mut bytes = b"data: {}\n\ndata: <html>\n\n".as_slice();
        assert!(parser.push(&mut bytes).expect("valid").is_some());
        assert_eq!(bytes, b"data: <html>\n\n");
        assert!(matches!(parser.push(&mut bytes), Err(SplitError::Syntax(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            bytes in prop::collection::vec(prop::sample::select(&b"data: event[DONE]{}\"\r\n:1"[..]), 0..500),
            size in 1..50_usize,
        ) {
            let whole = parse(&bytes, usize::MAX).map(|events| events.len()).ok();
            prop_assert_eq!(parse(&bytes, size).map(|events| events.len()).ok(), whole);
        }
    }
}
