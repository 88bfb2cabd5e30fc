//! The one driver: it makes every call of every adapter, with the same bounds, redaction and tracing.

mod download;
mod job;
mod listen;
mod redact;
mod send;
mod token;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use planner::{
    failure::{Blame, Failure, FailureKind, Spent},
    usage::Usage,
};
use reqwest::{
    Client, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use tokio::time::Instant;

use self::{
    job::{Sight, asks_again},
    redact::Redactor,
    send::SendError,
    token::{Tokens, Unanswered},
};
use crate::{
    adapter::{
        Adapter, Call, Output, ProviderRequest, Stage, State, Step, UpstreamAccess,
        verdict::{says_gone, words},
    },
    network::{self, CONNECT_TIMEOUT, GuardConfig, GuardedClient, OutboundProxy, is_loopback},
    spool::{Blob, SpoolScope},
};

/// Largest answer of a provider, in bytes: the largest images of today, ten in one answer, as base64.
pub const ANSWER_BYTES: u64 = 256 << 20;
/// Time for a call that only asks: polls, fetches of a result's JSON, and uploads.
pub const QUICK_TIMEOUT: Duration = Duration::from_secs(30);
/// First wait before a poll, fetch, upload or download is repeated; each further one is twice as long.
const HICCUP_FIRST: Duration = Duration::from_millis(250);
/// The longest such wait, in first ones: the job may be done meanwhile, and the caller waits for it.
const HICCUP_MOST: u32 = 20;
/// Longest wait that a provider may ask for between polls: its clock may be wrong, and the job may be done.
const ASKED_MOST: Duration = Duration::from_secs(30);
/// Repeats of an upload. Nothing is spent yet, so the next candidate is as good.
const UPLOAD_REPEATS_MAX: u32 = 2;

/// The driver's settings.
#[derive(Debug, Clone)]
pub struct DriverConfig {
    /// Time for a connection.
    pub connect_timeout: Duration,
    /// Time for a call that only asks.
    pub quick_timeout: Duration,
    /// First wait before a poll, fetch, upload or download is repeated.
    pub hiccup_first: Duration,
    /// Largest answer or downloaded file, in bytes.
    pub answer_bytes: u64,
    /// Whether a downloaded image goes on to its own end. It may block.
    pub is_whole: fn(&Blob) -> bool,
    /// What we call ourselves.
    pub user_agent: String,
    /// The `traceparent` of calls that are made in the current span, where providers are told.
    pub trace_parent: fn() -> Option<String>,
    /// The way to the world.
    pub proxy: Option<OutboundProxy>,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            quick_timeout: QUICK_TIMEOUT,
            hiccup_first: HICCUP_FIRST,
            answer_bytes: ANSWER_BYTES,
            is_whole: |_| true,
            user_agent: concat!("pictor/", env!("CARGO_PKG_VERSION")).to_owned(),
            trace_parent: || None,
            proxy: None,
        }
    }
}

/// Hears what happens during an attempt.
pub trait Observer: Send + Sync {
    /// The provider accepted the job; [`Driver::resume`] finds it again by `handle`. Called once an attempt; the next call
    /// waits for it.
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()>;

    /// For a fifth of its time nothing was heard of an accepted job, or of the images that it made; `failure` is what came
    /// last. They are asked for until the deadline all the same. Called at most once for the job and once for each image.
    fn lost_sight(&self, failure: &Failure);

    /// An unfinished image came, as the provider made it; `index` is its place among those of its image, counted from 0.
    /// Called between two reads of a stream that is paid for, so it must not wait.
    fn partial_image(&self, index: u32, image: Blob);
}

impl Observer for () {
    fn job_accepted<'a>(&'a self, _handle: &'a str) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn lost_sight(&self, _failure: &Failure) {}

    fn partial_image(&self, _index: u32, _image: Blob) {}
}

/// A successful attempt, all images in the spool.
#[derive(Debug)]
pub struct FinishedAttempt {
    /// The images, in the provider's order.
    pub images: Vec<FinishedImage>,
    /// Why some that were made could not be had.
    pub lost: Vec<Failure>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// What the provider says that it charged, in millionths of a US dollar.
    pub reported_cost_micros: Option<i64>,
    /// The provider's id of the work.
    pub upstream_id: Option<String>,
}

/// One image of a successful attempt.
#[derive(Debug)]
pub struct FinishedImage {
    /// Its bytes as the provider gave them.
    pub blob: Blob,
    /// The prompt as the provider changed it.
    pub revised_prompt: Option<String>,
}

/// Makes the calls of all attempts.
#[derive(Debug, Clone)]
pub struct Driver {
    config: DriverConfig,
    /// For addresses that the operator chose.
    own: Client,
    /// For addresses that a provider chose.
    guarded: GuardedClient,
    tokens: Arc<Tokens>,
}

/// Which client may be used for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The provider's own host: the credential may go along.
    Own,
    /// This machine, for a provider that is on this machine.
    Local,
    /// The public internet.
    Public,
}

impl Reach {
    fn of(endpoint: &UpstreamAccess, url: &Url) -> Self {
        if endpoint.owns(url) {
            Self::Own
        } else if endpoint.is_loopback() && is_loopback(url) {
            Self::Local
        } else {
            Self::Public
        }
    }
}

/// What stays the same during one attempt.
struct Attempt<'a> {
    adapter: &'a dyn Adapter,
    request: &'a ProviderRequest,
    scope: &'a SpoolScope,
    begun: Instant,
    deadline: Instant,
    observer: &'a dyn Observer,
}

impl Driver {
    /// A driver with its own connections.
    ///
    /// # Errors
    /// When the TLS or DNS set-up of this machine fails.
    pub fn new(config: DriverConfig) -> Result<Self, reqwest::Error> {
        let guard = GuardConfig {
            connect_timeout: Some(config.connect_timeout),
            user_agent: config.user_agent.clone(),
            proxy: config.proxy.clone(),
            ..GuardConfig::default()
        };
        Ok(Self {
            own: network::client(&config.user_agent, config.connect_timeout, None, config.proxy.as_ref())?,
            guarded: GuardedClient::new(guard)?,
            tokens: Arc::default(),
            config,
        })
    }

    /// Makes one attempt: all its calls, and the downloads of its images.
    ///
    /// # Errors
    /// The [`Failure`], redacted.
    pub async fn run(
        &self,
        adapter: &dyn Adapter,
        request: &ProviderRequest,
        scope: &SpoolScope,
        deadline: Instant,
        observer: &dyn Observer,
    ) -> Result<FinishedAttempt, Failure> {
        let attempt = Attempt {
            adapter,
            request,
            scope,
            begun: Instant::now(),
            deadline,
            observer,
        };
        let mut state = State::new(rand::random());
        let first = adapter.start(request, &mut state);
        self.finish(&attempt, first, state).await
    }

    /// Takes up a job that an earlier process submitted.
    ///
    /// # Errors
    /// The [`Failure`], redacted.
    pub async fn resume(
        &self,
        adapter: &dyn Adapter,
        request: &ProviderRequest,
        handle: &str,
        scope: &SpoolScope,
        deadline: Instant,
    ) -> Result<FinishedAttempt, Failure> {
        let attempt = Attempt {
            adapter,
            request,
            scope,
            begun: Instant::now(),
            deadline,
            observer: &(),
        };
        let mut state = State::new(rand::random());
        let first = adapter.resume(request, &mut state, handle);
        self.finish(&attempt, first, state).await
    }

    async fn finish(
        &self,
        attempt: &Attempt<'_>,
        first: Result<Call, Failure>,
        state: State,
    ) -> Result<FinishedAttempt, Failure> {
        let result = match first {
            Ok(call) => match self.drive(attempt, call, state).await {
                Ok(output) => self.collect(attempt, output).await,
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        };
        result.map_err(|failure| Redactor::new(attempt.request).failure(failure))
    }

    async fn drive(&self, attempt: &Attempt<'_>, first: Call, mut state: State) -> Result<Output, Failure> {
        let mut call = first;
        let mut repeats = 0;
        let mut wait = call.delay;
        let mut told = state.job.is_some();
        let mut sight = Sight::new(attempt);
        let mut no_room = None;
        loop {
            if Instant::now() + wait >= attempt.deadline {
                self.call_off(attempt, state.job.as_ref());
                return Err(no_room.unwrap_or_else(|| out_of_time(attempt, call.stage)));
            }
            tokio::time::sleep(wait).await;
            let sent = match &call.grant {
                Some(grant) => self.send_with_token(attempt, &call, grant).await,
                None => self.send(attempt, &call).await.map_err(Unanswered::Sent),
            };
            let (step, asked) = match sent {
                Ok(reply) => {
                    let (asked, status, is_gone) = (reply.retry_after, reply.status, says_gone(&reply));
                    match attempt.adapter.next(attempt.request, &mut state, reply) {
                        Step::Fail(failure) if asks_again(call.stage, status, is_gone, &failure) => {
                            (Step::Again(failure), asked)
                        }
                        step => (step, asked),
                    }
                }
                Err(Unanswered::Sent(error)) => (not_answered(attempt, call.stage, &error), None),
                Err(Unanswered::NoToken(failure)) => return Err(at_stage(Stage::Token, failure)),
            };
            if !told && let Some(job) = &state.job {
                told = true;
                attempt.observer.job_accepted(&job.handle()).await;
                sight.heard();
            }
            match step {
                Step::Done(output) => return Ok(output),
                Step::Call(next) => {
                    sight.heard();
                    call = *next;
                    repeats = 0;
                    wait = call.delay;
                }
                Step::Again(failure) => {
                    let failure = at_stage(call.stage, failure);
                    if call.stage == Stage::Submit || (call.stage == Stage::Upload && repeats >= UPLOAD_REPEATS_MAX) {
                        return Err(failure);
                    }
                    if matches!(call.stage, Stage::Poll | Stage::Fetch) {
                        sight.missed(attempt, &failure);
                    }
                    no_room = no_room.or(Some(failure).filter(|failure| failure.kind == FailureKind::LimitReached));
                    wait = self.hiccup_wait(repeats, asked);
                    repeats += 1;
                }
                Step::Fail(failure) => return Err(at_stage(call.stage, failure)),
            }
        }
    }
}

impl Driver {
    fn hiccup_wait(&self, repeats: u32, asked: Option<Duration>) -> Duration {
        hiccup_wait(self.config.hiccup_first, repeats, asked)
    }
}

/// The wait before a repeat: doubled each time, with jitter, and never less than what the provider asks for.
fn hiccup_wait(first: Duration, repeats: u32, asked: Option<Duration>) -> Duration {
    let wait = first * 2_u32.pow(repeats.min(10)).min(HICCUP_MOST);
    wait.mul_f64(rand::random_range(0.75..1.25))
        .max(asked.unwrap_or_default().min(ASKED_MOST))
}

/// What the stage adds to a failure: before the request is handed in nothing is spent, and once a job is accepted a
/// refusal to talk about it does not undo it.
fn at_stage(stage: Stage, mut failure: Failure) -> Failure {
    match stage {
        Stage::Token | Stage::Upload => {
            failure.spent = Spent::No;
            // A storage that is not found says nothing about the model.
            if failure.kind == FailureKind::ModelGone {
                failure.kind = FailureKind::ServerError;
            }
        }
        Stage::Submit => {}
        Stage::Poll | Stage::Fetch => {
            let about_us = matches!(
                failure.kind,
                FailureKind::BadCredential
                    | FailureKind::NotPermitted
                    | FailureKind::RateLimited
                    | FailureKind::NotSent
            );
            if about_us {
                failure.spent = Spent::Unknown;
            }
        }
    }
    failure
}

fn out_of_time(attempt: &Attempt<'_>, stage: Stage) -> Failure {
    let message = words(&attempt.request.endpoint.provider, FailureKind::TimedOut, 0);
    let mut failure = at_stage(stage, Failure::new(FailureKind::TimedOut, message));
    if stage == Stage::Submit {
        // The wait ended before the call was made.
        failure.spent = Spent::No;
    }
    failure
}

/// What a call without an answer means. Only a submit may have spent money by being sent.
fn not_answered(attempt: &Attempt<'_>, stage: Stage, error: &SendError) -> Step {
    let provider = &attempt.request.endpoint.provider;
    let failure = match error {
        SendError::NotSent => Failure::new(FailureKind::NotSent, format!("{provider} cannot be reached")),
        SendError::TimedOut => Failure::new(FailureKind::TimedOut, words(provider, FailureKind::TimedOut, 0)),
        SendError::Interrupted => Failure::new(
            FailureKind::Interrupted,
            format!("the connection to {provider} was cut"),
        ),
        SendError::Limit(message) | SendError::NoRoom(message) => {
            Failure::new(FailureKind::LimitReached, message.clone())
        }
        SendError::Refused(error) => Failure {
            blame: Blame::Provider,
            ..Failure::new(
                FailureKind::UnreadableAnswer,
                format!("{provider} named an address that is not called: {error}"),
            )
        },
    };
    match (error, stage) {
        (SendError::Limit(_) | SendError::Refused(_), _) | (_, Stage::Submit) => Step::Fail(failure),
        _ => Step::Again(failure),
    }
}

/// How long an answer asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date after `now`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    if let Some(milliseconds) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let value = text(RETRY_AFTER.as_str())?;
    match number(value) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => httpdate::parse_http_date(value).ok()?.duration_since(now).ok(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn waits_are_read_in_every_spelling() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            retry_after(&headers.collect(), now)
        };
        assert_eq!(read(&[("retry-after", "12")]), Some(Duration::from_secs(12)));
        assert_eq!(read(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        assert_eq!(
            read(&[("retry-after-ms", "250"), ("retry-after", "12")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            read(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]),
            Some(Duration::from_secs(10))
        );
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:27 GMT")]), None);
        assert_eq!(read(&[("retry-after", "-1")]), None);
        assert_eq!(read(&[("retry-after", "soon")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn repeats_slow_down_and_respect_the_provider() {
        for repeats in 0..20 {
            let wait = hiccup_wait(HICCUP_FIRST, repeats, None);
            assert!(wait >= HICCUP_FIRST.mul_f64(0.75) && wait <= (HICCUP_FIRST * HICCUP_MOST).mul_f64(1.25));
        }
        assert_eq!(
            hiccup_wait(HICCUP_FIRST, 0, Some(Duration::from_secs(9))),
            Duration::from_secs(9)
        );
        assert_eq!(
            hiccup_wait(HICCUP_FIRST, 0, Some(Duration::from_secs(3600))),
            ASKED_MOST
        );
    }

    #[test]
    fn foreign_addresses_are_public_unless_the_provider_is_here() {
        let reach = |base: &str, url: &str| {
            Reach::of(
                &crate::adapter::sample::access(base, "x", &[]),
                &Url::parse(url).expect("an address"),
            )
        };
        assert_eq!(reach("https://a.example/v1", "https://a.example/file"), Reach::Own);
        assert_eq!(reach("https://a.example/v1", "http://127.0.0.1/file"), Reach::Public);
        assert_eq!(reach("https://a.example/v1", "https://cdn.example/file"), Reach::Public);
        assert_eq!(reach("http://127.0.0.1:1/v1", "http://127.0.0.1:2/file"), Reach::Local);
        assert_eq!(reach("http://127.0.0.1:1/v1", "http://10.0.0.1:2/file"), Reach::Public);
    }
}
