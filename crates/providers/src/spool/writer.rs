//! Filling a blob: memory first, a nameless file once a bound is reached.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
};

use super::{
    Blob, Charge, SpoolError, SpoolScope,
    blob::Store,
    memory::{Form, MemoryChunks},
};

/// A blob that is being written. Dropping it unfinished gives its bytes back.
///
/// File writes go to the page cache from the calling thread: they are short and never wait for the disk to sync.
#[derive(Debug)]
pub struct BlobWriter {
    charge: Charge,
    size_bytes: u64,
    store: Store,
}

impl BlobWriter {
    pub(super) fn new(scope: &SpoolScope) -> Self {
        Self {
            charge: Charge::new(scope),
            size_bytes: 0,
            store: Store::Memory(MemoryChunks::default()),
        }
    }

    /// Keeps what is in memory as the base64 in which it comes by [`Self::write_base64`].
    pub(crate) fn expecting_base64(mut self) -> Self {
        if self.size_bytes == 0 {
            self.store = Store::Memory(MemoryChunks::of(Form::Base64));
        }
        self
    }

    /// Appends `bytes`. After an error the blob is unusable and should be dropped.
    ///
    /// # Errors
    /// [`SpoolError`] when the spool is full or its file system fails.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if let Store::Memory(chunks) = &mut self.store
            && chunks.form() == Form::Base64
        {
            *chunks = std::mem::take(chunks).into_bytes_form()?;
        }
        self.take(bytes, bytes)
    }

    /// Appends `text`, characters of the standard alphabet, which with those before completes `bytes`.
    ///
    /// # Errors
    /// As for [`Self::write`].
    pub(crate) fn write_base64(&mut self, text: &[u8], bytes: &[u8]) -> Result<(), SpoolError> {
        match &self.store {
            Store::Memory(chunks) if chunks.form() == Form::Base64 => self.take(text, bytes),
            _ => self.take(bytes, bytes),
        }
    }

    /// Ends the text with the last bytes, which its last characters stand for.
    ///
    /// # Errors
    /// As for [`Self::write`].
    pub(crate) fn end_base64(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        match &mut self.store {
            Store::Memory(chunks) if chunks.form() == Form::Base64 => {
                self.charge.take_total(bytes.len() as u64)?;
                self.size_bytes += bytes.len() as u64;
                chunks.end_text(bytes);
                Ok(())
            }
            _ => self.take(bytes, bytes),
        }
    }

    /// Takes bytes in the form in which memory has them, or as they are where they go to a file.
    fn take(&mut self, stored: &[u8], bytes: &[u8]) -> Result<(), SpoolError> {
        let size_bytes = bytes.len() as u64;
        self.charge.take_total(size_bytes)?;
        if matches!(self.store, Store::Memory(_)) && !self.charge.take_memory(stored.len() as u64) {
            match self.move_to_file() {
                Err(_) if self.charge.scope.is_admitted() => self.charge.force_memory(stored.len() as u64),
                moved => moved?,
            }
        }
        let is_in_file = matches!(self.store, Store::File(_));
        self.append(if is_in_file { bytes } else { stored })?;
        self.size_bytes += size_bytes;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let file = match &mut self.store {
            Store::Memory(chunks) => {
                chunks.append(bytes);
                return Ok(());
            }
            Store::File(file) => file,
        };
        let before_write = self.charge.scope.0.shared.limits.before_write;
        let Err(error) = before_write().and_then(|()| file.write_all(bytes)) else {
            return Ok(());
        };
        if !self.charge.scope.is_admitted() {
            return Err(error.into());
        }
        // A disk that is full takes no more, and still gives what it has.
        let mut chunks = MemoryChunks::default();
        let written = usize::try_from(self.size_bytes).map_err(io::Error::other)?;
        file.rewind()?;
        let mut before = vec![0; written];
        file.read_exact(&mut before)?;
        chunks.append(&before);
        chunks.append(bytes);
        self.charge.force_memory(self.size_bytes + bytes.len() as u64);
        self.store = Store::Memory(chunks);
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The finished blob.
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the file cannot be completed.
    pub fn finish(mut self) -> Result<Blob, SpoolError> {
        match &mut self.store {
            Store::Memory(chunks) => chunks.shrink(),
            Store::File(file) => file.flush()?,
        }
        Ok(Blob::new(self.store, self.size_bytes, self.charge))
    }

    fn move_to_file(&mut self) -> Result<(), SpoolError> {
        let limits = &self.charge.scope.0.shared.limits;
        (limits.before_write)()?;
        let directory = limits.directory.as_deref();
        let mut file: File = match directory {
            Some(directory) => tempfile::tempfile_in(directory)?,
            None => tempfile::tempfile()?,
        };
        if let Store::Memory(chunks) = &self.store {
            chunks.each_piece(|piece| file.write_all(piece))?;
        }
        self.store = Store::File(file);
        self.charge.give_back_memory();
        Ok(())
    }
}
