//! Pictures that are stored turned: each format says so in a place of its own, and all are shown alike.

use std::io::Cursor;

use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode, inspect};

use super::png::chunk;

/// An EXIF block with nothing but an orientation.
fn tiff(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Red above blue, twice as wide as high.
fn picture() -> Bitmap {
    let rgba = (0..32)
        .flat_map(|y| (0..64).map(move |_| if y < 16 { [220, 20, 20, 255] } else { [20, 20, 220, 255] }))
        .flatten()
        .collect();
    Bitmap::new(64, 32, rgba).expect("right size")
}

fn jpeg(orientation: u8) -> Vec<u8> {
    let plain = encode(&picture(), ImageFormat::Jpeg, Some(95)).expect("it encodes");
    let exif = [&b"Exif\0\0"[..], &tiff(orientation)].concat();
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat()
}

fn png(orientation: u8) -> Vec<u8> {
    /// The signature and IHDR.
    const HEAD_BYTES: usize = 8 + 25;
    let plain = encode(&picture(), ImageFormat::Png, None).expect("it encodes");
    let exif = chunk(b"eXIf", &tiff(orientation));
    [&plain[..HEAD_BYTES], &exif, &plain[HEAD_BYTES..]].concat()
}

fn webp(orientation: u8) -> Vec<u8> {
    let plain = encode(&picture(), ImageFormat::Webp, Some(95)).expect("it encodes");
    let chunk = |name: &[u8; 4], payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
        let padding = vec![0; payload.len() % 2];
        [&name[..], &length, payload, &padding].concat()
    };
    let header = chunk(b"VP8X", &[0x08, 0, 0, 0, 63, 0, 0, 31, 0, 0]);
    let exif = chunk(b"EXIF", &tiff(orientation));
    let body = [&b"WEBP"[..], &header, &plain[12..], &exif].concat();
    let length = u32::try_from(body.len()).expect("short").to_le_bytes();
    [&b"RIFF"[..], &length, &body].concat()
}

fn red_of(bitmap: &Bitmap, x: u32, y: u32) -> u8 {
    bitmap.rgba()[((y * bitmap.width_px() + x) * 4) as usize]
}

#[test]
fn a_turned_picture_is_told_and_shown_upright() {
    for make in [jpeg, png, webp] {
        let bytes = make(6);
        let info = inspect(Cursor::new(&bytes)).expect("an image");
        assert_eq!((info.width_px, info.height_px), (32, 64), "{}", info.format);
        assert!(info.orientation.swaps_sides() && !info.is_moving, "{}", info.format);
        let shown = decode(&bytes, &DecodeLimits::default()).expect("it decodes");
        assert_eq!((shown.width_px(), shown.height_px()), (32, 64), "{}", info.format);
        // The top goes to the right.
        assert!(
            red_of(&shown, 28, 32) > 150 && red_of(&shown, 4, 32) < 100,
            "{}",
            info.format
        );
    }
    for make in [jpeg, png, webp] {
        let info = inspect(Cursor::new(make(1))).expect("an image");
        assert!(info.orientation.is_upright());
        assert_eq!((info.width_px, info.height_px), (64, 32));
    }
}
