//! One caller request and everything that comes of it.

pub mod answer;
pub mod budget;
mod caller;
pub mod ends;
pub mod executor;
pub(crate) mod facts;
mod generated;
mod intent;
mod keeping;
mod measure;
mod models;
pub mod news;
mod outputs;
pub mod partials;
mod policy;
pub mod record;
pub mod renewed;
mod resume;
pub mod routing;
mod settle;
pub mod stages;
mod track;
mod uploads;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::failure::FailoverPolicy;
use planner::fault::Fault;
use planner::plan::RoutePlan;
use planner::request::{ImageRequest, ResponseFormat};
use providers::{Driver, SpoolScope};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::boundary::passed;
use crate::clock::Clock;
use crate::db::Database;
use crate::db::generations::Lease;
use crate::db::journal::ClaimOf;
use crate::erasure::Places;
use crate::media::links::Links;
use crate::media::process::Processor;
use crate::media::room::MediaRoom;
use crate::media::shelf::Shelf;
use crate::media::store::MediaStore;
use crate::metrics::Metrics;
use crate::outcome::GenerationError;
use crate::policy::Policy;
use crate::settings::WhenOutcomeUnknown;
use crate::settings::limits::Limits;
use crate::upstreams::Upstreams;

use budget::Usual;
pub use caller::Caller;
use ends::Ends;
use executor::{Execution, Executor, FirstCalls, Sources};
pub use generated::{Delivered, Generated};
use keeping::{BeingKept, Keeping, Moment, UNDELIVERED_S};
use partials::Inlet;
use record::Reserved;
use renewed::Newest;
use routing::Routing;
use stages::{Stage, Stopwatch};
use track::Track;
pub use uploads::{Link, Upload};

/// How long a process is taken to be alive while nobody sees a sign of it. Past it another one takes over what it worked on.
pub const LEASE: Duration = Duration::from_secs(10);

/// The longest that finishing a generation of a dead process takes whose deadline has passed.
pub(crate) const RESUMING: Duration = resume::GRACE.saturating_add(record::RESERVATION_GRACE);

/// Everything that generations need. Cheap to clone.
#[derive(Clone)]
pub struct Generator {
    /// The catalogue.
    pub catalog: Arc<Catalog>,
    /// The one that was put in force last.
    pub newest: Newest,
    /// Providers as they can be reached.
    pub upstreams: Arc<Upstreams>,
    /// The one HTTP client to providers.
    pub driver: Arc<Driver>,
    /// Image work.
    pub processor: Processor,
    /// Where images are kept.
    pub store: MediaStore,
    /// Where images wait that the store does not take.
    pub shelf: Shelf,
    /// Whether more may be kept.
    pub room: MediaRoom,
    /// Links to them.
    pub links: Links,
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// What follows failures.
    pub policy: FailoverPolicy,
    /// What the operator lets be made and handed out.
    pub operator_policy: Arc<Policy>,
    /// In what order offers are tried.
    pub routing: Arc<Routing>,
    /// What monitoring is told.
    pub metrics: Metrics,
    /// Limits.
    pub limits: Arc<Limits>,
    /// Whether requests are put on record and money is accounted for.
    pub bookkeeping: bool,
    /// What happens to money held for a generation whose outcome is unknown as the process died.
    pub when_outcome_unknown: WhenOutcomeUnknown,
    /// How large images are as a rule.
    pub usual: Arc<Usual>,
    /// Generations whose images are yet to be stored although they have ended.
    pub being_kept: Arc<BeingKept>,
    /// What a stopping gateway waits for.
    pub tasks: TaskTracker,
    /// Who waits for the end of which generation.
    pub ends: Arc<Ends>,
    /// Wakes who tells callers of the ends that they want to be told of.
    pub told: Arc<Notify>,
    /// Models to take in the place of disabled ones, by id.
    pub successors: Arc<BTreeMap<String, String>>,
}

/// Tells that a generation has begun: that it was not refused.
#[derive(Debug)]
pub struct Began(oneshot::Sender<()>);

impl Began {
    /// The way to tell it, and where it is heard.
    #[must_use]
    pub fn channel() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    fn tell(self) {
        let _ = self.0.send(());
    }
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Id of the generation, made by us before anything happens.
    pub id: String,
    /// Who asks.
    pub caller: Caller,
    /// Path that was called.
    pub endpoint: &'static str,
    /// The request as it was read.
    pub request: ImageRequest,
    /// What was wrong with it already when it was read.
    pub faults: Vec<Fault>,
    /// Input images in order.
    pub images: Vec<Upload>,
    /// The mask.
    pub mask: Option<Upload>,
    /// Those of both that are yet to be fetched, the images by their places.
    pub links: Vec<Link>,
    /// How images are handed over.
    pub response_format: ResponseFormat,
    /// Marks of the caller's own.
    pub marks: record::Marks,
    /// Size of the body that came.
    pub request_size_bytes: u64,
    /// What was asked, as JSON without images and secrets, for an account that keeps it.
    pub asked: Option<String>,
    /// The caller's own key for the request: whatever comes with it again gets the same answer.
    pub claim: Option<ClaimOf>,
    /// Hash of the request, by which an SDK's own retry of it is recognized.
    pub request_hash: Option<String>,
    /// Generations before this one, for the same key of the caller, that may have been paid for and gave no answer.
    pub tries_before: u32,
    /// Whether the caller does not wait for the answer.
    pub is_async: bool,
    /// Where its calls are told of, for a caller who asked for that.
    pub news: Option<news::Teller>,
    /// Set when the caller who waited for it has gone.
    pub is_gone: Arc<AtomicBool>,
    /// Ratings of models by id, where its route prefers one by them.
    pub ratings: Arc<BTreeMap<String, f64>>,
    /// A random number: the same one in the same circumstances makes the same plan.
    pub seed: u64,
    /// Where this generation's bytes are held.
    pub scope: SpoolScope,
    /// Times its stages.
    pub stopwatch: Stopwatch,
}

impl Order {
    /// Whether the images are stored even though the answer carries their bytes.
    pub(crate) fn keeps_images(&self) -> bool {
        !self.caller.keeps_no_images() && (self.caller.stores_payloads || self.claim.is_some() || self.is_async)
    }

    /// Whether the store is the only place where the caller finds the images.
    fn is_fetched_later(&self) -> bool {
        self.is_async || self.is_gone.load(Ordering::Relaxed)
    }

    /// Whether somebody may ask for its answer again.
    fn is_awaited(&self) -> bool {
        self.claim.is_some() || self.request_hash.is_some() || self.is_async
    }

    fn keeping(&self, generator: &Generator, moment: Moment) -> Keeping<'_> {
        Keeping {
            generation_id: &self.id,
            account_id: &self.caller.account_id,
            ttl_s: if self.caller.keeps_no_images() {
                Some(UNDELIVERED_S)
            } else {
                self.caller.media_ttl_s
            },
            at_least_s: match &self.claim {
                Some(_) if !self.caller.keeps_no_images() => generator.idempotency_s(),
                _ => 0,
            },
            moment,
        }
    }
}

impl Generator {
    /// Where what a request asked and got is forgotten.
    pub(crate) fn forgetting(&self) -> Places<'_> {
        Places {
            database: &self.database,
            store: &self.store,
            now: self.clock.now(),
        }
    }

    /// The whole life of a generation; partial images go to `inlet` on the way.
    ///
    /// # Errors
    /// [`GenerationError`], one variant for each stage that can fail.
    pub async fn generate(
        &self,
        order: &Order,
        inlet: Option<&Inlet>,
        began: Began,
    ) -> Result<Generated, GenerationError> {
        let started = Instant::now();
        let _under_way = self.metrics.generation_began();
        let result = self.live(order, started, inlet, began).await;
        self.measure(order, &result, started.elapsed());
        self.record_timings(order, &result);
        result
    }

    async fn live(
        &self,
        order: &Order,
        started: Instant,
        inlet: Option<&Inlet>,
        began: Began,
    ) -> Result<Generated, GenerationError> {
        let created_at = self.clock.now();
        let stopwatch = &order.stopwatch;
        let plan = match stopwatch.time_now(Stage::Plan, || self.plan(order)) {
            Ok(plan) => plan,
            Err(error) => return Err(self.reject(order, created_at, error).await),
        };
        passed("plan");
        if let Err(error) = self.judge(order, &plan).await {
            return Err(self.reject(order, created_at, error).await);
        }
        if let Err(error) = order.scope.admit(self.usual.expected(&plan, order.request.n)) {
            return Err(self.reject(order, created_at, GenerationError::NoRoom(error)).await);
        }
        let held = stopwatch.time(Stage::Hold, self.reserve(order, plan, created_at)).await;
        let Reserved { plan, first } = match held {
            Ok(reserved) => reserved,
            Err(error) => return Err(self.reject(order, created_at, error).await),
        };
        passed("reserve");
        began.tell();
        let deadline = started + self.deadline(&plan);
        let mut execution = self.execute(order, &plan, first, deadline, inlet).await;
        let unmade = std::mem::take(&mut execution.unmade);
        passed("execute");
        let finished = outputs::finish(self, order, &plan, execution);
        let produced = stopwatch.time(Stage::Convert, finished).await;
        passed("process");
        order.scope.give_back_rest();
        let result = match produced {
            Ok(produced) => {
                let mut generated = outputs::assemble(self, &order.id, produced, created_at);
                match self.review(order, &mut generated).await {
                    Ok(()) => {
                        let delivered = outputs::deliver(self, order, generated);
                        Ok(stopwatch.time(Stage::Store, delivered).await)
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => {
                self.tell_failure(order, &plan.model.id, &error);
                Err(error)
            }
        };
        passed("store");
        let settled = self.settle(order, result, &unmade);
        let result = stopwatch.time(Stage::Settle, settled).await;
        passed("settle");
        result
    }

    /// Keeps the images of a generation whose caller has gone, so that they can still be fetched.
    pub async fn keep(&self, order: &Order, generated: &mut Generated) {
        keeping::keep(self, &order.keeping(self, Moment::AfterEnd), generated).await;
        // Who came back for it waits for its images.
        self.ends.tell(&order.id, None);
    }

    /// This process's claim to work on a generation.
    fn lease(&self, deadline_at: Timestamp) -> Lease {
        Lease {
            owner: self.database.owner().to_owned(),
            deadline_at,
        }
    }

    fn deadline(&self, plan: &RoutePlan<'_>) -> Duration {
        let usual_s = self.limits.generation_deadline_s;
        let all = plan.candidates.iter();
        let longest_s = all.map(|one| one.resolved.model.deadline_s.unwrap_or(usual_s)).max();
        Duration::from_secs(longest_s.unwrap_or(usual_s))
    }

    async fn execute(
        &self,
        order: &Order,
        plan: &RoutePlan<'_>,
        first: Option<FirstCalls>,
        deadline: Instant,
        inlet: Option<&Inlet>,
    ) -> Execution {
        let sources = Sources {
            images: &order.images,
            mask: order.mask.as_ref(),
            scope: &order.scope,
        };
        let route = self.route(order);
        let policy = route.policy(self.policy);
        let on_record = first.as_ref().map_or(0, |first| first.calls.len());
        let track = Track::starting_at(
            self.bookkeeping.then(|| self.database.clone()),
            &order.id,
            i64::try_from(on_record).unwrap_or(i64::MAX),
        )
        .telling(order.news.clone())
        .without_texts(order.caller.keeps_no_texts);
        let attempt_s = self.limits.attempt_s;
        let executor = Executor {
            attempt_limit: (attempt_s > 0).then(|| Duration::from_secs(attempt_s)),
            hedged: route.hedge.unwrap_or(false),
            reported_factor: self.limits.reported_cost_factor.max(1),
            tries_before: order.tries_before,
            told_later: order.is_async,
            routing: &self.routing,
            upstreams: &self.upstreams,
            driver: &self.driver,
            processor: &self.processor,
            clock: &self.clock,
            policy: &policy,
            deadline,
            inlet,
            tasks: &self.tasks,
            stopwatch: &order.stopwatch,
        };
        executor.execute(plan, order.request.n, &sources, (track, first)).await
    }
}
