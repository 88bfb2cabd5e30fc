//! A reader for headers that gives up after a fixed amount of work.

use std::io::{self, BufReader, ErrorKind, Read, Seek};

use crate::{ImageFormat, InspectError};

/// How much of a header is read, at most. A size stands within the first kilobytes of nearly every
/// file; color profiles and previews before it are skipped, not read.
const HEADER_MAX_BYTES: u64 = 1 << 20;

/// Reads forward through a header. Every read and every skip is charged, so no input keeps it busy.
pub(crate) struct HeaderReader<R: Read + Seek> {
    source: BufReader<R>,
    format: ImageFormat,
    budget_bytes: u64,
}

impl<R: Read + Seek> HeaderReader<R> {
    /// A reader at the start of `source`.
    pub(crate) const fn new(source: BufReader<R>, format: ImageFormat) -> Self {
        Self {
            source,
            format,
            budget_bytes: HEADER_MAX_BYTES,
        }
    }

    /// The format whose header it is.
    pub(crate) const fn format(&self) -> ImageFormat {
        self.format
    }

    /// An error about the header being read.
    pub(crate) const fn malformed(&self, reason: &'static str) -> InspectError {
        InspectError::Malformed {
            format: self.format,
            reason,
        }
    }

    fn charge(&mut self, bytes: u64) -> Result<(), InspectError> {
        self.budget_bytes = self
            .budget_bytes
            .checked_sub(bytes)
            .ok_or(InspectError::HeaderTooLong(self.format))?;
        Ok(())
    }

    fn ended(&self, error: io::Error) -> InspectError {
        match error.kind() {
            ErrorKind::UnexpectedEof => InspectError::Truncated(self.format),
            _ => InspectError::Io(error),
        }
    }

    /// The next `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], InspectError> {
        self.charge(N as u64)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|error| self.ended(error))?;
        Ok(bytes)
    }

    /// The next `length` bytes. Memory grows with what is really there, not with the claim.
    pub(crate) fn block(&mut self, length: u64) -> Result<Vec<u8>, InspectError> {
        self.charge(length)?;
        let mut block = Vec::new();
        self.source
            .by_ref()
            .take(length)
            .read_to_end(&mut block)
            .map_err(|error| self.ended(error))?;
        if (block.len() as u64) < length {
            return Err(InspectError::Truncated(self.format));
        }
        Ok(block)
    }

    /// Moves on by `length` bytes. That the data goes that far shows only at the next read.
    pub(crate) fn skip(&mut self, length: u64) -> Result<(), InspectError> {
        self.charge(1)?;
        let length = i64::try_from(length).map_err(|_| InspectError::Truncated(self.format))?;
        self.source
            .seek_relative(length)
            .map_err(|_| InspectError::Truncated(self.format))
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Result<u8, InspectError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, the high one first.
    pub(crate) fn u16_be(&mut self) -> Result<u16, InspectError> {
        self.bytes().map(u16::from_be_bytes)
    }

    /// The next two bytes, the low one first.
    pub(crate) fn u16_le(&mut self) -> Result<u16, InspectError> {
        self.bytes().map(u16::from_le_bytes)
    }

    /// The next four bytes, the high one first.
    pub(crate) fn u32_be(&mut self) -> Result<u32, InspectError> {
        self.bytes().map(u32::from_be_bytes)
    }

    /// The next four bytes, the low one first.
    pub(crate) fn u32_le(&mut self) -> Result<u32, InspectError> {
        self.bytes().map(u32::from_le_bytes)
    }
}
