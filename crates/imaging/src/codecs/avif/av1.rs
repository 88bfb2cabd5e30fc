//! What an AV1 stream claims, read before it is decoded: its size, colors and number of frames.

use super::FORMAT;
use crate::ImagingError;

/// Frames of a still picture's stream, at most: one per layer. Hidden ones could otherwise cost a
/// decoded picture for a few bytes each.
const FRAMES_MAX: u32 = 8;

const OBU_SEQUENCE_HEADER: u8 = 1;
const OBU_FRAME_HEADER: u8 = 3;
const OBU_FRAME: u8 = 6;

/// The part of a sequence header that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SequenceHeader {
    /// The largest width of any frame.
    pub(super) width_px: u32,
    /// The largest height of any frame.
    pub(super) height_px: u32,
    /// Matrix coefficients, numbered by ITU-T H.273.
    pub(super) matrix: u16,
    /// Whether samples use all values, or leave room at both ends.
    pub(super) is_full_range: bool,
}

/// Reads the first sequence header of a stream, and counts its frames. Refuses streams that only cost time.
pub(super) fn check(stream: &[u8]) -> Result<(SequenceHeader, u32), ImagingError> {
    let damaged = || ImagingError::malformed(FORMAT, "its AV1 stream is damaged");
    let mut header = None;
    let mut frames = 0;
    let mut rest = stream;
    while !rest.is_empty() {
        let (kind, payload, after) = next_unit(rest).ok_or_else(damaged)?;
        rest = after;
        match kind {
            OBU_SEQUENCE_HEADER => {
                let read = sequence_header(payload).ok_or_else(damaged)?;
                // A later header of another size would evade the check of this one.
                if *header.get_or_insert(read) != read {
                    return Err(damaged());
                }
            }
            OBU_FRAME | OBU_FRAME_HEADER => frames += 1,
            _ => {}
        }
        if frames > FRAMES_MAX {
            return Err(ImagingError::malformed(FORMAT, "too many frames"));
        }
    }
    header.map(|header| (header, frames)).ok_or_else(damaged)
}

/// Type and payload of the next unit of a stream, and what follows it.
fn next_unit(stream: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&head, mut rest) = stream.split_first()?;
    let (has_extension, has_size) = (head & 4 != 0, head & 2 != 0);
    if has_extension {
        rest = rest.get(1..)?;
    }
    let size = if has_size {
        let (size, after) = leb128(rest)?;
        rest = after;
        size
    } else {
        rest.len()
    };
    let (payload, after) = rest.split_at_checked(size)?;
    Some((head >> 3 & 15, payload, after))
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

/// Reads bits, the high ones of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// The next `count` bits, at most 32.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Passes over a number in the Exponential-Golomb code.
    fn skip_uvlc(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        // 32 zeros and more stand for the largest number, without further bits.
        self.take(if zeros < 32 { zeros } else { 0 }).map(|_| ())
    }
}

/// Reads `sequence_header_obu` of the AV1 specification, section 5.5.1.
fn sequence_header(payload: &[u8]) -> Option<SequenceHeader> {
    let bits = &mut Bits {
        bytes: payload,
        position: 0,
    };
    let profile = bits.take(3)?;
    let _still_picture = bits.flag()?;
    let is_reduced = bits.flag()?;
    if is_reduced {
        bits.take(5)?;
    } else {
        skip_operating_points(bits)?;
    }
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    let width_px = bits.take(width_bits)? + 1;
    let height_px = bits.take(height_bits)? + 1;
    if !is_reduced && bits.flag()? {
        bits.take(4 + 3)?;
    }
    // Superblock size, filter intra and intra edge filter.
    bits.take(3)?;
    if !is_reduced {
        skip_inter_tools(bits)?;
    }
    // Super-resolution, CDEF and loop restoration.
    bits.take(3)?;
    let (matrix, is_full_range) = color_config(bits, profile)?;
    Some(SequenceHeader {
        width_px,
        height_px,
        matrix,
        is_full_range,
    })
}

/// Timing, decoder models and operating points.
fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            bits.skip_uvlc()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.take(32)?;
            bits.take(5 + 5)?;
        }
    }
    let has_display_delay = bits.flag()?;
    let points = bits.take(5)? + 1;
    for _ in 0..points {
        bits.take(12)?;
        if bits.take(5)? > 7 {
            bits.take(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.take(delay_bits)?;
            bits.take(delay_bits)?;
            bits.take(1)?;
        }
        if has_display_delay && bits.flag()? {
            bits.take(4)?;
        }
    }
    Some(())
}

/// Tools for prediction between frames, of streams that are not reduced to a still picture.
fn skip_inter_tools(bits: &mut Bits<'_>) -> Option<()> {
    // Inter-intra and masked compounds, warped motion and dual filters.
    bits.take(4)?;
    let has_order_hint = bits.flag()?;
    if has_order_hint {
        bits.take(2)?;
    }
    let chooses_screen_content = bits.flag()?;
    let may_force_integer = chooses_screen_content || bits.flag()?;
    if may_force_integer && !bits.flag()? {
        bits.take(1)?;
    }
    if has_order_hint {
        bits.take(3)?;
    }
    Some(())
}

/// Matrix and range out of `color_config`, section 5.5.2.
fn color_config(bits: &mut Bits<'_>, profile: u32) -> Option<(u16, bool)> {
    let is_high = bits.flag()?;
    if profile == 2 && is_high {
        bits.take(1)?;
    }
    let is_mono = profile != 1 && bits.flag()?;
    // 2 is "unspecified" for all three.
    let (primaries, transfer, matrix) = if bits.flag()? {
        (bits.take(8)?, bits.take(8)?, bits.take(8)?)
    } else {
        (2, 2, 2)
    };
    // Primaries of BT.709, transfer of sRGB and no matrix: RGB, which always has the full range.
    let is_rgb = !is_mono && (primaries, transfer, matrix) == (1, 13, 0);
    let is_full_range = is_rgb || bits.flag()?;
    Some((u16::try_from(matrix).ok()?, is_full_range))
}
