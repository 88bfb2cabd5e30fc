//! Bodies with something around them: the frame that every such body has, and a place for what differs.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// What one asks a body for.
pub(crate) type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// What is done around the pieces of a body. As it stands, nothing is.
pub(crate) trait Around: Send + Unpin + 'static {
    /// Gives the next piece, of the body or in place of it.
    fn next(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Polled {
        body.poll_frame(context)
    }

    /// Bytes that were taken from the body and are not handed on yet.
    fn held_bytes(&self) -> u64 {
        0
    }

    /// Nobody asks for more: `rest` is what was not asked for.
    fn dropped(&mut self, rest: Body) {
        drop(rest);
    }
}

/// Puts something around a body.
pub(crate) fn wrap(body: Body, around: impl Around) -> Body {
    Body::new(Wrapped { body, around })
}

struct Wrapped<A: Around> {
    body: Body,
    around: A,
}

impl<A: Around> HttpBody for Wrapped<A> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let Self { body, around } = &mut *self;
        around.next(Pin::new(body), context)
    }

    fn is_end_stream(&self) -> bool {
        self.around.held_bytes() == 0 && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (held, of_body) = (self.around.held_bytes(), self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + held);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

impl<A: Around> Drop for Wrapped<A> {
    fn drop(&mut self) {
        self.around.dropped(std::mem::take(&mut self.body));
    }
}
