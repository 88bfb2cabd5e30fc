//! Image work off the async threads: reading headers, converting inputs and outputs.

use std::io;
use std::sync::Arc;

use imaging::{
    AVIF_MAX_EDGE_PX, Bitmap, Conversion, DecodeLimits, Ending, ImageFormat, ImageInfo, ImagingError, InspectError,
    Orientation,
};
use planner::catalog::offer::MaskPolarity;
use planner::format::Format;
use planner::resolve::Finish;
use planner::size::Size;
use providers::{Blob, SpoolError, SpoolScope};
use tracing::Span;

use super::turns::Turns;

/// Up to this size, in bytes, an image in memory is walked over sooner than another thread would begin with it.
const AT_ONCE_BYTES: u64 = 256 << 10;

/// A bounded pool for image work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Processor {
    turns: Turns,
    limits: DecodeLimits,
}

/// Why an image could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The image is at fault.
    #[error(transparent)]
    Image(#[from] ImagingError),
    /// The spool is full.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The spool failed.
    #[error("spool: {0}")]
    Io(#[from] io::Error),
    /// The work was given up.
    #[error("image work was given up")]
    Lost,
}

/// An image and what its header says.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The bytes.
    pub blob: Blob,
    /// Format and size.
    pub info: ImageInfo,
}

/// An image as it is handed out.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The image.
    pub image: Inspected,
    /// The format that was asked for and could not be made, with the reason.
    pub format_refused: Option<&'static str>,
    /// Whether the image had content credentials, which its conversion dropped.
    pub credentials_dropped: bool,
}

impl Processor {
    /// A pool for as many images at a time as there are cores, within `limits` for what it decodes.
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            turns: Turns::new(cores),
            limits,
        }
    }

    /// Reads an image's header.
    ///
    /// # Errors
    /// What is wrong with the image, in words for its sender.
    pub fn inspect(blob: &Blob) -> Result<ImageInfo, InspectError> {
        imaging::inspect(blob.reader())
    }

    /// Reads an image's header, and finds out whether the file goes on to its own end.
    ///
    /// # Errors
    /// What is wrong with the image.
    pub async fn examine(&self, blob: &Blob) -> Result<(ImageInfo, Ending), InspectError> {
        if blob.in_memory() && blob.len() <= AT_ONCE_BYTES {
            let info = Self::inspect(blob)?;
            let ending = imaging::ending(info.format, blob.reader(), None)?;
            // Whether the last scan of such a one is complete takes decoding it.
            if ending != Ending::Unmarked {
                return Ok((info, ending));
            }
        }
        let (blob, limits) = (blob.clone(), self.limits);
        let examined = tokio::task::spawn_blocking(move || {
            let info = Self::inspect(&blob)?;
            Ok((info, imaging::ending(info.format, blob.reader(), Some(&limits))?))
        });
        examined
            .await
            .unwrap_or_else(|error| Err(InspectError::Io(io::Error::other(error))))
    }

    /// Whether a downloaded file is no image that breaks off. What is no image at all is judged elsewhere.
    #[must_use]
    pub fn is_whole(blob: &Blob) -> bool {
        let Ok(info) = Self::inspect(blob) else { return true };
        let ending = imaging::ending(info.format, blob.reader(), Some(&DecodeLimits::default()));
        !matches!(ending, Ok(Ending::Cut))
    }

    /// Does image work when it is its owner's turn.
    async fn run<T: Send + 'static>(
        &self,
        owner: Option<Arc<str>>,
        work: impl FnOnce(DecodeLimits) -> Result<T, ProcessError> + Send + 'static,
    ) -> Result<T, ProcessError> {
        let turn = self
            .turns
            .take(owner.unwrap_or_default())
            .await
            .ok_or(ProcessError::Lost)?;
        let (limits, span) = (self.limits, Span::current());
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            span.in_scope(|| work(limits))
        })
        .await
        .map_err(|_| ProcessError::Lost)?
    }

    /// Makes of an image what the caller asked for. What is already so is handed on byte for byte.
    ///
    /// # Errors
    /// [`ProcessError`].
    pub async fn finish(&self, image: Inspected, finish: Finish, scope: SpoolScope) -> Result<Finished, ProcessError> {
        let Inspected { blob, info } = &image;
        let wanted = finish.format.map_or(info.format, image_format);
        let cover = finish
            .cover
            .map(|size| (size.width_px, size.height_px))
            .filter(|size| *size != (info.width_px, info.height_px));
        let (width_px, height_px) = cover.unwrap_or((info.width_px, info.height_px));
        let too_large =
            wanted == ImageFormat::Avif && info.format != wanted && width_px.max(height_px) > AVIF_MAX_EDGE_PX;
        let format = if too_large { info.format } else { wanted };
        let format_refused = too_large.then_some("avif is made up to 1600 pixels on the longest side");
        if format == info.format && cover.is_none() {
            return Ok(Finished {
                image,
                format_refused,
                credentials_dropped: false,
            });
        }
        let conversion = Conversion {
            format,
            quality: finish.quality,
            cover,
        };
        let blob = blob.clone();
        self.run(scope.owner().cloned(), move |limits| {
            let bytes = blob.read_all()?;
            let converted = imaging::convert(&bytes, &conversion, &limits)?;
            Ok(Finished {
                image: Inspected {
                    blob: scope.store(&converted.bytes)?,
                    info: converted.info,
                },
                format_refused,
                credentials_dropped: imaging::has_content_credentials(&bytes),
            })
        })
        .await
    }

    /// An input image as it is shown: upright, one frame, in a format that every provider reads, `scaled` if wanted. A
    /// photograph stays a JPEG unless `as_png`.
    ///
    /// # Errors
    /// [`ProcessError`].
    pub async fn redraw(
        &self,
        image: Inspected,
        as_png: bool,
        scaled: Option<Size>,
        scope: SpoolScope,
    ) -> Result<Inspected, ProcessError> {
        /// High enough that nobody sees it, for an image that is looked at once more.
        const QUALITY: u8 = 95;
        let format = match image.info.format {
            ImageFormat::Jpeg | ImageFormat::Webp if !as_png => image.info.format,
            _ => ImageFormat::Png,
        };
        self.run(scope.owner().cloned(), move |limits| {
            let conversion = Conversion {
                format,
                quality: Some(QUALITY),
                cover: scaled.map(|size| (size.width_px, size.height_px)),
            };
            let converted = imaging::convert(&image.blob.read_all()?, &conversion, &limits)?;
            Ok(Inspected {
                blob: scope.store(&converted.bytes)?,
                info: converted.info,
            })
        })
        .await
    }

    /// A mask as PNG in the polarity that a provider wants, turned and scaled as the image that it belongs to.
    ///
    /// # Errors
    /// [`ProcessError`].
    pub async fn mask(
        &self,
        blob: Blob,
        polarity: MaskPolarity,
        (turn, scaled): (Orientation, Option<Size>),
        scope: SpoolScope,
    ) -> Result<Blob, ProcessError> {
        let polarity = match polarity {
            MaskPolarity::Alpha => imaging::MaskPolarity::AlphaIsEdit,
            MaskPolarity::White => imaging::MaskPolarity::WhiteIsEdit,
            MaskPolarity::Black => imaging::MaskPolarity::BlackIsEdit,
        };
        self.run(scope.owner().cloned(), move |limits| {
            let mut mask: Bitmap = turn.apply(imaging::decode(&blob.read_all()?, &limits)?);
            if let Some(size) = scaled {
                mask = mask.cover(size.width_px, size.height_px);
            }
            let converted = imaging::convert_mask(&mask, polarity);
            Ok(scope.store(&imaging::encode(&converted, ImageFormat::Png, None)?)?)
        })
        .await
    }
}

/// How a mask is turned to lie on its image as that is shown: masks are drawn over what people see, or over the stored
/// pixels, and either is understood by its shape.
#[must_use]
pub fn mask_turn(image: &ImageInfo, mask: &ImageInfo) -> Orientation {
    let shown = (image.width_px, image.height_px);
    let drawn = (mask.width_px, mask.height_px);
    if image.orientation.swaps_sides() && drawn != shown && drawn == (image.height_px, image.width_px) {
        image.orientation
    } else {
        Orientation::default()
    }
}

/// The codec of a format.
#[must_use]
pub const fn image_format(format: Format) -> ImageFormat {
    match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::Webp,
        Format::Avif => ImageFormat::Avif,
        Format::Gif => ImageFormat::Gif,
        Format::Heic => ImageFormat::Heic,
    }
}

/// The format of a codec.
#[must_use]
pub const fn format_of(format: ImageFormat) -> Format {
    match format {
        ImageFormat::Png => Format::Png,
        ImageFormat::Jpeg => Format::Jpeg,
        ImageFormat::Webp => Format::Webp,
        ImageFormat::Avif => Format::Avif,
        ImageFormat::Heic => Format::Heic,
        ImageFormat::Gif => Format::Gif,
    }
}

/// The size in a header.
#[must_use]
pub const fn size_of(info: &ImageInfo) -> Size {
    Size {
        width_px: info.width_px,
        height_px: info.height_px,
    }
}
