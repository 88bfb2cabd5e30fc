//! Reading bodies within their limits, into the spool where they are images.

mod encoding;
mod form;
mod json;
mod multipart;
mod parts;
mod pictures;
mod pieces;

use axum::http::{HeaderMap, StatusCode, header};
use planner::fault::Fault;
use providers::{Blob, SpoolError, SpoolScope};
use serde_json::{Map, Value};

pub(super) use json::{read as read_json, read_split as read_json_with_images};
pub(super) use multipart::read as read_multipart;
pub(super) use pieces::Pieces;

use crate::problem::Problem;
use crate::settings::limits::Limits;

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
        "multipart/form-data" => parts::boundary(text).map(Kind::Multipart).ok_or_else(|| {
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
    /// Not what its encoding says.
    #[error("the body is not valid {0}, as its content-encoding says")]
    Encoding(&'static str),
    /// The connection ended.
    #[error("the body ended before its end")]
    Cut,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::Encoding(_) | BodyError::Cut => StatusCode::BAD_REQUEST,
        };
        Self {
            should_retry: Some(false),
            ..Self::invalid(status, error.to_string())
        }
    }
}

/// The face of a spool that refuses.
pub(super) fn spool_problem(error: &SpoolError) -> Problem {
    match error {
        SpoolError::Share { .. } => Problem::overloaded(
            "Images of your account take its share of this gateway's spool, as others send some too. Try again shortly.",
        ),
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
