//! PNG in every color type and depth, interlaced, and with transparency chunks.

use std::io::Cursor;

use imaging::{DecodeLimits, ImageFormat, ImagingError, decode, inspect};
use png::{BitDepth, ColorType, Encoder};

use crate::pictures::{decoded, scene};

/// Encodes raw samples; `setup` adds chunks.
fn encoded(
    size: (u32, u32),
    color: ColorType,
    depth: BitDepth,
    samples: &[u8],
    setup: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    setup(&mut encoder);
    let mut writer = encoder.write_header().expect("a valid header");
    writer.write_image_data(samples).expect("all samples");
    writer.finish().expect("a vector takes all");
    bytes
}

fn has_alpha(bytes: &[u8]) -> bool {
    inspect(Cursor::new(bytes)).expect("a valid header").has_alpha
}

#[test]
fn samples_of_16_bits() {
    let samples: Vec<u8> = [0x1234_u16, 0xabcd, 0xffff, 0x8000]
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect();
    let rgba = encoded((1, 1), ColorType::Rgba, BitDepth::Sixteen, &samples, |_| {});
    assert!(has_alpha(&rgba));
    assert_eq!(decoded(&rgba).rgba(), [0x12, 0xab, 0xff, 0x80]);
    let gray = encoded((2, 2), ColorType::Grayscale, BitDepth::Sixteen, &samples, |_| {});
    assert!(!has_alpha(&gray));
    assert_eq!(
        decoded(&gray).rgba()[..8],
        [0x12, 0x12, 0x12, 255, 0xab, 0xab, 0xab, 255]
    );
    let rgb = encoded((1, 1), ColorType::Rgb, BitDepth::Sixteen, &samples[..6], |_| {});
    assert_eq!(decoded(&rgb).rgba(), [0x12, 0xab, 0xff, 255]);
}

#[test]
fn gray_of_one_bit_and_with_alpha() {
    let gray = encoded(
        (9, 1),
        ColorType::Grayscale,
        BitDepth::One,
        &[0b1010_0000, 0x80],
        |_| {},
    );
    let reds: Vec<u8> = decoded(&gray).rgba().iter().copied().step_by(4).collect();
    assert_eq!(reds, [255, 0, 255, 0, 0, 0, 0, 0, 255]);
    let samples = [10, 20, 30, 40];
    let alpha = encoded((2, 1), ColorType::GrayscaleAlpha, BitDepth::Eight, &samples, |_| {});
    assert!(has_alpha(&alpha));
    assert_eq!(decoded(&alpha).rgba(), [10, 10, 10, 20, 30, 30, 30, 40]);
}

#[test]
fn palettes() {
    const PALETTE: [u8; 9] = [255, 0, 0, 0, 255, 0, 0, 0, 255];
    let indexes = [0b0001_1000];
    let opaque = encoded((3, 1), ColorType::Indexed, BitDepth::Two, &indexes, |encoder| {
        encoder.set_palette(&PALETTE[..]);
    });
    assert!(!has_alpha(&opaque));
    assert_eq!(
        decoded(&opaque).rgba(),
        [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]
    );
    let clear = encoded((3, 1), ColorType::Indexed, BitDepth::Two, &indexes, |encoder| {
        encoder.set_palette(&PALETTE[..]);
        encoder.set_trns(&[255, 7][..]);
    });
    assert!(has_alpha(&clear));
    assert_eq!(decoded(&clear).rgba(), [255, 0, 0, 255, 0, 255, 0, 7, 0, 0, 255, 255]);
}

#[test]
fn a_single_transparent_color() {
    let samples = [1, 2, 3, 4, 5, 6];
    let bytes = encoded((2, 1), ColorType::Rgb, BitDepth::Eight, &samples, |encoder| {
        encoder.set_trns(&[0, 4, 0, 5, 0, 6][..]);
    });
    assert!(has_alpha(&bytes));
    assert_eq!(decoded(&bytes).rgba(), [1, 2, 3, 255, 4, 5, 6, 0]);
}

#[test]
fn animations() {
    let frames: [[u8; 3]; 2] = [[9, 8, 7], [1, 1, 1]];
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(ColorType::Rgb);
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("a valid header");
    for frame in &frames {
        writer.write_image_data(frame).expect("one pixel");
    }
    writer.finish().expect("a vector takes all");
    assert_eq!(decoded(&bytes).rgba(), [9, 8, 7, 255]);
    let limits = DecodeLimits {
        frames: 0,
        ..DecodeLimits::default()
    };
    let error = decode(&bytes, &limits).expect_err("an animation");
    assert!(matches!(error, ImagingError::Animated(ImageFormat::Png)));
}

/// A chunk with its checksum.
pub(crate) fn chunk(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(payload) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut bytes = (payload.len() as u32).to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(payload);
    bytes.extend((!crc).to_be_bytes());
    bytes
}

/// A zlib stream of one stored block.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    let mut bytes = vec![0x78, 0x01, 0x01];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(data);
    bytes.extend((high << 16 | low).to_be_bytes());
    bytes
}

/// A header chunk of 8-bit samples.
pub(crate) fn header(width: u32, height: u32, color: u8, interlaced: bool) -> Vec<u8> {
    let mut ihdr = width.to_be_bytes().to_vec();
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, color, 0, 0, u8::from(interlaced)]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(b"IHDR", &ihdr));
    bytes
}

#[test]
fn interlaced_pictures() {
    // First column, first row and steps of the seven passes of Adam7.
    const PASSES: [(u32, u32, u32, u32); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let picture = scene(13, 11);
    for (color, channels) in [(2, 3), (6, 4)] {
        let mut samples = Vec::new();
        for (x0, y0, dx, dy) in PASSES {
            for y in (y0..11).step_by(dy as usize) {
                samples.push(0);
                for x in (x0..13).step_by(dx as usize) {
                    let at = ((y * 13 + x) * 4) as usize;
                    samples.extend(&picture.rgba()[at..at + channels]);
                }
            }
        }
        let mut bytes = header(13, 11, color, true);
        bytes.extend(chunk(b"IDAT", &stored(&samples)));
        bytes.extend(chunk(b"IEND", &[]));
        assert_eq!(decoded(&bytes), picture);
    }
}

#[test]
fn what_some_readers_refuse_is_not_plain() {
    let is_plain = |bytes: &[u8]| inspect(Cursor::new(bytes)).expect("a valid header").is_plain;
    for (color, depth, samples, expected) in [
        (ColorType::Grayscale, BitDepth::Eight, &[1][..], true),
        (ColorType::Rgb, BitDepth::Eight, &[1, 2, 3], true),
        (ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 4], true),
        (ColorType::Rgb, BitDepth::Sixteen, &[1, 2, 3, 4, 5, 6], false),
        (ColorType::Grayscale, BitDepth::One, &[0x80], false),
        (ColorType::Indexed, BitDepth::Eight, &[0], false),
    ] {
        let bytes = encoded((1, 1), color, depth, samples, |encoder| {
            if color == ColorType::Indexed {
                encoder.set_palette(vec![1, 2, 3]);
            }
        });
        assert_eq!(is_plain(&bytes), expected, "{color:?} {depth:?}");
    }
}
