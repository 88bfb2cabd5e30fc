//! What is known of an image without its pixels.

use crate::{ImageFormat, Orientation};

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// The format, by its magic bytes.
    pub format: ImageFormat,
    /// Width as shown, that is after the turn of [`Self::orientation`]; at least 1.
    pub width_px: u32,
    /// Height as shown; at least 1.
    pub height_px: u32,
    /// Whether the header announces transparency. The pixels may still all be opaque.
    pub has_alpha: bool,
    /// How the stored pixels are turned to be shown: who reads them without it sees another picture.
    pub orientation: Orientation,
    /// Whether there is more than one frame.
    pub is_moving: bool,
    /// Whether the file is what every reader takes: one picture of gray, RGB or RGBA, eight bits each. A palette, other
    /// depths, the four inks of print and a second picture in the file (as phones put a depth or brightness map there) are
    /// refused by some.
    pub is_plain: bool,
}
