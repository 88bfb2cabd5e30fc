//! The object store of images.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use providers::{Blob, SpoolError, SpoolScope};
use url::Url;

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
        let upload = self.objects.put_multipart(&ObjectPath::from(path)).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK_BYTES);
        let mut pieces = Box::pin(blob.stream());
        while let Some(piece) = pieces.try_next().await? {
            // One chunk under way keeps the memory of an upload at two chunks.
            writer.wait_for_capacity(1).await?;
            writer.put(piece);
        }
        writer.finish().await?;
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
