//! A database that is taken away while a gateway runs, and comes back.

use std::sync::Arc;

use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// SQLite's one lock for writing, held by somebody else.
pub(crate) struct Locked(SqliteConnection);

impl Locked {
    /// Takes it from a database in a file.
    pub(crate) async fn take(url: &str) -> Self {
        let mut connection = SqliteConnection::connect(url).await.expect("the database opens");
        let order = "PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE";
        connection.execute(order).await.expect("nobody holds it for long");
        Self(connection)
    }

    /// Gives it back.
    pub(crate) async fn release(self) {
        self.0.close().await.expect("a connection can be closed");
    }
}

/// How a [`Wire`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireState {
    Sound,
    /// Nothing passes any more, and nobody is told.
    Silent,
    /// All connections are cut, and new ones at once.
    Cut,
}

/// The wire between a gateway and a PostgreSQL server.
pub(crate) struct Wire {
    url: String,
    state: Arc<watch::Sender<WireState>>,
}

impl Wire {
    /// Lays it before a server.
    pub(crate) async fn lay(server: &str) -> Self {
        let mut url: Url = server.parse().expect("a URL");
        let target = format!(
            "{}:{}",
            url.host_str().unwrap_or("127.0.0.1"),
            url.port().unwrap_or(5432)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(port)).expect("a URL with a host");
        let state = Arc::new(watch::Sender::new(WireState::Sound));
        let own = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *own.borrow() == WireState::Cut {
                    continue;
                }
                let far = TcpStream::connect(&target).await.expect("the server is there");
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near.0, far.1, own.subscribe()));
                tokio::spawn(pass(far.0, near.1, own.subscribe()));
            }
        });
        Self { url: url.into(), state }
    }

    /// The server as it is reached over the wire.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn be(&self, state: WireState) {
        self.state.send_replace(state);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<WireState>) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let count = tokio::select! {
            cut = state.wait_for(|state| *state == WireState::Cut) => {
                drop(cut);
                return;
            }
            count = from.read(&mut bytes) => count.unwrap_or(0),
        };
        if state.wait_for(|state| *state != WireState::Silent).await.is_err() || count == 0 {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
