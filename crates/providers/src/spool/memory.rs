//! What a blob has in memory: its bytes, or the base64 in which they came, since most go out again as the same text.

use std::io;

use base64::Engine as _;
use bytes::Bytes;

use super::STREAM_CHUNK_BYTES;
use crate::engine::BASE64;

/// Text of so many bytes, in characters.
const CHUNK_CHARS: usize = STREAM_CHUNK_BYTES / 3 * 4;

/// How bytes stand in memory.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    #[default]
    Bytes,
    /// As base64 of the standard alphabet, padded at its end.
    Base64,
}

/// Pieces of exactly [`STREAM_CHUNK_BYTES`] or their text, but for the last: growing never copies what is already there.
#[derive(Debug, Default)]
pub(super) struct MemoryChunks {
    form: Form,
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl MemoryChunks {
    pub(super) fn of(form: Form) -> Self {
        Self {
            form,
            ..Self::default()
        }
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    const fn chunk_size(&self) -> usize {
        match self.form {
            Form::Bytes => STREAM_CHUNK_BYTES,
            Form::Base64 => CHUNK_CHARS,
        }
    }

    /// Appends in the form in which they are.
    pub(super) fn append(&mut self, mut stored: &[u8]) {
        let size = self.chunk_size();
        while !stored.is_empty() {
            let (part, rest) = stored.split_at(stored.len().min(size - self.last.len()));
            if self.last.is_empty() && !self.full.is_empty() {
                self.last.reserve_exact(size);
            }
            self.last.extend_from_slice(part);
            stored = rest;
            if self.last.len() == size {
                self.full.push(std::mem::take(&mut self.last).into());
            }
        }
    }

    /// Puts the text of the last bytes, fewer than three, in the place of their characters.
    pub(super) fn end_text(&mut self, bytes: &[u8]) {
        let whole = self.last.len() / 4 * 4;
        self.last.truncate(whole);
        self.append(BASE64.encode(bytes).as_bytes());
    }

    /// Ends the writing: the last piece becomes shareable like the others.
    pub(super) fn shrink(&mut self) {
        if !self.last.is_empty() {
            self.last.shrink_to_fit();
            self.full.push(std::mem::take(&mut self.last).into());
        }
    }

    /// The pieces as they stand.
    pub(super) fn stored(&self) -> impl Iterator<Item = &[u8]> {
        let last = std::iter::once(self.last.as_slice()).filter(|last| !last.is_empty());
        self.full.iter().map(AsRef::as_ref).chain(last)
    }

    /// Gives all bytes piece by piece. Characters that are no whole group yet are left out.
    pub(super) fn each_piece(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match self.form {
            Form::Bytes => self.stored().try_for_each(take),
            Form::Base64 => self.stored().try_for_each(|text| take(&decoded(whole_groups(text))?)),
        }
    }

    /// The same bytes as they are.
    pub(super) fn into_bytes_form(self) -> io::Result<Self> {
        if self.form == Form::Bytes {
            return Ok(self);
        }
        let mut plain = Self::default();
        self.each_piece(|piece| {
            plain.append(piece);
            Ok(())
        })?;
        Ok(plain)
    }

    /// What stands at `offset`, up to the end of its piece.
    pub(super) fn at(&self, offset: u64, most: usize) -> io::Result<Bytes> {
        let chunk = STREAM_CHUNK_BYTES as u64;
        let index = usize::try_from(offset / chunk).unwrap_or(usize::MAX);
        let within = (offset % chunk) as usize;
        let Some(stored) = self.full.get(index) else {
            return Ok(Bytes::new());
        };
        let until = within.saturating_add(most);
        if self.form == Form::Bytes {
            let (begin, end) = (within.min(stored.len()), until.min(stored.len()));
            return Ok(stored.slice(begin..end));
        }
        let (first, end) = (within / 3 * 4, until.div_ceil(3).saturating_mul(4).min(stored.len()));
        let bytes = Bytes::from(decoded(stored.get(first..end).unwrap_or_default())?);
        let skipped = (within % 3).min(bytes.len());
        Ok(bytes.slice(skipped..bytes.len().min(skipped.saturating_add(most))))
    }

    /// The text of a piece, where it stands as text.
    pub(super) fn text_of(&self, index: usize) -> Option<Bytes> {
        self.full.get(index).filter(|_| self.form == Form::Base64).cloned()
    }
}

fn whole_groups(text: &[u8]) -> &[u8] {
    &text[..text.len() / 4 * 4]
}

/// What is here was checked as it came.
fn decoded(text: &[u8]) -> io::Result<Vec<u8>> {
    BASE64.decode(text).map_err(io::Error::other)
}
