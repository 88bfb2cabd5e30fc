//! What the pages show over and over, made once: cards of models, the reference, how calls went, pictures.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use planner::failure::FailureKind;
use planner::view::ModelView;
use serde_json::Value;
use site::card::Card;
use site::here::{Here, Providers, Service};
use site::openapi::Reference;
use site::performance::{LoggedCall, Performance};
use site::picture::Picture;
use site::plates::Hung;
use tokio::sync::{Mutex, Semaphore};

use crate::arena::is_sandbox;
use crate::db::DatabaseError;
use crate::db::arena::ExhibitRow;
use crate::generation::Generator;
use crate::outcome::code_of;
use crate::upstreams;

/// Days that performance is told of.
const PERFORMANCE_DAYS: u32 = 30;
/// How long what was read from the database is shown before it is read again.
const READ_AGE: SignedDuration = SignedDuration::from_secs(60);
/// Most calls that performance is made of: the latest.
const CALLS_MAX: i64 = 50_000;
/// Bytes of plates that are kept: a few hundred of them.
const PLATES_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long a text about all models is kept: it tells how calls went, too.
const TEXT_AGE: Duration = Duration::from_secs(60);
/// Such texts that are kept, one for each address under which readers come.
const TEXTS_MAX: u64 = 8;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shelf(Arc<Inner>);

struct Inner {
    /// The installation's own address where the operator gave one.
    public_url: Option<String>,
    /// The address that it listens on.
    own_url: String,
    cards: OnceLock<Vec<Card>>,
    reference: OnceLock<Reference>,
    performance: Aged<Performance>,
    hung: Aged<Hung>,
    plates: Cache<String, Bytes>,
    texts: Cache<String, Arc<str>>,
    drawing: Semaphore,
}

/// What was read from the database, and when.
struct Aged<T>(Mutex<Option<(Timestamp, Arc<T>)>>);

impl<T> Default for Aged<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Aged<T> {
    /// What is known, read again when it is a minute old. Where it cannot be read it stays as it was, or is `nothing`.
    async fn get<E: Display>(
        &self,
        now: Timestamp,
        (what, nothing): (&str, impl FnOnce() -> T),
        read: impl Future<Output = Result<T, E>>,
    ) -> Arc<T> {
        let mut known = self.0.lock().await;
        if let Some((read_at, told)) = &*known
            && now.duration_since(*read_at) < READ_AGE
        {
            return Arc::clone(told);
        }
        let told = match read.await {
            Ok(told) => Arc::new(told),
            Err(error) => {
                tracing::error!(error = %error, "{what} could not be read");
                known.take().map_or_else(|| Arc::new(nothing()), |(_, old)| old)
            }
        };
        *known = Some((now, Arc::clone(&told)));
        told
    }
}

impl Shelf {
    /// An empty one.
    pub(crate) fn new(public_url: Option<&str>, own_url: String) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let plates = Cache::builder()
            .max_capacity(PLATES_BYTES_MAX)
            .weigher(|_, plate: &Bytes| u32::try_from(plate.len()).unwrap_or(u32::MAX))
            .build();
        Self(Arc::new(Inner {
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            own_url,
            cards: OnceLock::new(),
            reference: OnceLock::new(),
            performance: Aged::default(),
            hung: Aged::default(),
            plates,
            texts: Cache::builder().max_capacity(TEXTS_MAX).time_to_live(TEXT_AGE).build(),
            drawing: Semaphore::new(cores.div_ceil(2)),
        }))
    }

    /// An empty one at the same addresses, for another catalogue.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.public_url(), self.own_url().to_owned())
    }

    /// The address that the operator gave, if there is one.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.0.public_url.as_deref()
    }

    /// The address that this gateway listens on.
    pub(crate) fn own_url(&self) -> &str {
        &self.0.own_url
    }

    /// Every model, in the order of the catalogue.
    pub(crate) fn cards(&self, generator: &Generator) -> &[Card] {
        self.0.cards.get_or_init(|| {
            let is_real = |provider: &str| {
                let upstream = generator.upstreams.get(provider);
                upstream.is_some_and(|upstream| matches!(upstream.service, upstreams::Service::Real { .. }))
            };
            let available = generator.upstreams.available();
            let card = |model| Card::of(&ModelView::of(&generator.catalog, model, available), is_real);
            generator.catalog.models().map(card).collect()
        })
    }

    /// The reference of the API.
    pub(crate) fn reference(&self, openapi: &str) -> &Reference {
        self.0
            .reference
            .get_or_init(|| Reference::read(serde_json::from_str(openapi).unwrap_or(Value::Null)))
    }

    /// How calls went.
    pub(crate) async fn performance(&self, generator: &Generator) -> Arc<Performance> {
        let now = generator.clock.now();
        let nothing = || Performance::of(&[], PERFORMANCE_DAYS);
        let read = async { Ok::<_, DatabaseError>(Performance::of(&read(generator, now).await?, PERFORMANCE_DAYS)) };
        self.0.performance.get(now, ("how calls went", nothing), read).await
    }

    /// Pictures that models made here: none where no provider is real.
    pub(crate) async fn hung(&self, generator: &Generator) -> Arc<Hung> {
        let read = async {
            if is_sandbox(&generator.upstreams) {
                return Ok(Hung::default());
            }
            let rows = generator.database.exhibits_by_model(false).await?;
            Ok::<_, DatabaseError>(rows.into_iter().map(on_show).collect())
        };
        let what = ("pictures on show", Hung::default);
        self.0.hung.get(generator.clock.now(), what, read).await
    }

    /// The text about all models for readers at `address`, made where it is not known yet: a few at a time, since it takes
    /// long and anybody may ask for it.
    pub(crate) async fn text(&self, address: &str, make: impl Future<Output = String> + Send) -> Arc<str> {
        if let Some(known) = self.0.texts.get(address) {
            return known;
        }
        // It is never closed; without a place the text is made all the same.
        let _place = self.0.drawing.acquire().await;
        if let Some(known) = self.0.texts.get(address) {
            return known;
        }
        let made: Arc<str> = make.await.into();
        self.0.texts.insert(address.to_owned(), Arc::clone(&made));
        made
    }

    /// A plate, drawn where it is not known yet. `None` when it cannot be drawn.
    pub(crate) async fn plate(
        &self,
        name: String,
        draw: impl FnOnce() -> Option<Bytes> + Send + 'static,
    ) -> Option<Bytes> {
        if let Some(known) = self.0.plates.get(&name) {
            return Some(known);
        }
        let _place = self.0.drawing.acquire().await.ok()?;
        // Another may have drawn it meanwhile.
        if let Some(known) = self.0.plates.get(&name) {
            return Some(known);
        }
        let drawn = tokio::task::spawn_blocking(draw).await.ok()??;
        self.0.plates.insert(name, drawn.clone());
        Some(drawn)
    }
}

/// Where the file of a picture on show is.
pub(crate) fn exhibit_file(id: &str) -> String {
    format!("/gallery/{id}.webp")
}

/// Where a picture on show is told of by itself.
pub(crate) fn exhibit_page(id: &str) -> String {
    format!("/gallery/{id}")
}

fn on_show(row: ExhibitRow) -> (String, Picture) {
    let picture = Picture::OnShow {
        path: exhibit_file(&row.id),
        page: exhibit_page(&row.id),
        prompt: row.prompt,
        width_px: u32::try_from(row.width_px).unwrap_or(1),
        height_px: u32::try_from(row.height_px).unwrap_or(1),
    };
    (row.model, picture)
}

async fn read(generator: &Generator, now: Timestamp) -> Result<Vec<LoggedCall>, DatabaseError> {
    let since = now - SignedDuration::from_hours(24 * i64::from(PERFORMANCE_DAYS));
    // What a caller did wrong says nothing of the provider.
    let callers = [FailureKind::InvalidArgument, FailureKind::ContentPolicy].map(code_of);
    let calls = generator.database.ended_calls(since, CALLS_MAX).await?;
    let told = calls
        .into_iter()
        .filter(|call| !call.code.as_deref().is_some_and(|code| callers.contains(&code)))
        .map(|call| LoggedCall {
            model: call.model,
            provider: call.provider,
            succeeded: call.succeeded,
            duration_ms: u64::try_from(call.duration_ms).unwrap_or_default(),
        });
    Ok(told.collect())
}

/// How each provider is served here, and which of its models fail at the moment.
pub(crate) fn providers(generator: &Generator) -> Providers {
    let health = generator.routing.health().view(generator.clock.now());
    let here = |upstream: &upstreams::Upstream| {
        let failing = health
            .iter()
            .filter(|row| row.provider == upstream.id && !row.health.is_healthy());
        let here = Here {
            name: upstream.name.clone(),
            service: match upstream.service {
                upstreams::Service::Real { .. } => Service::Real,
                upstreams::Service::Sandbox => Service::Sandbox,
                upstreams::Service::Off => Service::Off,
            },
            unhealthy: failing.map(|row| row.native_model.clone()).collect(),
        };
        (upstream.id.clone(), here)
    };
    Providers(generator.upstreams.iter().map(here).collect())
}
