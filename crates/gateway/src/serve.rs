//! Serving connections, within limits of their number, of headers, idleness and slowness, until the gateway stops.

mod answers;
mod door;
pub(crate) mod tls;

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use axum::response::IntoResponse as _;
use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::address::PeerAddress;
use crate::clock::Clock;
use crate::http::envelope::REQUEST_ID;
use crate::ids::request_id;
use crate::problem::Problem;
use crate::settings::limits::Limits;
use crate::transfer::LeastSpeed;
use answers::{Peer, Wire};
use door::{Door, Place, Silent};
use tls::Tls;

/// Least size of the buffer in which headers are read; hyper refuses smaller ones.
const HEADER_BUFFER_BYTES_MIN: usize = 8 << 10;
/// A wait after an accept that failed although a file was set free for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What an HTTP/2 connection begins with. Until it is there, or cannot come any more, the version is not known.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Says that an answer is the last of its connection.
const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// Paths that are answered also to those for whom there is no room, and while the gateway stops.
const ALWAYS: [&str; 2] = ["/healthz", "/readyz"];

/// How far a server is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Requests are still answered, and each answer over HTTP/1 ends its connection.
    Draining,
    /// What is under way is finished; other connections are closed.
    Closing,
}

/// The listening side of a gateway.
pub(crate) struct Server {
    phase: watch::Sender<Phase>,
    accepting: JoinHandle<Accepting>,
    /// For connections that no socket brings.
    front: Box<(House, Door)>,
    tasks: TaskTracker,
    patience: Duration,
}

impl Server {
    /// Serves `router` on `listener`, over `tls` where there is one. Connections from `trusted_proxies` are those of many.
    pub(crate) fn start(
        (listener, tls): (TcpListener, Option<Arc<Tls>>),
        router: Router,
        limits: &Limits,
        trusted_proxies: &[IpNet],
        tasks: TaskTracker,
    ) -> Self {
        let (phase, seen) = watch::channel(Phase::Serving);
        let house = House {
            builder: builder(limits),
            router,
            tls,
            speed: LeastSpeed::of(limits),
            header: Duration::from_secs(limits.header_s.max(1)),
            idle: Duration::from_secs(limits.idle_connection_s.max(1)),
            phase: seen,
            is_closed: false,
        };
        let accepting = Accepting {
            listener,
            door: Door::new(limits, trusted_proxies),
            house: house.clone(),
            connections: GracefulShutdown::new(),
        };
        let door = accepting.door.clone();
        let accepting = tokio::spawn(accepting.until_closing());
        Self {
            phase,
            accepting,
            front: Box::new((house, door)),
            tasks,
            patience: Duration::from_secs(limits.shutdown_s),
        }
    }

    /// Serves one more connection from `address`, as if it had come by the socket: for tests whose callers are pipes. Not
    /// waited for when the gateway stops.
    pub(crate) fn take(&self, stream: impl Stream, address: IpAddr) {
        let (house, door) = &*self.front;
        if let Some(place) = door.place(address) {
            let (house, silent) = (house.clone(), door.silent());
            tokio::spawn(async move {
                // As long as the connection: its end is a request to close.
                let apart = GracefulShutdown::new();
                let watcher = apart.watcher();
                house.serve((stream, address), place, silent, watcher).await;
                drop(apart);
            });
        }
    }

    /// Says by `/readyz` that the gateway stops, and answers for this long as before: a balancer that has not heard of it yet, and
    /// a caller with a connection that is kept, meet no closed door.
    pub(crate) async fn drain(&self, time: Duration) {
        self.phase.send_replace(Phase::Draining);
        self.tasks.close();
        sleep(time).await;
    }

    /// Takes no more requests and waits for those under way, and for generations. Meanwhile whoever asks whether the gateway
    /// lives and can work is told, so that balancers send others elsewhere.
    pub(crate) async fn shutdown(self) {
        self.phase.send_replace(Phase::Closing);
        self.tasks.close();
        let finish = async {
            match self.accepting.await {
                Ok(accepting) => {
                    let (connections, watched) = accepting.only_watched();
                    select! {
                        () = watched => {}
                        () = async {
                            connections.shutdown().await;
                            self.tasks.wait().await;
                        } => {}
                    }
                }
                Err(_) => self.tasks.wait().await,
            }
        };
        if timeout(self.patience, finish).await.is_err() {
            tracing::warn!(
                limit_s = self.patience.as_secs(),
                "stopped with work under way: shutdown_s has passed"
            );
        }
    }
}

/// A connection: a socket, or a pipe of a test's.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What every connection is served with.
#[derive(Clone)]
struct House {
    builder: Builder<TokioExecutor>,
    router: Router,
    /// How connections from sockets begin, where it is not in plain text.
    tls: Option<Arc<Tls>>,
    speed: LeastSpeed,
    /// Longest wait for a connection's first byte, and from there on for the rest of what tells its version.
    header: Duration,
    /// Longest time without a request.
    idle: Duration,
    phase: watch::Receiver<Phase>,
    /// Whether the gateway takes no more requests, so that only those who watch it are answered.
    is_closed: bool,
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.idle_connection_s))
        .max_buf_size(limits.header_bytes.max(HEADER_BUFFER_BYTES_MIN));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(limits.idle_connection_s))
        .keep_alive_timeout(Duration::from_secs(limits.idle_connection_s));
    builder
}

/// Takes connections.
struct Accepting {
    listener: TcpListener,
    door: Door,
    house: House,
    connections: GracefulShutdown,
}

impl Accepting {
    async fn until_closing(self) -> Self {
        let house = self.house.clone();
        let closing = house.closing();
        tokio::pin!(closing);
        let mut spare = Spare::new();
        loop {
            let (stream, address) = select! {
                accepted = spare.accept(&self.listener) => accepted,
                () = &mut closing => return self,
            };
            // Whoever has no place is closed without a word: words would cost a place.
            let Some(place) = self.door.place(address.ip()) else {
                continue;
            };
            let silent = self.door.silent();
            let house = self.house.clone();
            tokio::spawn(house.let_in((stream, address.ip()), place, silent, self.connections.watcher()));
        }
    }

    /// The connections up to now, and a wait without end in which new ones are answered as long as they only ask how the
    /// gateway does.
    fn only_watched(self) -> (GracefulShutdown, impl Future<Output = ()>) {
        let house = House {
            is_closed: true,
            ..self.house
        };
        let (listener, door) = (self.listener, self.door);
        let watched = async move {
            let mut spare = Spare::new();
            let mut serving = JoinSet::new();
            let last = GracefulShutdown::new();
            loop {
                let (stream, address) = spare.accept(&listener).await;
                while serving.try_join_next().is_some() {}
                if let Some(place) = door.place(address.ip()) {
                    let (silent, house) = (door.silent(), house.clone());
                    serving.spawn(house.let_in((stream, address.ip()), place, silent, last.watcher()));
                }
            }
        };
        (self.connections, watched)
    }
}

/// A file that is held so that it can be let go: when the process may open no more, one more connection can still be taken.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Self {
        Self(spare_file())
    }

    /// The next connection, however often it fails.
    async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    if self.0.is_none() {
                        self.0 = spare_file();
                    }
                    // Answers are written in whole pieces; waiting to fill packets only delays them.
                    let _ = accepted.0.set_nodelay(true);
                    return accepted;
                }
                Err(error) => {
                    let had_one = self.0.take().is_some();
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    if !had_one {
                        sleep(ACCEPT_PAUSE).await;
                        self.0 = spare_file();
                    }
                }
            }
        }
    }
}

fn spare_file() -> Option<File> {
    tempfile::tempfile().ok()
}

impl House {
    /// Waits until the gateway closes: without end for connections that came after that, which end with the wait for those before.
    async fn closing(&self) {
        let mut phase = self.phase.clone();
        if self.is_closed || phase.wait_for(|phase| *phase == Phase::Closing).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Serves a socket, once TLS is agreed on where it has to be.
    async fn let_in(self, (stream, address): (TcpStream, IpAddr), place: Place, silent: Silent, watcher: Watcher) {
        let Some(tls) = self.tls.clone() else {
            return self.serve((stream, address), place, silent, watcher).await;
        };
        let agreed = select! {
            agreed = timeout(self.header, tls.agree(stream)) => agreed,
            () = silent.sent_away() => return,
            () = self.closing() => return,
        };
        match agreed {
            Ok(Ok(stream)) => Box::pin(self.serve((stream, address), place, silent, watcher)).await,
            Ok(Err(error)) => tracing::debug!(error = %error, "TLS could not be agreed on"),
            Err(_) => {}
        }
    }

    async fn serve(
        mut self,
        (mut stream, address): (impl Stream, IpAddr),
        place: Place,
        silent: Silent,
        watcher: Watcher,
    ) {
        let first = select! {
            first = first_bytes(&mut stream, silent, self.header) => first,
            () = self.closing() => return,
        };
        let Ok(first) = first else { return };
        let peer = Peer::new(self.speed);
        let wire = TokioIo::new(Wire::new(stream, first, peer.clone()));
        let closed = if self.is_closed {
            Some("This gateway is stopping. Try again elsewhere, or shortly.")
        } else if place.is_reserved {
            Some("This gateway has as many connections as it may. Try again shortly.")
        } else {
            None
        };
        if closed.is_some() {
            self.builder.http1().keep_alive(false);
        }
        let (router, of_service, phase) = (self.router, peer.clone(), self.phase);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(address));
            let is_last = request.version() <= Version::HTTP_11 && *phase.borrow() != Phase::Serving;
            let answer = answer(router.clone(), of_service.clone(), closed, request);
            async move {
                let mut answer = answer.await?;
                if is_last {
                    answer.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = self.builder.serve_connection_with_upgrades(wire, service).into_owned();
        let end = select! {
            end = watcher.watch(connection) => end,
            () = peer.is_too_slow() => {
                tracing::info!("a connection was cut: its caller takes the answer more slowly than transfer_bytes_per_s allows");
                return;
            }
            () = peer.is_idle_for(self.idle) => return,
        };
        if let Err(error) = end {
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}

/// Answers one request; `closed` says why only those are answered who watch the gateway.
async fn answer(
    router: Router,
    peer: Peer,
    closed: Option<&'static str>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let current = peer.request();
    let closed = closed.filter(|_| !ALWAYS.contains(&request.uri().path()));
    let response = if let Some(why) = closed {
        turned_away(why)
    } else {
        router.oneshot(request.map(Body::new)).await?
    };
    Ok(response.map(|body| peer.answer(current, body)))
}

/// The answer to a request that gets no further than the door.
fn turned_away(why: &str) -> Response<Body> {
    let mut response = Problem::overloaded(why).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, CLOSE);
    if let Ok(id) = request_id(Clock::system().now()).parse() {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// The bytes that tell which version of HTTP a connection speaks.
///
/// # Errors
/// When they do not come in time, or the place is needed for another.
async fn first_bytes(stream: &mut impl Stream, silent: Silent, patience: Duration) -> io::Result<BytesMut> {
    let mut first = BytesMut::with_capacity(HEADER_BUFFER_BYTES_MIN);
    let read = select! {
        read = timeout(patience, stream.read_buf(&mut first)) => read??,
        () = silent.sent_away() => 0,
    };
    drop(silent);
    if read == 0 {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let due = Instant::now() + patience;
    while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
        if timeout_at(due, stream.read_buf(&mut first)).await?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(first)
}
