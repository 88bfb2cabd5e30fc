//! Callers who take their answers too slowly: what keeps images in memory is cut, and the images are kept for later.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::http::around::{Around, Polled, wrap};
use crate::transfer::{LeastSpeed, Waiting};

/// How often it is looked who is too slow, while anybody is waited for.
const LOOK: Duration = Duration::from_millis(500);
/// Largest piece of an answer that is handed on at once, so that who takes it at the least speed is seen to take something.
const PIECE_BYTES: usize = 64 << 10;

/// What is known of the other side of one connection.
#[derive(Clone)]
pub(super) struct Peer(Arc<Inner>);

struct Inner {
    speed: LeastSpeed,
    socket: Mutex<Turn>,
    answers: Mutex<Vec<Weak<Mutex<Turn>>>>,
    /// The other side is waited for, from now on.
    begun: Notify,
    /// Requests whose answers are not over.
    requests: AtomicUsize,
    /// When the last one was over.
    last: Mutex<Instant>,
}

/// A request on a connection, until its answer is over.
pub(super) struct Request(Peer);

impl Drop for Request {
    fn drop(&mut self) {
        *locked(&self.0.0.last) = Instant::now();
        self.0.0.requests.fetch_sub(1, Ordering::Release);
    }
}

/// Whose turn it is, and how long the other side may still take.
struct Turn {
    waiting: Waiting,
    /// Since when the other side is waited for; `None`: it is our turn.
    since: Option<Instant>,
}

impl Turn {
    fn new(speed: LeastSpeed) -> Self {
        Self {
            waiting: Waiting::new(speed),
            since: None,
        }
    }

    /// It is the other side's turn.
    fn theirs(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// It is ours again.
    fn ours(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.waiting.waited(now.saturating_duration_since(since));
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.saturating_duration_since(since) >= self.waiting.left())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub(super) fn new(speed: LeastSpeed) -> Self {
        Self(Arc::new(Inner {
            socket: Mutex::new(Turn::new(speed)),
            answers: Mutex::default(),
            begun: Notify::new(),
            requests: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
            speed,
        }))
    }

    /// A request begins.
    pub(super) fn request(&self) -> Request {
        self.0.requests.fetch_add(1, Ordering::Acquire);
        Request(self.clone())
    }

    /// Waits until nothing was asked on the connection for `limit`.
    pub(super) async fn is_idle_for(&self, limit: Duration) {
        loop {
            let quiet = Instant::now().saturating_duration_since(*locked(&self.0.last));
            if self.0.requests.load(Ordering::Acquire) > 0 {
                sleep(limit).await;
            } else if quiet < limit {
                sleep(limit - quiet).await;
            } else {
                return;
            }
        }
    }

    /// The same answer to `request`, of which is known how fast it is taken.
    pub(super) fn answer(&self, request: Request, body: Body) -> Body {
        let turn = Arc::new(Mutex::new(Turn::new(self.0.speed)));
        let mut answers = locked(&self.0.answers);
        answers.retain(|answer| answer.strong_count() > 0);
        answers.push(Arc::downgrade(&turn));
        drop(answers);
        let answer = Answer {
            rest: Bytes::new(),
            turn,
            request,
        };
        wrap(body, answer)
    }

    /// Waits until the other side takes an answer too slowly.
    pub(super) async fn is_too_slow(&self) {
        loop {
            let begun = self.0.begun.notified();
            if !self.is_waited_for() {
                begun.await;
            }
            sleep(LOOK).await;
            let now = Instant::now();
            if locked(&self.0.socket).is_over(now) || self.answers().iter().any(|turn| locked(turn).is_over(now)) {
                return;
            }
        }
    }

    fn answers(&self) -> Vec<Arc<Mutex<Turn>>> {
        locked(&self.0.answers).iter().filter_map(Weak::upgrade).collect()
    }

    fn is_waited_for(&self) -> bool {
        locked(&self.0.socket).since.is_some() || self.answers().iter().any(|turn| locked(turn).since.is_some())
    }
}

/// Watches who takes a body. It is the taker's turn from each piece on until the next one is asked for.
struct Answer {
    /// What is left of a large piece.
    rest: Bytes,
    turn: Arc<Mutex<Turn>>,
    request: Request,
}

impl Answer {
    fn hand_on(&mut self, mut data: Bytes) -> Frame<Bytes> {
        self.rest = data.split_off(data.len().min(PIECE_BYTES));
        let mut turn = locked(&self.turn);
        turn.waiting.moved(data.len());
        turn.theirs(Instant::now());
        drop(turn);
        self.request.0.0.begun.notify_one();
        Frame::data(data)
    }
}

impl Around for Answer {
    fn next(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Polled {
        locked(&self.turn).ours(Instant::now());
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.hand_on(rest))));
        }
        match body.poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => self.hand_on(data),
                Err(other) => other,
            }))),
            other => other,
        }
    }

    fn held_bytes(&self) -> u64 {
        self.rest.len() as u64
    }
}

/// A connection of which the first bytes were read already, and that notes when the other side takes nothing.
pub(super) struct Wire<S> {
    stream: S,
    first: BytesMut,
    peer: Peer,
}

impl<S> Wire<S> {
    pub(super) const fn new(stream: S, first: BytesMut, peer: Peer) -> Self {
        Self { stream, first, peer }
    }

    /// Notes whose turn it is after a write.
    fn note(&self, written: &Poll<io::Result<usize>>) {
        let mut turn = locked(&self.peer.0.socket);
        match written {
            Poll::Pending => {
                turn.theirs(Instant::now());
                drop(turn);
                self.peer.0.begun.notify_one();
            }
            Poll::Ready(Ok(bytes)) if turn.since.is_some() => {
                turn.ours(Instant::now());
                // One connection carries many answers: each has a whole time of its own, the socket has none.
                turn.waiting.forget_the_whole();
                turn.waiting.moved(*bytes);
            }
            Poll::Ready(_) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
