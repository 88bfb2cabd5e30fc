//! A finished blob: read from any place, by any number of readers, without copying it whole.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::{
    Charge, STREAM_CHUNK_BYTES,
    memory::{Form, MemoryChunks},
};

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

    /// The base64 in which the bytes stand in memory, in pieces; `None` where they do not.
    #[must_use]
    pub fn base64(&self) -> Option<impl Iterator<Item = &[u8]>> {
        match &self.0.store {
            Store::Memory(chunks) if chunks.form() == Form::Base64 => Some(chunks.stored()),
            _ => None,
        }
    }

    /// The text of the piece that begins at `offset`, a multiple of [`STREAM_CHUNK_BYTES`], where it stands in memory.
    pub(crate) fn base64_piece(&self, offset: u64) -> Option<Bytes> {
        let Store::Memory(chunks) = &self.0.store else {
            return None;
        };
        chunks.text_of(usize::try_from(offset / STREAM_CHUNK_BYTES as u64).ok()?)
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
        let size = usize::try_from(self.len()).map_err(io::Error::other)?;
        if let Store::Memory(chunks) = &self.0.store
            && size <= STREAM_CHUNK_BYTES
        {
            return chunks.at(0, size);
        }
        let mut all = vec![0; size];
        self.reader().read_exact(&mut all)?;
        Ok(all.into())
    }

    /// Writes everything to `target`, from memory without a copy in between. It blocks on the file system when the blob is in a
    /// file.
    ///
    /// # Errors
    /// When the file cannot be read, or `target` takes no more.
    pub fn copy_to(&self, target: &mut impl Write) -> io::Result<()> {
        match &self.0.store {
            Store::Memory(chunks) => chunks.each_piece(|piece| target.write_all(piece)),
            Store::File(_) => {
                io::copy(&mut BufReader::with_capacity(STREAM_CHUNK_BYTES, self.reader()), target).map(drop)
            }
        }
    }

    /// The piece that begins at `offset`, a multiple of [`STREAM_CHUNK_BYTES`].
    pub(crate) async fn piece(&self, offset: u64) -> io::Result<Bytes> {
        let left = usize::try_from(self.len() - offset).unwrap_or(usize::MAX);
        let size_bytes = left.min(STREAM_CHUNK_BYTES);
        if let Store::Memory(chunks) = &self.0.store {
            return chunks.at(offset, size_bytes);
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
                let piece = chunks.at(offset, buffer.len())?;
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
