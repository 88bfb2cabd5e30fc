//! Writes that generations wait for, gathered into common transactions: while one is being committed, those that come wait
//! together for the next.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{AnyConnection, AnyPool};
use tokio::sync::{mpsc, oneshot};

use super::generations::{AttemptRow, BegunAttempt, EndOfGeneration, FailedAttempt, NewGeneration};
use super::idempotency::{self, Claim};
use super::ledger::{self, End, Hold, Journaled, OperatorPosting, Payer, Posted, Settlement, Shortage};
use super::{Database, DatabaseError, Dialect, generations, webhooks};

/// Writes of one transaction: more only make each other wait longer.
const GROUP_MAX: usize = 64;
/// Writes that may wait. Generations under way are bounded, so this is never reached for long.
const WAITING_MAX: usize = 4096;

/// Something to write.
#[derive(Debug)]
enum Write {
    /// A generation begins, and money is held for it.
    Begin {
        start: NewGeneration,
        hold: Hold,
        claim: Option<ClaimOf>,
    },
    /// A call is about to be made.
    BeginAttempt { generation_id: String, begun: BegunAttempt },
    /// A provider accepted a job.
    Handle {
        generation_id: String,
        position: i64,
        handle: String,
    },
    /// A call failed while its generation goes on.
    Failure {
        generation_id: String,
        failed: FailedAttempt,
    },
    /// A generation is refused before it begins.
    Reject { start: NewGeneration, end: EndOfGeneration },
    /// A generation ends.
    End {
        id: String,
        end: EndOfGeneration,
        attempts: Vec<AttemptRow>,
        settlement: Settlement,
    },
    /// A reservation has expired.
    Expire { generation_id: String, now: Timestamp },
    /// An operator moves money.
    Post(OperatorPosting),
}

impl Write {
    /// The account whose row it changes first, as far as it is known.
    fn account(&self) -> &str {
        match self {
            Self::Begin { start, .. } | Self::Reject { start, .. } => &start.account_id,
            Self::Post(order) => &order.account_id,
            Self::BeginAttempt { .. }
            | Self::Handle { .. }
            | Self::Failure { .. }
            | Self::End { .. }
            | Self::Expire { .. } => "",
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
enum Written {
    Held(Result<i64, NotBegun>),
    Done,
    Posted(Posted),
}

type Reply = oneshot::Sender<Result<Written, DatabaseError>>;

enum Message {
    Write(Arc<Write>, Reply),
    Stop(oneshot::Sender<()>),
}

/// The way to the one task that writes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Journal(mpsc::Sender<Message>);

impl Journal {
    pub(super) fn start(pool: AnyPool, dialect: Dialect) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer { pool, dialect }.run(receiver));
        Self(sender)
    }

    async fn write(&self, write: Write) -> Result<Written, DatabaseError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Write(Arc::new(write), reply);
        self.0.send(message).await.map_err(|_| DatabaseError::Closed)?;
        answer.await.map_err(|_| DatabaseError::Closed)?
    }

    /// Writes without anybody waiting for it, in the order in which it came.
    fn write_soon(&self, write: Write) {
        let journal = self.clone();
        let (reply, _) = oneshot::channel();
        let message = Message::Write(Arc::new(write), reply);
        if let Err(mpsc::error::TrySendError::Full(message)) = journal.0.try_send(message) {
            tokio::spawn(async move { journal.0.send(message).await });
        }
    }

    /// Waits until all that came before is written; takes nothing more.
    pub(super) async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Message::Stop(reply)).await.is_ok() {
            // An error means that it has stopped already.
            let _ = answer.await;
        }
    }
}

struct Writer {
    pool: AnyPool,
    dialect: Dialect,
}

impl Writer {
    async fn run(self, mut receiver: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP_MAX);
        while receiver.recv_many(&mut messages, GROUP_MAX).await > 0 {
            let mut stop = None;
            let mut group = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Write(write, reply) => group.push((write, reply)),
                    Message::Stop(reply) => stop = Some(reply),
                }
            }
            // In one order everywhere, so that replicas seldom wait for each other in a circle.
            group.sort_by(|(one, _), (other, _)| one.account().cmp(other.account()));
            self.group(group).await;
            if let Some(reply) = stop {
                let _ = reply.send(());
                return;
            }
        }
    }

    async fn group(&self, group: Vec<(Arc<Write>, Reply)>) {
        let writes: Vec<&Write> = group.iter().map(|(write, _)| &**write).collect();
        if let Ok(written) = self.transaction(&writes, false).await {
            for ((_, reply), written) in group.into_iter().zip(written) {
                let _ = reply.send(Ok(written));
            }
            return;
        }
        // One of them cannot be written, or the connection broke: each for itself, so that only that one fails.
        for (write, reply) in group {
            let result = self.transaction(&[&write], true).await;
            let only = result.and_then(|mut written| written.pop().ok_or(DatabaseError::Closed));
            let _ = reply.send(only);
        }
    }

    async fn transaction(&self, writes: &[&Write], again: bool) -> Result<Vec<Written>, DatabaseError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.pool.begin_with(self.dialect.begin_write()).await?;
        let mut rows = Rows::default();
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            written.push(apply(&mut transaction, &mut rows, write, again).await?);
        }
        rows.insert(&mut transaction).await?;
        transaction.commit().await?;
        Ok(written)
    }
}

/// What is inserted at the end of a transaction.
#[derive(Default)]
struct Rows {
    generations: Vec<(NewGeneration, Option<EndOfGeneration>)>,
    attempts: Vec<(String, AttemptRow)>,
    journaled: Journaled,
}

impl Rows {
    async fn insert(&self, connection: &mut AnyConnection) -> Result<(), DatabaseError> {
        generations::insert(connection, &self.generations).await?;
        webhooks::insert(connection, &self.generations).await?;
        generations::insert_attempts(connection, &self.attempts).await?;
        self.journaled.insert(connection).await
    }
}

/// Does one write. When it is done `again`, the first try may have been committed although its answer was lost.
async fn apply(
    connection: &mut AnyConnection,
    rows: &mut Rows,
    write: &Write,
    again: bool,
) -> Result<Written, DatabaseError> {
    match write {
        Write::Begin { start, hold, claim } => {
            if again && let Some(amount) = ledger::held_before(connection, &start.id).await? {
                return Ok(Written::Held(Ok(amount)));
            }
            let held = begin(connection, rows, start, hold, claim.as_ref()).await?;
            Ok(Written::Held(held))
        }
        Write::BeginAttempt { generation_id, begun } => {
            generations::begin_attempt(connection, generation_id, begun).await?;
            Ok(Written::Done)
        }
        Write::Handle {
            generation_id,
            position,
            handle,
        } => {
            generations::note_handle(connection, generation_id, *position, handle).await?;
            Ok(Written::Done)
        }
        Write::Failure { generation_id, failed } => {
            generations::note_failure(connection, generation_id, failed).await?;
            Ok(Written::Done)
        }
        Write::Reject { start, end } => {
            if !(again && generations::exists(connection, &start.id).await?) {
                rows.generations.push((start.clone(), Some(end.clone())));
            }
            Ok(Written::Done)
        }
        Write::End {
            id,
            end,
            attempts,
            settlement,
        } => {
            let now = end.finished_at;
            let settled = End::Settled(*settlement);
            if ledger::close(connection, &mut rows.journaled, id, settled, now).await? {
                generations::end(connection, id, end).await?;
                if end.frees_claim {
                    idempotency::free(connection, id).await?;
                }
                rows.attempts
                    .extend(attempts.iter().map(|attempt| (id.clone(), attempt.clone())));
            }
            Ok(Written::Done)
        }
        Write::Expire { generation_id, now } => {
            if ledger::close(connection, &mut rows.journaled, generation_id, End::Expired, *now).await? {
                generations::give_up(connection, generation_id, *now).await?;
            }
            Ok(Written::Done)
        }
        Write::Post(order) => Ok(Written::Posted(
            ledger::post(connection, &mut rows.journaled, order).await?,
        )),
    }
}

async fn begin(
    connection: &mut AnyConnection,
    rows: &mut Rows,
    start: &NewGeneration,
    hold: &Hold,
    claim: Option<&ClaimOf>,
) -> Result<Result<i64, NotBegun>, DatabaseError> {
    let payer = Payer {
        generation_id: &start.id,
        account_id: &start.account_id,
        key_id: &start.key_id,
    };
    if let Some(ClaimOf { claim, instead_of }) = claim {
        let (key_id, now) = (&start.key_id, start.created_at);
        if !idempotency::claim(connection, key_id, &start.id, claim, instead_of.as_deref(), now).await? {
            return Ok(Err(NotBegun::Claimed));
        }
    }
    let held = ledger::hold(connection, &mut rows.journaled, payer, hold, start.created_at).await?;
    match held {
        Ok(_) => rows.generations.push((start.clone(), None)),
        Err(_) => idempotency::free(connection, &start.id).await?,
    }
    Ok(held.map_err(NotBegun::Shortage))
}

impl Database {
    /// Notes a generation before anything is sent, and holds money for it: the dearest price that can be paid.
    ///
    /// # Errors
    /// [`DatabaseError`]. A [`NotBegun`] is no error of the database; nothing is noted then.
    pub async fn begin_generation(
        &self,
        start: NewGeneration,
        hold: Hold,
        claim: Option<ClaimOf>,
    ) -> Result<Result<i64, NotBegun>, DatabaseError> {
        match self.journal.write(Write::Begin { start, hold, claim }).await? {
            Written::Held(held) => Ok(held),
            Written::Done | Written::Posted(_) => Err(DatabaseError::Closed),
        }
    }

    /// Notes a call before it is made.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn begin_attempt(&self, generation_id: &str, begun: BegunAttempt) -> Result<(), DatabaseError> {
        let generation_id = generation_id.to_owned();
        let write = Write::BeginAttempt { generation_id, begun };
        self.journal.write(write).await.map(drop)
    }

    /// Notes where a provider's job is found again.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_handle(&self, generation_id: &str, position: i64, handle: &str) -> Result<(), DatabaseError> {
        let write = Write::Handle {
            generation_id: generation_id.to_owned(),
            position,
            handle: handle.to_owned(),
        };
        self.journal.write(write).await.map(drop)
    }

    /// Notes that a call failed. Does not wait until it is written.
    pub fn note_failure(&self, generation_id: &str, failed: FailedAttempt) {
        self.journal.write_soon(Write::Failure {
            generation_id: generation_id.to_owned(),
            failed,
        });
    }

    /// Notes a generation that is refused before it begins.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn reject_generation(&self, start: NewGeneration, end: EndOfGeneration) -> Result<(), DatabaseError> {
        self.journal.write(Write::Reject { start, end }).await.map(drop)
    }

    /// Notes the end of a generation with all of its attempts, and settles what was held for it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_generation(
        &self,
        id: &str,
        end: EndOfGeneration,
        attempts: Vec<AttemptRow>,
        settlement: Settlement,
    ) -> Result<(), DatabaseError> {
        let write = Write::End {
            id: id.to_owned(),
            end,
            attempts,
            settlement,
        };
        self.journal.write(write).await.map(drop)
    }

    /// Gives back what is held for generations that should have ended before `now`. Returns how many there were, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn expire_reservations(&self, now: Timestamp, limit: i64) -> Result<usize, DatabaseError> {
        let overdue = self.overdue(now, limit).await?;
        let count = overdue.len();
        for generation_id in overdue {
            self.journal.write(Write::Expire { generation_id, now }).await?;
        }
        Ok(count)
    }

    /// Moves money for the operator, once for each id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn post(&self, order: OperatorPosting) -> Result<Posted, DatabaseError> {
        match self.journal.write(Write::Post(order)).await? {
            Written::Posted(posted) => Ok(posted),
            Written::Held(_) | Written::Done => Err(DatabaseError::Closed),
        }
    }
}
