//! Bodies that come compressed.

use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use super::BodyError;
use crate::problem::Problem;

/// Bytes decoded at a time.
const PIECE_BYTES: usize = 16 << 10;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// `gzip`.
    Gzip,
    /// `deflate`, which is zlib's format.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Encoding {
    /// What the headers say.
    ///
    /// # Errors
    /// 415 for an encoding that is not decoded, and for more than one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let values = headers.get_all(header::CONTENT_ENCODING).iter();
        let names: Vec<String> = values
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity")
            .collect();
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(Self::Identity),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip),
            ["deflate"] => Ok(Self::Deflate),
            ["br"] => Ok(Self::Brotli),
            ["zstd"] => Ok(Self::Zstd),
            _ => Err(Problem::invalid(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The header content-encoding must be one of gzip, deflate, br and zstd, or be left out.",
            )),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The pieces as they were before they were compressed.
    pub(super) fn decode(
        self,
        pieces: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    ) -> BoxStream<'static, Result<Bytes, BodyError>> {
        if self == Self::Identity {
            return pieces.boxed();
        }
        let compressed = StreamReader::new(Box::pin(pieces.map_err(io::Error::other)));
        let plain: Box<dyn AsyncRead + Send + Unpin> = match self {
            Self::Identity => Box::new(compressed),
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(compressed);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Self::Deflate => Box::new(ZlibDecoder::new(compressed)),
            Self::Brotli => Box::new(BrotliDecoder::new(compressed)),
            Self::Zstd => {
                let mut decoder = ZstdDecoder::new(compressed);
                decoder.multiple_members(true);
                Box::new(decoder)
            }
        };
        ReaderStream::with_capacity(plain, PIECE_BYTES)
            .map_err(move |error| match error.downcast::<BodyError>() {
                Ok(own) => own,
                Err(_) => BodyError::Encoding(self.name()),
            })
            .boxed()
    }
}
