//! The caller's files as a candidate can read them.

use planner::catalog::offer::MaskPolarity;
use planner::failure::{Failure, FailureKind, Spent};
use planner::plan::Candidate;
use providers::InputImage;

use super::{Executor, Sources};
use crate::media::process::{ProcessError, Processor};

impl Executor<'_> {
    /// The caller's files as this candidate can read them.
    pub(super) async fn inputs(
        &self,
        candidate: &Candidate<'_>,
        sources: &Sources<'_>,
    ) -> Result<(Vec<InputImage>, Option<InputImage>), Failure> {
        let work = &candidate.resolved.inputs;
        let mut images = Vec::new();
        for (position, upload) in sources.images.iter().enumerate() {
            if work.to_png.get(position).copied().unwrap_or(false) {
                let blob = self
                    .processor
                    .to_png(upload.blob.clone(), sources.scope.clone())
                    .await
                    .map_err(|error| unusable(&error))?;
                images.push(png(blob));
            } else {
                let format = Processor::inspect(&upload.blob)
                    .map_err(|error| refused(&error))?
                    .format;
                images.push(InputImage {
                    blob: upload.blob.clone(),
                    mime: format.mime_type().to_owned(),
                    extension: format.extension().to_owned(),
                });
            }
        }
        let mask = match (sources.mask, work.mask) {
            (None, _) => None,
            (Some(upload), None) => Some(png(upload.blob.clone())),
            (Some(upload), Some(MaskPolarity::Alpha)) => Some(png(self
                .processor
                .to_png(upload.blob.clone(), sources.scope.clone())
                .await
                .map_err(|error| unusable(&error))?)),
            (Some(upload), Some(polarity)) => Some(png(self
                .processor
                .mask(upload.blob.clone(), polarity, sources.scope.clone())
                .await
                .map_err(|error| unusable(&error))?)),
        };
        Ok((images, mask))
    }
}

/// An input that its own bytes make unusable.
fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure {
        param: Some("image".to_owned()),
        ..Failure::new(
            FailureKind::InvalidArgument,
            format!("an input image cannot be converted: {error}"),
        )
    }
}

/// An input that could not be prepared: by its own fault, or because of our limits.
fn unusable(error: &ProcessError) -> Failure {
    match error {
        ProcessError::Image(error) => refused(error),
        ProcessError::Spool(_) | ProcessError::Io(_) | ProcessError::Lost => {
            let message = "the input images could not be prepared";
            Failure {
                spent: Spent::No,
                ..Failure::new(FailureKind::LimitReached, message)
            }
        }
    }
}

fn png(blob: providers::Blob) -> InputImage {
    InputImage {
        blob,
        mime: "image/png".to_owned(),
        extension: "png".to_owned(),
    }
}
