//! The object store of images.

mod place;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use imaging::ImageFormat;
use jiff::Timestamp;
use object_store::path::Path as ObjectPath;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayloadMut,
    WriteMultipart,
};
use providers::{Blob, SpoolError, SpoolScope};
use reqwest::Method;
use url::Url;

use crate::boundary::outside;
use crate::settings::Settings;
use place::Place;

/// Where image bytes lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaStore {
    place: Place,
    /// Whether callers are sent to the store itself.
    redirects: bool,
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

/// Bytes written to a folder at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Below this an object goes to a bucket in one call.
const WHOLE_BELOW_BYTES: u64 = 8 << 20;
/// Bytes of a part of what is larger: buckets take none below 5 MiB but the last.
const PART_BYTES: usize = 5 << 20;
/// Parts under way at one time: memory of an upload is one more than these.
const PARTS_AT_ONCE: usize = 2;
/// The longest that a link of the store's own works.
const REDIRECT_MOST: Duration = Duration::from_secs(15 * 60);

impl MediaStore {
    /// The store at `url`, or the folder `media` below `data_dir`.
    ///
    /// # Errors
    /// [`StoreError::Address`] when the address is of no kind that is built in.
    pub fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            place: Place::open(url, &BTreeMap::new(), data_dir)?,
            redirects: false,
        })
    }

    /// The store that settings name.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn of(settings: &Settings) -> Result<Self, StoreError> {
        Ok(Self {
            place: Place::open(
                settings.media_url.as_deref(),
                &settings.media_options,
                &settings.data_dir,
            )?,
            redirects: settings.media_redirect,
        })
    }

    /// Whether it is a folder of this machine, and no bucket.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.place.signer.is_none()
    }

    fn path(&self, path: &str) -> ObjectPath {
        let parts = ObjectPath::from(path);
        self.place.prefix.parts().chain(parts.parts()).collect()
    }

    /// A path of the store as rows name it.
    fn name(&self, path: &ObjectPath) -> String {
        let rest = path.prefix_match(&self.place.prefix);
        rest.map_or_else(|| path.to_string(), |rest| rest.collect::<ObjectPath>().to_string())
    }

    /// What a bucket tells of an object to whoever reads it from there.
    fn attributes(&self, path: &str) -> Attributes {
        let mut attributes = Attributes::new();
        if self.is_folder() {
            return attributes;
        }
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let format = ImageFormat::ALL
            .into_iter()
            .find(|format| format.extension() == extension);
        let kind = format.map_or("application/octet-stream", ImageFormat::mime_type);
        attributes.insert(Attribute::ContentType, kind.into());
        // An object never changes; how long it may be read is its link's affair.
        attributes.insert(Attribute::CacheControl, "private, max-age=3600, immutable".into());
        attributes
    }

    /// Stores the bytes of `blob`, of which it holds a few MiB in memory at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(&self, path: &str, blob: &Blob) -> Result<(), StoreError> {
        outside("file")?;
        if self.is_folder() || blob.len() >= WHOLE_BELOW_BYTES {
            self.put_parts(path, blob).await?;
        } else {
            let mut payload = PutPayloadMut::new();
            let mut pieces = Box::pin(blob.stream());
            while let Some(piece) = pieces.try_next().await? {
                payload.push(piece);
            }
            let options = PutOptions::from(self.attributes(path));
            let objects = &self.place.objects;
            objects.put_opts(&self.path(path), payload.freeze(), options).await?;
        }
        outside("file")?;
        Ok(())
    }

    async fn put_parts(&self, path: &str, blob: &Blob) -> Result<(), StoreError> {
        let options = PutMultipartOptions::from(self.attributes(path));
        let upload = self.place.objects.put_multipart_opts(&self.path(path), options).await?;
        let (part, at_once) = if self.is_folder() {
            (CHUNK_BYTES, 1)
        } else {
            (PART_BYTES, PARTS_AT_ONCE)
        };
        let mut writer = WriteMultipart::new_with_chunk_size(upload, part);
        let mut pieces = Box::pin(blob.stream());
        let mut send = async || -> Result<(), StoreError> {
            while let Some(piece) = pieces.try_next().await? {
                writer.wait_for_capacity(at_once).await?;
                writer.put(piece);
            }
            Ok(())
        };
        if let Err(error) = send().await {
            // Parts that nobody completes would be paid for until somebody cleans up.
            if let Err(error) = writer.abort().await {
                tracing::warn!(error = %error, "the parts of an image that could not be stored were left in the store");
            }
            return Err(error);
        }
        outside("file")?;
        writer.finish().await?;
        Ok(())
    }

    /// Stores bytes that are in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_file(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let options = PutOptions::from(self.attributes(path));
        let objects = &self.place.objects;
        objects.put_opts(&self.path(path), bytes.into(), options).await?;
        Ok(())
    }

    /// A link of the store's own to an object, where callers are sent there. It works for `left` at the most.
    pub async fn redirect(&self, path: &str, left: Duration) -> Option<Url> {
        let signer = self.place.signer.as_ref().filter(|_| self.redirects)?;
        let path = self.path(path);
        match signer.signed_url(Method::GET, &path, left.min(REDIRECT_MOST)).await {
            Ok(url) => Some(url),
            Err(error) => {
                tracing::warn!(error = %error, "the store made no link of its own, so that the image goes through here");
                None
            }
        }
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
            .place
            .objects
            .get_opts(&self.path(path), options)
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
        let mut folders = vec![self.place.prefix.clone()];
        for letters in LETTERS {
            let mut below = Vec::new();
            for folder in folders {
                let listed = self.place.objects.list_with_delimiter(Some(&folder)).await?;
                let is_ours = |path: &ObjectPath| {
                    let name = path.filename().unwrap_or_default();
                    name.len() == letters && name.bytes().all(|byte| byte.is_ascii_digit())
                };
                below.extend(listed.common_prefixes.into_iter().filter(is_ours));
            }
            folders = below;
        }
        Ok(folders.iter().map(|folder| self.name(folder)).collect())
    }

    /// The files of a day, and when each was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn files_of(&self, day: &str) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let day = self.path(day);
        let files = self.place.objects.list(Some(&day));
        let told = files.map_ok(|file| {
            let seconds = file.last_modified.timestamp();
            let written = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            (self.name(&file.location), written)
        });
        Ok(told.try_collect().await?)
    }

    /// Every object by the name that rows give it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all(&self) -> Result<Vec<String>, StoreError> {
        let files = self.place.objects.list(Some(&self.place.prefix));
        Ok(files.map_ok(|file| self.name(&file.location)).try_collect().await?)
    }

    /// Removes an object. One that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.place.objects.delete(&self.path(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
