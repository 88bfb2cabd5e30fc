//! What must be done from time to time: money held for nobody is given back, what is too old is removed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::DatabaseError;
use crate::generation::Generator;
use crate::media::strays::remove_strays;
use crate::media::sweep::remove_expired;

/// How often reservations are looked at. Half of the time that the ledger's rules allow.
const RESERVATIONS: Duration = Duration::from_secs(15);
/// How often images are: links end by themselves, this only frees space.
const IMAGES: Duration = Duration::from_secs(60);
/// How often stored files and their rows are held against each other: only a death leaves one without the other.
const STRAYS: Duration = Duration::from_secs(3600);
/// How often the request log is.
const LOG: Duration = Duration::from_secs(600);
/// Rows removed at a time, so that no write waits long for another.
const BATCH: i64 = 200;

/// Keeps everything in order until the gateway stops.
pub(crate) async fn keep_up(generator: Generator, stopping: CancellationToken) {
    let mut reservations = tokio::time::interval(RESERVATIONS);
    let mut images = tokio::time::interval(IMAGES);
    let mut strays = tokio::time::interval_at(tokio::time::Instant::now() + LOG, STRAYS);
    let mut log = tokio::time::interval(LOG);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = reservations.tick() => warn("reservations could not be expired", expire(&generator).await),
            _ = images.tick() => {
                let removed = remove_expired(&generator.store, &generator.database, &generator.clock).await;
                warn("expired images could not be removed", removed);
            }
            _ = strays.tick() => {
                let removed = remove_strays(&generator.store, &generator.database, generator.clock.now()).await;
                warn("stored files and their rows could not be compared", removed.map(drop));
            }
            _ = log.tick() => warn("old requests could not be removed", forget(&generator).await),
        }
    }
}

fn warn<E: std::fmt::Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(error = %error, "{what}");
    }
}

async fn expire(generator: &Generator) -> Result<(), DatabaseError> {
    let now = generator.clock.now();
    while generator.database.expire_reservations(now, BATCH).await? > 0 {
        tracing::warn!("money was held for generations that never ended; it was given back");
    }
    Ok(())
}

async fn forget(generator: &Generator) -> Result<(), DatabaseError> {
    generator.database.forget_claims(generator.clock.now()).await?;
    let days = i64::try_from(generator.limits.request_log_days).unwrap_or(i64::MAX);
    while generator
        .database
        .forget_generations(generator.clock.now(), days, BATCH)
        .await?
        > 0
    {}
    Ok(())
}
