//! Every format to every other, sizes, transparency, profiles and limits.

use std::io::Cursor;

use imaging::{
    AVIF_MAX_EDGE_PX, Bitmap, Conversion, DecodeLimits, ImageFormat, ImagingError, convert, decode, encode, inspect,
};

use crate::pictures::{assert_pixel, cutout, decoded, distance, draw, pixel, rgb_profile, scene};

const fn to(format: ImageFormat) -> Conversion {
    Conversion {
        format,
        quality: None,
        cover: None,
    }
}

/// What one encoding at quality 90 may change, at most, on average.
const fn tolerance(format: ImageFormat) -> f64 {
    match format {
        ImageFormat::Png => 0.01,
        ImageFormat::Gif => 6.0,
        _ => 4.0,
    }
}

#[test]
fn every_format_becomes_every_other() {
    let picture = scene(61, 47);
    for from in ImageFormat::ALL {
        let source = encode(&picture, from, None).expect("small enough");
        assert_eq!(ImageFormat::sniff(&source), Some(from));
        for format in ImageFormat::ALL {
            let converted = convert(&source, &to(format), &DecodeLimits::default()).expect("valid source");
            let info = inspect(Cursor::new(&converted.bytes)).expect("valid output");
            assert_eq!(info, converted.info);
            assert_eq!((info.format, info.width_px, info.height_px), (format, 61, 47));
            assert!(!info.has_alpha, "{from} to {format}");
            let (color, alpha) = distance(&picture, &decoded(&converted.bytes));
            let allowed = tolerance(from) + tolerance(format);
            assert!(color <= allowed, "{from} to {format}: {color:.2} > {allowed}");
            assert_eq!(alpha, 0.0);
        }
    }
}

#[test]
fn transparency_survives_where_it_can() {
    let picture = cutout(96, 96);
    // One bit of alpha makes the soft edge hard.
    let hard = draw(96, 96, |x, y| {
        let [red, green, blue, alpha] = pixel(&picture, x, y);
        [red, green, blue, if alpha < 128 { 0 } else { 255 }]
    });
    for from in ImageFormat::ALL.into_iter().filter(|format| format.supports_alpha()) {
        let source = encode(&picture, from, None).expect("small enough");
        for format in ImageFormat::ALL {
            let converted = convert(&source, &to(format), &DecodeLimits::default()).expect("valid source");
            let info = inspect(Cursor::new(&converted.bytes)).expect("valid output");
            assert_eq!(info, converted.info, "{from} to {format}");
            let result = decoded(&converted.bytes);
            assert_pixel(&result, (48, 48), [200, 60, 90, 255], 12);
            if format.supports_alpha() {
                assert!(info.has_alpha);
                assert_eq!(result.rgba()[3], 0, "{from} to {format}");
                let is_hard = [from, format].contains(&ImageFormat::Gif);
                let (_, alpha) = distance(if is_hard { &hard } else { &picture }, &result);
                assert!(alpha < 1.5, "{from} to {format}: {alpha}");
            } else {
                assert_pixel(&result, (0, 0), [255, 255, 255, 255], 3);
                assert_pixel(&result, (95, 48), [255, 255, 255, 255], 3);
            }
        }
    }
}

#[test]
fn quality_changes_size_and_is_clamped() {
    let picture = scene(200, 150);
    for format in ImageFormat::ALL {
        let size = |quality| encode(&picture, format, quality).expect("small enough").len();
        assert_eq!(size(Some(0)), size(Some(1)), "{format}");
        assert_eq!(size(Some(255)), size(Some(100)), "{format}");
        assert_eq!(size(None), size(Some(90)), "{format}");
        if format.is_lossy() {
            assert!(size(Some(30)) < size(Some(90)), "{format}");
            assert!(size(Some(90)) < size(Some(100)), "{format}");
        } else {
            assert_eq!(size(Some(1)), size(Some(100)), "{format}");
        }
    }
}

#[test]
fn tiny_and_narrow_pictures() {
    for (width, height) in [(1, 1), (1, 70), (70, 1), (3, 2), (17, 5)] {
        let picture = draw(width, height, |_, _| [120, 60, 200, 255]);
        for format in ImageFormat::ALL {
            let bytes = encode(&picture, format, Some(100)).expect("small enough");
            let info = inspect(Cursor::new(&bytes)).expect("valid output");
            assert_eq!((info.width_px, info.height_px), (width, height), "{format}");
            let (color, alpha) = distance(&picture, &decoded(&bytes));
            assert!(color <= 4.0 && alpha == 0.0, "{format} {width}x{height}: {color}");
        }
    }
}

#[test]
fn cover_comes_out_exactly() {
    let source = encode(&scene(160, 90), ImageFormat::Png, None).expect("small enough");
    for (width, height) in [(64, 64), (333, 40), (90, 160)] {
        let conversion = Conversion {
            cover: Some((width, height)),
            ..to(ImageFormat::Webp)
        };
        let converted = convert(&source, &conversion, &DecodeLimits::default()).expect("valid source");
        let result = decoded(&converted.bytes);
        assert_eq!((result.width_px(), result.height_px()), (width, height));
        assert_eq!((converted.info.width_px, converted.info.height_px), (width, height));
    }
}

#[test]
fn avif_has_a_longest_side() {
    let at_most = draw(AVIF_MAX_EDGE_PX, 2, |x, _| [x as u8, 0, 0, 255]);
    let bytes = encode(&at_most, ImageFormat::Avif, None).expect("just small enough");
    assert_eq!(decoded(&bytes).width_px(), AVIF_MAX_EDGE_PX);

    for (width, height) in [(AVIF_MAX_EDGE_PX + 1, 1), (1, AVIF_MAX_EDGE_PX + 1)] {
        let picture = draw(width, height, |_, _| [0; 4]);
        let error = encode(&picture, ImageFormat::Avif, None).expect_err("too large");
        assert!(matches!(error, ImagingError::TooLargeForAvif { .. }));
        let png = encode(&picture, ImageFormat::Png, None).expect("small enough for PNG");
        let limits = DecodeLimits::default();
        let error = convert(&png, &to(ImageFormat::Avif), &limits).expect_err("too large");
        assert!(matches!(error, ImagingError::TooLargeForAvif { .. }));
        let smaller = Conversion {
            cover: Some((40, 30)),
            ..to(ImageFormat::Avif)
        };
        assert!(convert(&png, &smaller, &limits).is_ok());
    }
}

#[test]
fn formats_have_longest_sides_of_their_own() {
    let picture = draw(16_384, 1, |_, _| [0, 0, 0, 255]);
    let error = encode(&picture, ImageFormat::Webp, None).expect_err("too wide");
    assert_eq!(
        error.to_string(),
        "16384x1 is too large for webp: the longest side may have 16383 pixels"
    );
    assert!(encode(&picture, ImageFormat::Jpeg, None).is_ok());
    let picture = draw(65_536, 1, |_, _| [0, 0, 0, 255]);
    for format in [ImageFormat::Jpeg, ImageFormat::Gif] {
        let error = encode(&picture, format, None).expect_err("too wide");
        assert!(matches!(error, ImagingError::TooLargeForFormat { .. }));
    }
    assert!(encode(&picture, ImageFormat::Png, None).is_ok());
}

#[test]
fn color_profiles_are_carried() {
    let with_profile = |picture: Bitmap| picture.with_icc(Some(rgb_profile()));
    let carriers = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];
    for picture in [with_profile(scene(40, 30)), with_profile(cutout(40, 40))] {
        for from in carriers {
            let source = encode(&picture, from, None).expect("small enough");
            assert_eq!(decoded(&source).icc(), picture.icc(), "{from}");
            for format in ImageFormat::ALL {
                let converted = convert(&source, &to(format), &DecodeLimits::default()).expect("valid source");
                let result = decoded(&converted.bytes);
                let expected = carriers.contains(&format).then(rgb_profile);
                assert_eq!(result.icc(), expected.as_deref(), "{from} to {format}");
            }
        }
    }
}

#[test]
fn limits_are_checked_before_pixels() {
    let picture = scene(100, 50);
    for format in ImageFormat::ALL {
        let bytes = encode(&picture, format, None).expect("small enough");
        let limited = |input_bytes, pixels| {
            let limits = DecodeLimits {
                input_bytes,
                pixels,
                scan_pixels: pixels * 12,
                frames: 1,
            };
            decode(&bytes, &limits)
        };
        let size = bytes.len() as u64;
        assert!(limited(size, 5000).is_ok());
        assert_eq!(
            limited(size - 1, 5000).expect_err("too many bytes").to_string(),
            format!("the image has {size} bytes, more than the limit of {} bytes", size - 1)
        );
        assert_eq!(
            limited(size, 4999).expect_err("too many pixels").to_string(),
            format!("the {format} header says 100x50, more than the limit of 4999 pixels")
        );
        let conversion = Conversion {
            cover: Some((u32::MAX, u32::MAX)),
            ..to(format)
        };
        let error = convert(&bytes, &conversion, &DecodeLimits::default());
        assert!(matches!(error, Err(ImagingError::TargetTooLarge { .. })));
    }
}
