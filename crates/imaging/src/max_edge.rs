//! The longest side of a picture that each format is written with.

use crate::ImageFormat;

/// The longest side that is encoded as AVIF: encoding time grows with the pixels, and past this
/// a caller would wait for many seconds.
pub const AVIF_MAX_EDGE_PX: u32 = 1600;

/// The longest side that [`encode`](crate::encode()) writes in a format: AVIF's by
/// [`AVIF_MAX_EDGE_PX`], the others' by the width of the header fields.
#[must_use]
pub const fn max_edge_px(format: ImageFormat) -> u32 {
    match format {
        ImageFormat::Png => i32::MAX as u32,
        ImageFormat::Webp => 16_383,
        ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::Heic => 65_535,
        ImageFormat::Avif => AVIF_MAX_EDGE_PX,
    }
}
