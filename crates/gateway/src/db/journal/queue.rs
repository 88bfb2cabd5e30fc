//! What waits to be written, in the order in which it came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::{Write, Written};
use crate::db::DatabaseError;

/// Writes that may wait while others ask for more: past it those are refused. What must be kept is always taken; generations
/// under way are bounded.
const WAITING_MAX: usize = 8192;
/// How long nothing could be written before new work is refused at once.
const STUCK_AFTER: Duration = Duration::from_secs(1);
/// How long what nobody waits for waits for company.
const LEISURE: Duration = Duration::from_millis(20);

/// One write on its way.
#[derive(Debug)]
pub(super) struct Item {
    /// Its place in the order.
    pub(super) place: u64,
    pub(super) write: Write,
    since: Instant,
    reply: Mutex<Option<oneshot::Sender<Result<Written, DatabaseError>>>>,
    /// Whether a transaction with it failed: it may have been committed all the same.
    is_tried: AtomicBool,
    /// Whether it stands in the waiting file.
    is_kept: AtomicBool,
    /// Whether it is written, or never will be.
    is_over: AtomicBool,
}

impl Item {
    /// Tells who waits for it. Returns whether somebody did.
    pub(super) fn answer(&self, result: Result<Written, DatabaseError>) -> bool {
        let reply = lock(&self.reply).take();
        reply.is_some_and(|reply| reply.send(result).is_ok())
    }

    /// Whether nobody waits for it any more, so that it need not be begun.
    fn is_abandoned(&self) -> bool {
        matches!(self.write, Write::Ask(_)) && lock(&self.reply).as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    pub(super) fn is_tried(&self) -> bool {
        self.is_tried.load(Ordering::Acquire)
    }

    pub(super) fn note_tried(&self) {
        self.is_tried.store(true, Ordering::Release);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    pub(super) fn note_kept(&self) {
        self.is_kept.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub(super) fn note_over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether it would be lost with the process although it must be kept.
    fn is_unkept(&self) -> bool {
        matches!(self.write, Write::Entry(_)) && !self.is_kept() && !self.is_over()
    }
}

/// The queue of the one writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    added: Notify,
    emptied: Notify,
    watched: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: VecDeque<Arc<Item>>,
    /// What the writer is writing.
    taken: Vec<Arc<Item>>,
    /// Whether the watch sleeps until something comes.
    watch_sleeps: bool,
    is_closed: bool,
    is_dead: bool,
    /// Why the last transaction failed, unless one has succeeded since.
    failure: Option<String>,
}

impl State {
    fn oldest(&self) -> Option<Instant> {
        let waiting = self.waiting.front().into_iter();
        self.taken.iter().chain(waiting).map(|item| item.since).min()
    }

    fn is_stuck(&self) -> bool {
        self.failure.is_some() && self.oldest().is_some_and(|since| since.elapsed() >= STUCK_AFTER)
    }
}

/// What the writer does next.
pub(super) enum Next {
    Write(Vec<Arc<Item>>),
    /// Nothing yet; something after this time, if it is known.
    Wait(Option<Duration>),
    End,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is whole: nothing is computed while the lock is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Puts a write into the queue. `None`: nothing more is taken, or no more of this kind.
    pub(super) fn push(
        &self,
        write: Write,
    ) -> Result<oneshot::Receiver<Result<Written, DatabaseError>>, DatabaseError> {
        let (reply, answer) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(DatabaseError::Closed);
        }
        let is_ask = matches!(write, Write::Ask(_));
        if is_ask && (state.is_stuck() || state.waiting.len() >= WAITING_MAX) {
            return Err(DatabaseError::Unavailable);
        }
        let item = Item {
            place: state.next,
            write,
            since: Instant::now(),
            reply: Mutex::new(Some(reply)),
            is_tried: AtomicBool::new(false),
            is_kept: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        };
        state.next += 1;
        state.waiting.push_back(Arc::new(item));
        let watch_sleeps = std::mem::take(&mut state.watch_sleeps);
        drop(state);
        self.added.notify_one();
        if watch_sleeps {
            self.watched.notify_one();
        }
        Ok(answer)
    }

    /// What is to be written together next: handles of jobs first, since each that is lost is a job paid for in vain.
    pub(super) fn take(&self, most: usize) -> Next {
        let mut state = lock(&self.state);
        if state.is_dead {
            return Next::End;
        }
        state.waiting.retain(|item| !item.is_abandoned());
        if state.waiting.is_empty() {
            self.emptied.notify_waiters();
            return if state.is_closed { Next::End } else { Next::Wait(None) };
        }
        if state.waiting.iter().all(|item| item.write.is_leisurely()) && !state.is_closed {
            let waited = state.oldest().map_or(LEISURE, |since| since.elapsed());
            if waited < LEISURE {
                return Next::Wait(Some(LEISURE - waited));
            }
        }
        let (mut first, rest): (Vec<_>, Vec<_>) = state.waiting.drain(..).partition(|item| item.write.is_urgent());
        state.waiting = rest.into();
        let more = most.saturating_sub(first.len()).min(state.waiting.len());
        first.extend(state.waiting.drain(..more));
        state.taken.clone_from(&first);
        Next::Write(first)
    }

    /// Until something comes, or this time is over.
    pub(super) async fn added(&self, most: Option<Duration>) {
        match most {
            // Late or not, the next look tells.
            Some(most) => drop(timeout(most, self.added.notified()).await),
            None => self.added.notified().await,
        }
    }

    /// These are written, or never will be.
    pub(super) fn over(&self, item: &Arc<Item>) {
        let mut state = lock(&self.state);
        state.failure = None;
        state.taken.retain(|taken| !Arc::ptr_eq(taken, item));
    }

    /// These could not be written now: they are next again.
    pub(super) fn give_back(&self, items: Vec<Arc<Item>>, cause: &DatabaseError) {
        let mut state = lock(&self.state);
        state.failure = Some(cause.to_string());
        for item in items.into_iter().rev() {
            state.taken.retain(|taken| !Arc::ptr_eq(taken, &item));
            state.waiting.push_front(item);
        }
    }

    /// Waits until something that must be kept has waited for `patience`; then all that must. `None`: nothing ever will.
    pub(super) fn unkept(&self, patience: Duration) -> Option<Vec<Arc<Item>>> {
        let mut state = lock(&self.state);
        loop {
            if state.is_dead {
                return None;
            }
            let mut unkept: Vec<Arc<Item>> = state.taken.iter().chain(&state.waiting).cloned().collect();
            unkept.retain(|item| item.is_unkept());
            let oldest = unkept.iter().map(|item| item.since).min();
            let wait = match oldest {
                Some(since) => patience.saturating_sub(since.elapsed()),
                None if state.is_closed => return None,
                None => {
                    state.watch_sleeps = true;
                    state = self.watched.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            if wait.is_zero() {
                return Some(in_order(unkept));
            }
            let waited = self.watched.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for so long, or until something changes.
    pub(super) fn pause(&self, wait: Duration) {
        let state = lock(&self.state);
        drop(self.watched.wait_timeout(state, wait));
    }

    /// Why nothing can be written, if so: since a second something waits, or the last try failed.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = lock(&self.state);
        let is_late = state.oldest().is_some_and(|since| since.elapsed() >= STUCK_AFTER);
        match &state.failure {
            Some(failure) => Some(failure.clone()),
            None => is_late.then(|| "a write takes more than a second".to_owned()),
        }
    }

    /// Whether nothing waits and nothing is being written.
    pub(super) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.waiting.is_empty() && state.taken.is_empty()
    }

    /// Whether nothing is left that could still be lost.
    fn is_finished(&self) -> bool {
        let state = lock(&self.state);
        let mut left = state.taken.iter().chain(&state.waiting);
        state.is_dead || !left.any(|item| item.is_unkept())
    }

    /// Takes nothing more. Returns when all is written or kept, or `most` is over.
    pub(super) async fn close(&self, most: Duration) {
        lock(&self.state).is_closed = true;
        let emptied = async {
            loop {
                let emptied = self.emptied.notified();
                self.wake();
                if self.is_finished() {
                    return;
                }
                // Looked at again in any case: who empties it may not have been heard.
                let _ = timeout(Duration::from_millis(50), emptied).await;
            }
        };
        let _ = timeout(most, emptied).await;
        self.die();
    }

    /// Takes nothing more; what was taken is written if it can be.
    pub(super) fn let_go(&self) {
        lock(&self.state).is_closed = true;
        self.wake();
    }

    /// Nothing more is written, as if the process had died.
    pub(super) fn die(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.is_dead = true;
        drop(state);
        self.wake();
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.state).is_dead
    }

    fn wake(&self) {
        self.added.notify_one();
        self.watched.notify_all();
    }
}

fn in_order(mut items: Vec<Arc<Item>>) -> Vec<Arc<Item>> {
    items.sort_by_key(|item| item.place);
    items
}
