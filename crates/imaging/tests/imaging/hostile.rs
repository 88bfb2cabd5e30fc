//! Files made to do harm: lies about sizes, cut off at every byte, random and mutated bytes.

use std::io::Cursor;

use imaging::{DecodeLimits, ImageFormat, ImagingError, InspectError, decode, encode, inspect};
use proptest::prelude::*;

use crate::pictures::{cutout, scene};

/// Small enough that no mutated size makes a test slow.
const LIMITS: DecodeLimits = DecodeLimits {
    input_bytes: 1 << 20,
    pixels: 300_000,
    scan_pixels: 3_000_000,
    frames: 1,
};

/// One file per format, with and without alpha.
fn samples() -> Vec<Vec<u8>> {
    ImageFormat::ALL
        .into_iter()
        .flat_map(|format| {
            [scene(33, 21), cutout(20, 20)].map(|picture| encode(&picture, format, Some(60)).expect("small enough"))
        })
        .collect()
}

#[test]
fn a_header_that_claims_too_much_allocates_nothing() {
    let png = crate::png::header(100_000, 100_000, 6, false);
    let info = inspect(Cursor::new(&png)).expect("a whole header");
    assert_eq!((info.width_px, info.height_px), (100_000, 100_000));
    let error = decode(&png, &DecodeLimits::default()).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "the png header says 100000x100000, more than the limit of 50000000 pixels"
    );

    let gif = b"GIF89a\xff\xff\xff\xff\0\0\0";
    let error = decode(gif, &DecodeLimits::default()).expect_err("too large");
    assert!(matches!(error, ImagingError::TooManyPixels { .. }));

    let jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    let error = decode(jpeg, &DecodeLimits::default()).expect_err("too large");
    assert!(matches!(error, ImagingError::TooManyPixels { .. }));
}

#[test]
fn a_side_of_zero_is_damage() {
    for bytes in [
        crate::png::header(0, 5, 2, false),
        b"GIF89a\0\0\x05\0\0\0\0".to_vec(),
        b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x05\x03".to_vec(),
    ] {
        let error = inspect(Cursor::new(&bytes)).expect_err("no pixels");
        assert!(matches!(error, InspectError::Malformed { .. }), "{error}");
    }
}

#[test]
fn every_prefix_is_an_answer() {
    for whole in samples() {
        let complete = inspect(Cursor::new(&whole)).expect("a valid header");
        let mut known = false;
        for length in 0..whole.len() {
            let prefix = &whole[..length];
            match inspect(Cursor::new(prefix)) {
                Ok(info) => {
                    known = true;
                    let size = (info.width_px, info.height_px);
                    assert_eq!(size, (complete.width_px, complete.height_px));
                }
                Err(error) => {
                    assert!(!known, "{error} at {length}, but an answer before");
                    assert!(
                        matches!(error, InspectError::NotAnImage | InspectError::Truncated(_)),
                        "{error}"
                    );
                }
            }
            if let Ok(bitmap) = decode(prefix, &LIMITS) {
                let size = (bitmap.width_px(), bitmap.height_px());
                assert_eq!(size, (complete.width_px, complete.height_px));
            }
        }
        assert!(known, "the header ends before the file does");
        let half = &whole[..whole.len() / 2];
        let error = decode(half, &LIMITS).expect_err("half a file");
        assert!(matches!(error, ImagingError::Truncated(_)), "{error}");
    }
}

#[test]
fn headers_without_an_end_are_given_up() {
    // Fill bytes before a marker, chunks of nothing, sub-blocks of one byte: two megabytes of each.
    let jpeg = [b"\xff\xd8".to_vec(), vec![0xff; 2 << 20]].concat();
    let png = [
        crate::png::header(5, 5, 2, false),
        b"\0\0\0\0aaaa\0\0\0\0".repeat(200_000),
    ]
    .concat();
    let gif = [b"GIF89a\x05\0\x05\0\0\0\0\x21\x01".to_vec(), vec![1; 2 << 20]].concat();
    let avif = [
        b"\0\0\0\x14ftypavif\0\0\0\0avif".to_vec(),
        b"\0\0\0\x08free".repeat(200_000),
    ]
    .concat();
    for bytes in [jpeg, png, gif, avif] {
        let error = inspect(Cursor::new(&bytes)).expect_err("an endless header");
        assert!(matches!(error, InspectError::HeaderTooLong(_)), "{error}");
    }
}

#[test]
fn anything_else_is_not_an_image() {
    for bytes in [&b""[..], b"\0", b"BM\x3a\0\0\0", b"{}"] {
        let error = decode(bytes, &LIMITS).expect_err("no image");
        assert_eq!(error.to_string(), "not a PNG, JPEG, WebP, GIF or AVIF image");
    }
    for (bytes, name) in [
        (&b"<svg xmlns="[..], "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"II\x2a\0", "TIFF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    ] {
        let error = decode(bytes, &LIMITS).expect_err("no image").to_string();
        assert!(error.starts_with(name) && error.contains("JPEG"), "{error}");
    }
}

/// Leading bytes that get random data past the first check.
const MAGIC: [&[u8]; 7] = [
    b"",
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10\x08\x03\0\0\0",
    b"\xff\xd8\xff",
    b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x10\0\0\x10\0\0ANMF",
    b"RIFF\xff\0\0\0WEBPVP8L\xff\0\0\0\x2f\x10\0\x04\0",
    b"GIF89a\x10\0\x10\0\x80\0\0",
    b"\0\0\0\x14ftypavif\0\0\0\0avif\0\0\0\xffmeta\0\0\0\0",
];

proptest! {
    #[test]
    fn random_bytes(
        magic in 0..MAGIC.len(),
        tail in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [MAGIC[magic], &tail].concat();
        let answers = (inspect(Cursor::new(&bytes)).is_ok(), decode(&bytes, &LIMITS).is_ok());
        prop_assert_ne!(answers, (false, true), "decoded what has no header");
    }

    #[test]
    fn mutated_files(
        sample in 0..10_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        near_start in any::<bool>(),
    ) {
        thread_local! {
            static SAMPLES: Vec<Vec<u8>> = samples();
        }
        let mut bytes = SAMPLES.with(|samples| samples[sample].clone());
        let reach = if near_start { bytes.len().min(64) } else { bytes.len() };
        for (index, value) in changes {
            bytes[index.index(reach)] = value;
        }
        let answers = (inspect(Cursor::new(&bytes)).is_ok(), decode(&bytes, &LIMITS).is_ok());
        prop_assert_ne!(answers, (false, true), "decoded what has no header");
    }
}
