//! AVIF of every chroma layout, depth and range, turned, in pieces, and with too many frames.

use std::io::Cursor;

use imaging::{Bitmap, DecodeLimits, ImageFormat, ImagingError, decode, encode, inspect};
use rav1e::prelude::{
    ChromaSampling, ColorDescription, ColorPrimaries, Config, Context, EncoderConfig, Frame, FrameType,
    MatrixCoefficients, Pixel, PixelRange, SpeedSettings, TransferCharacteristics,
};

use crate::heif::{Heif, boxed};
use crate::pictures::{assert_pixel, cutout, decoded, distance, draw, rgb_profile, scene};

/// How a stream is coded.
#[derive(Clone, Copy, Debug)]
struct Coding {
    depth: u32,
    sampling: ChromaSampling,
    is_full: bool,
    matrix: MatrixCoefficients,
}

const PLAIN: Coding = Coding {
    depth: 8,
    sampling: ChromaSampling::Cs420,
    is_full: true,
    matrix: MatrixCoefficients::BT601,
};

/// Luma and both color differences of a pixel, as shares of the full scale.
fn yuv(px: &[u8], matrix: MatrixCoefficients) -> [f64; 3] {
    let [red, green, blue] = [px[0], px[1], px[2]].map(|byte| f64::from(byte) / 255.0);
    let (kr, kb) = match matrix {
        MatrixCoefficients::Identity => return [green, blue, red],
        MatrixCoefficients::BT709 => (0.2126, 0.0722),
        MatrixCoefficients::BT2020NCL => (0.2627, 0.0593),
        _ => (0.299, 0.114),
    };
    let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
    [y, (blue - y) / (2.0 * (1.0 - kb)), (red - y) / (2.0 * (1.0 - kr))]
}

/// One plane of samples at full size: 0 for luma, 1 and 2 for color.
fn plane(picture: &Bitmap, coding: Coding, index: usize) -> Vec<u16> {
    let is_rgb = coding.matrix == MatrixCoefficients::Identity;
    let step = f64::from(1_u32 << (coding.depth - 8));
    let max = f64::from((1_u32 << coding.depth) - 1);
    let (offset, scale) = match (coding.is_full, index == 0 || is_rgb) {
        (true, true) => (0.0, max),
        (true, false) => (128.0 * step, max),
        (false, true) => (16.0 * step, 219.0 * step),
        (false, false) => (128.0 * step, 224.0 * step),
    };
    picture
        .rgba()
        .chunks_exact(4)
        .map(|px| (yuv(px, coding.matrix)[index] * scale + offset).round().clamp(0.0, max) as u16)
        .collect()
}

fn fill<T: Pixel>(frame: &mut Frame<T>, picture: &Bitmap, coding: Coding) {
    let (width, height) = (picture.width_px() as usize, picture.height_px() as usize);
    for (index, target) in frame.planes.iter_mut().enumerate() {
        if target.cfg.width == 0 {
            continue;
        }
        let samples = plane(picture, coding, index);
        let (step_x, step_y) = (1 << target.cfg.xdec, 1 << target.cfg.ydec);
        let mut rows = target.mut_slice(Default::default());
        for (y, row) in rows.rows_iter_mut().take(height.div_ceil(step_y)).enumerate() {
            for (x, sample) in row.iter_mut().take(width.div_ceil(step_x)).enumerate() {
                let (mut sum, mut count) = (0, 0);
                for sy in (y * step_y..height).take(step_y) {
                    for sx in (x * step_x..width).take(step_x) {
                        sum += u32::from(samples[sy * width + sx]);
                        count += 1;
                    }
                }
                *sample = T::cast_from((sum + count / 2) / count);
            }
        }
    }
}

fn stream_of<T: Pixel>(picture: &Bitmap, coding: Coding) -> Vec<u8> {
    let config = EncoderConfig {
        width: picture.width_px() as usize,
        height: picture.height_px() as usize,
        bit_depth: coding.depth as usize,
        chroma_sampling: coding.sampling,
        pixel_range: if coding.is_full {
            PixelRange::Full
        } else {
            PixelRange::Limited
        },
        color_description: Some(ColorDescription {
            color_primaries: ColorPrimaries::BT709,
            transfer_characteristics: TransferCharacteristics::SRGB,
            matrix_coefficients: coding.matrix,
        }),
        still_picture: true,
        quantizer: 20,
        min_quantizer: 20,
        speed_settings: SpeedSettings::from_preset(10),
        ..EncoderConfig::default()
    };
    let mut context: Context<T> = Config::new()
        .with_encoder_config(config)
        .with_threads(1)
        .new_context()
        .expect("a valid configuration");
    let mut frame = context.new_frame();
    fill(&mut frame, picture, coding);
    context.send_frame(frame).expect("room for one frame");
    context.flush();
    let mut stream = Vec::new();
    while let Ok(packet) = context.receive_packet() {
        if packet.frame_type == FrameType::KEY {
            stream.extend(packet.data);
        }
    }
    stream
}

fn stream(picture: &Bitmap, coding: Coding) -> Vec<u8> {
    if coding.depth == 8 {
        stream_of::<u8>(picture, coding)
    } else {
        stream_of::<u16>(picture, coding)
    }
}

#[test]
fn layouts_depths_and_ranges() {
    let picture = scene(51, 33);
    let gray = draw(51, 33, |x, y| {
        let level = (x * 2 + y) as u8;
        [level, level, level, 255]
    });
    let mut codings = Vec::new();
    for depth in [8, 10] {
        for is_full in [false, true] {
            for sampling in [
                ChromaSampling::Cs420,
                ChromaSampling::Cs422,
                ChromaSampling::Cs444,
                ChromaSampling::Cs400,
            ] {
                for matrix in [
                    MatrixCoefficients::BT601,
                    MatrixCoefficients::BT709,
                    MatrixCoefficients::BT2020NCL,
                ] {
                    codings.push(Coding {
                        depth,
                        sampling,
                        is_full,
                        matrix,
                    });
                }
            }
        }
        codings.push(Coding {
            depth,
            sampling: ChromaSampling::Cs444,
            is_full: true,
            matrix: MatrixCoefficients::Identity,
        });
    }
    for coding in codings {
        let picture = if coding.sampling == ChromaSampling::Cs400 {
            &gray
        } else {
            &picture
        };
        let bytes = Heif::of(picture).build(&stream(picture, coding));
        let (color, alpha) = distance(picture, &decoded(&bytes));
        assert!(color < 3.0, "{coding:?}: {color:.2}");
        assert_eq!(alpha, 0.0);
    }
}

#[test]
fn the_container_overrules_the_stream() {
    // Told as limited BT.601 in the stream, but full BT.709 in the container, as it is.
    let picture = scene(40, 30);
    let coding = Coding {
        sampling: ChromaSampling::Cs444,
        matrix: MatrixCoefficients::BT709,
        ..PLAIN
    };
    let right = stream(&picture, coding);
    let mut heif = Heif::of(&picture);
    heif.properties = vec![boxed(b"colr", b"nclx\0\x01\0\x0d\0\x01\x80")];
    let (color, _) = distance(&picture, &decoded(&heif.build(&right)));
    assert!(color < 3.0, "{color}");
    heif.properties = vec![boxed(b"colr", b"nclx\0\x01\0\x0d\0\x06\0")];
    let (color, _) = distance(&picture, &decoded(&heif.build(&right)));
    assert!(color > 5.0, "{color}");
}

#[test]
fn turns_and_mirrors() {
    const RED: [u8; 4] = [255, 0, 0, 255];
    let stored = draw(64, 32, |x, y| if x < 32 && y < 16 { RED } else { [0, 0, 0, 255] });
    let data = stream(&stored, PLAIN);
    let irot = |turns: u8| boxed(b"irot", &[turns]);
    let imir = |axis: u8| boxed(b"imir", &[axis]);
    let cases = [
        (vec![irot(1)], (32, 64), (0, 1)),
        (vec![irot(2)], (64, 32), (1, 1)),
        (vec![irot(3)], (32, 64), (1, 0)),
        (vec![imir(0)], (64, 32), (0, 1)),
        (vec![imir(1)], (64, 32), (1, 0)),
        (vec![irot(1), imir(0)], (32, 64), (0, 0)),
        (vec![irot(1), imir(1)], (32, 64), (1, 1)),
    ];
    for (properties, size, (right, bottom)) in cases {
        let mut heif = Heif::of(&stored);
        heif.properties = properties;
        let bytes = heif.build(&data);
        let info = inspect(Cursor::new(&bytes)).expect("a valid header");
        assert_eq!((info.width_px, info.height_px), size);
        let shown = decoded(&bytes);
        assert_eq!((shown.width_px(), shown.height_px()), size);
        let place = (4 + right * (size.0 - 9), 4 + bottom * (size.1 - 9));
        assert_pixel(&shown, place, RED, 16);
        assert_pixel(&shown, (size.0 - 1 - place.0, size.1 - 1 - place.1), [0, 0, 0, 255], 16);
    }
}

#[test]
fn alpha_planes() {
    let picture = cutout(48, 40);
    let mask = draw(48, 40, |x, y| {
        let alpha = picture.rgba()[((y * 48 + x) * 4 + 3) as usize];
        [alpha, alpha, alpha, 255]
    });
    let mono = |is_full| Coding {
        sampling: ChromaSampling::Cs400,
        is_full,
        ..PLAIN
    };
    for is_full in [true, false] {
        let alpha = stream(&mask, mono(is_full));
        let mut heif = Heif::of(&picture);
        heif.alpha = Some(&alpha);
        let bytes = heif.build(&stream(&picture, PLAIN));
        assert!(inspect(Cursor::new(&bytes)).expect("a valid header").has_alpha);
        let (color, difference) = distance(&picture, &decoded(&bytes));
        assert!(color < 3.0 && difference < 2.0, "{color} {difference}");
    }

    let dark = draw(48, 40, |x, y| {
        let at = ((y * 48 + x) * 4) as usize;
        let px = &picture.rgba()[at..at + 4];
        let scaled = |i: usize| (u32::from(px[i]) * u32::from(px[3]) / 255) as u8;
        [scaled(0), scaled(1), scaled(2), 255]
    });
    let alpha = stream(&mask, mono(true));
    let mut heif = Heif::of(&picture);
    heif.alpha = Some(&alpha);
    heif.is_premultiplied = true;
    let bytes = heif.build(&stream(&dark, PLAIN));
    let (color, difference) = distance(&picture, &decoded(&bytes));
    assert!(color < 4.0 && difference < 2.0, "{color} {difference}");

    let small = stream(&draw(24, 20, |_, _| [255; 4]), mono(true));
    heif.alpha = Some(&small);
    assert!(decode(&heif.build(&stream(&dark, PLAIN)), &DecodeLimits::default()).is_err());
}

#[test]
fn places_of_the_data() {
    let picture = scene(40, 30);
    let data = stream(&picture, PLAIN);
    let plain = decoded(&Heif::of(&picture).build(&data));
    for (brands, pieces, is_in_idat) in [
        (b"mif1avif", 1, false),
        (b"avifmif1", 3, false),
        (b"avifmif1", 1, true),
        (b"avifmif1", 2, true),
    ] {
        let mut heif = Heif::of(&picture);
        (heif.brands, heif.pieces, heif.is_in_idat) = (brands, pieces, is_in_idat);
        assert_eq!(decoded(&heif.build(&data)), plain, "{pieces} {is_in_idat}");
    }
}

#[test]
fn profiles_are_kept() {
    let picture = scene(40, 30);
    let mut heif = Heif::of(&picture);
    heif.properties = vec![boxed(b"colr", &[&b"prof"[..], &rgb_profile()].concat())];
    let bitmap = decoded(&heif.build(&stream(&picture, PLAIN)));
    assert_eq!(bitmap.icc(), Some(&rgb_profile()[..]));
}

#[test]
fn what_is_not_read_says_so() {
    let picture = scene(40, 30);
    let data = stream(&picture, PLAIN);
    let limits = DecodeLimits::default();
    let mut grid = Heif::of(&picture);
    grid.kind = b"grid";
    let error = decode(&grid.build(&data), &limits).expect_err("a grid");
    assert!(matches!(error, ImagingError::Unsupported { .. }), "{error}");

    let mut sequence = Heif::of(&picture);
    sequence.brands = b"avisavif";
    let bytes = sequence.build(&data);
    assert!(decode(&bytes, &limits).is_ok());
    let error = decode(&bytes, &DecodeLimits { frames: 0, ..limits }).expect_err("a sequence");
    assert!(matches!(error, ImagingError::Animated(ImageFormat::Avif)));

    let mut lying = Heif::of(&picture);
    lying.size = (41, 30);
    let error = decode(&lying.build(&data), &limits).expect_err("two sizes");
    assert_eq!(error.to_string(), "the avif image is damaged: two sizes");
}

#[test]
fn streams_are_checked_before_they_are_decoded() {
    let picture = scene(40, 30);
    let data = stream(&picture, PLAIN);
    // A stream larger than the container says.
    let mut heif = Heif::of(&picture);
    heif.size = (4, 4);
    let limits = DecodeLimits {
        pixels: 100,
        ..DecodeLimits::default()
    };
    let error = decode(&heif.build(&data), &limits).expect_err("too large");
    assert!(
        matches!(error, ImagingError::TooManyPixels { width_px: 40, .. }),
        "{error}"
    );
    // The same frame over and over.
    let repeated = data.repeat(20);
    let error = decode(&Heif::of(&picture).build(&repeated), &DecodeLimits::default()).expect_err("too many frames");
    assert_eq!(error.to_string(), "the avif image is damaged: too many frames");
    // Some of them, and more pixels in all than a picture may take.
    let bytes = Heif::of(&picture).build(&data.repeat(4));
    let limits = DecodeLimits {
        scan_pixels: 40 * 30 * 10 * 3,
        ..DecodeLimits::default()
    };
    let error = decode(&bytes, &limits).expect_err("four frames where three may be");
    assert!(
        matches!(error, ImagingError::TooManyFrames { frames: 4, .. }),
        "{error}"
    );
    let few = DecodeLimits {
        scan_pixels: 1,
        ..DecodeLimits::default()
    };
    assert!(
        decode(&Heif::of(&picture).build(&data), &few).is_ok(),
        "one frame is the picture"
    );
    // Bytes that are no stream.
    let error = decode(&Heif::of(&picture).build(&[0xff; 40]), &DecodeLimits::default());
    assert!(matches!(error, Err(ImagingError::Malformed { .. })));
}

#[test]
fn our_own_files_say_how_they_are_coded() {
    let bytes = encode(&scene(64, 64), ImageFormat::Avif, Some(80)).expect("small enough");
    let (color, _) = distance(&scene(64, 64), &decoded(&bytes));
    assert!(color < 3.0, "{color}");
}

#[test]
fn of_heic_the_header_is_read_and_no_more() {
    let picture = scene(40, 30);
    let mut heif = Heif::of(&picture);
    heif.brands = b"heicmif1";
    heif.kind = b"hvc1";
    let bytes = heif.build(b"a stream that nobody here reads");
    let info = inspect(Cursor::new(&bytes)).expect("a valid header");
    assert_eq!(
        (info.format, info.width_px, info.height_px),
        (ImageFormat::Heic, 40, 30)
    );
    let error = decode(&bytes, &DecodeLimits::default()).expect_err("it cannot be drawn");
    assert!(error.to_string().contains("export it as a JPEG"), "{error}");
    let error = inspect(Cursor::new(&bytes[..40])).expect_err("it has no size");
    assert!(error.to_string().contains("export it as a JPEG"), "{error}");
}
