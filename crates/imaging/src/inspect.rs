//! Format, size and alpha of an image from its header alone.

use std::io::{BufReader, Read, Seek};

use crate::codecs::{avif, gif, jpeg, png, webp};
use crate::format::{HEIC, SNIFF_BYTES, foreign};
use crate::header::HeaderReader;
use crate::{ImageFormat, ImageInfo, InspectError};

/// Reads the header of an image from the start of `source`.
///
/// No pixel is decoded, at most 1 MiB is read and nothing is allocated by the header's word, so
/// this is safe for any input. Files that are cut off after the header are fine.
///
/// # Errors
/// [`InspectError`] when this is no image, the header is cut off, damaged or oddly long, or the
/// source fails.
pub fn inspect<R: Read + Seek>(mut source: R) -> Result<ImageInfo, InspectError> {
    source.rewind()?;
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    source.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    let unknown = || foreign(&head).map_or(InspectError::NotAnImage, InspectError::Foreign);
    let format = ImageFormat::sniff(&head).ok_or_else(unknown)?;
    source.rewind()?;

    let mut reader = HeaderReader::new(BufReader::new(source), format);
    let info = match format {
        ImageFormat::Png => png::inspect(&mut reader),
        ImageFormat::Jpeg => jpeg::inspect(&mut reader),
        ImageFormat::Webp => webp::inspect(&mut reader),
        ImageFormat::Gif => gif::inspect(&mut reader),
        ImageFormat::Avif | ImageFormat::Heic => avif::inspect(&mut reader),
    };
    // Of what is read no further than here, one thing is to be said in any case.
    let info = info.map_err(|error| match error {
        InspectError::Io(error) => InspectError::Io(error),
        _ if format == ImageFormat::Heic => InspectError::Foreign(HEIC),
        other => other,
    })?;
    if info.width_px == 0 || info.height_px == 0 {
        return Err(reader.malformed("a side of 0 pixels"));
    }
    Ok(info)
}
