//! GIF: the first frame in, one frame with a palette of its own out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, ErrorKind, Read, Seek};
use std::num::NonZeroU64;

use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, Encoder, Frame, MemoryLimit};
use quantette::deps::palette::Srgb;
use quantette::{ImageBuf, PaletteSize, Pipeline};

use crate::bitmap::RGBA_BYTES;
use crate::header::HeaderReader;
use crate::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, ImagingError, InspectError};

const FORMAT: ImageFormat = ImageFormat::Gif;

/// What the decoder may allocate beside the frame: color profiles and XMP in extensions.
const EXTENSIONS_MAX_BYTES: u64 = 16 << 20;

/// A pixel of less alpha becomes transparent, any other opaque.
const OPAQUE_FROM_ALPHA: u8 = 128;

/// Palette entries of a picture with transparency; the last of the 256 stands for "nothing".
const COLORS_BESIDE_TRANSPARENT: u8 = 255;

pub(crate) fn inspect<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<ImageInfo, InspectError> {
    reader.skip(6)?;
    let width_px = u32::from(reader.u16_le()?);
    let height_px = u32::from(reader.u16_le()?);
    let [flags, _background, _aspect] = reader.bytes::<3>()?;
    reader.skip(color_table_bytes(flags))?;
    // The header proper ends here: a file cut off later on is still a GIF of that size.
    let has_alpha = match first_frame_is_transparent(reader, width_px, height_px) {
        Err(InspectError::Truncated(_)) => false,
        other => other?,
    };
    let is_moving = match another_frame_follows(reader) {
        Err(InspectError::Truncated(_)) => false,
        // So long a frame is taken for one of many.
        Err(InspectError::HeaderTooLong(_)) => true,
        other => other?,
    };
    Ok(ImageInfo {
        format: FORMAT,
        width_px,
        height_px,
        orientation: crate::Orientation::default(),
        is_moving,
        is_plain: true,
        has_alpha,
    })
}

/// Size of the color table that the flags of a screen or an image descriptor announce.
pub(crate) const fn color_table_bytes(flags: u8) -> u64 {
    if flags & 0x80 == 0 {
        return 0;
    }
    3 << ((flags & 7) + 1)
}

/// Whether the first frame has a transparent color or leaves part of the canvas free.
fn first_frame_is_transparent<R: Read + Seek>(
    reader: &mut HeaderReader<R>,
    width_px: u32,
    height_px: u32,
) -> Result<bool, InspectError> {
    let mut transparent = false;
    loop {
        match reader.u8()? {
            0x21 => {
                let label = reader.u8()?;
                let mut length = reader.u8()?;
                if label == 0xf9 && length >= 1 {
                    transparent = reader.u8()? & 1 != 0;
                    length -= 1;
                }
                reader.skip(u64::from(length))?;
                if length != 0 {
                    skip_blocks(reader)?;
                }
            }
            0x2c => {
                let left = u32::from(reader.u16_le()?);
                let top = u32::from(reader.u16_le()?);
                let width = u32::from(reader.u16_le()?);
                let height = u32::from(reader.u16_le()?);
                let covers = left == 0 && top == 0 && width >= width_px && height >= height_px;
                return Ok(transparent || !covers);
            }
            // The trailer, or damage, which the decoder will name.
            _ => return Ok(transparent),
        }
    }
}

/// Whether there is a second frame. The reader stands where the place of the first one was read.
fn another_frame_follows<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<bool, InspectError> {
    let flags = reader.u8()?;
    reader.skip(color_table_bytes(flags))?;
    let _code_size = reader.u8()?;
    skip_blocks(reader)?;
    loop {
        match reader.u8()? {
            0x21 => {
                let _label = reader.u8()?;
                skip_blocks(reader)?;
            }
            introducer => return Ok(introducer == 0x2c),
        }
    }
}

/// Skips data blocks up to the empty one that ends them.
fn skip_blocks<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<(), InspectError> {
    loop {
        match reader.u8()? {
            0 => return Ok(()),
            length => reader.skip(u64::from(length))?,
        }
    }
}

pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let memory_bytes = limits.pixels.saturating_add(EXTENSIONS_MAX_BYTES);
    options.set_memory_limit(NonZeroU64::new(memory_bytes).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(explain)?;
    let (width_px, height_px) = (u32::from(decoder.width()), u32::from(decoder.height()));
    limits.check_pixels(FORMAT, width_px, height_px)?;

    let frame = decoder
        .next_frame_info()
        .map_err(explain)?
        .ok_or_else(|| ImagingError::malformed(FORMAT, "it has no picture"))?
        .clone();
    // A frame may be larger than the canvas.
    limits.check_pixels(FORMAT, u32::from(frame.width), u32::from(frame.height))?;
    let mut indexes = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut indexes).map_err(explain)?;
    let rgba = draw(&mut decoder, &frame, &indexes)?;
    if limits.frames == 0 && matches!(decoder.next_frame_info(), Ok(Some(_))) {
        return Err(ImagingError::Animated(FORMAT));
    }
    Bitmap::new(width_px, height_px, rgba)
}

/// The frame at its place on an empty canvas.
fn draw(decoder: &mut Decoder<Cursor<&[u8]>>, frame: &Frame<'_>, indexes: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let palette = decoder.palette().map_err(explain)?;
    let mut colors = [[0; RGBA_BYTES]; 256];
    for (color, rgb) in colors.iter_mut().zip(palette.chunks_exact(3)) {
        *color = [rgb[0], rgb[1], rgb[2], u8::MAX];
    }
    if let Some(index) = frame.transparent {
        colors[usize::from(index)] = [0; RGBA_BYTES];
    }
    let mut rgba = vec![0; width * height * RGBA_BYTES];
    if frame.width == 0 {
        return Ok(rgba);
    }
    let left = usize::from(frame.left).min(width);
    let canvas_rows = rgba.chunks_exact_mut(width * RGBA_BYTES).skip(usize::from(frame.top));
    let frame_rows = indexes.chunks_exact(usize::from(frame.width));
    for (to, from) in canvas_rows.zip(frame_rows) {
        let to = to[left * RGBA_BYTES..].chunks_exact_mut(RGBA_BYTES);
        for (px, &index) in to.zip(from) {
            px.copy_from_slice(&colors[usize::from(index)]);
        }
    }
    Ok(rgba)
}

fn explain(error: DecodingError) -> ImagingError {
    match error {
        DecodingError::UnexpectedEof => ImagingError::Truncated(FORMAT),
        DecodingError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => ImagingError::Truncated(FORMAT),
        other => ImagingError::malformed(FORMAT, other.to_string()),
    }
}

pub(crate) fn encode(bitmap: &Bitmap) -> Result<Vec<u8>, ImagingError> {
    let failed = |reason: &dyn ToString| ImagingError::encode_failed(FORMAT, reason.to_string());
    let width = u16::try_from(bitmap.width_px()).map_err(|error| failed(&error))?;
    let height = u16::try_from(bitmap.height_px()).map_err(|error| failed(&error))?;
    let (palette, indexes, transparent) = quantize(bitmap)?;
    let frame = Frame {
        width,
        height,
        transparent,
        buffer: Cow::Owned(indexes),
        ..Frame::default()
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette).map_err(|error| failed(&error))?;
    encoder.write_frame(&frame).map_err(|error| failed(&error))?;
    drop(encoder);
    Ok(bytes)
}

/// RGB palette, one index per pixel, and the index of transparent pixels, if there are any.
type Indexed = (Vec<u8>, Vec<u8>, Option<u8>);

fn quantize(bitmap: &Bitmap) -> Result<Indexed, ImagingError> {
    let pixels = || bitmap.rgba().chunks_exact(RGBA_BYTES);
    let is_clear = |px: &[u8]| px[3] < OPAQUE_FROM_ALPHA;
    let has_clear = pixels().any(is_clear);
    // Clear pixels repeat the color before them, so that they neither take a place in the palette
    // nor disturb the dithering of their neighbors.
    let mut last = Srgb::new(0, 0, 0);
    let colors: Vec<Srgb<u8>> = pixels()
        .map(|px| {
            if !is_clear(px) {
                last = Srgb::new(px[0], px[1], px[2]);
            }
            last
        })
        .collect();
    let size = if has_clear {
        PaletteSize::from_u8_clamped(COLORS_BESIDE_TRANSPARENT)
    } else {
        PaletteSize::MAX
    };
    let (palette, mut indexes) = match exact_palette(&colors, usize::from(size)) {
        Some(exact) => exact,
        None => ImageBuf::new(bitmap.width_px(), bitmap.height_px(), colors)
            .map(|image| {
                Pipeline::new()
                    .palette_size(size)
                    .input_image(image.as_ref())
                    .output_srgb8_indexed_image()
                    .into_parts()
            })
            .map_err(|error| ImagingError::encode_failed(FORMAT, error.to_string()))?,
    };
    let mut rgb: Vec<u8> = palette
        .iter()
        .flat_map(|color| [color.red, color.green, color.blue])
        .collect();
    if !has_clear {
        return Ok((rgb, indexes, None));
    }
    let clear = u8::try_from(palette.len()).map_err(|error| ImagingError::encode_failed(FORMAT, error.to_string()))?;
    rgb.extend([0; 3]);
    for (index, px) in indexes.iter_mut().zip(pixels()) {
        if is_clear(px) {
            *index = clear;
        }
    }
    Ok((rgb, indexes, Some(clear)))
}

/// The colors themselves, where there are few enough: drawings then stay as they are.
fn exact_palette(colors: &[Srgb<u8>], size: usize) -> Option<(Vec<Srgb<u8>>, Vec<u8>)> {
    let mut places = HashMap::new();
    let mut palette = Vec::new();
    let mut indexes = Vec::with_capacity(colors.len());
    let mut last = None;
    for color in colors {
        let key = (color.red, color.green, color.blue);
        // Runs of one color are common where this succeeds.
        let index = match last {
            Some((seen, index)) if seen == key => index,
            _ => *places.entry(key).or_insert_with(|| {
                palette.push(*color);
                palette.len() - 1
            }),
        };
        if palette.len() > size {
            return None;
        }
        indexes.push(u8::try_from(index).ok()?);
        last = Some((key, index));
    }
    Some((palette, indexes))
}
