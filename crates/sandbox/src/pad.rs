//! Makes an encoded image as large as wanted without changing what it shows, or leaves half of it out.

use crate::faults::FileFault;
use imaging::ImageFormat;

/// The data of one JPEG comment at most: its 16-bit length counts itself.
const MAX_JPEG_COMMENT_BYTES: usize = 65_533;
/// A chunk of PNG is this much larger than its data: length, name and checksum.
const PNG_CHUNK_BYTES: usize = 12;
/// `IEND` with its length and checksum, the end of every PNG.
const PNG_END_BYTES: usize = 12;
/// Ancillary, private and safe to copy, by the case of its letters.
const PNG_CHUNK: &[u8; 4] = b"paDd";
/// A chunk of WebP's RIFF container is this much larger than its data.
const RIFF_CHUNK_BYTES: usize = 8;

/// An image with a fault of its file.
pub(crate) fn spoilt(mut bytes: Vec<u8>, format: ImageFormat, fault: FileFault) -> Vec<u8> {
    match fault {
        FileFault::Padded(size_bytes) => pad_to(bytes, format, usize::try_from(size_bytes).unwrap_or(usize::MAX)),
        FileFault::Trailing => {
            bytes.extend_from_slice(b"and no end");
            bytes
        }
        FileFault::Half => {
            bytes.truncate(bytes.len() / 2);
            bytes
        }
    }
}

/// Pads to `size_bytes`, exactly for PNG, to within a few bytes for JPEG and WebP. An image that is larger already
/// and formats without room for padding stay as they are.
pub(crate) fn pad_to(bytes: Vec<u8>, format: ImageFormat, size_bytes: usize) -> Vec<u8> {
    let missing = size_bytes.saturating_sub(bytes.len());
    match format {
        ImageFormat::Png if missing >= PNG_CHUNK_BYTES => pad_png(bytes, missing),
        ImageFormat::Jpeg if missing >= 4 => pad_jpeg(&bytes, missing),
        ImageFormat::Webp if missing >= RIFF_CHUNK_BYTES => pad_webp(bytes, missing),
        _ => bytes,
    }
}

fn pad_png(mut bytes: Vec<u8>, missing: usize) -> Vec<u8> {
    let Some(at) = bytes.len().checked_sub(PNG_END_BYTES) else {
        return bytes;
    };
    let end = bytes.split_off(at);
    let data = noise(missing - PNG_CHUNK_BYTES);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    bytes.reserve_exact(missing + PNG_END_BYTES);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(PNG_CHUNK);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(&crc32(&[PNG_CHUNK, &data]).to_be_bytes());
    bytes.extend_from_slice(&end);
    bytes
}

fn pad_jpeg(bytes: &[u8], mut missing: usize) -> Vec<u8> {
    let (start, rest) = bytes.split_at(bytes.len().min(2));
    let mut padded = Vec::with_capacity(bytes.len() + missing);
    padded.extend_from_slice(start);
    while missing >= 4 {
        let data = (missing - 4).min(MAX_JPEG_COMMENT_BYTES);
        let length = u16::try_from(data + 2).unwrap_or(u16::MAX);
        padded.extend_from_slice(&[0xff, 0xfe]);
        padded.extend_from_slice(&length.to_be_bytes());
        padded.extend(noise(data));
        missing -= data + 4;
    }
    padded.extend_from_slice(rest);
    padded
}

fn pad_webp(mut bytes: Vec<u8>, missing: usize) -> Vec<u8> {
    // Chunks have an even number of bytes.
    let data = noise((missing - RIFF_CHUNK_BYTES) & !1);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX - 1);
    bytes.extend_from_slice(b"PADD");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&data);
    let riff = u32::try_from(bytes.len() - RIFF_CHUNK_BYTES).unwrap_or(u32::MAX - 1);
    if let Some(place) = bytes.get_mut(4..8) {
        place.copy_from_slice(&riff.to_le_bytes());
    }
    bytes
}

/// Bytes that do not compress, so that padding is felt on any transport.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// The checksum of PNG chunks (CRC-32 of ISO 3309).
fn crc32(parts: &[&[u8]]) -> u32 {
    let mut table = [0_u32; 256];
    for (byte, entry) in (0_u32..).zip(table.iter_mut()) {
        *entry = (0..8).fold(byte, |crc, _| {
            if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            }
        });
    }
    let crc = parts.iter().flat_map(|part| part.iter()).fold(u32::MAX, |crc, byte| {
        table[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use imaging::{Bitmap, DecodeLimits, decode, encode};

    #[test]
    fn a_checksum_is_as_published() {
        assert_eq!(crc32(&[b"123", b"456789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[b"IEND"]), 0xae42_6082);
    }

    #[test]
    fn padded_images_still_decode() {
        let bitmap = Bitmap::new(16, 16, vec![200; 16 * 16 * 4]).expect("16 x 16 pixels");
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
            let bytes = encode(&bitmap, format, Some(90)).expect("a small image encodes");
            let before = decode(&bytes, &DecodeLimits::default()).expect("it decodes");
            for size_bytes in [300_001, 65_540 * 3] {
                let padded = pad_to(bytes.clone(), format, size_bytes);
                assert!(padded.len().abs_diff(size_bytes) < 4, "{format:?}");
                let after = decode(&padded, &DecodeLimits::default()).expect("it still decodes");
                assert_eq!(before.rgba(), after.rgba(), "{format:?}");
            }
            assert_eq!(pad_to(bytes.clone(), format, 3), bytes);
        }
    }
}
