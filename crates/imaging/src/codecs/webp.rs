//! WebP: still pictures and first frames in, lossy pictures with alpha out.

mod container;
mod libwebp;

use std::io::{Read, Seek};

use crate::bitmap::RGBA_BYTES;
use crate::exif;
use crate::header::HeaderReader;
use crate::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, ImagingError, InspectError, Orientation};

const FORMAT: ImageFormat = ImageFormat::Webp;

/// Effort of the encoder, 0 to 6. 4 is the library's own default and makes 7 % fewer bytes than 2.
const METHOD: i32 = 4;

pub(crate) fn inspect<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<ImageInfo, InspectError> {
    reader.skip(12)?;
    let kind = reader.bytes::<4>()?;
    reader.skip(4)?;
    let mut orientation = Orientation::default();
    let mut is_moving = false;
    let (width_px, height_px, has_alpha) = match &kind {
        b"VP8X" => {
            let [flags, _, _, _] = reader.bytes()?;
            let [w0, w1, w2, h0, h1, h2] = reader.bytes()?;
            let width_px = 1 + u32::from_le_bytes([w0, w1, w2, 0]);
            let height_px = 1 + u32::from_le_bytes([h0, h1, h2, 0]);
            is_moving = flags & container::ANIMATION_FLAG != 0;
            if flags & container::EXIF_FLAG != 0 {
                orientation = exif_orientation(reader)?.unwrap_or_default();
            }
            (width_px, height_px, flags & container::ALPHA_FLAG != 0)
        }
        b"VP8 " => {
            let [tag, _, _] = reader.bytes()?;
            if tag & 1 != 0 || reader.bytes()? != [0x9d, 0x01, 0x2a] {
                return Err(reader.malformed("its picture does not begin with a key frame"));
            }
            // The upper two bits are a scaling hint that no decoder follows.
            let width_px = u32::from(reader.u16_le()? & 0x3fff);
            let height_px = u32::from(reader.u16_le()? & 0x3fff);
            (width_px, height_px, false)
        }
        b"VP8L" => {
            if reader.u8()? != 0x2f {
                return Err(reader.malformed("its lossless picture has no signature"));
            }
            let bits = reader.u32_le()?;
            let width_px = 1 + (bits & 0x3fff);
            let height_px = 1 + (bits >> 14 & 0x3fff);
            (width_px, height_px, bits >> 28 & 1 != 0)
        }
        _ => return Err(reader.malformed("it has no picture")),
    };
    let (width_px, height_px) = orientation.size(width_px, height_px);
    Ok(ImageInfo {
        format: FORMAT,
        width_px,
        height_px,
        has_alpha,
        orientation,
        is_moving,
        is_plain: true,
    })
}

/// Longest EXIF chunk that is read: cameras write a preview of some kilobytes into it.
const EXIF_MAX_BYTES: u64 = 256 << 10;

/// The orientation in the EXIF chunk, which stands after the picture. A file cut off before it has none.
fn exif_orientation<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<Option<Orientation>, InspectError> {
    let mut find = || {
        for _ in 0..container::CHUNKS_MAX {
            let kind = reader.bytes::<4>()?;
            let length = u64::from(reader.u32_le()?);
            if &kind == b"EXIF" && length <= EXIF_MAX_BYTES {
                return Ok(exif::orientation(&reader.block(length)?));
            }
            // Chunks are padded to an even length.
            reader.skip(length + length % 2)?;
        }
        Ok(None)
    };
    match find() {
        Err(InspectError::Truncated(_) | InspectError::HeaderTooLong(_)) => Ok(None),
        found => found,
    }
}

pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let icc = container::icc(bytes).map(<[u8]>::to_vec);
    let bitmap = match container::animation(bytes) {
        Some(animation) => {
            if limits.frames == 0 {
                return Err(ImagingError::Animated(FORMAT));
            }
            first_frame(bytes, &animation, limits)?
        }
        None => still(bytes, bytes, limits)?,
    };
    Ok(bitmap.with_icc(icc))
}

/// Decodes one picture: a whole file, or the chunks of a frame. `file` tells what a failure is.
fn still(file: &[u8], picture: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let failed = || {
        if container::is_cut_off(file) {
            ImagingError::Truncated(FORMAT)
        } else {
            ImagingError::malformed(FORMAT, "its picture cannot be decoded")
        }
    };
    let (width_px, height_px) = libwebp::size(picture).ok_or_else(failed)?;
    limits.check_pixels(FORMAT, width_px, height_px)?;
    let rgba = libwebp::decode(picture, width_px, height_px).ok_or_else(failed)?;
    Bitmap::new(width_px, height_px, rgba)
}

/// The first frame at its place on an empty canvas.
fn first_frame(
    bytes: &[u8],
    animation: &container::Animation<'_>,
    limits: &DecodeLimits,
) -> Result<Bitmap, ImagingError> {
    let (width_px, height_px) = animation.canvas;
    limits.check_pixels(FORMAT, width_px, height_px)?;
    let Some(frame) = &animation.first else {
        return Err(if container::is_cut_off(bytes) {
            ImagingError::Truncated(FORMAT)
        } else {
            ImagingError::malformed(FORMAT, "it has no frame")
        });
    };
    let picture = still(bytes, frame.chunks, limits)?;
    if frame.left == 0 && frame.top == 0 && (picture.width_px(), picture.height_px()) == animation.canvas {
        return Ok(picture);
    }
    let row_bytes = width_px as usize * RGBA_BYTES;
    let mut rgba = vec![0; row_bytes * height_px as usize];
    let left = (frame.left as usize * RGBA_BYTES).min(row_bytes);
    let rows = rgba.chunks_exact_mut(row_bytes).skip(frame.top as usize);
    let picture_rows = picture.rgba().chunks_exact(picture.width_px() as usize * RGBA_BYTES);
    for (to, from) in rows.zip(picture_rows) {
        let length = from.len().min(row_bytes - left);
        to[left..left + length].copy_from_slice(&from[..length]);
    }
    Bitmap::new(width_px, height_px, rgba)
}

pub(crate) fn encode(bitmap: &Bitmap, quality: u8) -> Result<Vec<u8>, ImagingError> {
    let has_alpha = bitmap.has_transparency();
    let (width_px, height_px) = (bitmap.width_px(), bitmap.height_px());
    let bytes = libwebp::encode(bitmap, has_alpha, f32::from(quality), METHOD)
        .map_err(|reason| ImagingError::encode_failed(FORMAT, reason))?;
    Ok(match bitmap.icc() {
        Some(icc) => container::with_icc(&bytes, width_px, height_px, has_alpha, icc),
        None => bytes,
    })
}
