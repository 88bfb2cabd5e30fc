//! The object store of images.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use providers::{Blob, SpoolError, SpoolScope};
use url::Url;

use crate::boundary::outside;

/// Where image bytes lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaStore {
    objects: Arc<dyn ObjectStore>,
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store's address cannot be used.
    #[error("media store: {0}")]
    Address(String),
    /// The store failed.
    #[error("media store: {0}")]
    Store(#[from] object_store::Error),
    /// The spool failed.
    #[error("media store: {0}")]
    Io(#[from] std::io::Error),
    /// The spool takes no more.
    #[error("media store: {0}")]
    Spool(#[from] SpoolError),
}

impl StoreError {
    /// Whether the store works and has no such object.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }
}

/// Bytes sent to the store at a time.
const CHUNK_BYTES: usize = 1 << 20;

impl MediaStore {
    /// The store at `url`, or the folder `media` below `data_dir`.
    ///
    /// # Errors
    /// [`StoreError::Address`] when the address is of no kind that is built in.
    pub fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, StoreError> {
        let folder = match url {
            None => data_dir.join("media"),
            Some(url) => {
                let parsed = Url::parse(url).map_err(|error| StoreError::Address(format!("'{url}': {error}")))?;
                parsed.to_file_path().map_err(|()| {
                    StoreError::Address(format!(
                        "'{url}' is not a file:/// address; other stores are not built in yet"
                    ))
                })?
            }
        };
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            objects: Arc::new(LocalFileSystem::new_with_prefix(folder)?),
        })
    }

    /// Stores the bytes of `blob` without holding them in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(&self, path: &str, blob: &Blob) -> Result<(), StoreError> {
        outside("file")?;
        let upload = self.objects.put_multipart(&ObjectPath::from(path)).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK_BYTES);
        let mut pieces = Box::pin(blob.stream());
        while let Some(piece) = pieces.try_next().await? {
            // One chunk under way keeps the memory of an upload at two chunks.
            writer.wait_for_capacity(1).await?;
            writer.put(piece);
        }
        outside("file")?;
        writer.finish().await?;
        outside("file")?;
        Ok(())
    }

    /// Stores bytes that are in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_file(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.objects.put(&ObjectPath::from(path), bytes.into()).await?;
        Ok(())
    }

    /// The bytes of an object, or a part of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(
        &self,
        path: &str,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, StoreError> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        Ok(self
            .objects
            .get_opts(&ObjectPath::from(path), options)
            .await?
            .into_stream()
            .boxed())
    }

    /// The bytes of an object as a blob.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(&self, path: &str, scope: &SpoolScope) -> Result<Blob, StoreError> {
        let mut pieces = self.get(path, None).await?;
        let mut writer = scope.writer();
        while let Some(piece) = pieces.try_next().await? {
            writer.write(&piece)?;
        }
        Ok(writer.finish()?)
    }

    /// The folders of days in which images lie, as their paths begin: `2026/11/30`. Other folders are none of ours.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn days(&self) -> Result<Vec<String>, StoreError> {
        const LETTERS: [usize; 3] = [4, 2, 2];
        let mut folders = vec![ObjectPath::default()];
        for letters in LETTERS {
            let mut below = Vec::new();
            for folder in folders {
                let listed = self.objects.list_with_delimiter(Some(&folder)).await?;
                let is_ours = |path: &ObjectPath| {
                    let name = path.filename().unwrap_or_default();
                    name.len() == letters && name.bytes().all(|byte| byte.is_ascii_digit())
                };
                below.extend(listed.common_prefixes.into_iter().filter(is_ours));
            }
            folders = below;
        }
        Ok(folders.into_iter().map(String::from).collect())
    }

    /// The files of a day, and when each was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn files_of(&self, day: &str) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let files = self.objects.list(Some(&ObjectPath::from(day)));
        let told = files.map_ok(|file| {
            let seconds = file.last_modified.timestamp();
            let written = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            (file.location.to_string(), written)
        });
        Ok(told.try_collect().await?)
    }

    /// Removes an object. One that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.objects.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
