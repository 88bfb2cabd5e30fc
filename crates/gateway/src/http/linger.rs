//! Reading on after a refusal, so that the refusal arrives.
//!
//! A server that closes a connection with unread bytes on it resets it, and a caller that is still sending sees a broken
//! connection instead of the answer. So what is left of a body that nobody wants is read and forgotten for a while.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

/// How long an unwanted body is read: enough for a caller to finish a piece and look for the answer.
const LINGER: Duration = Duration::from_secs(10);

/// A body whose unread rest is read and forgotten when it is dropped.
pub(crate) struct Lingering {
    rest: Option<Body>,
}

impl Lingering {
    /// Wraps a body.
    pub(crate) fn wrap(body: Body) -> Body {
        Body::new(Self { rest: Some(body) })
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.rest.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take().filter(|rest| !rest.is_end_stream()) else {
            return;
        };
        // Outside of a runtime nothing is under way that could be read.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let mut pieces = rest.into_data_stream();
            runtime.spawn(timeout(LINGER, async move {
                while let Some(Ok(_)) = pieces.next().await {}
            }));
        }
    }
}
