//! Serving connections, within limits of their number, of headers, idleness and slowness, until the gateway stops.

mod answers;
mod door;

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use axum::response::IntoResponse as _;
use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::address::PeerAddress;
use crate::problem::Problem;
use crate::settings::limits::Limits;
use crate::transfer::LeastSpeed;
use answers::{Peer, Wire};
use door::{Door, Place, Silent};

/// Least size of the buffer in which headers are read; hyper refuses smaller ones.
const HEADER_BUFFER_BYTES_MIN: usize = 8 << 10;
/// A wait after an accept that failed although a file was set free for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What an HTTP/2 connection begins with. Until it is there, or cannot come any more, the version is not known.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Paths that are answered also to those for whom there is no room.
const ALWAYS: [&str; 2] = ["/healthz", "/readyz"];

/// The listening side of a gateway.
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<GracefulShutdown>,
    tasks: TaskTracker,
    patience: Duration,
}

impl Server {
    /// Serves `router` on `listener`. Connections from `trusted_proxies` are those of many.
    pub(crate) fn start(
        listener: TcpListener,
        router: Router,
        limits: &Limits,
        trusted_proxies: &[IpNet],
        tasks: TaskTracker,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let house = House {
            builder: builder(limits),
            router,
            speed: LeastSpeed::of(limits),
            header: Duration::from_secs(limits.header_s.max(1)),
            idle: Duration::from_secs(limits.idle_connection_s.max(1)),
            stopped,
        };
        let accepting = tokio::spawn(accept(listener, Door::new(limits, trusted_proxies), house));
        Self {
            stop,
            accepting,
            tasks,
            patience: Duration::from_secs(limits.shutdown_s),
        }
    }

    /// Takes no more connections and waits for requests and generations under way.
    pub(crate) async fn shutdown(self) {
        let _ = self.stop.send(true);
        self.tasks.close();
        let finish = async {
            if let Ok(connections) = self.accepting.await {
                connections.shutdown().await;
            }
            self.tasks.wait().await;
        };
        if timeout(self.patience, finish).await.is_err() {
            tracing::warn!(
                limit_s = self.patience.as_secs(),
                "stopped with work under way: shutdown_s has passed"
            );
        }
    }
}

/// What every connection is served with.
#[derive(Clone)]
struct House {
    builder: Builder<TokioExecutor>,
    router: Router,
    speed: LeastSpeed,
    /// Longest wait for a connection's first byte, and from there on for the rest of what tells its version.
    header: Duration,
    /// Longest time without a request.
    idle: Duration,
    stopped: watch::Receiver<bool>,
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

async fn accept(listener: TcpListener, door: Door, house: House) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    let mut stopped = house.stopped.clone();
    let mut spare = Spare::new();
    loop {
        let (stream, address) = select! {
            accepted = spare.accept(&listener) => accepted,
            _ = stopped.changed() => return connections,
        };
        // Whoever has no place is closed without a word: words would cost a place.
        let Some(place) = door.place(address.ip()) else {
            continue;
        };
        let silent = door.silent();
        tokio::spawn(
            house
                .clone()
                .serve((stream, address), place, silent, connections.watcher()),
        );
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
    async fn serve(
        mut self,
        (mut stream, address): (TcpStream, SocketAddr),
        place: Place,
        silent: Silent,
        watcher: Watcher,
    ) {
        // Answers are written in whole pieces; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        let first = select! {
            first = first_bytes(&mut stream, silent, self.header) => first,
            _ = self.stopped.changed() => return,
        };
        let Ok(first) = first else { return };
        let peer = Peer::new(self.speed);
        let wire = TokioIo::new(Wire::new(stream, first, peer.clone()));
        if place.is_reserved {
            self.builder.http1().keep_alive(false);
        }
        let (router, is_reserved) = (self.router, place.is_reserved);
        let of_service = peer.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(address.ip()));
            answer(router.clone(), of_service.clone(), is_reserved, request)
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

async fn answer(
    router: Router,
    peer: Peer,
    is_reserved: bool,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let current = peer.request();
    let response = if is_reserved && !ALWAYS.contains(&request.uri().path()) {
        let mut response =
            Problem::overloaded("This gateway has as many connections as it may. Try again shortly.").into_response();
        response
            .headers_mut()
            .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        response
    } else {
        router.oneshot(request.map(Body::new)).await?
    };
    Ok(response.map(|body| peer.answer(current, body)))
}

/// The bytes that tell which version of HTTP a connection speaks.
///
/// # Errors
/// When they do not come in time, or the place is needed for another.
async fn first_bytes(stream: &mut TcpStream, silent: Silent, patience: Duration) -> io::Result<BytesMut> {
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
