//! Serving connections, within limits of headers and idleness, until the gateway stops.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::settings::limits::Limits;

/// Least size of the buffer in which headers are read; hyper refuses smaller ones.
const HEADER_BUFFER_BYTES_MIN: usize = 8 << 10;
/// A wait after a failed accept, which happens when the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listening side of a gateway.
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<GracefulShutdown>,
    tasks: TaskTracker,
    patience: Duration,
}

impl Server {
    /// Serves `router` on `listener`.
    pub(crate) fn start(listener: TcpListener, router: Router, limits: &Limits, tasks: TaskTracker) -> Self {
        let (stop, stopped) = watch::channel(false);
        let builder = builder(limits);
        let accepting = tokio::spawn(accept(listener, router, builder, stopped));
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

async fn accept(
    listener: TcpListener,
    router: Router,
    builder: Builder<TokioExecutor>,
    mut stopped: watch::Receiver<bool>,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return connections,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are written in whole pieces; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .into_owned();
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(error = %error, "a connection ended early");
            }
        });
    }
}
