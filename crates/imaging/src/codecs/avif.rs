//! AVIF, and of HEIC, which has the same container, the header: still pictures of 8 to 12 bits in any chroma layout in, 4:4:4 out.

mod av1;
mod boxes;
mod yuv;

use std::borrow::Cow;
use std::io::{BufReader, Cursor, Read, Seek};

use ravif::{BitDepth, Encoder, Img, RGBA8};
use re_rav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings};

use crate::bitmap::RGBA_BYTES;
use crate::header::HeaderReader;
use crate::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, ImagingError, InspectError};
use boxes::{Item, StillImage};
use yuv::{Chroma, Coefficients, Frame, Plane};

const FORMAT: ImageFormat = ImageFormat::Avif;

/// Effort of the encoder, 1 (slow) to 10. Without assembler, 1024x1024 takes 1.1 to 1.5 s at 10,
/// 2.5 to 3 s at 9 and over 5 s at 8, for 3 to 8 % fewer bytes at the usual qualities.
const SPEED: u8 = 10;

/// Scans of a JPEG that take as long as a frame of as many pixels does, with a margin.
const SCANS_OF_FRAME: u64 = 10;

/// How often the decoder is asked for a picture before its stream counts as empty.
const PICTURE_ATTEMPTS_MAX: u32 = 16;

pub(crate) fn inspect<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<ImageInfo, InspectError> {
    let image = boxes::read(reader)?;
    let (width_px, height_px) = image.orientation.size(image.width_px, image.height_px);
    Ok(ImageInfo {
        format: reader.format(),
        width_px,
        height_px,
        has_alpha: image.alpha.is_some(),
        orientation: image.orientation,
        is_moving: image.is_sequence,
        is_plain: true,
    })
}

/// Where the data of a file's still picture ends, as far as the file names places; `None` when it has no such picture.
pub(crate) fn data_end<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Option<u64> {
    boxes::read(reader).ok().map(|image| image.data_end)
}

pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let mut reader = HeaderReader::new(BufReader::new(Cursor::new(bytes)), FORMAT);
    let image = boxes::read(&mut reader)?;
    if limits.frames == 0 && image.is_sequence {
        return Err(ImagingError::Animated(FORMAT));
    }
    if &image.primary.kind != b"av01" {
        return Err(ImagingError::Unsupported {
            format: FORMAT,
            feature: "a picture put together of tiles",
        });
    }
    let bitmap = decode_color(bytes, &image, limits)?;
    Ok(image.orientation.apply(bitmap).with_icc(image.icc))
}

/// Color and alpha planes to RGBA, not turned yet.
fn decode_color(bytes: &[u8], image: &StillImage, limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let (picture, header) = decode_item(bytes, &image.primary, image, limits)?;
    let (width_px, height_px) = (picture.width(), picture.height());
    let coefficients = image.coefficients.unwrap_or(Coefficients {
        matrix: header.matrix,
        is_full_range: header.is_full_range,
    });
    let mut rgba = vec![u8::MAX; width_px as usize * height_px as usize * RGBA_BYTES];
    with_frame(&picture, coefficients, |frame| yuv::write_color(frame, &mut rgba));
    if let Some(alpha) = &image.alpha {
        let (mask, header) = decode_item(bytes, alpha, image, limits)?;
        if (mask.width(), mask.height()) != (width_px, height_px) {
            return Err(ImagingError::malformed(FORMAT, "its alpha has another size"));
        }
        let coefficients = Coefficients {
            matrix: header.matrix,
            is_full_range: header.is_full_range,
        };
        with_frame(&mask, coefficients, |frame| yuv::write_alpha(frame, &mut rgba));
        if image.is_premultiplied {
            yuv::unpremultiply(&mut rgba);
        }
    }
    Bitmap::new(width_px, height_px, rgba)
}

/// Decodes the picture of one item, after checking what its stream claims.
fn decode_item(
    bytes: &[u8],
    item: &Item,
    image: &StillImage,
    limits: &DecodeLimits,
) -> Result<(Picture, av1::SequenceHeader), ImagingError> {
    let data: Cow<'_, [u8]> = boxes::item_data(bytes, item, &image.idat)?;
    let (header, frames) = av1::check(&data)?;
    limits.check_pixels(FORMAT, header.width_px, header.height_px)?;
    check_work(&header, frames, limits)?;
    let picture = first_picture(data.into_owned(), limits)
        .map_err(|_| ImagingError::malformed(FORMAT, "its picture cannot be decoded"))?;
    if (picture.width(), picture.height()) != (image.width_px, image.height_px) {
        return Err(ImagingError::malformed(FORMAT, "two sizes"));
    }
    Ok((picture, header))
}

/// Refuses frames that together take longer than a picture may, each with no more than a few bytes behind it.
fn check_work(header: &av1::SequenceHeader, frames: u32, limits: &DecodeLimits) -> Result<(), ImagingError> {
    let &av1::SequenceHeader {
        width_px, height_px, ..
    } = header;
    let pixels = u64::from(width_px) * u64::from(height_px) * u64::from(frames);
    // A single frame is the picture itself, whose pixels are limited.
    if frames <= 1 || pixels.saturating_mul(SCANS_OF_FRAME) <= limits.scan_pixels {
        return Ok(());
    }
    Err(ImagingError::TooManyFrames {
        format: FORMAT,
        frames,
        width_px,
        height_px,
        limit_pixels: limits.scan_pixels,
    })
}

fn first_picture(data: Vec<u8>, limits: &DecodeLimits) -> Result<Picture, Error> {
    let mut settings = Settings::new();
    // In the caller's thread: one picture gains little from more, and none outlives the call.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // Of a picture in layers only the finest is wanted.
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(limits.pixels).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => {}
        Err(error) => return Err(error),
    }
    for _ in 0..PICTURE_ATTEMPTS_MAX {
        match decoder.get_picture() {
            Err(Error::Again) => match decoder.send_pending_data() {
                Ok(()) | Err(Error::Again) => {}
                Err(error) => return Err(error),
            },
            other => return other,
        }
    }
    Err(Error::Again)
}

/// Hands the planes of a picture to `use_frame`.
fn with_frame(picture: &Picture, coefficients: Coefficients, use_frame: impl FnOnce(&Frame<'_>)) {
    let component = |kind| (picture.plane(kind), picture.stride(kind) as usize);
    let (luma, luma_stride) = component(PlanarImageComponent::Y);
    let (halves_x, halves_y) = match picture.pixel_layout() {
        PixelLayout::I420 => (true, true),
        PixelLayout::I422 => (true, false),
        PixelLayout::I400 | PixelLayout::I444 => (false, false),
    };
    let chroma = (picture.pixel_layout() != PixelLayout::I400)
        .then(|| (component(PlanarImageComponent::U), component(PlanarImageComponent::V)));
    use_frame(&Frame {
        width: picture.width() as usize,
        height: picture.height() as usize,
        depth: picture.bit_depth() as u32,
        coefficients,
        luma: Plane::new(&luma, luma_stride),
        chroma: chroma.as_ref().map(|((u, u_stride), (v, v_stride))| Chroma {
            u: Plane::new(u, *u_stride),
            v: Plane::new(v, *v_stride),
            halves_x,
            halves_y,
        }),
    });
}

pub(crate) fn encode(bitmap: &Bitmap, quality: u8) -> Result<Vec<u8>, ImagingError> {
    let pixels: Vec<RGBA8> = bitmap
        .rgba()
        .chunks_exact(RGBA_BYTES)
        .map(|px| RGBA8::new(px[0], px[1], px[2], px[3]))
        .collect();
    let image = Img::new(&pixels[..], bitmap.width_px() as usize, bitmap.height_px() as usize);
    Encoder::new()
        .with_quality(f32::from(quality))
        .with_alpha_quality(f32::from(quality))
        .with_speed(SPEED)
        // 10 bits take as long and as many bytes, and not every reader of AVIF has them.
        .with_bit_depth(BitDepth::Eight)
        .encode_rgba(image)
        .map(|encoded| encoded.avif_file)
        .map_err(|error| ImagingError::encode_failed(FORMAT, error.to_string()))
}
