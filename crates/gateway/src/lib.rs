//! Pictor: one OpenAI-compatible API in front of every image model and every provider that runs it.
//!
//! The wiring: [`start`] builds every part from the settings and serves. Nothing below imports this file.

mod address;
mod api;
mod arena;
mod aside;
mod assembly;
pub mod auth;
mod backup;
mod boundary;
pub mod builtin;
pub mod cli;
pub mod clock;
pub mod db;
mod emulators;
mod erasure;
mod first_key;
pub mod generation;
mod http;
pub mod ids;
mod known_clients;
mod leases;
pub mod ledger;
pub mod media;
pub mod metrics;
mod operator;
pub mod outcome;
pub mod policy;
mod private;
pub mod problem;
mod reload;
pub mod renewal;
mod request_view;
mod secrets;
mod serve;
pub mod settings;
mod shares;
mod signing;
mod start_error;
mod telemetry;
mod transfer;
mod upkeep;
pub mod upstreams;
mod watched;
mod web;
mod webhooks;
mod words;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use imaging::DecodeLimits;
use planner::catalog::Catalog;
use providers::{Driver, DriverConfig, GuardConfig, GuardedClient, Spool, SpoolLimits};
use sandbox::Sandbox;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use api::fuzzed;
use clock::Clock;
use db::Database;
pub use first_key::FIRST_KEY_FILE;
use generation::Generator;
use generation::ends::Ends;
use generation::renewed::Newest;
use generation::routing::Routing;
use http::in_process::InProcess;
use http::state::{AppState, Current};
use media::links::Links;
use media::process::Processor;
use media::room::MediaRoom;
use media::shelf::Shelf as MediaShelf;
use media::store::MediaStore;
use metrics::Metrics;
use policy::Policy;
pub use reload::{Reloaded, Reloader};
use renewal::Renewal;
use secrets::Whose;
use serve::tls::Tls;
use settings::Settings;
use settings::limits::Limits;
pub use start_error::StartError;
use upstreams::Upstreams;

/// A gateway that serves.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The first key, when this start made it.
    pub first_key: Option<String>,
    /// How each provider is served.
    pub upstreams: Arc<Upstreams>,
    reloader: Reloader,
    server: serve::Server,
    metrics: Option<(SocketAddr, serve::Server)>,
    sandbox: Option<Sandbox>,
    database: Database,
    /// That no more is taken on.
    stopping: CancellationToken,
    /// That nothing is under way any more, or time is up.
    stopped: CancellationToken,
    /// What works on until then: leases and webhooks.
    keepers: [JoinHandle<()>; 2],
    ends: Arc<Ends>,
}

/// Builds every part and serves.
///
/// # Errors
/// [`StartError`] names what cannot be used.
pub async fn start(settings: Settings, catalog: Arc<Catalog>, clock: Clock) -> Result<Running, StartError> {
    // Much is on its way at once, and callers hold it on their stacks.
    Box::pin(begin(settings, catalog, clock)).await
}

async fn begin(settings: Settings, catalog: Arc<Catalog>, clock: Clock) -> Result<Running, StartError> {
    let asked = settings.clone();
    close_to_others(&settings.data_dir)?;
    let tls = Tls::of(&settings)?;
    let (listener, address) = listen(settings.listen).await?;
    let metrics_at = match settings.metrics_listen {
        Some(own) => Some(listen(own).await?),
        None => None,
    };
    let settings = Settings {
        listen: address,
        limits: settings.limits.fitted_to_system(),
        ..settings
    };
    let spool = spool(&settings);
    let mut renewal = Renewal::of(&settings, spool.scope())?;
    let catalog = match &mut renewal {
        Some(renewal) => renewal.newest(catalog).await,
        None => catalog,
    };
    let catalog = assembly::with_markup(catalog, &settings);
    let database = open_database(&settings, &clock).await?;
    let first_key = first_key::ensure(&database, &settings.data_dir, clock.now()).await?;
    let sandbox = emulators::start(&catalog, &settings).await?;
    let played = sandbox.as_ref().map(Sandbox::base_url);
    let upstreams = Arc::new(Upstreams::new(&catalog, &settings, played.as_deref())?);
    upstreams.note(&database, clock.now()).await?;
    let (driver, fetcher) = clients(&settings)?;
    let parts = Parts {
        settings: &settings,
        catalog,
        upstreams: Arc::clone(&upstreams),
        database: database.clone(),
        driver,
        clock,
    };
    let tasks = TaskTracker::new();
    let generator = generator(parts, tasks.clone()).await?;
    let (stopping, stopped) = (CancellationToken::new(), CancellationToken::new());
    tasks.spawn(upkeep::keep_up(generator.clone(), stopping.clone()));
    let leases = leases::keep(
        generator.clone(),
        spool.clone(),
        tasks.clone(),
        stopping.clone(),
        stopped.clone(),
    );
    let webhooks = webhooks::keep(generator.clone(), Arc::clone(&fetcher), stopped.clone());
    let state = assembly::state(&settings, generator, (spool, fetcher), metrics_at.is_some()).await?;
    let ends = Arc::clone(&state.generator.ends);
    let metrics = metrics_at.map(|at| serve_metrics(at, state.clone(), &settings));
    let current = Current::new(state);
    if let Some(tls) = &tls {
        tasks.spawn(Arc::clone(tls).keep_current(stopping.clone()));
    }
    let server = serve_all((listener, tls), &current, &settings, tasks.clone());
    let reloader = Reloader::new(current, asked, settings, played.as_deref());
    if let Some(renewal) = renewal {
        let own = reloader.clone();
        tasks.spawn(renewal.keep_looking(move |catalog| own.take_catalog(catalog), stopping.clone()));
    }
    Ok(Running {
        address,
        first_key,
        upstreams,
        reloader,
        server,
        metrics,
        sandbox,
        database,
        stopping,
        stopped,
        keepers: [tokio::spawn(leases), tokio::spawn(webhooks)],
        ends,
    })
}

/// What a [`Generator`] is made of.
struct Parts<'a> {
    settings: &'a Settings,
    catalog: Arc<Catalog>,
    upstreams: Arc<Upstreams>,
    database: Database,
    driver: Driver,
    clock: Clock,
}

async fn generator(parts: Parts<'_>, tasks: TaskTracker) -> Result<Generator, StartError> {
    let settings = parts.settings;
    let metrics = Metrics::default();
    let generator = Generator {
        links: links(settings, &parts.database, &parts.clock).await?,
        newest: Newest::new(Arc::clone(&parts.catalog), Arc::clone(&parts.upstreams)),
        catalog: parts.catalog,
        upstreams: parts.upstreams,
        driver: Arc::new(parts.driver),
        processor: Processor::new(decode_limits(&settings.limits)),
        store: MediaStore::of(settings)?,
        shelf: MediaShelf::new(settings.journal_folder(), parts.database.owner()),
        room: MediaRoom::new(parts.database.clone(), settings.limits.media_bytes),
        database: parts.database,
        clock: parts.clock,
        policy: assembly::policy(settings),
        operator_policy: Arc::new(Policy::of(settings)?),
        routing: Arc::new(Routing::new(
            settings.strategy,
            settings.priorities.clone(),
            metrics.clone(),
        )),
        metrics,
        limits: Arc::new(settings.limits.clone()),
        bookkeeping: settings.bookkeeping,
        when_outcome_unknown: settings.when_outcome_unknown,
        usual: Arc::default(),
        being_kept: Arc::default(),
        tasks,
        ends: Arc::default(),
        told: Arc::new(Notify::new()),
        successors: Arc::new(settings.successors.clone()),
    };
    generator.take_up();
    Ok(generator)
}

/// Makes the data folder its owner's alone, with what is in it.
fn close_to_others(folder: &Path) -> Result<(), StartError> {
    let failed = private::close(folder).map_err(|cause| StartError::Io {
        what: folder.display().to_string(),
        cause,
    })?;
    for (path, error) in failed {
        tracing::warn!(path = %path.display(), error = %error, "others on this machine may read this, and that cannot be changed");
    }
    Ok(())
}

/// A socket that takes connections, and its address.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let cannot = |cause| StartError::Io {
        what: format!("cannot listen on {address}"),
        cause,
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, bound))
}

/// The API, and the site beside it.
fn routes(settings: &Settings, state: &Current) -> axum::Router<Current> {
    let pages = if settings.site {
        let api = http::surrounded(api::routes(&settings.api_aliases), state.clone());
        web::routes().layer(axum::Extension(InProcess(api)))
    } else {
        web::without_pages()
    };
    api::routes(&settings.api_aliases).merge(pages)
}

fn serve_all(
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    current: &Current,
    settings: &Settings,
    tasks: TaskTracker,
) -> serve::Server {
    let mut router = http::surrounded(routes(settings, current), current.clone());
    if tls.is_some() {
        router = http::only_by_tls(router);
    }
    let (limits, proxies) = (&settings.limits, &settings.trusted_proxies);
    serve::Server::start((listener, tls), router, limits, proxies, tasks)
}

/// Serves `/metrics` alone. Its tasks are not the gateway's: figures can be read until all generations have ended.
fn serve_metrics(
    (listener, address): (TcpListener, SocketAddr),
    state: AppState,
    settings: &Settings,
) -> (SocketAddr, serve::Server) {
    let state = AppState {
        metrics_guarded: assembly::are_metrics_guarded(settings, address),
        ..state
    };
    let router = http::surrounded(api::metrics_routes(), Current::new(state));
    let (limits, proxies) = (&settings.limits, &settings.trusted_proxies);
    (
        address,
        serve::Server::start((listener, None), router, limits, proxies, TaskTracker::new()),
    )
}

fn spool(settings: &Settings) -> Spool {
    let limits = &settings.limits;
    Spool::new(SpoolLimits {
        total_bytes: limits.spool_bytes,
        memory_bytes: limits.spool_memory_bytes,
        memory_per_generation_bytes: limits.generation_memory_bytes,
        directory: Some(settings.data_dir.clone()),
        before_write: || boundary::outside("spool"),
    })
}

/// The client to providers, and the one to what callers name: links to images and webhooks.
fn clients(settings: &Settings) -> Result<(Driver, Arc<GuardedClient>), reqwest::Error> {
    let connect_timeout = Duration::from_secs(settings.limits.connect_timeout_s);
    let proxy = settings.outbound_proxy.clone();
    let driver = Driver::new(DriverConfig {
        connect_timeout,
        proxy: proxy.clone(),
        answer_bytes: settings.limits.upstream_answer_bytes,
        is_whole: Processor::is_whole,
        trace_parent: telemetry::parent_of_calls,
        ..DriverConfig::default()
    })?;
    let fetcher = GuardedClient::new(GuardConfig {
        allowed_hosts: settings.fetch_hosts.iter().map(|host| host.to_lowercase()).collect(),
        connect_timeout: Some(connect_timeout),
        user_agent: DriverConfig::default().user_agent,
        proxy,
    })?;
    Ok((driver, Arc::new(fetcher)))
}

async fn open_database(settings: &Settings, clock: &Clock) -> Result<Database, StartError> {
    let (url, folder) = (database_url(settings), settings.journal_folder());
    let connections = settings.limits.database_connections;
    Ok(Database::open_to_serve(&url, clock.now(), folder, connections).await?)
}

/// The database's address: as set, or a file in the data folder.
#[must_use]
pub fn database_url(settings: &Settings) -> String {
    settings.database()
}

async fn links(settings: &Settings, database: &Database, clock: &Clock) -> Result<Links, StartError> {
    let secrets = secrets::read(database, Whose::Links, clock.now()).await?;
    let own = settings.own_url();
    if settings.listen.ip().is_unspecified() && settings.public_url.is_none() {
        tracing::warn!("links to images lead to {own}; set public_url to where callers reach this gateway");
    }
    Ok(Links::new(settings.public_url.as_deref().unwrap_or(&own), secrets))
}

fn decode_limits(limits: &Limits) -> DecodeLimits {
    // Providers' answers pass here too, so the larger of both bounds holds.
    let input_bytes = limits.input_image_bytes.max(limits.upstream_answer_bytes);
    DecodeLimits {
        input_bytes,
        pixels: limits.input_image_pixels,
        scan_pixels: limits.scan_pixels,
        ..DecodeLimits::default()
    }
}

impl Running {
    /// Where `/metrics` is, when it has an address of its own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// What changes its settings.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves a connection that no socket brings, as if it came from `address`: for tests whose callers are pipes.
    pub fn take(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, address: IpAddr) {
        self.server.take(stream, address);
    }

    /// Says that it stops, where balancers ask, and takes requests for this long all the same.
    pub async fn drain(&self, time: Duration) {
        self.server.drain(time).await;
    }

    /// Stops taking requests, waits for what is under way within the limit, and closes everything.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        self.ends.close();
        self.server.shutdown().await;
        self.stopped.cancel();
        for keeper in self.keepers {
            // A panic of it has been logged; there is nothing left to keep.
            let _ = keeper.await;
        }
        if let Some((_, server)) = self.metrics {
            server.shutdown().await;
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.shutdown().await;
        }
        self.database.close().await;
    }
}
