//! The pieces of a body, decoded, and watched for size and speed.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout};

use super::BodyError;
use super::encoding::Encoding;
use crate::problem::Problem;
use crate::settings::limits::Limits;
use crate::transfer::{LeastSpeed, Waiting};

/// The pieces of a body.
pub(in super::super) struct Pieces {
    plain: BoxStream<'static, Result<Bytes, BodyError>>,
    limit: Limit,
    received: u64,
}

/// How long a body may be, before and after it is decoded.
#[derive(Debug, Clone, Copy)]
struct Limit {
    name: &'static str,
    bytes: u64,
}

impl Limit {
    const fn passed(self) -> BodyError {
        BodyError::TooLarge {
            limit_name: self.name,
            limit_bytes: self.bytes,
        }
    }
}

impl Pieces {
    /// The pieces of a JSON body.
    ///
    /// # Errors
    /// 413 when it says that it is too long, 415 for an encoding that is not decoded.
    pub(in super::super) fn json(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Self, Problem> {
        let limit = Limit {
            name: "json_body_bytes",
            bytes: limits.json_body_bytes,
        };
        Self::new(body, headers, limits, limit)
    }

    /// The pieces of a multipart body.
    ///
    /// # Errors
    /// As for [`Self::json`].
    pub(in super::super) fn multipart(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Self, Problem> {
        let limit = Limit {
            name: "multipart_body_bytes",
            bytes: limits.multipart_body_bytes,
        };
        Self::new(body, headers, limits, limit)
    }

    fn new(body: Body, headers: &HeaderMap, limits: &Limits, limit: Limit) -> Result<Self, Problem> {
        let encoding = Encoding::of(headers)?;
        let announced: Option<u64> = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length| length > limit.bytes) {
            return Err(limit.passed().into());
        }
        let wire = Wire {
            data: body.into_data_stream(),
            bytes_per_s: limits.transfer_bytes_per_s,
            whole_s: limits.transfer_s,
            waiting: Waiting::new(LeastSpeed::of(limits)),
            received: 0,
            limit,
        };
        Ok(Self {
            plain: encoding.decode(wire.into_stream()),
            limit,
            received: 0,
        })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(piece) = self.plain.next().await.transpose()? else {
            return Ok(None);
        };
        self.received += piece.len() as u64;
        if self.received > self.limit.bytes {
            return Err(self.limit.passed());
        }
        Ok(Some(piece))
    }

    /// Bytes that came so far, decoded.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }
}

/// A body as it comes over the network.
struct Wire {
    data: BodyDataStream,
    bytes_per_s: u64,
    whole_s: u64,
    waiting: Waiting,
    received: u64,
    limit: Limit,
}

impl Wire {
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
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
        if self.received > self.limit.bytes {
            return Err(self.limit.passed());
        }
        Ok(Some(piece))
    }

    fn into_stream(self) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
        stream::try_unfold(self, |mut wire| async move {
            Ok(wire.next().await?.map(|piece| (piece, wire)))
        })
    }
}
