//! Whether an image file goes on to its own end, told without decoding it.
//!
//! A file that broke off on its way has a header like any other. Providers refuse it late and in many ways, some after
//! work; here it is found by walking over the file's own structure.

use std::io::{self, Read, Seek, SeekFrom};

use imaging::ImageFormat;

/// Bytes before a PNG's first chunk.
const PNG_SIGNATURE_BYTES: u64 = 8;
/// Chunks of a PNG that are walked over: real files of 50 MiB have a few thousand. One with more is taken as whole.
const PNG_CHUNKS_MAX: u32 = 20_000;
/// Where a JPEG's end is looked for: cameras write some kilobytes after it.
const JPEG_TAIL_BYTES: u64 = 64 << 10;

/// Whether `source` of `size_bytes` holds the whole file. GIF and AVIF are taken as whole: they are decoded before any
/// provider sees them.
///
/// # Errors
/// When the source cannot be read.
pub fn is_whole<R: Read + Seek>(format: ImageFormat, mut source: R, size_bytes: u64) -> io::Result<bool> {
    match format {
        ImageFormat::Png => has_png_end(&mut source, size_bytes),
        ImageFormat::Webp => {
            // RIFF tells the length of all that follows its first eight bytes.
            let told = u32::from_le_bytes(bytes_at(&mut source, 4)?);
            Ok(u64::from(told) + 8 <= size_bytes)
        }
        ImageFormat::Jpeg => has_jpeg_end(&mut source, size_bytes),
        ImageFormat::Gif | ImageFormat::Avif => Ok(true),
    }
}

fn bytes_at<const N: usize>(source: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// From chunk to chunk: eight bytes of length and name, the data, and a checksum of four.
fn has_png_end(source: &mut (impl Read + Seek), size_bytes: u64) -> io::Result<bool> {
    let mut at = PNG_SIGNATURE_BYTES;
    for _ in 0..PNG_CHUNKS_MAX {
        if at + 12 > size_bytes {
            return Ok(false);
        }
        let [a, b, c, d, name @ ..] = bytes_at::<8>(source, at)?;
        at += 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if &name == b"IEND" {
            return Ok(at <= size_bytes);
        }
    }
    Ok(true)
}

fn has_jpeg_end(source: &mut (impl Read + Seek), size_bytes: u64) -> io::Result<bool> {
    source.seek(SeekFrom::Start(size_bytes.saturating_sub(JPEG_TAIL_BYTES)))?;
    let mut tail = Vec::new();
    source.take(JPEG_TAIL_BYTES).read_to_end(&mut tail)?;
    Ok(tail.windows(2).any(|pair| pair == [0xff, 0xd9]))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use imaging::{Bitmap, encode};

    use super::*;

    #[test]
    fn files_are_whole_until_a_byte_is_missing() {
        let rgba = (0..64 * 64 * 4).map(|index: u32| (index * 7 % 251) as u8).collect();
        let bitmap = Bitmap::new(64, 64, rgba).expect("right size");
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
            let bytes = encode(&bitmap, format, Some(80)).expect("it encodes");
            let whole =
                |bytes: &[u8]| is_whole(format, Cursor::new(bytes), bytes.len() as u64).expect("memory can be read");
            assert!(whole(&bytes), "{format}");
            let with_more = [&bytes[..], b"more"].concat();
            assert!(whole(&with_more), "{format} with bytes after its end");
            for cut in [bytes.len() - 1, bytes.len() - 3, bytes.len() / 2, 40] {
                assert!(!whole(&bytes[..cut]), "{format} cut at {cut} of {}", bytes.len());
            }
        }
    }
}
