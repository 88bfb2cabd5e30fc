//! Starting, serving and stopping a sandbox.

use crate::call_recording::log_calls;
use crate::core::Core;
use crate::faults::NamedFaults;
use crate::pictures::Pictures;
use crate::tls::{self, Tls, TlsError};
use crate::{
    ark, bfl, compatible, control, dashscope, fal, fireworks, gemini, mock, openai, openrouter, replicate, runware,
    stability, vertex, xai,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::debug;

/// The most pixels of a picture beside real providers, a square of two thousand: enough to try things with.
const MOCK_PIXELS_MAX: u64 = 1 << 22;
/// Connections open at once; more wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 4_096;
/// Request headers over HTTP/2, as at the gateway; over HTTP/1 the server has a bound of its own.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// A client that connects and then says nothing is let go.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long running calls may go on after a shutdown began; calls that hang by a fault never end by themselves.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept (out of file handles), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Serve TLS with a self-made certificate.
    pub tls: bool,
    /// Take about as long as the real providers do.
    pub latency: bool,
    /// The base of links in answers, when callers come through a proxy; otherwise the host they used.
    pub public_url: Option<String>,
    /// Stand beside real providers: only `/mock` is served, one picture of up to four megapixels at a time, and neither
    /// prompts nor a control route order faults.
    pub beside_real: bool,
    /// What the control routes ask for as a bearer token; they are open without.
    pub control_token: Option<String>,
    /// Refuse models that the emulators' tables lack, as the real services do. Otherwise one like it stands in for each.
    pub strict: bool,
    /// Faults with words of their own beside the sandbox's, in the form of `data/faults.toml`.
    pub faults: String,
}

impl Default for SandboxConfig {
    /// Any free loopback port, no TLS, no waiting, strict.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            latency: false,
            public_url: None,
            beside_real: false,
            control_token: None,
            strict: true,
            faults: String::new(),
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A fault of its own is made of words that there are not.
    #[error("{0}")]
    Faults(String),
    /// No certificate could be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running sandbox; dropping it stops it at once.
pub struct Sandbox {
    address: SocketAddr,
    core: Arc<Core>,
    certificate_pem: Option<String>,
    stop: CancellationToken,
    abort: DropGuard,
    connections: TaskTracker,
}

impl Sandbox {
    /// The address it listens on, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http(s)://host:port`, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.core.base_url().to_owned()
    }

    /// The self-made certificate in PEM, for clients to trust; None without TLS.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Stops accepting, gives running calls two seconds to end, then cuts the rest.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.connections.close();
        let ended = tokio::time::timeout(SHUTDOWN_GRACE, self.connections.wait()).await;
        if ended.is_err() {
            drop(self.abort);
            self.connections.wait().await;
        }
    }
}

/// Starts a sandbox; it serves until it is shut down or dropped.
///
/// # Errors
/// When the address cannot be listened on or no certificate can be made.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, StartError> {
    let address = config.listen;
    let fail = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    let public_host = config.public_url.as_deref().and_then(host_of);
    let tls = match config.tls {
        true => Some(tls::make(address.ip(), public_host)?),
        false => None,
    };
    let base_url = base_url(address, config.tls);
    let mut core = Core::new(base_url, config.public_url, config.latency);
    core.control_token = config.control_token;
    core.is_strict = config.strict;
    core.faults.named = NamedFaults::read(&config.faults).map_err(StartError::Faults)?;
    if config.beside_real {
        core.faults.refuse_orders();
        core.mock_pixels_max = Some(MOCK_PIXELS_MAX);
        core.pictures = Pictures::beside_real();
    }
    let core = Arc::new(core);
    let stop = CancellationToken::new();
    let abort = CancellationToken::new();
    let connections = TaskTracker::new();
    let server = Server {
        router: if config.beside_real {
            router_beside_real(&core)
        } else {
            router(&core)
        },
        acceptor: tls.as_ref().map(|tls| tls.acceptor.clone()),
        stop: stop.clone(),
        abort: abort.clone(),
        connections: connections.clone(),
    };
    connections.spawn(server.accept(listener));
    Ok(Sandbox {
        address,
        core,
        certificate_pem: tls.map(|Tls { certificate_pem, .. }| certificate_pem),
        stop,
        abort: abort.drop_guard(),
        connections,
    })
}

/// What is served beside real providers.
fn router_beside_real(core: &Arc<Core>) -> Router {
    Router::new()
        .nest("/mock", mock::router(Arc::clone(core)))
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(core), log_calls))
}

/// Every route of the sandbox.
fn router(core: &Arc<Core>) -> Router {
    Router::new()
        .nest("/openai", openai::router(Arc::clone(core)))
        .nest("/mock", mock::router(Arc::clone(core)))
        .nest("/fal", fal::router(Arc::clone(core)))
        .nest("/replicate", replicate::router(Arc::clone(core)))
        .nest("/bfl", bfl::router(Arc::clone(core)))
        .nest("/alibaba", dashscope::router(Arc::clone(core)))
        .nest("/openrouter", openrouter::router(Arc::clone(core)))
        .nest("/runware", runware::router(Arc::clone(core)))
        .nest("/gemini", gemini::router(Arc::clone(core)))
        .nest("/vertex", vertex::router(Arc::clone(core)))
        .nest("/stability", stability::router(Arc::clone(core)))
        .nest("/xai", xai::router(Arc::clone(core)))
        .nest("/byteplus", ark::router(Arc::clone(core)))
        .nest("/fireworks", fireworks::router(Arc::clone(core)))
        .merge(compatible::router(core))
        .nest("/_sandbox", control::router(Arc::clone(core)))
        .fallback_service(fal::fallback_router(Arc::clone(core)))
        // Each emulator reads bodies with its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(core), log_calls))
}

fn base_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        // Everywhere is no place a client could call.
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

fn host_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

struct Server {
    router: Router,
    acceptor: Option<tokio_rustls::TlsAcceptor>,
    stop: CancellationToken,
    abort: CancellationToken,
    connections: TaskTracker,
}

impl Server {
    async fn accept(self, listener: TcpListener) {
        let server = Arc::new(self);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = server.stop.cancelled() => return,
                () = server.abort.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let server = Arc::clone(&server);
                    let connections = server.connections.clone();
                    connections.spawn(async move {
                        server.connection(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    debug!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(&self, stream: TcpStream) {
        // Small answers should not wait for more bytes to send.
        stream.set_nodelay(true).ok();
        let Some(acceptor) = &self.acceptor else {
            return self.serve(stream).await;
        };
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
        tokio::select! {
            shaken = handshake => match shaken {
                Ok(Ok(stream)) => self.serve(stream).await,
                Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
                Err(_) => debug!("TLS handshake took too long"),
            },
            () = self.abort.cancelled() => {}
        }
    }

    async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEADER_BYTES);
        let service = TowerToHyperService::new(self.router.clone());
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%error, "connection ended early");
                    }
                    return;
                }
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.abort.cancelled() => return,
            }
        }
    }
}
