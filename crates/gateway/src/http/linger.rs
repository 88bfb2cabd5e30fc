//! Reading on after a refusal, so that the refusal arrives.
//!
//! A server that closes a connection with unread bytes on it resets it, and a caller that is still sending sees a broken
//! connection instead of the answer. So what is left of a body that nobody wants is read and forgotten for a while.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::around::{Around, Polled, wrap};

/// How long an unwanted body is read: enough for a caller to finish a piece and look for the answer.
const LINGER: Duration = Duration::from_secs(10);

/// The same body, whose unread rest is read and forgotten when it is dropped.
pub(crate) fn lingering(body: Body) -> Body {
    wrap(body, Linger { is_over: false })
}

struct Linger {
    /// Whether the body came to its end, or broke.
    is_over: bool,
}

impl Around for Linger {
    fn next(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Polled {
        let polled = body.poll_frame(context);
        self.is_over |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn dropped(&mut self, rest: Body) {
        if self.is_over || rest.is_end_stream() {
            return;
        }
        // Outside of a runtime nothing is under way that could be read.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let mut pieces = rest.into_data_stream();
            runtime.spawn(timeout(LINGER, async move {
                while let Some(Ok(_)) = pieces.next().await {}
            }));
        }
    }
}
