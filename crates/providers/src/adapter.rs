//! The one trait that a wire protocol implements, and what goes in and out of it. Nothing here does I/O.

mod endpoint;
mod events;
pub(crate) mod fields;
mod grant;
mod job;
pub(crate) mod money;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod verdict;

use std::{collections::BTreeMap, time::Duration};

use planner::{failure::Failure, native::NativeRequest, usage::Usage};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};

pub(crate) use endpoint::misconfigured;
pub use endpoint::{Credential, UpstreamAccess};
pub use events::{Events, Heard, Listening};
pub use fields::Which;
pub use grant::Grant;
pub use job::Job;
pub(crate) use job::poll_delay;

use crate::{body::Body, splitter::Document, spool::Blob};

/// A wire protocol. Implementations are pure: no I/O, no clock, no randomness.
pub trait Adapter: Send + Sync {
    /// The first call of an attempt.
    ///
    /// # Errors
    /// A [`Failure`] when the request cannot be put into this protocol.
    fn start(&self, request: &ProviderRequest, state: &mut State) -> Result<Call, Failure>;

    /// The first call for a job that an earlier process submitted; `handle` is what [`Job::handle`] gave.
    ///
    /// # Errors
    /// A [`Failure`] when the handle says nothing to this protocol.
    fn resume(&self, request: &ProviderRequest, state: &mut State, handle: &str) -> Result<Call, Failure>;

    /// What follows a reply.
    fn next(&self, request: &ProviderRequest, state: &mut State, reply: Reply) -> Step;

    /// The call that stops an accepted job; `None` where the provider documents none.
    fn cancel(&self, request: &ProviderRequest, job: &Job) -> Option<Call>;
}

/// Everything that an adapter needs to know about one attempt.
#[derive(Debug, Clone)]
pub struct ProviderRequest {
    /// Whom to call.
    pub endpoint: UpstreamAccess,
    /// What to ask.
    pub native: NativeRequest,
    /// The input images, by their index in `native`.
    pub inputs: Vec<InputImage>,
    /// The mask.
    pub mask: Option<InputImage>,
}

/// One image to send.
#[derive(Debug, Clone)]
pub struct InputImage {
    /// Its bytes.
    pub blob: Blob,
    /// Its true media type, such as `image/png`.
    pub mime: String,
    /// Its file extension without a dot.
    pub extension: String,
}

/// What an adapter remembers between calls of one attempt.
#[derive(Debug, Default)]
pub struct State {
    /// A random number, for what a caller must not be able to guess.
    pub nonce: u128,
    /// Where the attempt is.
    pub phase: Phase,
    /// Links of images that were uploaded first.
    pub links: BTreeMap<Which, String>,
    /// The accepted job.
    pub job: Option<Job>,
    /// What the provider said that the job costs when it accepted it, in millionths of a US dollar.
    pub job_cost_micros: Option<i64>,
    /// Polls so far.
    pub polls: u32,
    /// Successes in a row that could not be read.
    pub unreadable: u32,
}

impl State {
    /// The state before the first call.
    #[must_use]
    pub fn new(nonce: u128) -> Self {
        Self {
            nonce,
            ..Self::default()
        }
    }
}

/// What the last call was for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// Handing in the request.
    #[default]
    Submit,
    /// Asking for a place to upload an image to, or uploading it in one step.
    Upload(Which),
    /// Sending the image to that place; its link comes with it.
    Put(Which, String),
    /// Asking how the job is.
    Poll,
    /// Getting the result.
    Fetch,
}

/// One HTTP call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its address. The credential is only sent to the provider's own hosts, whatever `headers` say.
    pub url: Url,
    /// Its headers, without those of the body.
    pub headers: HeaderMap,
    /// Whose access token the driver adds as `authorization`.
    pub grant: Option<Grant>,
    /// Its body.
    pub body: Option<Body>,
    /// What a success carries.
    pub expect: Expect,
    /// What it is for.
    pub stage: Stage,
    /// How long to wait before it.
    pub delay: Duration,
    /// How long it may take.
    pub patience: Patience,
}

impl Call {
    /// A quick call without a body that expects JSON.
    #[must_use]
    pub fn new(method: Method, url: Url, stage: Stage) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            grant: None,
            body: None,
            expect: Expect::Json,
            stage,
            delay: Duration::ZERO,
            patience: Patience::Quick,
        }
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// What a success carries.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// A JSON document, maybe with images in it.
    Json,
    /// A stream of events, or a JSON document all the same.
    Events(Listening),
    /// An image.
    Bytes,
    /// Nothing of interest.
    Nothing,
}

/// What a call is for. Polls and fetches may be repeated freely, uploads a few times, submits never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Asking for an access token: nothing is spent yet.
    Token,
    /// Preparing: nothing is spent yet.
    Upload,
    /// Handing in the request: from here on money may be spent.
    Submit,
    /// Asking how the job is.
    Poll,
    /// Getting the result.
    Fetch,
}

impl Stage {
    /// The name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Upload => "upload",
            Self::Submit => "submit",
            Self::Poll => "poll",
            Self::Fetch => "fetch",
        }
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until the deadline: the provider works meanwhile.
    Work,
    /// The driver's bound for calls that only ask.
    Quick,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// Its body.
    pub body: ReplyBody,
}

/// The body of an answer.
#[derive(Debug)]
pub enum ReplyBody {
    /// JSON.
    Document(Document),
    /// What a stream of events left, where [`Expect::Events`] said so and the provider streamed.
    Events(Events),
    /// Bytes, where [`Expect::Bytes`] said so.
    Blob(Blob),
    /// The beginning of an error page that is not JSON.
    Text(String),
    /// A success that should have been JSON, and why it is not.
    Unreadable(String),
    /// Nothing, or nothing of interest.
    Empty,
}

#[cfg(test)]
impl Reply {
    /// An answer of JSON, or of a page where there is none.
    pub(crate) fn of(status: u16, json: serde_json::Value) -> Self {
        use crate::spool::{Spool, SpoolLimits};
        let scope = Spool::new(SpoolLimits::default()).scope();
        Self {
            status,
            headers: HeaderMap::new(),
            retry_after: None,
            body: match json {
                serde_json::Value::Null => ReplyBody::Text("<html>".to_owned()),
                json => ReplyBody::Document(Document::from_json(json, scope)),
            },
        }
    }
}

impl Reply {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON document.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        match &self.body {
            ReplyBody::Document(document) => Some(document),
            _ => None,
        }
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether a poll or fetch with this answer may simply be repeated.
    #[must_use]
    pub fn is_hiccup(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }
}

/// What follows a reply.
#[derive(Debug)]
pub enum Step {
    /// The attempt succeeded.
    Done(Output),
    /// Another call.
    Call(Box<Call>),
    /// The same call again, after a back-off: a hiccup of a poll, a fetch or an upload.
    Again(Failure),
    /// The attempt failed.
    Fail(Failure),
}

impl From<Result<Call, Failure>> for Step {
    fn from(result: Result<Call, Failure>) -> Self {
        match result {
            Ok(call) => Self::Call(Box::new(call)),
            Err(failure) => Self::Fail(failure),
        }
    }
}

/// What a successful attempt gave.
#[derive(Debug, Default)]
pub struct Output {
    /// The images, in the provider's order.
    pub images: Vec<OutputImage>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// What the provider says that it charged, in millionths of a US dollar.
    pub reported_cost_micros: Option<i64>,
    /// The provider's id of the work.
    pub upstream_id: Option<String>,
}

/// One image of a successful attempt.
#[derive(Debug)]
pub struct OutputImage {
    /// Where its bytes are.
    pub source: ImageSource,
    /// The prompt as the provider changed it.
    pub revised_prompt: Option<String>,
}

/// Where the bytes of an image are.
#[derive(Debug)]
pub enum ImageSource {
    /// Already here.
    Blob(Blob),
    /// To be downloaded.
    Url {
        /// Its address.
        url: Url,
        /// Headers for the provider's own host; they are sent nowhere else.
        headers: HeaderMap,
    },
}
