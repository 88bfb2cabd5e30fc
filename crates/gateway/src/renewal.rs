//! A catalogue that is newer than the program: a signed file at an address of the operator's, read at the start and from then
//! on now and then. It is taken whole or not at all; the last good one is kept in the data folder.

pub(crate) mod pack;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use planner::catalog::Catalog;
use providers::{FetchError, FetchLimits, GuardConfig, GuardedClient, SpoolScope};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::builtin::{self, CatalogError};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::settings::in_force::without_secret;
use pack::{PACK_BYTES_MAX, Pack, PackError, PublicKey};

/// The last good one, in the data folder.
const KEPT_FILE: &str = "catalog.json";
/// What the last look for a newer one found, beside it.
const LOOK_FILE: &str = "catalog-look.json";
/// How long the address may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no newer catalogue.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// `catalog_url` is none that can be read.
    #[error("catalog_url must begin with https:// or file://, or with http:// and an address of this machine")]
    Url,
    /// `catalog_url` without `catalog_key`.
    #[error("catalog_url needs catalog_key, the key by which its file is believed; 'pictor catalog pack' prints it")]
    NoKey,
    /// The address does not answer as it should.
    #[error("catalog_url cannot be read: {0}")]
    Fetch(#[from] FetchError),
    /// A file cannot be read.
    #[error("the catalogue's file: {0}")]
    Io(#[from] io::Error),
    /// It is not believed.
    #[error("the catalogue of catalog_url is not taken: {0}")]
    Pack(#[from] PackError),
    /// It was made before the one in force.
    #[error("the catalogue of catalog_url is not taken: it was made at {found}, before the one in force, {known}")]
    Older {
        /// When it was made.
        found: jiff::Timestamp,
        /// When the one in force was.
        known: jiff::Timestamp,
    },
    /// It has mistakes, alone or under the operator's own folder.
    #[error("the catalogue of catalog_url is not taken: {0}")]
    Catalog(#[from] CatalogError),
}

/// The catalogue as far as it is on this machine: the last good one of `catalog_url`, else the built-in one, and the operator's
/// folder over it.
///
/// # Errors
/// [`CatalogError`], for the operator's folder.
pub fn known_catalog(settings: &Settings) -> Result<Catalog, CatalogError> {
    let folder = settings.catalog_dir.as_deref();
    match kept(settings) {
        Ok(Some(pack)) => match builtin::catalog_over(Some(&pack.files), folder) {
            Ok(catalog) => return Ok(catalog),
            // Perhaps another version of the program kept it.
            Err(error) => tracing::warn!(error = %error, "the kept catalogue does not fit and is left aside"),
        },
        Ok(None) => {}
        Err(error) => tracing::warn!(error = %error, "the kept catalogue is left aside"),
    }
    builtin::catalog(folder)
}

/// The last good one.
fn kept(settings: &Settings) -> Result<Option<Pack>, RenewalError> {
    let (Some(_), Some(key)) = (&settings.catalog_url, &settings.catalog_key) else {
        return Ok(None);
    };
    match std::fs::read(settings.data_dir.join(KEPT_FILE)) {
        Ok(file) => Ok(Some(Pack::open(&file, &PublicKey::parse(key)?)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the last look at `catalog_url` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// The address, without what may be secret of it.
    url: String,
    /// When.
    pub(crate) looked_at: Timestamp,
    /// When the signed catalogue was made that is in force since; absent while none was taken.
    pub(crate) made_at: Option<Timestamp>,
    /// Why nothing could be had, or why it was not taken.
    pub(crate) error: Option<String>,
}

/// Where the catalogue in force is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// `catalog_url`, without what may be secret of it.
    pub(crate) url: Option<String>,
    data_dir: PathBuf,
}

impl Source {
    /// That of these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            url: settings.catalog_url.as_deref().map(without_secret),
            data_dir: settings.data_dir.clone(),
        }
    }

    /// The last look at its address, by any process with this data folder; `None` before the first.
    pub(crate) fn last_look(&self) -> Option<Look> {
        let url = self.url.as_ref()?;
        let text = std::fs::read(self.data_dir.join(LOOK_FILE)).ok()?;
        let look: Look = serde_json::from_slice(&text).ok()?;
        (look.url == *url).then_some(look)
    }
}

/// Where newer catalogues come from.
pub(crate) struct Renewal {
    url: Url,
    key: PublicKey,
    fetcher: GuardedClient,
    scope: SpoolScope,
    every: Duration,
    source: Source,
    catalog_dir: Option<PathBuf>,
    /// The one in force.
    known: Option<Pack>,
}

impl Renewal {
    /// That of the settings, if they have one. `scope` holds a file on its way.
    ///
    /// # Errors
    /// [`RenewalError::Url`], [`RenewalError::NoKey`], or for a key that is none.
    pub(crate) fn of(settings: &Settings, scope: SpoolScope) -> Result<Option<Self>, RenewalError> {
        let Some(address) = settings.catalog_url.as_deref() else {
            return Ok(None);
        };
        let url = Url::parse(address).map_err(|_| RenewalError::Url)?;
        if !matches!(url.scheme(), "https" | "file") && !providers::is_loopback(&url) {
            return Err(RenewalError::Url);
        }
        let key = settings.catalog_key.as_deref().ok_or(RenewalError::NoKey)?;
        // The operator chose the host, so it may be a private one.
        let host = url.host_str().map(str::to_lowercase);
        let fetcher = GuardedClient::new(GuardConfig {
            allowed_hosts: host.into_iter().collect(),
            connect_timeout: Some(Duration::from_secs(settings.limits.connect_timeout_s)),
            proxy: settings.outbound_proxy.clone(),
            ..GuardConfig::default()
        });
        Ok(Some(Self {
            key: PublicKey::parse(key)?,
            url,
            fetcher: fetcher.map_err(io::Error::other)?,
            scope,
            every: Duration::from_secs(settings.catalog_refresh_s.max(1)),
            source: Source::of(settings),
            catalog_dir: settings.catalog_dir.clone(),
            known: kept(settings).ok().flatten(),
        }))
    }

    /// Looks once, and notes what was found. Says whether there was something new. `take` puts a new one in force, and may
    /// refuse it.
    ///
    /// # Errors
    /// [`RenewalError`]: then the one in force stays.
    pub(crate) async fn look<E>(&mut self, take: impl FnOnce(Catalog) -> Result<(), E>) -> Result<bool, E>
    where
        E: From<RenewalError> + std::fmt::Display,
    {
        let found = self.take_newer(take).await;
        let look = Look {
            url: self.source.url.clone().unwrap_or_default(),
            looked_at: Clock::system().now(),
            made_at: self.known.as_ref().map(|pack| pack.made_at),
            error: found.as_ref().err().map(ToString::to_string),
        };
        let text = serde_json::to_vec(&look).unwrap_or_default();
        if let Err(error) = keep(&self.source.data_dir, LOOK_FILE, &text) {
            tracing::debug!(error = %error, "what was found at catalog_url cannot be noted");
        }
        found
    }

    async fn take_newer<E>(&mut self, take: impl FnOnce(Catalog) -> Result<(), E>) -> Result<bool, E>
    where
        E: From<RenewalError>,
    {
        let file = self.read().await?;
        let pack = Pack::open(&file, &self.key).map_err(RenewalError::from)?;
        if let Some(known) = &self.known {
            if *known == pack {
                return Ok(false);
            }
            if pack.made_at < known.made_at {
                return Err(RenewalError::Older {
                    found: pack.made_at,
                    known: known.made_at,
                }
                .into());
            }
        }
        let catalog = builtin::catalog_over(Some(&pack.files), self.catalog_dir.as_deref());
        let catalog = catalog.map_err(RenewalError::from)?;
        let models = catalog.models().count();
        take(catalog)?;
        tracing::info!(catalog.made_at = %pack.made_at, models, "a newer catalogue is in force");
        self.known = Some(pack);
        if let Err(error) = keep(&self.source.data_dir, KEPT_FILE, &file) {
            tracing::warn!(error = %error, "the newer catalogue cannot be kept: a start without its address would not have it");
        }
        Ok(true)
    }

    /// Looks now and then until the gateway stops.
    pub(crate) async fn keep_looking<E: From<RenewalError> + std::fmt::Display>(
        mut self,
        take: impl Fn(Catalog) -> Result<(), E>,
        stopping: CancellationToken,
    ) {
        let mut ticks = interval_at(Instant::now() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.look(&take).await {
                tracing::warn!(error = %error, "the catalogue in force stays");
            }
        }
    }

    /// The newest catalogue as the gateway starts: `known` where none can be had.
    pub(crate) async fn newest(&mut self, known: Arc<Catalog>) -> Arc<Catalog> {
        let mut newer = None;
        let take = |catalog| {
            newer = Some(Arc::new(catalog));
            Ok::<(), RenewalError>(())
        };
        if let Err(error) = self.look(take).await {
            tracing::warn!(error = %error, "the gateway starts with the catalogue that it knows");
        }
        newer.unwrap_or(known)
    }

    async fn read(&self) -> Result<Vec<u8>, RenewalError> {
        let too_large = || FetchError::TooLarge {
            size_bytes: PACK_BYTES_MAX,
        };
        if self.url.scheme() == "file" {
            let path = self.url.to_file_path().map_err(|()| RenewalError::Url)?;
            if tokio::fs::metadata(&path).await?.len() > PACK_BYTES_MAX {
                return Err(too_large().into());
            }
            return Ok(tokio::fs::read(&path).await?);
        }
        let limits = FetchLimits {
            size_bytes: PACK_BYTES_MAX,
            deadline: Instant::now() + PATIENCE,
        };
        let fetched = self.fetcher.fetch(&self.url, &self.scope, limits).await?;
        let mut file = Vec::new();
        io::Read::read_to_end(&mut fetched.blob.reader(), &mut file)?;
        Ok(file)
    }
}

/// Keeps a file in the data folder, whole or not at all: a good catalogue, so that a start without its address has it.
fn keep(data_dir: &Path, name: &str, file: &[u8]) -> io::Result<()> {
    let mut written = tempfile::NamedTempFile::new_in(data_dir)?;
    io::Write::write_all(&mut written, file)?;
    written.as_file().sync_all()?;
    written.persist(data_dir.join(name)).map_err(|error| error.error)?;
    Ok(())
}
