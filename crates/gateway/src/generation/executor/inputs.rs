//! The caller's files as a candidate can read them.

use imaging::{ImageFormat, Orientation};
use planner::catalog::offer::MaskPolarity;
use planner::failure::{Failure, FailureKind, Spent};
use planner::plan::Candidate;
use planner::size::Size;
use providers::InputImage;

use super::{Executor, Sources};
use crate::generation::Upload;
use crate::media::process::{Inspected, ProcessError, Processor, mask_turn, size_of};

impl Executor<'_> {
    /// The caller's files as this candidate can read them.
    pub(super) async fn inputs(
        &self,
        candidate: &Candidate<'_>,
        sources: &Sources<'_>,
    ) -> Result<(Vec<InputImage>, Option<InputImage>), Failure> {
        let work = &candidate.resolved.inputs;
        let inspect = |upload: &Upload| {
            let blob = upload.blob.clone();
            let info = Processor::inspect(&blob).map_err(|error| refused(&error))?;
            Ok::<_, Failure>(Inspected { blob, info })
        };
        let mut images = Vec::new();
        let mut first = None;
        let mut sent = None;
        for (position, upload) in sources.images.iter().enumerate() {
            let mut image = inspect(upload)?;
            first.get_or_insert(image.info);
            let as_png = work.to_png.get(position).copied().unwrap_or(false);
            let scaled = work.scaled.get(position).copied().flatten();
            let is_refused = work.redrawn.get(position).copied().unwrap_or(false);
            // What nobody here can draw goes as it is, to a provider that turns it itself.
            let is_foreign = image.info.format == ImageFormat::Heic;
            let is_turned = !is_foreign && !image.info.orientation.is_upright();
            if as_png || is_refused || scaled.is_some() || image.info.is_moving || is_turned {
                let redrawn = self.processor.redraw(image, as_png, scaled, sources.scope.clone());
                image = redrawn.await.map_err(|error| unusable(&error))?;
            }
            let image = self.within(image, work.max_bytes, as_png, sources).await?;
            sent.get_or_insert(size_of(&image.info));
            let format = image.info.format;
            images.push(InputImage {
                blob: image.blob,
                mime: format.mime_type().to_owned(),
                extension: format.extension().to_owned(),
            });
        }
        let mask = match sources.mask {
            None => None,
            Some(upload) => {
                let mask = inspect(upload)?;
                let turn = first.map_or_else(Orientation::default, |first| mask_turn(&first, &mask.info));
                // It is as large as the first image that is sent.
                let shown = first.as_ref().map(size_of);
                let scaled = sent.filter(|size| Some(*size) != shown);
                let is_ready =
                    work.mask.is_none() && scaled.is_none() && turn.is_upright() && mask.info.orientation.is_upright();
                let blob = if is_ready {
                    mask.blob
                } else {
                    let polarity = work.mask.unwrap_or(MaskPolarity::Alpha);
                    let made = self
                        .processor
                        .mask(mask.blob, polarity, (turn, scaled), sources.scope.clone());
                    made.await.map_err(|error| unusable(&error))?
                };
                Some(png(blob))
            }
        };
        Ok((images, mask))
    }

    /// An image scaled down until its file has no more bytes than the provider takes.
    async fn within(
        &self,
        mut image: Inspected,
        max_bytes: Option<u64>,
        as_png: bool,
        sources: &Sources<'_>,
    ) -> Result<Inspected, Failure> {
        /// Of each side, what is left each time: about half of the bytes.
        const STEP: f64 = 0.7;
        /// After so many times a file of any size is below a kilobyte.
        const STEPS_MAX: u32 = 16;
        for _ in 0..STEPS_MAX {
            if max_bytes.is_none_or(|most| image.blob.len() <= most) {
                break;
            }
            let side = |px: u32| ((f64::from(px) * STEP) as u32).max(1);
            let size = Size {
                width_px: side(image.info.width_px),
                height_px: side(image.info.height_px),
            };
            let redrawn = self.processor.redraw(image, as_png, Some(size), sources.scope.clone());
            image = redrawn.await.map_err(|error| unusable(&error))?;
        }
        Ok(image)
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
