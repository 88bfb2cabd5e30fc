//! Partial images on their way from a provider to a caller who listens.

use std::sync::atomic::{AtomicBool, Ordering};

use planner::plan::Candidate;
use planner::resolve::Finish;
use providers::{Blob, SpoolScope};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Generator, Order};
use crate::media::process::{Inspected, Processor};

/// Partial images that wait for a caller who reads slowly. Past it the oldest is left out, so that a call that is paid
/// for never waits. They rest in the spool, within its bounds. All of one image have room, and of a second one.
const WAITING_MAX: usize = 8;

/// A partial image.
#[derive(Debug, Clone)]
pub struct Partial {
    /// Its place among the partial images of its image, counted from 0.
    pub index: u32,
    /// The image.
    pub image: Inspected,
    /// The quality that was asked for, in canonical words.
    pub quality: Option<String>,
    finish: Finish,
}

/// Where partial images go in. Nothing waits here: this kind of channel drops what is oldest when it is full.
#[derive(Debug, Clone)]
pub struct Inlet(broadcast::Sender<Partial>);

/// Where they come out.
#[derive(Debug)]
pub struct Partials {
    receiver: broadcast::Receiver<Partial>,
    processor: Processor,
    scope: SpoolScope,
}

impl Partials {
    /// The next one as the provider made it; `None` when no more will come. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Partial> {
        loop {
            match self.receiver.recv().await {
                Ok(partial) => return Some(partial),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The same in the format and size that were asked for; `None` when that cannot be made, which is no great loss.
    pub async fn finish(&self, partial: Partial) -> Option<Partial> {
        let finished = self
            .processor
            .finish(partial.image, partial.finish, self.scope.clone())
            .await
            .inspect_err(|error| tracing::debug!(%error, "a partial image could not be converted"))
            .ok()?;
        Some(Partial {
            image: finished.image,
            ..partial
        })
    }
}

impl Generator {
    /// A way for partial images to a caller who listens, if this order asks for them. Where the operator has images looked at
    /// before they are handed out, there are none.
    #[must_use]
    pub fn listen(&self, order: &Order) -> Option<(Inlet, Partials)> {
        let is_reviewed = self.operator_policy.after.is_some();
        if !order.request.stream || order.request.partial_images == 0 || is_reviewed {
            return None;
        }
        let (sender, receiver) = broadcast::channel(WAITING_MAX);
        let partials = Partials {
            receiver,
            processor: self.processor.clone(),
            scope: order.scope.clone(),
        };
        Some((Inlet(sender), partials))
    }
}

/// Passes the partial images of one call on.
pub(super) struct Relay {
    inlet: Option<Inlet>,
    finish: Finish,
    quality: Option<String>,
    shown: AtomicBool,
}

impl Relay {
    /// A relay for a call to `candidate`.
    pub(super) fn new(inlet: Option<&Inlet>, candidate: &Candidate<'_>) -> Self {
        Self {
            inlet: inlet.cloned(),
            finish: candidate.resolved.finish,
            quality: candidate.resolved.work.quality.clone(),
            shown: AtomicBool::new(false),
        }
    }

    /// Whether a partial image went to a caller who listens: another try would contradict it.
    pub(super) fn shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }

    /// Passes one on.
    pub(super) fn partial_image(&self, index: u32, image: Blob) {
        let Some(Inlet(sender)) = &self.inlet else { return };
        let Ok(info) = Processor::inspect(&image) else { return };
        let partial = Partial {
            index,
            image: Inspected { blob: image, info },
            quality: self.quality.clone(),
            finish: self.finish,
        };
        // An error means that the caller has gone, who then was shown nothing.
        if sender.send(partial).is_ok() {
            self.shown.store(true, Ordering::Relaxed);
        }
    }
}
