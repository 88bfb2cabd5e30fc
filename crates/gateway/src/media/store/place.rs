//! Where the store is, by its address: a folder, or a bucket of S3, Google Cloud Storage or Azure.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::signer::Signer;
use object_store::{ClientConfigKey, ObjectStore, RetryConfig};
use planner::fault::listing;
use url::Url;

use super::StoreError;

/// How often a call to a store is tried again, and for how long in all: a request waits for it, and what the store does not
/// take by then goes on the shelf.
const RETRIES: usize = 3;
const RETRY_WITHIN: Duration = Duration::from_secs(15);
/// How long one call may take (a part at the least speed that is bearable), and a connection to the store.
const TIMES: [(ClientConfigKey, &str); 2] = [
    (ClientConfigKey::Timeout, "60 seconds"),
    (ClientConfigKey::ConnectTimeout, "5 seconds"),
];

/// A store as it is reached.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// What all paths begin with.
    pub(super) prefix: ObjectPath,
    /// What makes links of its own; a folder has none.
    pub(super) signer: Option<Arc<dyn Signer>>,
}

impl Place {
    /// The store at `url`, or the folder `media` below `data_dir`. `options` are those of the kind of store, such as
    /// `endpoint` and `region`; what they do not say is read from the environment as the store's own tools have it.
    pub(super) fn open(
        url: Option<&str>,
        options: &BTreeMap<String, String>,
        data_dir: &Path,
    ) -> Result<Self, StoreError> {
        let Some(text) = url else {
            return Self::folder(&data_dir.join("media"));
        };
        let url = Url::parse(text).map_err(|error| StoreError::Address(format!("'{text}': {error}")))?;
        let prefix =
            || ObjectPath::from_url_path(url.path()).map_err(|error| StoreError::Address(format!("'{text}': {error}")));
        match url.scheme() {
            "file" => {
                let folder = url.to_file_path();
                Self::folder(&folder.map_err(|()| StoreError::Address(format!("'{text}' names no folder")))?)
            }
            "s3" => Ok(Self::bucket(s3(text, options)?, prefix()?)),
            "gs" => Ok(Self::bucket(google(text, options)?, prefix()?)),
            "az" => Ok(Self::bucket(azure(text, options)?, prefix()?)),
            other => Err(StoreError::Address(format!(
                "'{other}' is no kind of store: it is file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
            ))),
        }
    }

    fn folder(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            objects: Arc::new(LocalFileSystem::new_with_prefix(folder)?),
            prefix: ObjectPath::default(),
            signer: None,
        })
    }

    fn bucket<S: ObjectStore + Signer>(store: S, prefix: ObjectPath) -> Self {
        let store = Arc::new(store);
        Self {
            objects: Arc::clone(&store) as Arc<dyn ObjectStore>,
            prefix,
            signer: Some(store),
        }
    }
}

fn s3(url: &str, options: &BTreeMap<String, String>) -> Result<impl ObjectStore + Signer, StoreError> {
    providers::install_crypto();
    // The server checks what it got, so that no image is stored with a bit turned.
    let mut builder = AmazonS3Builder::from_env()
        .with_retry(retry())
        .with_checksum_algorithm(Checksum::SHA256)
        .with_url(url);
    for (key, value) in TIMES {
        builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
    }
    for (key, value) in options {
        builder = builder.with_config(known::<AmazonS3ConfigKey>(key)?, value);
    }
    Ok(builder.build()?)
}

fn google(url: &str, options: &BTreeMap<String, String>) -> Result<impl ObjectStore + Signer, StoreError> {
    providers::install_crypto();
    let mut builder = GoogleCloudStorageBuilder::from_env().with_retry(retry()).with_url(url);
    for (key, value) in TIMES {
        builder = builder.with_config(GoogleConfigKey::Client(key), value);
    }
    for (key, value) in options {
        builder = builder.with_config(known::<GoogleConfigKey>(key)?, value);
    }
    Ok(builder.build()?)
}

fn azure(url: &str, options: &BTreeMap<String, String>) -> Result<impl ObjectStore + Signer, StoreError> {
    providers::install_crypto();
    let mut builder = MicrosoftAzureBuilder::from_env().with_retry(retry()).with_url(url);
    for (key, value) in TIMES {
        builder = builder.with_config(AzureConfigKey::Client(key), value);
    }
    for (key, value) in options {
        builder = builder.with_config(known::<AzureConfigKey>(key)?, value);
    }
    Ok(builder.build()?)
}

/// The key of a kind of store by its name.
fn known<K: FromStr>(name: &str) -> Result<K, StoreError> {
    const USUAL: [&str; 4] = ["endpoint", "region", "allow_http", "virtual_hosted_style_request"];
    name.parse().map_err(|_| {
        let usual = USUAL.map(ToOwned::to_owned);
        StoreError::Address(format!(
            "media_options.{name}: this kind of store has no such option; usual ones are {}",
            listing(&usual)
        ))
    })
}

fn retry() -> RetryConfig {
    RetryConfig {
        max_retries: RETRIES,
        retry_timeout: RETRY_WITHIN,
        ..RetryConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, options: &[(&str, &str)]) -> String {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let folder = std::env::temp_dir();
        Place::open(Some(url), &options, &folder)
            .expect_err("a mistake is told")
            .to_string()
    }

    #[test]
    fn mistakes_in_the_address_are_told() {
        assert!(refused("images", &[]).contains("'images'"));
        let told = refused("ftp://host/images", &[]);
        assert!(told.contains("'ftp'") && told.contains("s3://bucket/prefix"), "{told}");
        let told = refused("s3://bucket", &[("regoin", "eu-west-1")]);
        assert!(
            told.contains("media_options.regoin") && told.contains("region"),
            "{told}"
        );
    }
}
