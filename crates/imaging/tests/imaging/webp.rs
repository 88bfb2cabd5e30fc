//! WebP: lossless pictures, animations and what containers claim.

use std::io::Cursor;

use imaging::{Bitmap, DecodeLimits, ImageFormat, ImagingError, decode, encode, inspect};

use crate::pictures::{cutout, decoded, distance, pixel, scene};

fn chunk(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_vec();
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(vec![0; payload.len() % 2]);
    bytes
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    body.extend(chunks.concat());
    let mut bytes = chunk(b"RIFF", &body);
    bytes.truncate(body.len() + 8);
    bytes
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

/// The extended header of a canvas.
fn extended(flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    let size = [u24(width - 1), u24(height - 1)].concat();
    chunk(b"VP8X", &[vec![flags, 0, 0, 0], size].concat())
}

/// An animation frame of an encoded picture, at an even place.
fn frame(picture: &Bitmap, left: u32, top: u32) -> Vec<u8> {
    let still = encode(picture, ImageFormat::Webp, None).expect("small enough");
    // A picture with alpha has an extended header, which frames do without.
    let chunks = if &still[12..16] == b"VP8X" {
        &still[30..]
    } else {
        &still[12..]
    };
    let size = [u24(picture.width_px() - 1), u24(picture.height_px() - 1)].concat();
    let place = [u24(left / 2), u24(top / 2)].concat();
    chunk(b"ANMF", &[place, size, vec![100, 0, 0, 0], chunks.to_vec()].concat())
}

fn animation(canvas: (u32, u32), frames: &[Vec<u8>]) -> Vec<u8> {
    let mut chunks = vec![extended(0x12, canvas), chunk(b"ANIM", &[0; 6])];
    chunks.extend_from_slice(frames);
    file(&chunks)
}

#[test]
fn lossless_pictures() {
    // One transparent pixel.
    let bytes = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
    let info = inspect(Cursor::new(bytes)).expect("a valid header");
    assert_eq!((info.width_px, info.height_px, info.has_alpha), (1, 1, true));
    assert_eq!(pixel(&decoded(bytes), 0, 0)[3], 0);
}

#[test]
fn the_first_frame_of_an_animation() {
    for (picture, other) in [(scene(40, 30), cutout(40, 30)), (cutout(40, 30), scene(40, 30))] {
        let bytes = animation((40, 30), &[frame(&picture, 0, 0), frame(&other, 0, 0)]);
        let info = inspect(Cursor::new(&bytes)).expect("a valid header");
        assert_eq!((info.width_px, info.height_px), (40, 30));
        let (color, alpha) = distance(&picture, &decoded(&bytes));
        assert!(color < 5.0 && alpha < 1.0, "{color} {alpha}");
        let limits = DecodeLimits {
            frames: 0,
            ..DecodeLimits::default()
        };
        let error = decode(&bytes, &limits).expect_err("an animation");
        assert!(matches!(error, ImagingError::Animated(ImageFormat::Webp)));
    }
}

#[test]
fn frames_stand_where_they_say() {
    let small = scene(10, 8);
    let bitmap = decoded(&animation((40, 30), &[frame(&small, 6, 4)]));
    assert_eq!((bitmap.width_px(), bitmap.height_px()), (40, 30));
    for (x, y, alpha) in [(6, 4, 255), (15, 11, 255), (5, 4, 0), (6, 3, 0), (16, 11, 0)] {
        assert_eq!(pixel(&bitmap, x, y)[3], alpha, "({x}, {y})");
    }
    // What does not fit is cut off.
    let bitmap = decoded(&animation((40, 30), &[frame(&small, 36, 28)]));
    assert_eq!(pixel(&bitmap, 39, 29)[3], 255);
    let bitmap = decoded(&animation((40, 30), &[frame(&small, 400, 280)]));
    assert!(bitmap.rgba().iter().all(|&byte| byte == 0));
}

#[test]
fn claims_are_checked() {
    let limits = DecodeLimits::default();
    let huge = file(&[extended(0, (1 << 24, 1 << 24))]);
    let error = decode(&huge, &limits).expect_err("a huge canvas");
    assert_eq!(
        error.to_string(),
        "the webp header says 16777216x16777216, more than the limit of 50000000 pixels"
    );
    // A picture of another size than the canvas, and no picture at all.
    let still = encode(&scene(10, 8), ImageFormat::Webp, None).expect("small enough");
    let lying = file(&[extended(0, (40, 30)), still[12..].to_vec()]);
    for bytes in [lying, file(&[extended(0, (40, 30))]), animation((40, 30), &[])] {
        let error = decode(&bytes, &limits).expect_err("no such picture");
        assert!(matches!(error, ImagingError::Malformed { .. }), "{error}");
    }
    let whole = animation((40, 30), &[frame(&scene(40, 30), 0, 0)]);
    let error = decode(&whole[..whole.len() / 2], &limits).expect_err("half a file");
    assert!(matches!(error, ImagingError::Truncated(ImageFormat::Webp)));
}
