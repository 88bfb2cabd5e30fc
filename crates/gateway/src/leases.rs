//! Saying that this process is alive, and taking over what others left behind.

use std::time::Duration;

use jiff::Timestamp;
use providers::Spool;
use tokio::select;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::db::DatabaseError;
use crate::generation::{Generator, LEASE, RESUMING};

/// How often others are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Looks between two signs of life: a third of a lease, so that one that comes late harms nobody.
const LOOKS_PER_SIGN: u32 = 3;
/// Generations taken over at one look, so that all replicas share them.
const BATCH: i64 = 20;

/// Keeps this process's leases until `stopped`, and takes over those of dead ones until `stopping`. What is under way when it
/// has stopped is left to others at once.
pub(crate) async fn keep(
    generator: Generator,
    spool: Spool,
    tasks: TaskTracker,
    stopping: CancellationToken,
    stopped: CancellationToken,
) {
    let mut ticks = tokio::time::interval(LOOK);
    let mut looks = 0_u32;
    loop {
        select! {
            () = stopped.cancelled() => {
                warn(generator.database.renew_leases(&generator.owner, Timestamp::UNIX_EPOCH).await);
                return;
            }
            _ = ticks.tick() => {}
        }
        if looks.is_multiple_of(LOOKS_PER_SIGN) {
            let until = lease_end(&generator);
            warn(generator.database.renew_leases(&generator.owner, until).await);
        }
        looks = looks.wrapping_add(1);
        if !stopping.is_cancelled() {
            warn(take_over(&generator, &spool, &tasks).await);
        }
    }
}

fn warn(result: Result<(), DatabaseError>) {
    if let Err(error) = result {
        tracing::warn!(error = %error, "the leases of generations could not be looked after");
    }
}

fn lease_end(generator: &Generator) -> Timestamp {
    generator.clock.now().checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

async fn take_over(generator: &Generator, spool: &Spool, tasks: &TaskTracker) -> Result<(), DatabaseError> {
    let (now, until) = (generator.clock.now(), lease_end(generator));
    let held_until = now.checked_add(RESUMING).unwrap_or(Timestamp::MAX);
    let orphans = generator
        .database
        .take_over(&generator.owner, now, until, held_until, BATCH)
        .await?;
    for orphan in orphans {
        let (generator, scope) = (generator.clone(), spool.scope());
        tasks.spawn(async move { generator.resume(&orphan, &scope).await });
    }
    Ok(())
}
