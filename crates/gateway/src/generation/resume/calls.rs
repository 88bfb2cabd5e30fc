//! Getting the images of a dead process's calls: from the store, from jobs, and by asking once more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use imaging::Ending;
use indexmap::IndexMap;
use planner::failure::{
    Failure, FailureKind, NextMove, Progress, RETRIES_MAX, Spent, WhenMaybeBilled, jittered, next_move,
};
use planner::native::{NativeRequest, NativeValue};
use providers::{Blob, FinishedAttempt, Observer, ProviderRequest, SpoolScope, UpstreamAccess};
use tokio::time::{Instant, sleep};

use super::salvage::{KnownCall, Salvage, Told};
use super::{GRACE, ResumeError, time_left};
use crate::boundary::passed;
use crate::db::DatabaseError;
use crate::db::generations::{Orphan, OrphanedAttempt};
use crate::db::media::MediaRow;
use crate::generation::Generator;
use crate::generation::executor::{CallImage, Success, read};
use crate::generation::facts::{Facts, Origin};
use crate::generation::routing::Ended;
use crate::generation::track::Track;
use crate::media::process::{Inspected, Processor};
use crate::upstreams::Upstream;
use crate::upstreams::access::{Access, Refused};

impl Generator {
    /// Images that the dead process stored before it could say so.
    pub(super) async fn find_stored(
        &self,
        orphan: &Orphan,
        salvage: &mut Salvage,
        scope: &SpoolScope,
    ) -> Result<(), ResumeError> {
        let mut of_calls: BTreeMap<usize, Success> = BTreeMap::new();
        for row in self.database.media_of(&orphan.id).await? {
            let origin: Option<Origin> = row.made.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let position = origin.as_ref().map(|origin| origin.attempt);
            let is_its = |call: &KnownCall| match position {
                Some(position) => call.row.position == position,
                // Earlier versions did not note whose it is.
                None => !call.row.failed && call.facts.is_some(),
            };
            let Some(place) = salvage.calls.iter().position(is_its) else {
                continue;
            };
            let Some(image) = self.load_stored(&row, scope).await? else {
                continue;
            };
            let success = of_calls.entry(place).or_default();
            if let Some(produced) = origin.and_then(|origin| origin.produced) {
                success.usage = produced.usage;
                success.reported = produced.reported;
                success.sizes = Some(produced.sizes);
            }
            success.images.push(CallImage {
                image,
                revised_prompt: None,
                ending: Ending::Whole,
                stored: Some(row.position),
            });
        }
        for (place, success) in of_calls {
            let told = Told {
                result: Ok((None, success)),
                took: Duration::ZERO,
            };
            salvage.take_in(place, told);
        }
        Ok(())
    }

    /// A stored image; `None` where its file is gone or is none, which is told, and its row removed.
    async fn load_stored(&self, row: &MediaRow, scope: &SpoolScope) -> Result<Option<Inspected>, ResumeError> {
        let gone = match self.store.load(&row.path, scope).await {
            Ok(blob) => match Processor::inspect(&blob) {
                Ok(info) => return Ok(Some(Inspected { blob, info })),
                Err(error) => error.to_string(),
            },
            Err(error) if error.is_absent() => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        tracing::warn!(media.id = %row.id, error = gone, "an image that a dead process stored is not there");
        self.database.delete_media(&row.id).await?;
        Ok(None)
    }

    /// Asks a provider for a job that it accepted.
    pub(super) async fn ask_for(&self, orphan: &Orphan, call: &KnownCall, scope: &SpoolScope) -> Told {
        let started = Instant::now();
        let (Some(handle), Some(facts)) = (&call.row.handle, &call.facts) else {
            return Told {
                result: Err(Failure::new(FailureKind::JobLost, "the call has no job")),
                took: Duration::ZERO,
            };
        };
        let asked = async {
            let (upstream, access) = self.reachable(&call.row)?;
            let (name, now) = (call.row.credential.as_deref(), self.clock.now());
            let chosen = access.of_job(name, &call.row.model, now);
            let request = request(&call.row, facts, chosen.endpoint, IndexMap::new());
            let deadline = self.time_for(orphan);
            self.driver
                .resume(upstream.adapter, &request, handle, scope, deadline)
                .await
        };
        let result = match asked.await {
            Ok(finished) => read(&self.processor, finished).await,
            Err(failure) => Err(failure),
        };
        let told = Told {
            result,
            took: started.elapsed(),
        };
        self.learn(&call.row, &told);
        told
    }

    fn time_for(&self, orphan: &Orphan) -> Instant {
        Instant::now() + time_left(orphan.deadline_at, self.clock.now())
    }

    /// The provider of a call, and how it is reached.
    fn reachable(&self, row: &OrphanedAttempt) -> Result<(&Upstream, &Arc<Access>), Failure> {
        let upstream = self.upstreams.get(&row.provider);
        let reachable = upstream.and_then(|upstream| Some((upstream, upstream.access.as_ref()?)));
        reachable.ok_or_else(|| {
            let message = "the provider has no credential any more, so its job cannot be asked for";
            Failure {
                spent: Spent::Unknown,
                ..Failure::new(FailureKind::BadCredential, message)
            }
        })
    }

    /// Tells health and monitoring how a call went.
    fn learn(&self, row: &OrphanedAttempt, told: &Told) {
        let ended = Ended {
            started_at: row.started_at,
            latency_ms: u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX),
            failure: told.result.as_ref().err(),
            credential: None,
            // How long it took to ask again says nothing of how long the work takes.
            paced: None,
            is_excused: false,
        };
        self.routing.record(&row.provider, &row.model, &ended, self.clock.now());
    }

    /// Asks once more for images of calls that nobody can find out about, when others of the same request came, or when
    /// nobody asks again: as the policy allows it, since they may be paid for. Of who is told later it is also asked again what
    /// was refused at no cost, as often as it would have been without the death.
    pub(super) async fn ask_anew(
        &self,
        orphan: &Orphan,
        salvage: &mut Salvage,
        scope: &SpoolScope,
    ) -> Result<(), DatabaseError> {
        let lost = self.lost(salvage);
        self.make_anew(lost, orphan, salvage, scope).await?;
        for retries in 0..RETRIES_MAX {
            let Some((wait, call)) = self.refused(salvage, retries) else {
                break;
            };
            sleep(jittered(wait, rand::random())).await;
            self.make_anew(vec![call], orphan, salvage, scope).await?;
        }
        Ok(())
    }

    /// Calls that may be made once more in the place of those of which nobody knows what became.
    fn lost(&self, salvage: &Salvage) -> Vec<(OrphanedAttempt, Facts)> {
        let missing = salvage.missing();
        let has_some = missing < salvage.wanted;
        let mut lost = Vec::new();
        let mut asked = 0;
        // Others stand in the place of so many already, whose process died as well.
        let mut replaced = salvage.calls.iter().filter(|call| call.is_later_try()).count();
        for call in salvage.calls.iter().filter(|call| call.is_lost()) {
            let Some(facts) = &call.facts else { continue };
            let may = match self.policy.when_maybe_billed {
                WhenMaybeBilled::Never => false,
                WhenMaybeBilled::Once if replaced > 0 => {
                    replaced -= 1;
                    false
                }
                WhenMaybeBilled::Once => facts.tries_before == 0,
                WhenMaybeBilled::Always => true,
            };
            let is_awaited = has_some || facts.told_later;
            if !may || !is_awaited || facts.native.is_none() || asked + facts.asked as usize > missing {
                continue;
            }
            asked += facts.asked as usize;
            let tries_before = facts.tries_before + 1;
            lost.push((
                call.row.clone(),
                Facts {
                    tries_before,
                    ..facts.clone()
                },
            ));
        }
        lost
    }

    /// The last call, where it was refused at no cost, nothing came and nobody asks again; and how long to wait before.
    fn refused(&self, salvage: &Salvage, retries: u32) -> Option<(Duration, (OrphanedAttempt, Facts))> {
        let call = salvage.calls.last().filter(|_| salvage.missing() == salvage.wanted)?;
        let facts = call
            .facts
            .as_ref()
            .filter(|facts| facts.told_later && facts.native.is_some())?;
        let progress = Progress {
            retries,
            tries_after_maybe_billed: facts.tries_before,
            streamed: false,
            time_left: GRACE,
        };
        match next_move(&call.failure()?, &self.policy, &progress) {
            NextMove::Retry(wait) => Some((wait, (call.row.clone(), facts.clone()))),
            NextMove::Failover | NextMove::Stop => None,
        }
    }

    async fn make_anew(
        &self,
        made: Vec<(OrphanedAttempt, Facts)>,
        orphan: &Orphan,
        salvage: &mut Salvage,
        scope: &SpoolScope,
    ) -> Result<(), DatabaseError> {
        let next = i64::try_from(salvage.calls.len()).unwrap_or(i64::MAX);
        let track = Track::starting_at(self.bookkeeping.then(|| self.database.clone()), &orphan.id, next);
        let track = track.without_texts(self.keeps_no_texts(&orphan.key_id).await?);
        let mut places = Vec::new();
        for (mut row, facts) in made {
            row.started_at = self.clock.now();
            row.position = track.begin(&facts, row.started_at).await?.position;
            (row.handle, row.failed, row.failed_unspent) = (None, false, false);
            places.push(salvage.add(KnownCall::new(row, Some(facts), None)));
        }
        let calls = places.into_iter().map(|place| {
            let call = &salvage.calls[place];
            let track = &track;
            async move { (place, self.call_anew(orphan, call, track, scope).await) }
        });
        for (place, told) in join_all(calls).await {
            salvage.take_in(place, told);
        }
        Ok(())
    }

    async fn call_anew(&self, orphan: &Orphan, call: &KnownCall, track: &Track, scope: &SpoolScope) -> Told {
        let started = Instant::now();
        let result = match self.made_anew(orphan, call, track, scope).await {
            Ok(finished) => read(&self.processor, finished).await,
            Err(failure) => Err(failure),
        };
        let told = Told {
            result,
            took: started.elapsed(),
        };
        if let Err(failure) = &told.result {
            track.failed(call.row.position, failure, told.took);
        }
        self.learn(&call.row, &told);
        told
    }

    /// Makes a call once more; with another credential when one is refused.
    async fn made_anew(
        &self,
        orphan: &Orphan,
        call: &KnownCall,
        track: &Track,
        scope: &SpoolScope,
    ) -> Result<FinishedAttempt, Failure> {
        let Some(facts) = &call.facts else {
            return Err(Failure::new(FailureKind::NotSent, "the request is not on record"));
        };
        let fields = facts.native.clone().into_iter().flatten();
        let fields: IndexMap<_, _> = fields.map(|(name, value)| (name, NativeValue::Json(value))).collect();
        let (upstream, access) = self.reachable(&call.row)?;
        let (model, deadline) = (&call.row.model, self.time_for(orphan));
        let mut chosen = access.choose(model, self.clock.now());
        let mut refused = Refused::default();
        loop {
            let noted = Noted {
                track,
                position: call.row.position,
                credential: chosen.name(),
            };
            let request = request(&call.row, facts, chosen.endpoint.clone(), fields.clone());
            let made = self
                .driver
                .run(upstream.adapter, &request, scope, deadline, &noted)
                .await;
            let failure = made.as_ref().err();
            let other =
                failure.and_then(|failure| access.failed(&chosen, model, failure, &mut refused, self.clock.now()));
            match other {
                Some(other) => chosen = other,
                None => return made,
            }
        }
    }
}

/// What is sent to a provider for a call of a dead process.
fn request(
    row: &OrphanedAttempt,
    facts: &Facts,
    endpoint: UpstreamAccess,
    fields: IndexMap<String, NativeValue>,
) -> ProviderRequest {
    ProviderRequest {
        endpoint,
        native: NativeRequest {
            model: row.model.clone(),
            mode: facts.mode,
            fields,
        },
        inputs: Vec::new(),
        mask: None,
    }
}

/// Puts the job of a call on record.
struct Noted<'a> {
    track: &'a Track,
    position: i64,
    credential: Option<&'a str>,
}

impl Observer for Noted<'_> {
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()> {
        async move {
            self.track.accepted(self.position, handle, self.credential).await;
            passed("accept");
        }
        .boxed()
    }

    fn lost_sight(&self, _failure: &Failure) {}

    fn partial_image(&self, _index: u32, _image: Blob) {}
}
