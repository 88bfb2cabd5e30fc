//! What each write does to the tables.

use super::{Ask, Ended, Entry, Forget, Write, Written};
use crate::db::audit::AuditRow;
use crate::db::generations::{AttemptRow, BegunAttempt, EndOfGeneration, NewGeneration};
use crate::db::idempotency;
use crate::db::journal::{ClaimOf, NotBegun};
use crate::db::keys::turns;
use crate::db::ledger::{self, End, Hold, Journaled, OperatorPosting, Payer, Posted, Settlement};
use crate::db::link::Link;
use crate::db::media::{self, MediaRow};
use crate::db::{DatabaseError, Dialect, audit, generations, processes, webhooks};

/// What is inserted at the end of a transaction.
#[derive(Default)]
pub(super) struct Rows {
    generations: Vec<(NewGeneration, Option<EndOfGeneration>)>,
    begun: Vec<(String, BegunAttempt)>,
    attempts: Vec<(String, AttemptRow)>,
    media: Vec<(MediaRow, String)>,
    journaled: Journaled,
}

impl Rows {
    /// Images that the process `owner` stored. Most come twice: by themselves, and with the end right after.
    fn media(&mut self, media: &[MediaRow], owner: &str) {
        for row in media {
            if !self.media.iter().any(|(known, _)| known.id == row.id) {
                self.media.push((row.clone(), owner.to_owned()));
            }
        }
    }

    pub(super) async fn insert(&self, link: &mut Link) -> Result<(), DatabaseError> {
        generations::insert(link, &self.generations).await?;
        webhooks::insert(link, &self.generations).await?;
        generations::begin_attempts(link, &self.begun).await?;
        generations::insert_attempts(link, &self.attempts).await?;
        media::insert(link, &self.media).await?;
        self.journaled.insert(link).await
    }
}

/// Does one write. When it is done `again`, the first try may have been committed although its answer was lost.
pub(super) async fn apply(
    link: &mut Link,
    rows: &mut Rows,
    write: &Write,
    again: bool,
    dialect: Dialect,
) -> Result<Written, DatabaseError> {
    match write {
        Write::Ask(ask) => answer(link, rows, ask, again, dialect).await,
        Write::Entry(entry) => note(link, rows, entry).await,
    }
}

async fn answer(
    link: &mut Link,
    rows: &mut Rows,
    ask: &Ask,
    again: bool,
    dialect: Dialect,
) -> Result<Written, DatabaseError> {
    match ask {
        Ask::Begin {
            start,
            hold,
            claim,
            calls,
        } => {
            if again && let Some(amount) = ledger::held_before(link, &start.id).await? {
                return Ok(Written::Held(Ok(amount)));
            }
            let held = begin(link, rows, start, hold, claim.as_ref()).await?;
            if held.is_ok_and(|held| hold.is_dearest(held)) {
                let calls = calls.iter().map(|call| (start.id.clone(), call.clone()));
                rows.begun.extend(calls);
            }
            Ok(Written::Held(held))
        }
        Ask::Turn { key_id, now } => Ok(Written::Turn(turns::take(link, key_id, *now).await?)),
        Ask::Adopt {
            key_id,
            request_hash,
            since,
            count,
        } => {
            let id = generations::adopt(link, key_id, request_hash, *since, *count).await?;
            Ok(Written::Adopted(id))
        }
        Ask::Expire { generation_id, now } => {
            if ledger::close(link, &mut rows.journaled, generation_id, End::Expired, None, *now).await? {
                generations::give_up(link, generation_id, *now).await?;
            }
            Ok(Written::Done)
        }
        Ask::Post { order, told } => post(link, rows, order, told.as_deref()).await,
        Ask::Beat { owner } => {
            processes::beat(link, owner).await?;
            Ok(Written::Done)
        }
        Ask::Bury { owner, beat } => {
            processes::bury(link, owner, *beat).await?;
            Ok(Written::Done)
        }
        Ask::TakeOver {
            owner,
            now,
            held_until,
            limit,
        } => {
            let orphans = processes::take_over(link, owner, *now, *held_until, *limit).await?;
            Ok(Written::Orphans(orphans))
        }
        Ask::ClaimWebhooks { now, until, room } => Ok(Written::Webhooks(
            webhooks::claim(link, *now, *until, room.clone()).await?,
        )),
        Ask::Probe => {
            processes::probe(link, dialect).await?;
            Ok(Written::Done)
        }
        Ask::Forget(Forget::Generations(ids)) => Ok(Written::Count(generations::forget(link, ids).await?)),
        Ask::Forget(Forget::Media(ids)) => Ok(Written::Count(media::forget(link, ids).await?)),
        Ask::Forget(Forget::Claims { now, limit }) => {
            Ok(Written::Count(idempotency::forget(link, *now, *limit).await?))
        }
    }
}

/// Moves money for the operator, with the line that tells of it.
async fn post(
    link: &mut Link,
    rows: &mut Rows,
    order: &OperatorPosting,
    told: Option<&AuditRow>,
) -> Result<Written, DatabaseError> {
    let posted = ledger::post(link, &mut rows.journaled, order).await?;
    if let (Posted::Done, Some(told)) = (posted, told) {
        audit::insert_by(link, told).await?;
    }
    Ok(Written::Posted(posted))
}

/// Notes what is kept. Whatever happened before, and however often it comes, it is noted once.
async fn note(link: &mut Link, rows: &mut Rows, entry: &Entry) -> Result<Written, DatabaseError> {
    match entry {
        Entry::BeginAttempt {
            generation_id,
            begun,
            owner,
        } => {
            if !generations::is_worked_on_by(link, generation_id, owner).await? {
                return Ok(Written::TakenOver);
            }
            generations::begin_attempts(link, &[(generation_id.clone(), begun.clone())]).await
        }
        Entry::End { ended, owner } => return end(link, rows, ended, owner).await,
        Entry::Handle {
            generation_id,
            position,
            handle,
            credential,
        } => generations::note_handle(link, generation_id, *position, handle, credential.as_deref()).await,
        Entry::Failure { generation_id, failed } => generations::note_failure(link, generation_id, failed).await,
        Entry::LateEnd {
            generation_id,
            attempt,
            now,
        } => ledger::end_late(link, &mut rows.journaled, generation_id, attempt, *now).await,
        Entry::Reject { start, end } => {
            let is_waiting = rows.generations.iter().any(|(waiting, _)| waiting.id == start.id);
            if !is_waiting && !generations::exists(link, &start.id).await? {
                rows.generations.push(((**start).clone(), Some((**end).clone())));
                // Refused for what it asks, it was a request all the same.
                turns::count(link, &start.key_id, start.created_at).await?;
            }
            Ok(())
        }
        Entry::Withdraw { generation_id, now } => {
            let released = End::Settled(Settlement::Release);
            if ledger::close(link, &mut rows.journaled, generation_id, released, None, *now).await? {
                generations::withdraw(link, generation_id, *now).await?;
                idempotency::free(link, generation_id).await?;
            }
            Ok(())
        }
        Entry::Media { rows: media, owner } => {
            rows.media(media, owner);
            Ok(())
        }
        Entry::Payloads {
            generation_id,
            payloads,
        } => generations::insert_payloads(link, generation_id, payloads).await,
        Entry::Timed { generation_id, timings } => generations::note_timings(link, generation_id, timings).await,
        Entry::Delivery { generation_id, now } => generations::note_delivery(link, generation_id, *now).await,
        Entry::Break { generation_id, now } => generations::note_break(link, generation_id, *now).await,
        Entry::HoldUntil { generation_id, until } => ledger::hold_until(link, generation_id, *until).await,
        Entry::Told { due, tried } => webhooks::note(link, due, tried).await,
        Entry::NotTold { due, now } => webhooks::give_back(link, due, *now).await,
    }?;
    Ok(Written::Done)
}

/// The end of a generation that the process `owner` works on. One that was presumed dead is heard only where the other one,
/// which took the generation over, found no image and it has one.
async fn end(link: &mut Link, rows: &mut Rows, ended: &Ended, owner: &str) -> Result<Written, DatabaseError> {
    let (id, now) = (&ended.id, ended.end.finished_at);
    let settled = End::Settled(ended.settlement);
    if !ledger::close(link, &mut rows.journaled, id, settled, Some(owner), now).await? {
        return Ok(if generations::is_owned_by(link, id, owner).await? {
            Written::Done
        } else {
            Written::TakenOver
        });
    }
    generations::end(link, id, &ended.end, owner).await?;
    if ended.end.frees_claim {
        idempotency::free(link, id).await?;
    }
    generations::forget_calls(link, id, &ended.unmade).await?;
    if ended.end.policy.is_some() {
        ledger::bear(link, &mut rows.journaled, id, &ended.attempts, now).await?;
    }
    let attempts = ended.attempts.iter().map(|attempt| (id.clone(), attempt.clone()));
    rows.attempts.extend(attempts);
    rows.media(&ended.media, owner);
    Ok(Written::Done)
}

async fn begin(
    link: &mut Link,
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
        if !idempotency::claim(link, key_id, &start.id, claim, instead_of.as_deref(), now).await? {
            return Ok(Err(NotBegun::Claimed));
        }
    }
    let held = ledger::hold(link, &mut rows.journaled, payer, hold, start.created_at).await?;
    match held {
        Ok(_) => rows.generations.push((start.clone(), None)),
        Err(_) if claim.is_some() => idempotency::free(link, &start.id).await?,
        Err(_) => {}
    }
    Ok(held.map_err(NotBegun::Shortage))
}
