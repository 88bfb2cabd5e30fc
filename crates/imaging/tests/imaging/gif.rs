//! GIF frames: where they go, which one counts, and how colors are chosen.

use std::collections::HashSet;
use std::io::Cursor;

use gif::{DisposalMethod, Encoder, Frame};
use imaging::{DecodeLimits, ImageFormat, ImagingError, decode, encode, inspect};

use crate::pictures::{cutout, decoded, draw, pixel};

/// Frames of one color each: left, top, width, height, color.
fn encoded(canvas: (u16, u16), frames: &[(u16, u16, u16, u16, [u8; 3])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, canvas.0, canvas.1, &[]).expect("a valid header");
    for &(left, top, width, height, color) in frames {
        let frame = Frame {
            left,
            top,
            width,
            height,
            dispose: DisposalMethod::Background,
            palette: Some(color.to_vec()),
            buffer: vec![0; usize::from(width) * usize::from(height)].into(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).expect("a valid frame");
    }
    drop(encoder);
    bytes
}

const RED: [u8; 4] = [255, 0, 0, 255];

#[test]
fn only_the_first_frame_counts() {
    let frames = [(0, 0, 8, 6, [255, 0, 0]), (0, 0, 8, 6, [0, 255, 0])];
    let bytes = encoded((8, 6), &frames);
    let info = inspect(Cursor::new(&bytes)).expect("a valid header");
    assert!(!info.has_alpha && info.is_moving);
    let still = inspect(Cursor::new(encoded((8, 6), &frames[..1]))).expect("a valid header");
    assert!(!still.is_moving);
    let bitmap = decoded(&bytes);
    assert_eq!((bitmap.width_px(), bitmap.height_px()), (8, 6));
    assert!(bitmap.rgba().chunks_exact(4).all(|px| px == RED));

    let limits = DecodeLimits {
        frames: 0,
        ..DecodeLimits::default()
    };
    let error = decode(&bytes, &limits).expect_err("an animation");
    assert!(matches!(error, ImagingError::Animated(ImageFormat::Gif)));
    assert!(decode(&encoded((8, 6), &frames[..1]), &limits).is_ok());
}

#[test]
fn frames_stand_where_they_say() {
    let bytes = encoded((10, 10), &[(2, 3, 4, 5, [255, 0, 0])]);
    assert!(inspect(Cursor::new(&bytes)).expect("a valid header").has_alpha);
    let bitmap = decoded(&bytes);
    for (x, y) in [(2, 3), (5, 7)] {
        assert_eq!(pixel(&bitmap, x, y), RED);
    }
    for (x, y) in [(1, 3), (2, 2), (6, 7), (5, 8), (0, 0), (9, 9)] {
        assert_eq!(pixel(&bitmap, x, y), [0; 4]);
    }
    // Outside of the canvas, in part or at all, is not drawn.
    for frame in [(8, 8, 9, 9, [255, 0, 0]), (50, 60, 3, 3, [255, 0, 0])] {
        let bitmap = decoded(&encoded((10, 10), &[frame]));
        assert_eq!((bitmap.width_px(), bitmap.height_px()), (10, 10));
        assert_eq!(pixel(&bitmap, 7, 7), [0; 4]);
        assert_eq!(pixel(&bitmap, 9, 9), if frame.0 == 8 { RED } else { [0; 4] });
    }
}

#[test]
fn a_frame_larger_than_the_limit_is_refused() {
    let mut bytes = encoded((4, 4), &[(0, 0, 4, 4, [255, 0, 0])]);
    let descriptor = bytes
        .windows(5)
        .position(|window| window == [0x2c, 0, 0, 0, 0])
        .expect("an image descriptor");
    bytes[descriptor + 5..descriptor + 9].fill(0xff);
    let error = decode(&bytes, &DecodeLimits::default()).expect_err("a huge frame");
    assert_eq!(
        error.to_string(),
        "the gif header says 65535x65535, more than the limit of 50000000 pixels"
    );
}

#[test]
fn transparency_is_one_bit() {
    let bytes = encode(&cutout(64, 64), ImageFormat::Gif, None).expect("small enough");
    let bitmap = decoded(&bytes);
    let alphas: HashSet<u8> = bitmap.rgba().iter().copied().skip(3).step_by(4).collect();
    assert_eq!(alphas, HashSet::from([0, 255]));
    assert_eq!(pixel(&bitmap, 0, 0), [0; 4]);
    assert_eq!(pixel(&bitmap, 32, 32), [200, 60, 90, 255]);
}

#[test]
fn few_colors_stay_exact() {
    let full = draw(32, 8, |x, y| [(y * 32 + x) as u8, 7, 255 - x as u8, 255]);
    let bytes = encode(&full, ImageFormat::Gif, None).expect("small enough");
    assert_eq!(decoded(&bytes), full);

    let colors = [[1, 2, 3, 255], [250, 120, 7, 255], [0, 0, 0, 0], [90, 91, 92, 255]];
    let picture = draw(40, 40, |x, y| colors[((x / 10 + y / 10) % 4) as usize]);
    let bytes = encode(&picture, ImageFormat::Gif, None).expect("small enough");
    assert_eq!(decoded(&bytes), picture);
    let nothing = draw(5, 5, |_, _| [0; 4]);
    let bytes = encode(&nothing, ImageFormat::Gif, None).expect("small enough");
    assert_eq!(decoded(&bytes), nothing);
}
