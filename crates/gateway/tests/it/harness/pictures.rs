//! Pictures to send and ways to look at those that come back.

use std::io::Cursor;

use imaging::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, decode, encode, inspect};
use reqwest::multipart::Part;

/// What the header of a file says.
pub(crate) fn info(bytes: &[u8]) -> ImageInfo {
    inspect(Cursor::new(bytes)).expect("an image")
}

/// Width and height of a file.
pub(crate) fn size_of(bytes: &[u8]) -> (u32, u32) {
    let info = info(bytes);
    (info.width_px, info.height_px)
}

/// The pixels of a file, all of them.
pub(crate) fn decoded(bytes: &[u8]) -> Bitmap {
    decode(bytes, &DecodeLimits::default()).expect("an image that decodes to its end")
}

/// How far two pictures of one size are apart: the mean difference of a channel, 0 to 255.
pub(crate) fn distance(one: &Bitmap, other: &Bitmap) -> f64 {
    assert_eq!((one.width_px(), one.height_px()), (other.width_px(), other.height_px()));
    let sum: u64 = one
        .rgba()
        .iter()
        .zip(other.rgba())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / one.rgba().len() as f64
}

/// A file of one color.
pub(crate) fn plain(size_px: (u32, u32), rgba: [u8; 4], format: ImageFormat) -> Vec<u8> {
    let count = size_px.0 as usize * size_px.1 as usize;
    let bitmap = Bitmap::new(size_px.0, size_px.1, rgba.repeat(count)).expect("right size");
    encode(&bitmap, format, Some(90)).expect("a plain image encodes")
}

/// A PNG that does not compress: about four bytes a pixel.
pub(crate) fn noise(size_px: (u32, u32)) -> Vec<u8> {
    let count = size_px.0 as usize * size_px.1 as usize * 4;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let rgba = (0..count).map(|_| {
        // Xorshift: any stream without a pattern will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    let bitmap = Bitmap::new(size_px.0, size_px.1, rgba.collect()).expect("right size");
    encode(&bitmap, ImageFormat::Png, None).expect("noise encodes")
}

/// The same picture in another format.
pub(crate) fn converted(bytes: &[u8], format: ImageFormat) -> Vec<u8> {
    encode(&decoded(bytes), format, Some(90)).expect("it encodes")
}

/// A PNG mask whose left half is to be edited.
pub(crate) fn half_mask(size_px: (u32, u32)) -> Vec<u8> {
    let alpha = |x: u32| if x < size_px.0 / 2 { 0 } else { 255 };
    let rgba = (0..size_px.1)
        .flat_map(|_| 0..size_px.0)
        .flat_map(|x| [0, 0, 0, alpha(x)])
        .collect();
    let bitmap = Bitmap::new(size_px.0, size_px.1, rgba).expect("right size");
    encode(&bitmap, ImageFormat::Png, None).expect("a mask encodes")
}

/// A file part.
pub(crate) fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes)
        .file_name("image.png")
        .mime_str("image/png")
        .expect("a type")
}
