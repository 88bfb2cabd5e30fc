//! Reading bodies within their limits, into the spool where they are images.

mod json;
mod multipart;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use planner::fault::Fault;
use providers::{Blob, SpoolError, SpoolScope};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

pub(super) use json::{read as read_json, read_split as read_json_with_images};
pub(super) use multipart::read as read_multipart;

use crate::problem::Problem;
use crate::settings::limits::Limits;
use crate::transfer::{LeastSpeed, Waiting};

/// An input image before it is here.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Its bytes came with the body.
    File {
        /// Field.
        param: String,
        /// Bytes.
        blob: Blob,
    },
    /// It is to be fetched.
    Link {
        /// Field.
        param: String,
        /// Where.
        url: String,
    },
}

/// A body as it was read.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Fields that are not files.
    pub(super) fields: Map<String, Value>,
    /// Input images in order.
    pub(super) images: Vec<Source>,
    /// The mask.
    pub(super) mask: Option<Source>,
    /// What was wrong already.
    pub(super) faults: Vec<Fault>,
    /// Whether fields are form fields, where everything is text.
    pub(super) is_form: bool,
    /// Bytes that came.
    pub(super) size_bytes: u64,
}

/// What a body says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON.
    Json,
    /// A form with this boundary.
    Multipart(String),
}

/// The kind of a body by its header; JSON when there is none.
///
/// # Errors
/// 415 for anything else.
pub(super) fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(Kind::Json);
    };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Kind::Json),
        "multipart/form-data" => multer::parse_boundary(text).map(Kind::Multipart).map_err(|_| {
            Problem::invalid(
                StatusCode::BAD_REQUEST,
                "The content-type multipart/form-data has no boundary.",
            )
        }),
        _ => Err(Problem::invalid(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be application/json or multipart/form-data.",
        )),
    }
}

/// Why a body could not be read to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum BodyError {
    /// Longer than allowed.
    #[error("the body is larger than {limit_name} allows: {limit_bytes} bytes")]
    TooLarge {
        /// Name of the limit.
        limit_name: &'static str,
        /// The limit.
        limit_bytes: u64,
    },
    /// Slower than allowed.
    #[error(
        "the body came too slowly: transfer_bytes_per_s asks for at least {bytes_per_s} bytes a second, and transfer_s for all of it within {whole_s} s"
    )]
    TooSlow {
        /// Least speed.
        bytes_per_s: u64,
        /// Longest wait in all.
        whole_s: u64,
    },
    /// The connection ended.
    #[error("the body ended before its end")]
    Cut,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::Cut => StatusCode::BAD_REQUEST,
        };
        Self {
            should_retry: Some(false),
            ..Self::invalid(status, error.to_string())
        }
    }
}

/// The pieces of a body, watched for size and speed.
pub(super) struct Pieces {
    data: BodyDataStream,
    limit_name: &'static str,
    limit_bytes: u64,
    bytes_per_s: u64,
    whole_s: u64,
    waiting: Waiting,
    received: u64,
}

impl Pieces {
    /// The pieces of a JSON body.
    pub(super) fn json(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Self, BodyError> {
        Self::new(body, headers, limits, "json_body_bytes", limits.json_body_bytes)
    }

    /// The pieces of a multipart body.
    pub(super) fn multipart(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Self, BodyError> {
        Self::new(
            body,
            headers,
            limits,
            "multipart_body_bytes",
            limits.multipart_body_bytes,
        )
    }

    fn new(
        body: Body,
        headers: &HeaderMap,
        limits: &Limits,
        limit_name: &'static str,
        limit_bytes: u64,
    ) -> Result<Self, BodyError> {
        let announced: Option<u64> = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length| length > limit_bytes) {
            return Err(BodyError::TooLarge {
                limit_name,
                limit_bytes,
            });
        }
        Ok(Self {
            data: body.into_data_stream(),
            limit_name,
            limit_bytes,
            bytes_per_s: limits.transfer_bytes_per_s,
            whole_s: limits.transfer_s,
            waiting: Waiting::new(LeastSpeed::of(limits)),
            received: 0,
        })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let asked = Instant::now();
        let piece = timeout(self.waiting.left(), self.data.next())
            .await
            .map_err(|_| BodyError::TooSlow {
                bytes_per_s: self.bytes_per_s,
                whole_s: self.whole_s,
            })?;
        self.waiting.waited(asked.elapsed());
        let Some(piece) = piece.transpose().map_err(|_| BodyError::Cut)? else {
            return Ok(None);
        };
        self.received += piece.len() as u64;
        self.waiting.moved(piece.len());
        if self.received > self.limit_bytes {
            return Err(BodyError::TooLarge {
                limit_name: self.limit_name,
                limit_bytes: self.limit_bytes,
            });
        }
        Ok(Some(piece))
    }

    /// Bytes that came so far.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// The pieces as a stream.
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
        stream::try_unfold(self, |mut pieces| async move {
            Ok(pieces.next().await?.map(|piece| (piece, pieces)))
        })
    }
}

/// The face of a spool that refuses.
pub(super) fn spool_problem(error: &SpoolError) -> Problem {
    match error {
        SpoolError::Full { .. } | SpoolError::NoSpace { .. } => {
            Problem::overloaded("This gateway holds as many image bytes as it may. Try again shortly.")
        }
        SpoolError::Io(_) => Problem::internal(),
    }
}

/// Where one request's bytes are held and what they may be.
pub(super) struct Room<'a> {
    /// The spool of this generation.
    pub(super) scope: &'a SpoolScope,
    /// Limits.
    pub(super) limits: &'a Limits,
}
