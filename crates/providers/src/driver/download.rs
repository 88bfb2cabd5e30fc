//! Getting the images of a finished job that came as addresses.

use futures_util::{StreamExt, stream};
use planner::failure::{Failure, FailureKind, Spent};
use reqwest::{Url, header::HeaderMap};
use tokio::time::Instant;
use tracing::{Instrument, field};

use super::{Attempt, Driver, FinishedAttempt, FinishedImage, Reach, job::Sight};
use crate::{
    adapter::{ImageSource, Output, OutputImage, Stage, verdict::words},
    fetch::{FetchError, FetchLimits, Passage, fetch_through},
    spool::Blob,
};

/// Downloads of one attempt at a time: hosts of results are fast, and ten at once only compete.
const DOWNLOADS_AT_ONCE: usize = 4;
/// Repeats of a download that was answered to its end with a file that lacks its own: the next ones would be no better.
const CUTS_MAX: u32 = 2;
/// Time for one try of a download; a connection that stalls longer is better made anew.
const DOWNLOAD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

impl Driver {
    /// Brings every image into the spool. One that cannot be had does not take the others with it: they are paid for.
    pub(super) async fn collect(&self, attempt: &Attempt<'_>, output: Output) -> Result<FinishedAttempt, Failure> {
        let mut brought = stream::iter(output.images)
            .map(|image| self.bring(attempt, image))
            .buffered(DOWNLOADS_AT_ONCE);
        let (mut images, mut lost) = (Vec::new(), Vec::new());
        while let Some(image) = brought.next().await {
            match image {
                Ok(image) => images.push(image),
                Err(failure) => lost.push(Failure {
                    upstream_request_id: output.upstream_id.clone(),
                    ..failure
                }),
            }
        }
        if images.is_empty()
            && let Some(failure) = lost.pop()
        {
            return Err(failure);
        }
        Ok(FinishedAttempt {
            images,
            lost,
            usage: output.usage,
            reported_cost_micros: output.reported_cost_micros,
            upstream_id: output.upstream_id,
        })
    }

    async fn bring(&self, attempt: &Attempt<'_>, image: OutputImage) -> Result<FinishedImage, Failure> {
        let blob = match image.source {
            ImageSource::Blob(blob) => blob,
            ImageSource::Url { url, headers } => self.download(attempt, &url, &headers).await?,
        };
        if blob.is_empty() {
            return Err(paid(attempt, FailureKind::EmptyAnswer, None));
        }
        Ok(FinishedImage {
            blob,
            revised_prompt: image.revised_prompt,
        })
    }

    /// Repeats until the deadline: the image is made, and its address does not change.
    async fn download(&self, attempt: &Attempt<'_>, url: &Url, headers: &HeaderMap) -> Result<Blob, Failure> {
        let (mut repeats, mut cuts) = (0, 0);
        let mut no_room = None;
        let mut sight = Sight::new(attempt);
        loop {
            let error = match self.download_once(attempt, url, headers).await {
                Ok(blob) => return Ok(blob),
                Err(error) => error,
            };
            let failure = gone(attempt, &error);
            let wait = self.hiccup_wait(repeats, None);
            repeats += 1;
            cuts += u32::from(matches!(error, FetchError::Cut));
            if !error.is_hiccup() || cuts > CUTS_MAX {
                return Err(failure);
            }
            sight.missed(attempt, &failure);
            no_room = no_room.or(Some(failure).filter(|failure| failure.kind == FailureKind::LimitReached));
            if Instant::now() + wait >= attempt.deadline {
                return Err(no_room.unwrap_or_else(|| paid(attempt, FailureKind::TimedOut, Some(&error))));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn download_once(&self, attempt: &Attempt<'_>, url: &Url, headers: &HeaderMap) -> Result<Blob, FetchError> {
        let span = tracing::debug_span!(
            "upstream_call",
            provider = attempt.request.endpoint.provider,
            stage = Stage::Fetch.as_str(),
            status = field::Empty,
            duration_ms = field::Empty,
        );
        let begun = Instant::now();
        let limits = FetchLimits {
            size_bytes: self.config.answer_bytes,
            deadline: attempt.deadline.min(begun + DOWNLOAD_TIMEOUT),
        };
        let gate = |url: &Url| match Reach::of(&attempt.request.endpoint, url) {
            Reach::Own => Ok(Passage {
                client: &self.own,
                headers: Some(headers),
                guard: None,
            }),
            Reach::Local => Ok(Passage {
                client: &self.own,
                headers: None,
                guard: None,
            }),
            Reach::Public => {
                self.guarded.check(url)?;
                Ok(Passage {
                    client: &self.guarded.client,
                    headers: None,
                    guard: Some(&self.guarded),
                })
            }
        };
        let result = match fetch_through(gate, url, attempt.scope, limits)
            .instrument(span.clone())
            .await
        {
            Ok(fetched) => self.whole(fetched.blob).await,
            Err(error) => Err(error),
        };
        span.record(
            "duration_ms",
            u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        match &result {
            Ok(_) => span.record("status", 200),
            Err(FetchError::Status(status)) => span.record("status", *status),
            Err(_) => &span,
        };
        tracing::debug!(parent: &span, answered = result.is_ok(), "download ended");
        result
    }

    /// A file that ends too early came over a connection that broke without a word: it is asked for again.
    async fn whole(&self, blob: Blob) -> Result<Blob, FetchError> {
        let is_whole = self.config.is_whole;
        let checked = blob.clone();
        let checked = tokio::task::spawn_blocking(move || is_whole(&checked)).await;
        if checked.unwrap_or(true) {
            Ok(blob)
        } else {
            Err(FetchError::Cut)
        }
    }
}

/// What it means that a finished image cannot be had.
fn gone(attempt: &Attempt<'_>, error: &FetchError) -> Failure {
    let kind = match error {
        FetchError::TooLarge { .. } | FetchError::Spool(_) => FailureKind::LimitReached,
        FetchError::Status(_) => FailureKind::JobLost,
        _ => FailureKind::UnreadableAnswer,
    };
    paid(attempt, kind, Some(error))
}

/// A failure after the provider's work was done.
fn paid(attempt: &Attempt<'_>, kind: FailureKind, error: Option<&FetchError>) -> Failure {
    let provider = &attempt.request.endpoint.provider;
    let message = match error {
        Some(error) => format!("the image that {provider} made cannot be had: {error}"),
        None => words(provider, kind, 0),
    };
    let status = match error {
        Some(FetchError::Status(status)) => Some(*status),
        _ => None,
    };
    Failure {
        spent: Spent::Yes,
        status,
        ..Failure::new(kind, message)
    }
}
