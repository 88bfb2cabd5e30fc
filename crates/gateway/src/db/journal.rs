//! The one writer. What it accepts is written: into the database at once, or, when that does not take it within a second,
//! into a synced file first and into the database as soon as it can be.
//!
//! Writes that wait together are committed together. Order is kept. Questions (whether money can be held, whose turn it is)
//! need the database's answer: while nothing can be written they are refused within two seconds.

mod apply;
mod orders;
mod promises;
mod queue;
mod waiting;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::audit::AuditRow;
use super::generations::{AttemptRow, BegunAttempt, EndOfGeneration, FailedAttempt, NewGeneration, Orphan, Payloads};
use super::idempotency::Claim;
use super::ledger::{Hold, OperatorPosting, Posted, Settlement, Shortage};
use super::link::Tally;
use super::media::MediaRow;
use super::webhooks::{DueWebhook, TriedWebhook, WebhookRoom};
use super::{DatabaseError, Dialect};
use queue::Queue;
use waiting::WaitingFile;
use writer::Writer;

/// How long the database has to take what must be kept, before it goes to the waiting file.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(1);
/// How long a question waits for the database. With the rest of a request it stays under two seconds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1800);
/// How long it is waited for something to be kept when neither the database nor the file takes it. It is written later if it
/// can be, but whoever waits for an image shall have it.
const KEPT_WITHIN: Duration = Duration::from_secs(5);
/// How long a stopping process waits for what is not written yet.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// How long a start waits until what another process left behind is written.
const REPLAYED_WITHIN: Duration = Duration::from_secs(60);
/// Between two tries to keep something when the file's disk fails.
const KEEP_PAUSE: Duration = Duration::from_millis(250);

/// Something to write.
#[derive(Debug)]
pub(super) enum Write {
    Ask(Ask),
    Entry(Entry),
}

/// What needs an answer, and may be refused.
#[derive(Debug)]
pub(super) enum Ask {
    /// A generation begins: money is held for it, and its first calls are on record.
    Begin {
        start: Box<NewGeneration>,
        hold: Hold,
        claim: Option<ClaimOf>,
        calls: Vec<BegunAttempt>,
    },
    /// A request of a key is counted that begins no generation.
    Turn { key_id: String, now: Timestamp },
    /// An answer is given to who asks for it again.
    Adopt {
        key_id: String,
        request_hash: String,
        since: Timestamp,
        count: i64,
    },
    /// A reservation has expired.
    Expire { generation_id: String, now: Timestamp },
    /// An operator moves money.
    Post {
        order: OperatorPosting,
        told: Option<Box<AuditRow>>,
    },
    /// A process says that it is alive.
    Beat { owner: String },
    /// A process is known to be dead: the one whose beat stands still at this one, or whatever it is.
    Bury { owner: String, beat: Option<i64> },
    /// Generations of dead processes are taken over.
    TakeOver {
        owner: String,
        now: Timestamp,
        held_until: Timestamp,
        limit: i64,
    },
    /// Webhooks that are due are taken.
    ClaimWebhooks {
        now: Timestamp,
        until: Timestamp,
        room: WebhookRoom,
    },
    /// Whether anything can be written.
    Probe,
    /// What is too old is removed.
    Forget(Forget),
}

/// What is removed.
#[derive(Debug)]
pub(super) enum Forget {
    /// Generations with all that belongs to them.
    Generations(Vec<String>),
    /// Images whose files are gone.
    Media(Vec<String>),
    /// Up to so many keys of callers whose time is over.
    Claims { now: Timestamp, limit: i64 },
}

/// What is kept once it is accepted. Each can be written any number of times: only the first one counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A call is about to be made by the process `owner`.
    BeginAttempt {
        generation_id: String,
        begun: BegunAttempt,
        owner: String,
    },
    /// A provider accepted a job, which the named one of several credentials handed in.
    Handle {
        generation_id: String,
        position: i64,
        handle: String,
        credential: Option<String>,
    },
    /// A call failed while its generation goes on.
    Failure {
        generation_id: String,
        failed: FailedAttempt,
    },
    /// A call ended after its generation, as another one was faster.
    LateEnd {
        generation_id: String,
        attempt: Box<AttemptRow>,
        now: Timestamp,
    },
    /// A generation is refused before it begins.
    Reject {
        start: Box<NewGeneration>,
        end: Box<EndOfGeneration>,
    },
    /// A generation ends, as the process `owner` says that worked on it.
    End { ended: Box<Ended>, owner: String },
    /// A generation began after its caller was told that it cannot.
    Withdraw { generation_id: String, now: Timestamp },
    /// Images were stored by the process `owner`.
    Media { rows: Vec<MediaRow>, owner: String },
    /// What was asked and answered is kept.
    Payloads { generation_id: String, payloads: Payloads },
    /// Where the time went.
    Timed { generation_id: String, timings: String },
    /// The caller got the answer.
    Delivery { generation_id: String, now: Timestamp },
    /// The connection broke on which the caller waited for the answer.
    Break { generation_id: String, now: Timestamp },
    /// What is held stays held for longer.
    HoldUntil { generation_id: String, until: Timestamp },
    /// A webhook was tried.
    Told { due: DueWebhook, tried: TriedWebhook },
    /// A webhook was not tried after all.
    NotTold { due: DueWebhook, now: Timestamp },
}

/// How a generation ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ended {
    /// The generation.
    pub id: String,
    /// Its end.
    pub end: EndOfGeneration,
    /// All of its calls.
    pub attempts: Vec<AttemptRow>,
    /// Calls that were put on record and never made, by their positions.
    pub unmade: Vec<i64>,
    /// Images that were stored for it, on record by now or not.
    pub media: Vec<MediaRow>,
    /// What becomes of its money.
    pub settlement: Settlement,
}

impl Write {
    /// Whether it goes before others: what a job at a provider is lost without.
    const fn is_urgent(&self) -> bool {
        matches!(self, Self::Entry(Entry::Handle { .. }))
    }

    /// Whether nobody waits for it, so that it may go with the next write that somebody waits for.
    const fn is_leisurely(&self) -> bool {
        matches!(
            self,
            // The end of its generation follows images at once.
            Self::Entry(
                Entry::Delivery { .. }
                    | Entry::Break { .. }
                    | Entry::Failure { .. }
                    | Entry::Media { .. }
                    | Entry::Timed { .. }
            )
        )
    }

    /// The account whose row it changes first, as far as it is known.
    fn account(&self) -> &str {
        match self {
            Self::Ask(Ask::Begin { start, .. }) | Self::Entry(Entry::Reject { start, .. }) => &start.account_id,
            Self::Ask(Ask::Post { order, .. }) => &order.account_id,
            Self::Ask(_) | Self::Entry(_) => "",
        }
    }
}

/// A caller's key for a request, and the generation that gave it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimOf {
    /// The key.
    pub claim: Claim,
    /// The generation that had it before and gave no answer.
    pub instead_of: Option<String>,
}

/// Why a generation does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotBegun {
    /// Money, or a limit of the key, is too short.
    Shortage(Shortage),
    /// Another one has the caller's key for this request.
    Claimed,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// Nothing: another process has taken the generation over.
    TakenOver,
    Held(Result<i64, NotBegun>),
    Posted(Posted),
    Turn(Result<(), Duration>),
    Orphans(Vec<Orphan>),
    Webhooks(Vec<DueWebhook>),
    Adopted(Option<String>),
    Count(u64),
}

/// What the journal has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Statements, those that begin and end transactions apart.
    pub statements: u64,
    /// Transactions that were committed.
    pub transactions: u64,
}

/// Where the journal writes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) dialect: Dialect,
    /// The folder of waiting files, and the name of the process; none: nothing is kept outside the database.
    pub(super) kept: Option<(PathBuf, String)>,
}

/// The way to the one writer. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Journal(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    queue: Arc<Queue>,
    tally: Arc<Tally>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.queue.let_go();
    }
}

impl Journal {
    /// Starts the writer, and the watch that keeps what waits too long.
    pub(super) fn start(place: &Place) -> Result<Self, DatabaseError> {
        let (queue, tally) = (Arc::new(Queue::default()), Arc::new(Tally::default()));
        let file = match &place.kept {
            Some((folder, owner)) => Some(Arc::new(WaitingFile::create(folder, owner)?)),
            None => None,
        };
        let mut threads = vec![Writer::start(
            place,
            Arc::clone(&queue),
            file.clone(),
            Arc::clone(&tally),
        )?];
        if let Some(file) = file {
            let queue = Arc::clone(&queue);
            let watch = std::thread::Builder::new().name("journal-watch".to_owned());
            threads.push(watch.spawn(move || keep_watch(&queue, &file))?);
        }
        Ok(Self(Arc::new(Parts {
            queue,
            tally,
            threads: Mutex::new(threads),
        })))
    }

    /// Writes what dead processes accepted and could not write any more. Returns who they were.
    pub(super) async fn replay(&self, folder: &Path) -> Result<Vec<String>, DatabaseError> {
        let mut owners = Vec::new();
        for mut leftover in WaitingFile::leftovers(folder)? {
            let entries = std::mem::take(&mut leftover.entries);
            if !entries.is_empty() {
                tracing::warn!(
                    entries = entries.len(),
                    "a process left behind what it had accepted; it is written now"
                );
            }
            let answers = entries.into_iter().map(|entry| self.0.queue.push(Write::Entry(entry)));
            let answers: Vec<_> = answers.collect::<Result<_, _>>()?;
            let written = try_join_all(answers.into_iter().map(async |answer| {
                // One that cannot be written ever has been logged.
                answer.await.map(drop)
            }));
            let in_time = timeout(REPLAYED_WITHIN, written).await;
            in_time
                .map_err(|_| DatabaseError::Unavailable)?
                .map_err(|_| DatabaseError::Closed)?;
            owners.push(leftover.owner.clone());
            leftover.remove()?;
        }
        Ok(owners)
    }

    /// Asks, and waits for the database's answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Written, DatabaseError> {
        let mut answer = self.0.queue.push(Write::Ask(ask))?;
        match timeout(ANSWERED_WITHIN, &mut answer).await {
            Ok(written) => written.map_err(|_| DatabaseError::Closed)?,
            Err(_) => {
                // Closed first: an answer is either here now or will find nobody.
                answer.close();
                answer.try_recv().unwrap_or(Err(DatabaseError::Unavailable))
            }
        }
    }

    /// Hands over what must be kept. It is on its way when this returns; the answer says when it is accepted.
    pub(super) fn hand_over(&self, entry: Entry) -> Accepting {
        Accepting(self.0.queue.push(Write::Entry(entry)))
    }

    /// What was written since the start.
    pub(super) fn done(&self) -> Done {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Done {
            statements: read(&self.0.tally.statements),
            transactions: read(&self.0.tally.transactions),
        }
    }

    /// Why nothing can be written, if so.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.queue.trouble()
    }

    /// Whether nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.0.queue.is_empty()
    }

    /// Takes nothing more, and waits until what came before is written, or kept.
    pub(super) async fn stop(&self) {
        self.0.queue.close(CLOSED_WITHIN).await;
        let threads: Vec<JoinHandle<()>> = {
            let mut threads = self.0.threads.lock().unwrap_or_else(PoisonError::into_inner);
            threads.drain(..).collect()
        };
        let ended = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        // A disk that hangs shall not keep the process.
        let _ = timeout(CLOSED_WITHIN, ended).await;
    }

    /// Nothing more is written, as if the process had died.
    pub(super) fn die(&self) {
        self.0.queue.die();
    }
}

/// Something on its way to be kept.
#[derive(Debug)]
#[must_use = "whether it is accepted is known when it was waited for"]
pub struct Accepting(Result<oneshot::Receiver<Result<Written, DatabaseError>>, DatabaseError>);

impl Accepting {
    /// Waits until it is in the database or in the waiting file: then it is kept whatever happens to this process.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when neither takes it within five seconds: it is written later if that is possible.
    /// [`DatabaseError::TakenOver`] when it is about a generation that another process has taken over, as this one seemed to
    /// be dead. Others: it never can be written.
    pub async fn accepted(self) -> Result<(), DatabaseError> {
        match timeout(KEPT_WITHIN, self.0?).await {
            Ok(written) => match written.map_err(|_| DatabaseError::Closed)?? {
                Written::TakenOver => Err(DatabaseError::TakenOver),
                _ => Ok(()),
            },
            Err(_) => Err(DatabaseError::Unavailable),
        }
    }

    /// Does not wait: it is written in its turn.
    pub fn leave(self) {
        if let Err(error) = self.0 {
            tracing::warn!(error = %error, "something came too late to be noted");
        }
    }
}

/// Keeps in the file what the database does not take in time.
fn keep_watch(queue: &Queue, file: &WaitingFile) {
    while let Some(items) = queue.unkept(ACCEPTED_WITHIN) {
        match file.keep(&items) {
            Ok(()) => {
                tracing::warn!(
                    writes = items.len(),
                    "the database does not take writes; they wait in a file"
                );
                for item in &items {
                    item.answer(Ok(Written::Done));
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "neither the database nor the waiting file takes writes");
                queue.pause(KEEP_PAUSE);
            }
        }
    }
    // What is in it then was left behind for the next start.
    if !queue.is_dead() || queue.is_empty() {
        file.remove();
    }
}
