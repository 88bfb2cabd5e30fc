//! What must be done from time to time: money held for nobody is given back, what is too old is removed.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::arena::own_prompts::remove_unpublished;
use crate::auth;
use crate::db::DatabaseError;
use crate::generation::Generator;
use crate::media::strays::remove_strays;
use crate::media::sweep::remove_expired;
use crate::secrets::refresh_links;

/// How often reservations are looked at. Half of the time that the ledger's rules allow.
const RESERVATIONS: Duration = Duration::from_secs(15);
/// How often images are: links end by themselves, this only frees space. And how often space is set aside anew.
const IMAGES: Duration = Duration::from_secs(60);
/// How often stored files and their rows are held against each other: only a death leaves one without the other.
const STRAYS: Duration = Duration::from_secs(3600);
/// How often the secret of links is read again: another replica may have put another in its place.
const SECRETS: Duration = Duration::from_secs(10);
/// How often the request log is.
const LOG: Duration = Duration::from_secs(600);
/// Reservations looked at together.
const RESERVATIONS_AT_ONCE: i64 = 200;
/// Rows removed at a time, so that no write waits long for them.
const BATCH: i64 = 20;

/// Keeps everything in order until the gateway stops.
pub(crate) async fn keep_up(generator: Generator, stopping: CancellationToken) {
    let removing = async {
        let mut images = tokio::time::interval(IMAGES);
        let mut strays = tokio::time::interval_at(Instant::now() + LOG, STRAYS);
        let mut log = tokio::time::interval(LOG);
        loop {
            tokio::select! {
                _ = images.tick() => {
                    let ended = generator.database.forget_secrets(generator.clock.now()).await;
                    warn("secrets that have ended could not be removed", ended);
                    let removed = remove_expired(&generator.store, &generator.database, &generator.clock).await;
                    warn("expired images could not be removed", removed);
                    let removed = remove_unpublished(&generator).await;
                    warn("pictures that nobody published could not be removed", removed);
                    generator.shelf.set_aside().await;
                }
                _ = strays.tick() => {
                    let removed = remove_strays(&generator.store, &generator.database, generator.clock.now()).await;
                    warn("stored files and their rows could not be compared", removed.map(drop));
                }
                _ = log.tick() => warn("old requests could not be removed", forget(&generator).await),
            }
        }
    };
    let expiring = async {
        let mut reservations = tokio::time::interval(RESERVATIONS);
        let mut late = Late::new();
        loop {
            reservations.tick().await;
            warn("reservations could not be expired", expire(&generator, &mut late).await);
        }
    };
    let refreshing = async {
        let mut secrets = tokio::time::interval(SECRETS);
        loop {
            secrets.tick().await;
            warn("the secret of links could not be read", refresh_links(&generator).await);
        }
    };
    // Side by side: removing may take minutes.
    tokio::select! {
        () = stopping.cancelled() => {}
        () = removing => {}
        () = expiring => {}
        () = refreshing => {}
    }
}

fn warn<E: std::fmt::Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(error = %error, "{what}");
    }
}

/// Generations that are late by the clock although their process lives, and since when they are seen to be.
type Late = HashMap<String, Instant>;

async fn expire(generator: &Generator, late: &mut Late) -> Result<(), DatabaseError> {
    let database = &generator.database;
    let now = generator.clock.now();
    while database.expire_reservations(now, RESERVATIONS_AT_ONCE).await? > 0 {
        tracing::warn!("money was held for generations that never ended; it was given back");
    }
    // The clock may have stepped: one that runs is given all of its time by the stopwatch as well.
    let running = database.late_generations(now).await?;
    late.retain(|id, _| running.iter().any(|(running, _)| running == id));
    for (id, lasts) in running {
        let since = *late.entry(id.clone()).or_insert_with(Instant::now);
        if since.elapsed() >= lasts {
            tracing::error!(request.id = %id, "a generation never ended; what was held for it is given back");
            database.expire(&id, now).await?;
        }
    }
    Ok(())
}

async fn forget(generator: &Generator) -> Result<(), DatabaseError> {
    let database = &generator.database;
    let now = || generator.clock.now();
    while database.at_leisure(database.forget_claims(now(), BATCH)).await? > 0 {}
    let idle = || now().checked_sub(auth::IDLE).unwrap_or(jiff::Timestamp::MIN);
    while database.at_leisure(database.forget_sessions(idle(), BATCH)).await? > 0 {}
    let days = i64::try_from(generator.limits.request_log_days).unwrap_or(i64::MAX);
    while database
        .at_leisure(database.forget_generations(now(), days, BATCH))
        .await?
        > 0
    {}
    Ok(())
}
