//! Which providers can be called, where, and with what credential.

pub mod access;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::catalog::provider::Provider;
use providers::{Adapter, Credential, UpstreamAccess};
use url::{Host, Url};

use access::Access;

use crate::db::{Database, DatabaseError};
use crate::settings::{ProviderSettings, SandboxUse, Settings};

/// How a provider is served here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// By the provider itself.
    Real {
        /// Where its credential came from.
        origin: String,
    },
    /// By its emulator.
    Sandbox,
    /// Not at all.
    Off,
}

impl Service {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Real { .. } => "real",
            Self::Sandbox => "sandbox",
            Self::Off => "off",
        }
    }
}

/// One provider as this gateway reaches it.
pub struct Upstream {
    /// The provider's id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// How it is served.
    pub service: Service,
    /// Where its API is, and with what it is called; `None` while it is off.
    pub access: Option<Arc<Access>>,
    /// Where it works, as far as that is known.
    pub region: Option<String>,
    /// Its wire protocol.
    pub adapter: &'static dyn Adapter,
}

/// Every provider of the catalogue.
pub struct Upstreams {
    by_id: IndexMap<String, Upstream>,
    available: HashSet<String>,
    regions: HashMap<String, String>,
}

/// A mistake in how providers are set up.
#[derive(Debug, thiserror::Error)]
#[error("provider '{provider}': {message}")]
pub struct UpstreamError {
    provider: String,
    message: String,
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstreams").field(&self.available).finish()
    }
}

impl Upstreams {
    /// Decides for every provider how it is served. `sandbox_url` is the root of the embedded sandbox, if it runs.
    ///
    /// # Errors
    /// An address or protocol that cannot be used, or an address of this very gateway.
    pub fn new(catalog: &Catalog, settings: &Settings, sandbox_url: Option<&str>) -> Result<Self, UpstreamError> {
        let any_real = any_is_real(catalog, settings);
        let mut by_id = IndexMap::new();
        for provider in catalog.providers() {
            let own = settings.providers.get(&provider.id).cloned().unwrap_or_default();
            let service = serve(provider, &own, settings.sandbox, any_real);
            let upstream =
                connect(provider, &own, service, settings, sandbox_url).map_err(|message| UpstreamError {
                    provider: provider.id.clone(),
                    message,
                })?;
            by_id.insert(provider.id.clone(), upstream);
        }
        let available = by_id
            .values()
            .filter(|upstream| upstream.access.is_some())
            .map(|upstream| upstream.id.clone())
            .collect();
        let of = |upstream: &Upstream| Some((upstream.id.clone(), upstream.region.clone()?));
        let regions = by_id.values().filter_map(of).collect();
        Ok(Self {
            by_id,
            available,
            regions,
        })
    }

    /// Where providers work, by id, as far as that is known.
    #[must_use]
    pub const fn regions(&self) -> &HashMap<String, String> {
        &self.regions
    }

    /// One provider.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Upstream> {
        self.by_id.get(id)
    }

    /// Every provider, in the order of the catalogue.
    pub fn iter(&self) -> impl Iterator<Item = &Upstream> {
        self.by_id.values()
    }

    /// Ids of the providers that can be called.
    #[must_use]
    pub const fn available(&self) -> &HashSet<String> {
        &self.available
    }

    /// Notes how providers are served from now on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn note(&self, database: &Database, now: Timestamp) -> Result<(), DatabaseError> {
        let on = self.iter().filter(|upstream| upstream.service != Service::Off);
        let served: Vec<(&str, bool)> = on
            .map(|upstream| (upstream.id.as_str(), upstream.service == Service::Sandbox))
            .collect();
        database.note_services(&served, now).await
    }

    /// Goes on with what is known of credentials that stay in force when the settings are read again.
    pub fn follow(&self, former: &Self) {
        for upstream in self.iter() {
            let known = former.get(&upstream.id).and_then(|known| known.access.as_ref());
            if let (Some(access), Some(known)) = (&upstream.access, known) {
                access.follow(known);
            }
        }
    }

    /// Whether any provider is called itself.
    #[must_use]
    pub fn any_real(&self) -> bool {
        self.iter()
            .any(|upstream| matches!(upstream.service, Service::Real { .. }))
    }
}

/// Whether any provider is called itself, so that the sandbox stands beside real ones.
#[must_use]
pub fn any_is_real(catalog: &Catalog, settings: &Settings) -> bool {
    catalog.providers().any(|provider| is_real(provider, settings))
}

/// Whether a provider can be called as it is: with a credential, or because it asks for none.
fn is_real(provider: &Provider, settings: &Settings) -> bool {
    let own = settings.providers.get(&provider.id);
    provider.no_credential || own.is_some_and(ProviderSettings::has_credential)
}

fn connect(
    provider: &Provider,
    own: &ProviderSettings,
    service: Service,
    settings: &Settings,
    sandbox_url: Option<&str>,
) -> Result<Upstream, String> {
    let adapter =
        providers::adapter(&provider.protocol).ok_or_else(|| format!("unknown protocol '{}'", provider.protocol))?;
    let emulator = sandbox_url.zip(provider.sandbox_path.as_deref());
    let (service, access) = match (service, emulator) {
        (Service::Sandbox, None) | (Service::Off, _) => (Service::Off, None),
        (Service::Sandbox, Some((root, path))) => {
            (Service::Sandbox, Some(Access::alone(sandboxed(provider, root, path)?)))
        }
        (Service::Real { origin }, _) => {
            let access = real(provider, own)?;
            let base_url = &access.endpoint().base_url;
            if is_self(base_url, settings) {
                return Err(format!("its address {base_url} is this gateway's own"));
            }
            (Service::Real { origin }, Some(access))
        }
    };
    Ok(Upstream {
        id: provider.id.clone(),
        name: provider.name.clone(),
        region: region(provider, own),
        service,
        access: access.map(Arc::new),
        adapter,
    })
}

/// Where a provider works: as the operator says, else as the catalogue knows of its address. That of the sandbox is where the
/// provider would work that it plays.
fn region(provider: &Provider, own: &ProviderSettings) -> Option<String> {
    if own.region.is_some() {
        return own.region.clone();
    }
    let base = own.base_url.as_deref().unwrap_or(&provider.base_url);
    let url = Url::parse(base).ok()?;
    let mut options = provider.options.clone();
    options.extend(own.options.clone());
    provider.region(url.host_str()?, &options).map(ToOwned::to_owned)
}

fn serve(provider: &Provider, own: &ProviderSettings, sandbox: SandboxUse, any_real: bool) -> Service {
    if provider.sandbox_only || sandbox == SandboxUse::Always {
        return Service::Sandbox;
    }
    let origin = match own.origin() {
        Some(origin) => origin,
        None if provider.no_credential => "it asks for none".to_owned(),
        None if sandbox == SandboxUse::Auto && !any_real => return Service::Sandbox,
        None => return Service::Off,
    };
    Service::Real { origin }
}

fn real(provider: &Provider, own: &ProviderSettings) -> Result<Access, String> {
    let base = own.base_url.as_deref().unwrap_or(&provider.base_url);
    let mut options = provider.options.clone();
    options.extend(own.options.clone());
    let several = own.several();
    let first = several.first().map(|(_, _, secret)| *secret);
    let endpoint = UpstreamAccess {
        provider: provider.id.clone(),
        base_url: parse(base)?,
        credential: Credential::new(first.or(own.credential.as_deref()).unwrap_or_default()),
        options,
    };
    if several.is_empty() {
        return Ok(Access::alone(endpoint));
    }
    let several = several.into_iter();
    let several = several.map(|(name, weight, secret)| (name, weight, Credential::new(secret)));
    Ok(Access::spread(endpoint, several))
}

fn sandboxed(provider: &Provider, root: &str, path: &str) -> Result<UpstreamAccess, String> {
    let mut options = provider.options.clone();
    options.extend(
        provider
            .sandbox_options
            .iter()
            .map(|(name, path)| (name.clone(), format!("{root}{path}"))),
    );
    Ok(UpstreamAccess {
        provider: provider.id.clone(),
        base_url: parse(&format!("{root}{path}"))?,
        credential: Credential::new(provider.sandbox_credential.clone()),
        options,
    })
}

fn parse(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| format!("'{address}' is not an address: {error}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(format!("'{address}' is neither http nor https"))
    }
}

/// Whether an address leads back here, which would call in a circle.
fn is_self(url: &Url, settings: &Settings) -> bool {
    let is_own_port = url.port_or_known_default() == Some(settings.listen.port());
    let here = is_own_port
        && addresses_of(url)
            .into_iter()
            .any(|address| leads_to(address, settings.listen.ip()));
    let public = settings
        .public_url
        .as_deref()
        .and_then(|own| Url::parse(own).ok())
        .is_some_and(|own| own.origin() == url.origin());
    here || public
}

/// What the host of an address is known as here. A name that nobody knows leads nowhere.
fn addresses_of(url: &Url) -> Vec<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![IpAddr::from(address).to_canonical()],
        Some(Host::Domain(name)) => {
            let found = (name, 0).to_socket_addrs();
            found.map_or_else(
                |_| Vec::new(),
                |found| found.map(|address| address.ip().to_canonical()).collect(),
            )
        }
        None => Vec::new(),
    }
}

/// Whether who calls `address` on this machine reaches who listens on `listen`.
fn leads_to(address: IpAddr, listen: IpAddr) -> bool {
    if !listen.is_unspecified() {
        return address == listen.to_canonical();
    }
    // Without a list of them, only the addresses that every machine has are known.
    let own = if_addrs::get_if_addrs().unwrap_or_default();
    address.is_loopback() || address.is_unspecified() || own.iter().any(|interface| interface.ip() == address)
}
