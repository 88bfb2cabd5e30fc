//! JPEG: baseline and progressive, gray, YCbCr, RGB and CMYK in, YCbCr out.

use std::io::{BufReader, Cursor, Read, Seek};

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::bitmap::RGBA_BYTES;
use crate::exif;
use crate::header::HeaderReader;
use crate::orientation::Orientation;
use crate::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, ImagingError, InspectError};

const FORMAT: ImageFormat = ImageFormat::Jpeg;

/// Longest side of the format, and so of the decoder: the pixel limit has been checked before.
const SIDE_MAX_PX: usize = 65_535;

/// Scans of an image, however small it is. Encoders write about ten.
const SCANS_MAX: usize = 100;

/// From here on color is kept at full resolution; below, half of it is, which nobody sees in
/// pictures and which saves a quarter of the bytes.
const FULL_CHROMA_FROM_QUALITY: u8 = 95;

/// White, where a picture had nothing.
const BACKGROUND: [u8; 3] = [255, 255, 255];

/// How a segment begins that lists several pictures in one file.
const MPF_SIGNATURE: &[u8; 4] = b"MPF\0";

/// What stands before the first scan.
struct FrameHeader {
    width_px: u32,
    height_px: u32,
    components: u8,
    /// Which start-of-frame marker: 0xc0 to 0xcf.
    process: u8,
    orientation: Orientation,
    /// Whether the file says that it holds other pictures too.
    has_more: bool,
    precision_bits: u8,
}

pub(crate) fn inspect<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<ImageInfo, InspectError> {
    let frame = frame_header(reader)?;
    let (width_px, height_px) = frame.orientation.size(frame.width_px, frame.height_px);
    Ok(ImageInfo {
        format: FORMAT,
        width_px,
        height_px,
        has_alpha: false,
        orientation: frame.orientation,
        is_moving: false,
        is_plain: matches!(frame.components, 1 | 3) && frame.precision_bits == 8 && !frame.has_more,
    })
}

/// Walks the marker segments up to the start of frame.
fn frame_header<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<FrameHeader, InspectError> {
    reader.skip(2)?;
    let mut orientation = None;
    let mut has_more = false;
    loop {
        let marker = next_marker(reader)?;
        match marker {
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => continue,
            0xd9 | 0xda => return Err(reader.malformed("its size is missing")),
            _ => {}
        }
        let length = u64::from(reader.u16_be()?)
            .checked_sub(2)
            .ok_or_else(|| reader.malformed("a segment of impossible length"))?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let precision_bits = reader.u8()?;
                let height_px = u32::from(reader.u16_be()?);
                let width_px = u32::from(reader.u16_be()?);
                return Ok(FrameHeader {
                    width_px,
                    height_px,
                    components: reader.u8()?,
                    process: marker,
                    orientation: orientation.unwrap_or_default(),
                    has_more,
                    precision_bits,
                });
            }
            // EXIF and XMP share this marker; the first EXIF counts.
            0xe1 if orientation.is_none() && length > exif::SIGNATURE.len() as u64 => {
                let rest = length - exif::SIGNATURE.len() as u64;
                if &reader.bytes()? == exif::SIGNATURE {
                    orientation = exif::orientation(&reader.block(rest)?);
                } else {
                    reader.skip(rest)?;
                }
            }
            // The multi-picture format; color profiles share the marker.
            0xe2 if length >= MPF_SIGNATURE.len() as u64 => {
                has_more |= &reader.bytes()? == MPF_SIGNATURE;
                reader.skip(length - MPF_SIGNATURE.len() as u64)?;
            }
            _ => reader.skip(length)?,
        }
    }
}

/// The next marker code. Stray bytes before it are passed over, as every decoder does.
fn next_marker<R: Read + Seek>(reader: &mut HeaderReader<R>) -> Result<u8, InspectError> {
    loop {
        while reader.u8()? != 0xff {}
        let mut code = reader.u8()?;
        while code == 0xff {
            code = reader.u8()?;
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let mut reader = HeaderReader::new(BufReader::new(Cursor::new(bytes)), FORMAT);
    let frame = frame_header(&mut reader)?;
    limits.check_pixels(FORMAT, frame.width_px, frame.height_px)?;
    if !matches!(frame.process, 0xc0..=0xc2) {
        return Err(ImagingError::Unsupported {
            format: FORMAT,
            feature: "lossless or arithmetic coding",
        });
    }
    let scans_max = scans_max(&frame, limits);
    let scans = scans(bytes);
    if scans > scans_max {
        return Err(ImagingError::TooManyScans {
            format: FORMAT,
            scans,
            width_px: frame.width_px,
            height_px: frame.height_px,
            limit_pixels: limits.scan_pixels,
        });
    }
    check_sampling(&mut reader, frame.components)?;
    let output = match frame.components {
        1 | 3 => ColorSpace::RGBA,
        // The decoder mixes up its columns when it makes RGBA of CMYK.
        4 => ColorSpace::RGB,
        _ => {
            return Err(ImagingError::Unsupported {
                format: FORMAT,
                feature: "a number of components other than 1, 3 and 4",
            });
        }
    };
    let pixels = match decode_pixels(bytes, output, scans_max, true) {
        Ok(pixels) => pixels,
        // A file that is there to its end is worth showing with its faults, as browsers do.
        Err(_) if has_end(bytes) => {
            decode_pixels(bytes, output, scans_max, false).map_err(|error| explain(bytes, &error))?
        }
        Err(error) => return Err(explain(bytes, &error)),
    };
    if (pixels.width, pixels.height) != (frame.width_px as usize, frame.height_px as usize) {
        return Err(ImagingError::malformed(FORMAT, "two sizes"));
    }
    let rgba = match output {
        ColorSpace::RGBA => pixels.samples,
        _ => opaque(&pixels.samples),
    };
    let bitmap = Bitmap::new(frame.width_px, frame.height_px, rgba)?.with_icc(pixels.icc);
    Ok(frame.orientation.apply(bitmap))
}

/// Refuses layouts of color that the decoder does not take or, worse, misreads. The usual ones
/// have the first component at full resolution, at most four columns or two rows to a sample of
/// the others.
fn check_sampling<R: Read + Seek>(reader: &mut HeaderReader<R>, components: u8) -> Result<(), ImagingError> {
    let mut factors = Vec::new();
    for _ in 0..components {
        let [_id, factor, _table] = reader.bytes::<3>()?;
        factors.push((factor >> 4, factor & 15));
    }
    let is_read = match factors[..] {
        [(h, v)] => matches!((h, v), (1 | 2 | 4, 1 | 2 | 4)),
        [(h_max, v_max), ref others @ ..] => {
            matches!((h_max, v_max), (1 | 2, 1 | 2) | (4, 1))
                && others
                    .iter()
                    .all(|&(h, v)| matches!((h, v), (1 | 2 | 4, 1 | 2)) && h_max % h == 0 && v_max % v == 0)
        }
        [] => false,
    };
    if is_read {
        return Ok(());
    }
    Err(ImagingError::Unsupported {
        format: FORMAT,
        feature: "an unusual resolution of colors",
    })
}

struct Pixels {
    width: usize,
    height: usize,
    samples: Vec<u8>,
    icc: Option<Vec<u8>>,
}

/// The scans that a picture of this size may have.
fn scans_max(frame: &FrameHeader, limits: &DecodeLimits) -> usize {
    let pixels = u64::from(frame.width_px) * u64::from(frame.height_px);
    let scans = limits.scan_pixels / pixels.max(1);
    usize::try_from(scans).map_or(SCANS_MAX, |scans| scans.min(SCANS_MAX))
}

/// The scans of a file. The decoder counts too, and stops at the same bound; this is how it is known beforehand.
fn scans(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0xff, rest) {
        rest = &rest[at + 1..];
        match rest {
            // Markers without a segment, data that looks like one, and padding.
            [0 | 1 | 0xd0..=0xd9 | 0xff, ..] => {}
            [code, high, low, ..] => {
                count += usize::from(*code == 0xda);
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(1 + length..).unwrap_or_default();
            }
            _ => break,
        }
    }
    count
}

fn decode_pixels(bytes: &[u8], output: ColorSpace, scans_max: usize, strict: bool) -> Result<Pixels, DecodeErrors> {
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX_PX)
        .set_max_height(SIDE_MAX_PX)
        .set_strict_mode(strict)
        .jpeg_set_max_scans(scans_max)
        .jpeg_set_out_colorspace(output);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode()?;
    let (width, height) = decoder.dimensions().ok_or(DecodeErrors::FormatStatic("no size"))?;
    Ok(Pixels {
        width,
        height,
        samples,
        icc: decoder.icc_profile(),
    })
}

fn opaque(rgb: &[u8]) -> Vec<u8> {
    let mut rgba = vec![u8::MAX; rgb.len() / 3 * RGBA_BYTES];
    for (to, from) in rgba.chunks_exact_mut(RGBA_BYTES).zip(rgb.chunks_exact(3)) {
        to[..3].copy_from_slice(from);
    }
    rgba
}

/// Whether an end-of-image marker follows the last scan's start.
fn has_end(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .rev()
        .map_while(|pair| (pair != [0xff, 0xda]).then_some(pair))
        .any(|pair| pair == [0xff, 0xd9])
}

fn explain(bytes: &[u8], error: &DecodeErrors) -> ImagingError {
    if !has_end(bytes) {
        return ImagingError::Truncated(FORMAT);
    }
    // These two would be shown in quotation marks.
    match error {
        DecodeErrors::Format(reason) => ImagingError::malformed(FORMAT, reason),
        DecodeErrors::FormatStatic(reason) => ImagingError::malformed(FORMAT, *reason),
        other => ImagingError::malformed(FORMAT, other.to_string()),
    }
}

pub(crate) fn encode(bitmap: &Bitmap, quality: u8) -> Result<Vec<u8>, ImagingError> {
    let failed = |reason: &dyn ToString| ImagingError::encode_failed(FORMAT, reason.to_string());
    let width = u16::try_from(bitmap.width_px()).map_err(|error| failed(&error))?;
    let height = u16::try_from(bitmap.height_px()).map_err(|error| failed(&error))?;
    let flat = bitmap.has_transparency().then(|| bitmap.flatten_on(BACKGROUND));
    let pixels = flat.as_ref().unwrap_or(bitmap).rgba();

    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(if quality < FULL_CHROMA_FROM_QUALITY {
        SamplingFactor::F_2_2
    } else {
        SamplingFactor::F_1_1
    });
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    if let Some(icc) = bitmap.icc() {
        encoder.add_icc_profile(icc).map_err(|error| failed(&error))?;
    }
    encoder
        .encode(pixels, width, height, ColorType::Rgba)
        .map_err(|error| failed(&error))?;
    Ok(bytes)
}
