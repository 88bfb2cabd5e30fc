//! Where files end: whole, with more behind, without their last mark, or too early.

use std::io::Cursor;

use imaging::{DecodeLimits, Ending, ImageFormat, encode, ending};

use crate::pictures::{cutout, scene};

fn told(format: ImageFormat, bytes: &[u8]) -> Ending {
    ending(format, Cursor::new(bytes), Some(&DecodeLimits::default())).expect("memory can be read")
}

/// Files of every format, with and without alpha.
fn files() -> impl Iterator<Item = (ImageFormat, Vec<u8>)> {
    ImageFormat::ALL.into_iter().flat_map(|format| {
        [scene(65, 43), cutout(40, 40)]
            .map(|picture| (format, encode(&picture, format, Some(80)).expect("small enough")))
    })
}

#[test]
fn a_file_is_whole_until_a_byte_is_missing() {
    for (format, bytes) in files() {
        assert_eq!(told(format, &bytes), Ending::Whole, "{format}");
        let length = bytes.len();
        for cut in [length / 10, length / 3, length / 2, length - 40, length - 20] {
            assert_eq!(
                told(format, &bytes[..cut]),
                Ending::Cut,
                "{format} cut at {cut} of {length}"
            );
        }
    }
}

#[test]
fn bytes_after_the_end_are_told() {
    for (format, bytes) in files() {
        for more in [&b"more"[..], b"\0", b"\xff\xd9", &[0x7f; 300]] {
            let longer = [&bytes[..], more].concat();
            assert_eq!(told(format, &longer), Ending::Trailing, "{format}");
        }
    }
}

#[test]
fn a_jpeg_may_lack_its_mark_but_no_picture() {
    let bytes = encode(&scene(160, 120), ImageFormat::Jpeg, Some(90)).expect("small enough");
    let unmarked = &bytes[..bytes.len() - 2];
    assert_eq!(told(ImageFormat::Jpeg, unmarked), Ending::Unmarked);
    // The last rows are missing.
    assert_eq!(told(ImageFormat::Jpeg, &bytes[..bytes.len() - 40]), Ending::Cut);
    // The mark of a preview inside the header is not the picture's.
    let mut with_preview = bytes[..2].to_vec();
    with_preview.extend(b"\xff\xe1\x00\x0ePreview!\xff\xd8\xff\xd9");
    with_preview.extend(&bytes[2..bytes.len() / 2]);
    assert_eq!(told(ImageFormat::Jpeg, &with_preview), Ending::Cut);
}

#[test]
fn a_gif_may_lack_its_trailer() {
    let bytes = encode(&scene(40, 30), ImageFormat::Gif, None).expect("small enough");
    assert_eq!(told(ImageFormat::Gif, &bytes[..bytes.len() - 1]), Ending::Unmarked);
    assert_eq!(told(ImageFormat::Gif, &bytes[..bytes.len() - 2]), Ending::Cut);
}

#[test]
fn every_prefix_has_an_answer() {
    for (format, bytes) in files() {
        for cut in 0..bytes.len().min(600) {
            assert_ne!(told(format, &bytes[..cut]), Ending::Whole, "{format} cut at {cut}");
        }
    }
}
