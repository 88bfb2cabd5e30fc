//! What the operator sets: a TOML file, overridden by environment variables.

mod check;
mod command;
mod credentials;
mod files;
pub mod in_force;
pub mod limits;
mod overlay;
mod places;
pub mod policy;
mod provider;
pub mod schema;
mod sources;
pub mod visitors;

pub use provider::{CredentialSettings, ProviderSettings};

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use limits::Limits;
use policy::PolicySettings;
use visitors::Visitors;

/// Every setting with its value in force.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Address of `/metrics`, where it is not that of everything else.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether `/metrics` takes no key even where others than this machine can ask.
    pub metrics_open: bool,
    /// The certificate by which this gateway speaks TLS, with its chain, as PEM. With `tls_key`.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub tls_key: Option<PathBuf>,
    /// Certificates, as PEM, by one of which a client's own must be signed. Absent: clients need none.
    pub tls_client_ca: Option<PathBuf>,
    /// Folder of the embedded database, of media files and of the first key.
    pub data_dir: PathBuf,
    /// Where writes wait that the database does not take at once. Absent: in `data_dir`. Best on another disk than the
    /// database.
    pub journal_dir: Option<PathBuf>,
    /// Base of links to media, where a proxy stands before Pictor.
    pub public_url: Option<String>,
    /// Database; a SQLite file in the data folder when absent.
    #[serde(deserialize_with = "sources::maybe_text")]
    pub database_url: Option<String>,
    /// Object store of media; a folder in the data folder when absent.
    pub media_url: Option<String>,
    /// Options of that store, such as `endpoint` and `region`.
    #[serde(deserialize_with = "sources::texts", serialize_with = "in_force::options")]
    pub media_options: BTreeMap<String, String>,
    /// Whether callers who open a link are sent to a link of the store's own.
    pub media_redirect: bool,
    /// When the sandbox stands in for providers.
    #[serde(serialize_with = "in_force::word")]
    pub sandbox: SandboxUse,
    /// The model of requests that name none.
    pub default_model: Option<String>,
    /// A folder of catalogue files that add to the built-in ones or take their place.
    pub catalog_dir: Option<PathBuf>,
    /// Where a newer catalogue is looked for, signed by `catalog_key`: `https://` or `file://`.
    pub catalog_url: Option<String>,
    /// The public key by which it is believed, as `pictor catalog pack` prints it.
    pub catalog_key: Option<String>,
    /// How often it is looked for, in seconds, at least one.
    pub catalog_refresh_s: u64,
    /// Hosts from which callers' images may be fetched, and to which webhooks may go, although they are private or speak
    /// plain http.
    pub fetch_hosts: Vec<String>,
    /// Networks of proxies before this gateway: connections from there are those of many callers.
    #[serde(deserialize_with = "networks", serialize_with = "in_force::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of web pages that may call the API; `*` is any.
    pub cors_origins: Vec<String>,
    /// Paths under which OpenAI's routes are served beside `/openai/v1` and `/v1`.
    pub api_aliases: Vec<String>,
    /// The proxy through which providers, callers' links and webhooks are reached.
    #[serde(skip)]
    pub outbound_proxy: Option<providers::OutboundProxy>,
    /// Its address as it was set, or `environment` for that of `HTTPS_PROXY`.
    #[serde(rename = "outbound_proxy", deserialize_with = "sources::maybe_text")]
    pub outbound_proxy_address: Option<String>,
    /// What follows an attempt that may have been billed.
    #[serde(serialize_with = "in_force::word")]
    pub when_maybe_billed: planner::failure::WhenMaybeBilled,
    /// What happens to money held for a generation whose outcome is unknown as the process died.
    #[serde(serialize_with = "in_force::word")]
    pub when_outcome_unknown: WhenOutcomeUnknown,
    /// In what order offers are tried where neither a request nor its key says.
    pub strategy: planner::strategy::Strategy,
    /// Groups and weights of providers, for the strategy `priority`.
    pub priorities: planner::strategy::Priorities,
    /// Whether a safety block at one provider may be tried at another.
    pub failover_on_content_policy: bool,
    /// How images come where neither the request nor its key says, and the client is no known one.
    pub response_format: planner::request::ResponseFormat,
    /// Whether clients that are known to read one form only get it without asking.
    pub known_clients: bool,
    /// Log as JSON lines instead of text.
    pub log_json: bool,
    /// Where a collector takes traces and metrics over OTLP, such as `http://collector:4318`. Absent: nowhere.
    pub otlp_endpoint: Option<String>,
    /// Headers of what goes there.
    #[serde(deserialize_with = "sources::texts", serialize_with = "in_force::names")]
    pub otlp_headers: BTreeMap<String, String>,
    /// The share of requests without a caller's decision whose traces are kept, 0 to 1.
    pub otlp_trace_ratio: f64,
    /// Whether there are pages for people beside the API.
    pub site: bool,
    /// What is added to every provider's prices, in percent, 0 to [`MARKUP_PERCENT_MAX`].
    #[serde(deserialize_with = "markup_percent")]
    pub markup_percent: Decimal,
    /// Whether requests are put on record and money is accounted for. Without it there are no budgets and no history.
    pub bookkeeping: bool,
    /// Models to take in the place of disabled ones: the successor's id by the id of the disabled one.
    pub successors: BTreeMap<String, String>,
    /// Providers by id.
    #[serde(skip_serializing)]
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Limits.
    pub limits: Limits,
    /// What visitors of the site may do without a key.
    pub visitors: Visitors,
    /// What may be asked for and handed out.
    pub policy: PolicySettings,
    /// Where each setting came from that is not the default, by its name.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
    /// Files and folders that they were read from, and the catalogue beside them.
    #[serde(skip)]
    pub sources: Vec<PathBuf>,
}

/// This machine itself.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// A network such as `10.0.0.0/8`, or one address.
fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).ok()
}

fn networks<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<IpNet>, D::Error> {
    let texts: Vec<String> = Deserialize::deserialize(reader)?;
    let read = |text: &String| {
        let message = || format!("trusted_proxies: '{text}' is no network such as 10.0.0.0/8, and no address");
        network(text.trim()).ok_or_else(|| serde::de::Error::custom(message()))
    };
    texts.iter().map(read).collect()
}

/// Highest mark-up: eleven times a provider's price. More is a slip of the pen, such as cents for percent.
pub const MARKUP_PERCENT_MAX: u32 = 1_000;

fn markup_percent<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Decimal, D::Error> {
    let percent: Decimal = Deserialize::deserialize(reader)?;
    if (Decimal::ZERO..=Decimal::from(MARKUP_PERCENT_MAX)).contains(&percent) {
        return Ok(percent);
    }
    let message = format!("markup_percent must be from 0 to {MARKUP_PERCENT_MAX}, not {percent}");
    Err(serde::de::Error::custom(message))
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8484)),
            metrics_listen: None,
            metrics_open: false,
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            data_dir: PathBuf::from("pictor-data"),
            journal_dir: None,
            public_url: None,
            database_url: None,
            media_url: None,
            media_options: BTreeMap::new(),
            media_redirect: false,
            sandbox: SandboxUse::Auto,
            default_model: None,
            catalog_dir: None,
            catalog_url: None,
            catalog_key: None,
            catalog_refresh_s: 3_600,
            fetch_hosts: Vec::new(),
            // A proxy on this machine is the usual one.
            trusted_proxies: LOOPBACK.iter().filter_map(|text| network(text)).collect(),
            cors_origins: Vec::new(),
            api_aliases: Vec::new(),
            outbound_proxy: None,
            outbound_proxy_address: None,
            when_maybe_billed: planner::failure::WhenMaybeBilled::Once,
            when_outcome_unknown: WhenOutcomeUnknown::Release,
            strategy: planner::strategy::Strategy::Balanced,
            priorities: planner::strategy::Priorities::default(),
            failover_on_content_policy: false,
            response_format: planner::request::ResponseFormat::Both,
            known_clients: true,
            log_json: false,
            otlp_endpoint: None,
            otlp_headers: BTreeMap::new(),
            otlp_trace_ratio: 1.0,
            site: true,
            markup_percent: Decimal::ZERO,
            bookkeeping: true,
            successors: BTreeMap::new(),
            providers: BTreeMap::new(),
            limits: Limits::default(),
            visitors: Visitors::default(),
            policy: PolicySettings::default(),
            origins: BTreeMap::new(),
            sources: Vec::new(),
        }
    }
}

/// When the sandbox stands in for providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxUse {
    /// While no provider has a credential.
    Auto,
    /// For every provider, whatever credentials there are.
    Always,
    /// For none.
    Never,
}

/// What happens to money held for a generation that may have been paid for, when the process died before it knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenOutcomeUnknown {
    /// It is given back: the caller pays for delivered images only.
    #[default]
    Release,
    /// It is charged.
    Charge,
}

/// A mistake in the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file, or the file and the environment together, do not fit.
    #[error("{origin}: {message}")]
    Invalid {
        /// The file or variable.
        origin: String,
        /// What is wrong.
        message: String,
    },
}

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// The file that is read when no other is named and it exists.
const DEFAULT_FILE: &str = "pictor.toml";

impl Settings {
    /// Reads the file, then the environment over it. `catalog` tells the variables of the providers' credentials.
    ///
    /// # Errors
    /// [`SettingsError`] names the file or variable at fault.
    pub fn load(
        file: Option<&Path>,
        environment: &Environment,
        catalog: &planner::catalog::Catalog,
    ) -> Result<Self, SettingsError> {
        let named = catalog.providers().flat_map(|provider| &provider.credential_variable);
        let (environment, from_files) = &files::expanded(environment, &files::settable(named))?;
        let (mut settings, origin) = Self::read(file, environment, Some(catalog))?;
        settings.tell_files(from_files, environment);
        settings.sources.extend(settings.catalog_dir.clone());
        settings.read_proxy(&origin, environment)?;
        settings.read_credentials(&origin, environment, from_files, catalog);
        settings.check_credentials(&origin)?;
        settings.read_listed_files(&origin)?;
        settings.read_credential_files(environment, catalog)?;
        match check::mistake(&settings, catalog) {
            Some(message) => Err(SettingsError::Invalid { origin, message }),
            None => Ok(settings),
        }
    }

    /// What can be read before the catalogue is known, such as where that is: without credentials, and not checked.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn before_catalog(file: Option<&Path>, environment: &Environment) -> Result<Self, SettingsError> {
        let (environment, _) = files::expanded(environment, &files::settable([]))?;
        Ok(Self::read(file, &environment, None)?.0)
    }

    /// The settings without credentials of the environment, and where they are from. Secrets that stand elsewhere are read when
    /// the catalogue is known.
    fn read(
        file: Option<&Path>,
        environment: &Environment,
        catalog: Option<&planner::catalog::Catalog>,
    ) -> Result<(Self, String), SettingsError> {
        let path = file
            .map(Path::to_path_buf)
            .or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
        let mut table = match &path {
            Some(path) => read(path)?,
            None => Table::new(),
        };
        let mut origins = in_force::origins(&table, path.as_deref(), environment, &overlay::VARIABLES);
        overlay::variables(&mut table, environment)?;
        let origin = path
            .as_ref()
            .map_or_else(|| "environment".to_owned(), |path| path.display().to_string());
        let mut sources: Vec<PathBuf> = path.into_iter().collect();
        if let Some(catalog) = catalog {
            sources::leave_out(&mut table, environment, catalog);
            let found = sources::expand(&mut table, &origin)?;
            origins.extend(found.origins);
            sources.extend(found.files);
        }
        let settings = settings_of(table, &origin)?;
        let settings = Self {
            origins,
            sources,
            ..settings
        };
        Ok((settings, origin))
    }

    /// The proxy: by its address, or as other programs have it from their environment.
    fn read_proxy(&mut self, origin: &str, environment: &Environment) -> Result<(), SettingsError> {
        let of = |name: &str| {
            let named = environment.get(name).or_else(|| environment.get(&name.to_lowercase()));
            named.map(String::as_str).filter(|value| !value.trim().is_empty())
        };
        let address = match self.outbound_proxy_address.as_deref() {
            Some("environment") => of("HTTPS_PROXY"),
            other => other.filter(|address| !address.is_empty()),
        };
        let Some(address) = address else { return Ok(()) };
        let proxy = providers::OutboundProxy::new(address, of("NO_PROXY"));
        self.outbound_proxy = Some(proxy.map_err(|wanted| SettingsError::Invalid {
            origin: origin.to_owned(),
            message: format!("outbound_proxy {wanted}"),
        })?);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Table, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|cause| SettingsError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    // Checked on its own first, so that a mistake is told with its line.
    let origin = path.display().to_string();
    let invalid = |error: toml::de::Error| SettingsError::Invalid {
        origin: origin.clone(),
        message: format!("{}{}", error.to_string().trim_end(), check::meant(error.message())),
    };
    toml::from_str::<Settings>(&text).map_err(invalid)?;
    text.parse().map_err(invalid)
}

/// The settings of a table that came from `origin`.
fn settings_of(table: Table, origin: &str) -> Result<Settings, SettingsError> {
    Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| SettingsError::Invalid {
            origin: origin.to_owned(),
            message: format!("{}{}", error.message(), check::meant(error.message())),
        })
}
