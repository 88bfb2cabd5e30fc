//! A finished blob: read from any place, by any number of readers, without copying it whole.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::Charge;

/// Size of the pieces that a stream of a blob gives, but for the last, in bytes: large enough to be cheap, small enough for
/// hundreds of streams, and 64 KiB of base64.
pub const STREAM_CHUNK_BYTES: usize = 48 * 1024;

/// Bytes in the spool. Clones share them; the last one to go gives them back.
#[derive(Debug, Clone)]
pub struct Blob(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    size_bytes: u64,
    _charge: Charge,
}

#[derive(Debug)]
pub(super) enum Store {
    Memory(MemoryChunks),
    File(File),
}

/// Pieces of exactly [`STREAM_CHUNK_BYTES`], but for the last: growing never copies what is already there.
#[derive(Debug, Default)]
pub(super) struct MemoryChunks {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl MemoryChunks {
    pub(super) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(STREAM_CHUNK_BYTES - self.last.len()));
            if self.last.is_empty() && !self.full.is_empty() {
                self.last.reserve_exact(STREAM_CHUNK_BYTES);
            }
            self.last.extend_from_slice(part);
            bytes = rest;
            if self.last.len() == STREAM_CHUNK_BYTES {
                self.full.push(std::mem::take(&mut self.last).into());
            }
        }
    }

    /// Ends the writing: the last piece becomes shareable like the others.
    pub(super) fn shrink(&mut self) {
        if !self.last.is_empty() {
            self.last.shrink_to_fit();
            self.full.push(std::mem::take(&mut self.last).into());
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.full
            .iter()
            .map(AsRef::as_ref)
            .chain(std::iter::once(self.last.as_slice()))
    }

    /// What stands at `offset`, up to the end of its piece.
    fn at(&self, offset: u64, most: usize) -> Bytes {
        let chunk = STREAM_CHUNK_BYTES as u64;
        let index = usize::try_from(offset / chunk).unwrap_or(usize::MAX);
        let within = (offset % chunk) as usize;
        match self.full.get(index) {
            Some(bytes) if within < bytes.len() => bytes.slice(within..bytes.len().min(within.saturating_add(most))),
            _ => Bytes::new(),
        }
    }
}

impl Blob {
    pub(super) fn new(store: Store, size_bytes: u64, charge: Charge) -> Self {
        Self(Arc::new(Inner {
            store,
            size_bytes,
            _charge: charge,
        }))
    }

    /// Size in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.size_bytes
    }

    /// Whether there is no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bytes are in memory, not in a file.
    #[must_use]
    pub fn in_memory(&self) -> bool {
        matches!(self.0.store, Store::Memory(_))
    }

    /// A reader of its own position. It blocks on the file system when the blob is in a file.
    #[must_use]
    pub fn reader(&self) -> BlobReader {
        BlobReader {
            blob: self.clone(),
            position: 0,
        }
    }

    /// The bytes in pieces of at most [`STREAM_CHUNK_BYTES`]; file reads happen off the async threads.
    pub fn stream(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        stream::try_unfold((self.clone(), 0), move |(blob, offset)| async move {
            if offset >= blob.len() {
                return Ok(None);
            }
            let piece = blob.piece(offset).await?;
            let next = offset + piece.len() as u64;
            Ok(Some((piece, (blob, next))))
        })
    }

    /// Everything at once: only for what is known to be small, or what needs to be whole.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_all(&self) -> io::Result<Bytes> {
        if let Store::Memory(MemoryChunks { full, .. }) = &self.0.store
            && let [only] = full.as_slice()
        {
            return Ok(only.clone());
        }
        let size = usize::try_from(self.len()).map_err(io::Error::other)?;
        let mut all = vec![0; size];
        self.reader().read_exact(&mut all)?;
        Ok(all.into())
    }

    /// The piece that begins at `offset`, a multiple of [`STREAM_CHUNK_BYTES`].
    async fn piece(&self, offset: u64) -> io::Result<Bytes> {
        let left = usize::try_from(self.len() - offset).unwrap_or(usize::MAX);
        let size_bytes = left.min(STREAM_CHUNK_BYTES);
        if let Store::Memory(chunks) = &self.0.store {
            return Ok(chunks.at(offset, size_bytes));
        }
        let blob = self.clone();
        tokio::task::spawn_blocking(move || blob.copy(offset, size_bytes))
            .await
            .map_err(io::Error::other)?
    }

    fn copy(&self, offset: u64, size: usize) -> io::Result<Bytes> {
        let mut reader = BlobReader {
            blob: self.clone(),
            position: offset,
        };
        let mut bytes = vec![0; size];
        reader.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.0.store {
            Store::Memory(chunks) => {
                let piece = chunks.at(offset, buffer.len());
                buffer[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
            Store::File(file) => read_file_at(file, buffer, offset),
        }
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Reads a blob from a position of its own.
#[derive(Debug, Clone)]
pub struct BlobReader {
    blob: Blob,
    position: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.blob.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.blob.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek before the first byte"))?;
        Ok(self.position)
    }
}
