//! Saying that this process is alive, and taking over what others left behind.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use providers::Spool;
use tokio::select;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::db::DatabaseError;
use crate::db::processes::Beat;
use crate::generation::{Generator, LEASE, RESUMING};

/// How often this process says that it is alive, and looks at the others.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks that followed each other without the database being away. Longer, and nobody could be seen meanwhile.
const LOOKS_APART_MAX: Duration = Duration::from_secs(3);
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
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watched = Watched::default();
    loop {
        select! {
            () = stopped.cancelled() => {
                warn(generator.database.stop_beating().await);
                return;
            }
            _ = ticks.tick() => {}
        }
        let looked = select! {
            () = stopped.cancelled() => continue,
            looked = look(&generator, &mut watched) => looked,
        };
        if looked.is_err() {
            watched.forget();
            warn(looked);
            continue;
        }
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

/// Says that this process is alive, and finds those that are not.
async fn look(generator: &Generator, watched: &mut Watched) -> Result<(), DatabaseError> {
    let database = &generator.database;
    database.beat().await?;
    let beats = database.beats().await?;
    for dead in watched.dead(beats, Instant::now()) {
        tracing::warn!(process = %dead.owner, "a process gives no sign of life any more");
        database.bury(&dead.owner, Some(dead.beat)).await?;
    }
    Ok(())
}

/// Whose beat was seen to stand still, and since when. Only an unbroken row of looks counts: while the database is away for
/// everybody, nobody's lease ends.
#[derive(Debug, Default)]
struct Watched {
    since: HashMap<String, (i64, Instant)>,
    last_look: Option<Instant>,
}

impl Watched {
    /// Those whose beat has stood still for as long as a lease lasts.
    fn dead(&mut self, beats: Vec<Beat>, now: Instant) -> Vec<Beat> {
        if self.last_look.is_some_and(|last| now - last > LOOKS_APART_MAX) {
            self.forget();
        }
        self.last_look = Some(now);
        self.since
            .retain(|owner, _| beats.iter().any(|beat| beat.owner == *owner));
        let mut dead = Vec::new();
        for beat in beats {
            let seen = self.since.entry(beat.owner.clone()).or_insert((beat.beat, now));
            if seen.0 != beat.beat {
                *seen = (beat.beat, now);
            } else if now - seen.1 >= LEASE {
                dead.push(beat);
            }
        }
        dead
    }

    fn forget(&mut self) {
        self.since.clear();
        self.last_look = None;
    }
}

async fn take_over(generator: &Generator, spool: &Spool, tasks: &TaskTracker) -> Result<(), DatabaseError> {
    let now = generator.clock.now();
    let held_until = now.checked_add(RESUMING).unwrap_or(Timestamp::MAX);
    if !generator.database.has_orphans(now).await? {
        return Ok(());
    }
    let orphans = generator.database.take_over(now, held_until, BATCH).await?;
    for orphan in orphans {
        let (generator, scope) = (generator.in_force(), spool.scope());
        let span = tracing::error_span!("request", request.id = %orphan.id);
        tasks.spawn(async move { generator.resume(&orphan, &scope).await }.instrument(span));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(list: &[(&str, i64)]) -> Vec<Beat> {
        let beat = |(owner, beat): &(&str, i64)| Beat {
            owner: (*owner).to_owned(),
            beat: *beat,
        };
        list.iter().map(beat).collect()
    }

    #[test]
    fn a_beat_that_stands_still_for_a_lease_is_dead_and_no_other() {
        let (mut watched, start) = (Watched::default(), Instant::now());
        let look = |watched: &mut Watched, second: u64, alive: i64| {
            watched.dead(
                beats(&[("alive", alive), ("still", 7)]),
                start + Duration::from_secs(second),
            )
        };
        for second in 0..LEASE.as_secs() {
            assert_eq!(look(&mut watched, second, second as i64), []);
        }
        assert_eq!(look(&mut watched, LEASE.as_secs(), 100), beats(&[("still", 7)]));
    }

    #[test]
    fn nobody_dies_while_nobody_could_look() {
        let (mut watched, start) = (Watched::default(), Instant::now());
        let looks = [0, 1, 2, 3, 40, 41, 42];
        for second in looks {
            let now = start + Duration::from_secs(second);
            assert_eq!(watched.dead(beats(&[("still", 7)]), now), [], "{second}");
        }
        for second in 43..50 {
            assert_eq!(
                watched.dead(beats(&[("still", 7)]), start + Duration::from_secs(second)),
                []
            );
        }
        let now = start + Duration::from_secs(50);
        assert_eq!(watched.dead(beats(&[("still", 7)]), now), beats(&[("still", 7)]));
    }
}
