//! JPEG in every color space, progressive, turned by EXIF, and cut off.

use std::io::Cursor;

use imaging::{Bitmap, DecodeLimits, ImageFormat, ImagingError, decode, encode, inspect};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::pictures::{assert_pixel, decoded, distance, draw, scene};

fn encoded(picture: &Bitmap, color: ColorType, setup: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let samples: Vec<u8> = picture
        .rgba()
        .chunks_exact(4)
        .flat_map(|px| match color {
            ColorType::Luma => vec![px[1]],
            // With no black of its own, CMYK is the opposite of RGB.
            ColorType::Cmyk | ColorType::CmykAsYcck => {
                vec![255 - px[0], 255 - px[1], 255 - px[2], 0]
            }
            _ => px.to_vec(),
        })
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 98);
    setup(&mut encoder);
    encoder
        .encode(&samples, picture.width_px() as u16, picture.height_px() as u16, color)
        .expect("a valid picture");
    bytes
}

#[test]
fn color_spaces() {
    let picture = scene(83, 61);
    for color in [ColorType::Rgba, ColorType::Cmyk, ColorType::CmykAsYcck] {
        for progressive in [false, true] {
            let bytes = encoded(&picture, color, |encoder| encoder.set_progressive(progressive));
            let (difference, alpha) = distance(&picture, &decoded(&bytes));
            assert!(difference < 3.0, "{color:?}, {progressive}: {difference}");
            assert_eq!(alpha, 0.0);
        }
    }
    let gray = decoded(&encoded(&picture, ColorType::Luma, |_| {}));
    let expected = draw(83, 61, |x, y| {
        let green = picture.rgba()[((y * 83 + x) * 4 + 1) as usize];
        [green, green, green, 255]
    });
    assert!(distance(&expected, &gray).0 < 2.0);
}

/// Bits of entropy-coded data, the high ones of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, length: u32) {
        for bit in (0..length).rev() {
            self.pending = self.pending << 1 | (value >> bit & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.pending as u8);
                if self.pending == 0xff {
                    self.bytes.push(0);
                }
                (self.pending, self.count) = (0, 0);
            }
        }
    }

    /// A flat block, by how its level differs from the one before.
    fn push_block(&mut self, difference: i32) {
        let length = 32 - difference.unsigned_abs().leading_zeros();
        self.push(length, 4);
        let value = if difference < 0 { difference - 1 } else { difference };
        self.push(value as u32 & ((1 << length) - 1), length);
        self.push(0, 1);
    }
}

/// Encodes blocks of one color each, for any sampling factors. `level` tells the color of a
/// component where a block's upper left pixel is.
fn flat_blocks((width, height): (u32, u32), factors: &[(u32, u32)], level: impl Fn(usize, u32, u32) -> u8) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    bytes.extend([1; 64]);
    let count = factors.len() as u8;
    bytes.extend([0xff, 0xc0, 0, 8 + 3 * count, 8]);
    bytes.extend((height as u16).to_be_bytes());
    bytes.extend((width as u16).to_be_bytes());
    bytes.push(count);
    for (id, (h, v)) in (1..).zip(factors) {
        bytes.extend([id, (h << 4 | v) as u8, 0]);
    }
    // Twelve codes of four bits for the levels, one code of one bit for "nothing else".
    bytes.extend([0xff, 0xc4, 0, 19 + 12, 0x00, 0, 0, 0, 12]);
    bytes.extend([0; 12]);
    bytes.extend(0..12);
    bytes.extend([0xff, 0xc4, 0, 19 + 1, 0x10, 1]);
    bytes.extend([0; 16]);
    bytes.extend([0xff, 0xda, 0, 6 + 2 * count, count]);
    for id in 1..=count {
        bytes.extend([id, 0]);
    }
    bytes.extend([0, 63, 0]);

    // A scan of one component is not interleaved: its units are single blocks.
    let single = [(1, 1)];
    let factors = if factors.len() == 1 { &single[..] } else { factors };
    let h_max = factors.iter().map(|(h, _)| *h).max().expect("a component");
    let v_max = factors.iter().map(|(_, v)| *v).max().expect("a component");
    let mut bits = Bits::default();
    let mut last = vec![0; factors.len()];
    for unit_y in 0..height.div_ceil(8 * v_max) {
        for unit_x in 0..width.div_ceil(8 * h_max) {
            for (index, &(h, v)) in factors.iter().enumerate() {
                for block in 0..h * v {
                    let (block_x, block_y) = (unit_x * h + block % h, unit_y * v + block / h);
                    let (x, y) = (block_x * 8 * h_max / h, block_y * 8 * v_max / v);
                    let value = (i32::from(level(index, x, y)) - 128) * 8;
                    bits.push_block(value - last[index]);
                    last[index] = value;
                }
            }
        }
    }
    bits.push(0x7f, 7);
    bytes.extend(bits.bytes);
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// A level of a component that changes every 64 pixels, so that it is flat in blocks of any size.
fn level(component: usize, x: u32, y: u32) -> u8 {
    const FIELDS: [[u8; 4]; 4] = [
        [90, 60, 200, 90],
        [160, 220, 40, 160],
        [110, 150, 30, 110],
        [60, 90, 230, 60],
    ];
    FIELDS[(x / 64 + y / 64 * 2) as usize % 4][component]
}

/// The color that the levels of a picture of one or three components stand for.
fn level_color(components: usize, x: u32, y: u32) -> [u8; 4] {
    let luma = level(0, x, y);
    if components == 1 {
        return [luma, luma, luma, 255];
    }
    let [luma, cb, cr] = [0, 1, 2].map(|component| f64::from(level(component, x, y)));
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let [red, green, blue] = [
        luma + 1.402 * cr,
        luma - 0.344_14 * cb - 0.714_14 * cr,
        luma + 1.772 * cb,
    ]
    .map(|value| value.round().clamp(0.0, 255.0) as u8);
    [red, green, blue, 255]
}

/// Sampling factors are read right or refused, never misread.
#[test]
fn sampling_factors() {
    let sides = [1, 2, 3, 4];
    let all: Vec<(u32, u32)> = sides.iter().flat_map(|&h| sides.map(|v| (h, v))).collect();
    let mut read = Vec::new();
    for &luma in &all {
        let several = all.iter().map(|&chroma| vec![luma, chroma, chroma]);
        for factors in several.chain([vec![luma]]) {
            // The specification has no more blocks in one unit.
            if factors.len() > 1 && factors.iter().map(|(h, v)| h * v).sum::<u32>() > 10 {
                continue;
            }
            for (width, height) in [(128, 128), (97, 75), (83, 61)] {
                let bytes = flat_blocks((width, height), &factors, level);
                match decode(&bytes, &DecodeLimits::default()) {
                    Ok(bitmap) => {
                        for (x, y) in [(32, 32), (width - 1, 32), (32, height - 1), (78, 40)] {
                            assert_pixel(&bitmap, (x, y), level_color(factors.len(), x, y), 4);
                        }
                        read.push(factors.clone());
                    }
                    Err(error) => {
                        let is_refused = matches!(error, ImagingError::Unsupported { .. });
                        assert!(is_refused, "{factors:?}: {error}");
                    }
                }
            }
        }
    }
    for usual in [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)] {
        assert!(read.contains(&vec![usual, (1, 1), (1, 1)]), "{usual:?}");
        assert!(read.contains(&vec![usual]), "{usual:?}");
    }
}

#[test]
fn chroma_layouts() {
    let picture = scene(83, 61);
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
    ] {
        let bytes = encoded(&picture, ColorType::Rgba, |encoder| {
            encoder.set_sampling_factor(sampling);
        });
        let (difference, _) = distance(&picture, &decoded(&bytes));
        assert!(difference < 4.0, "{sampling:?}: {difference}");
    }
}

/// The TIFF structure of an EXIF segment that holds an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut segment = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    segment.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    segment
}

#[test]
fn orientations() {
    const RED: [u8; 4] = [255, 0, 0, 255];
    // Red in the stored picture's upper left quarter; where it is shown, by orientation.
    let stored = draw(64, 32, |x, y| if x < 32 && y < 16 { RED } else { [0, 0, 0, 255] });
    let corners = [
        (1, (0, 0)),
        (2, (1, 0)),
        (3, (1, 1)),
        (4, (0, 1)),
        (5, (0, 0)),
        (6, (1, 0)),
        (7, (1, 1)),
        (8, (0, 1)),
    ];
    for (orientation, (right, bottom)) in corners {
        let bytes = encoded(&stored, ColorType::Rgba, |encoder| {
            let xmp = b"http://ns.adobe.com/xap/1.0/\0".to_vec();
            encoder.add_app_segment(1, xmp).expect("short");
            encoder.add_app_segment(1, exif(orientation)).expect("short");
        });
        let size = if orientation < 5 { (64, 32) } else { (32, 64) };
        let info = inspect(Cursor::new(&bytes)).expect("a valid header");
        assert_eq!((info.width_px, info.height_px), size, "{orientation}");
        let shown = decoded(&bytes);
        assert_eq!((shown.width_px(), shown.height_px()), size);
        let place = (4 + right * (size.0 - 9), 4 + bottom * (size.1 - 9));
        assert_pixel(&shown, place, RED, 12);
        let opposite = (size.0 - 1 - place.0, size.1 - 1 - place.1);
        assert_pixel(&shown, opposite, [0, 0, 0, 255], 12);
    }
}

#[test]
fn a_file_cut_off_is_told() {
    let mut whole = encode(&scene(120, 90), ImageFormat::Jpeg, None).expect("small enough");
    let half = whole.len() / 2;
    assert!(inspect(Cursor::new(&whole[..half])).is_ok());
    let error = decode(&whole[..half], &DecodeLimits::default()).expect_err("half a file");
    assert_eq!(error.to_string(), "the jpeg image is truncated");
    // Damage in the middle of a whole file is shown as far as it goes.
    whole[half..half + 8].fill(0);
    assert!(decode(&whole, &DecodeLimits::default()).is_ok());
}

#[test]
fn what_is_not_supported_says_so() {
    let mut bytes = encode(&scene(16, 16), ImageFormat::Jpeg, None).expect("small enough");
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("a baseline frame");
    bytes[frame + 1] = 0xc9;
    let error = decode(&bytes, &DecodeLimits::default()).expect_err("arithmetic coding");
    assert_eq!(
        error.to_string(),
        "the jpeg image uses lossless or arithmetic coding, which is not supported"
    );
}

#[test]
fn scans_are_limited() {
    let mut bytes = encoded(&scene(64, 64), ColorType::Rgba, |encoder| {
        encoder.set_progressive(true);
    });
    let scan = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).expect("a scan");
    let last: Vec<u8> = bytes[scan..bytes.len() - 2].to_vec();
    bytes.truncate(bytes.len() - 2);
    for _ in 0..200 {
        bytes.extend(&last);
    }
    bytes.extend([0xff, 0xd9]);
    let error = decode(&bytes, &DecodeLimits::default()).expect_err("too many scans");
    assert!(matches!(error, ImagingError::TooManyScans { .. }), "{error}");
}

#[test]
fn scans_are_limited_by_the_work_that_they_are() {
    let bytes = encoded(&scene(64, 64), ColorType::Rgba, |encoder| {
        encoder.set_progressive(true);
    });
    // What looks like a scan within a segment is none.
    let comment = [&[0xff, 0xfe, 0, 42][..], &[0xff, 0xda].repeat(20)].concat();
    let bytes = [&bytes[..2], &comment, &bytes[2..]].concat();
    let within = |scans: u64| {
        let limits = DecodeLimits {
            scan_pixels: 64 * 64 * scans,
            ..DecodeLimits::default()
        };
        decode(&bytes, &limits)
    };
    let error = within(3).expect_err("more scans");
    let ImagingError::TooManyScans { scans, .. } = error else {
        panic!("{error}")
    };
    let scans = u64::try_from(scans).expect("few");
    assert!((4..20).contains(&scans), "{scans}");
    assert!(error.to_string().contains("scan_pixels allows 12288 pixels"), "{error}");
    assert!(within(scans - 1).is_err());
    assert!(within(scans).is_ok());
}

#[test]
fn inks_of_print_and_further_pictures_are_not_plain() {
    let picture = scene(16, 16);
    let is_plain = |bytes: &[u8]| inspect(Cursor::new(bytes)).expect("a valid header").is_plain;
    let photograph = encoded(&picture, ColorType::Rgba, |_| {});
    assert!(is_plain(&photograph));
    assert!(is_plain(&encoded(&picture, ColorType::Luma, |_| {})));
    assert!(!is_plain(&encoded(&picture, ColorType::Cmyk, |_| {})));
    let with_segment = |content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
        [&photograph[..2], &[0xff, 0xe2], &length, content, &photograph[2..]].concat()
    };
    assert!(!is_plain(&with_segment(b"MPF\0II*\0\x08\0\0\0")));
    assert!(is_plain(&with_segment(b"ICC_PROFILE\0\x01\x01")));
    assert!(is_plain(&with_segment(b"MP")));
    let redrawn = imaging::encode(
        &decoded(&with_segment(b"MPF\0II*\0\x08\0\0\0")),
        ImageFormat::Jpeg,
        None,
    );
    assert!(is_plain(&redrawn.expect("it encodes")));
}
