//! Whether an image file goes on to its own end, told by its structure.
//!
//! A file that broke off on its way has a header like any other. Walking over its chunks, segments or boxes finds the
//! place where bytes are missing, and no pixel is decoded on the way.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use crate::codecs::gif::color_table_bytes;
use crate::codecs::{avif, jpeg};
use crate::header::HeaderReader;
use crate::{DecodeLimits, ImageFormat};

/// Bytes of a PNG before its first chunk.
const PNG_SIGNATURE_BYTES: u64 = 8;
/// Bytes of a RIFF header before its first chunk.
const RIFF_BYTES: u64 = 12;
/// Bytes of a GIF's signature and of the size of its canvas.
const GIF_SIZE_BYTES: u64 = 10;

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Where its format says.
    Whole,
    /// Whole, and more bytes follow.
    Trailing,
    /// The mark of its end is missing, and nothing else.
    Unmarked,
    /// Too early: bytes are missing.
    Cut,
}

/// Finds out how the file in `source` ends. Only a JPEG without the mark of its end is decoded, within `limits`: nothing
/// else tells whether its last scan is complete. Without limits it counts as [`Ending::Unmarked`]. Reads a JPEG whole, of
/// other formats little.
///
/// # Errors
/// When the source cannot be read.
pub fn ending<R: Read + Seek>(format: ImageFormat, source: R, limits: Option<&DecodeLimits>) -> io::Result<Ending> {
    let mut walk = Walk::new(source)?;
    let walked = match format {
        ImageFormat::Png => png(&mut walk),
        ImageFormat::Jpeg => jpeg(&mut walk, limits),
        ImageFormat::Webp => webp(&mut walk),
        ImageFormat::Gif => gif(&mut walk),
        ImageFormat::Avif | ImageFormat::Heic => avif(&mut walk),
    };
    match walked {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Ending::Cut),
        walked => walked,
    }
}

/// Moves forward through a file of known size. What lies past its end is an `UnexpectedEof`.
struct Walk<R: Read + Seek> {
    source: BufReader<R>,
    at: u64,
    size_bytes: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn new(mut source: R) -> io::Result<Self> {
        let size_bytes = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        Ok(Self {
            source: BufReader::new(source),
            at: 0,
            size_bytes,
        })
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        if length > self.size_bytes - self.at {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let step = i64::try_from(length).map_err(|_| ErrorKind::UnexpectedEof)?;
        self.source.seek_relative(step)?;
        self.at += length;
        Ok(())
    }

    const fn is_at_end(&self) -> bool {
        self.at == self.size_bytes
    }

    /// The format's own end is here.
    const fn ended(&self) -> Ending {
        if self.is_at_end() {
            Ending::Whole
        } else {
            Ending::Trailing
        }
    }
}

/// From chunk to chunk: length and name, the data, and a checksum of four bytes.
fn png<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<Ending> {
    walk.skip(PNG_SIGNATURE_BYTES)?;
    loop {
        let [a, b, c, d, name @ ..] = walk.bytes::<8>()?;
        walk.skip(u64::from(u32::from_be_bytes([a, b, c, d])) + 4)?;
        if &name == b"IEND" {
            return Ok(walk.ended());
        }
    }
}

/// From segment to segment, over the data of every scan.
fn jpeg<R: Read + Seek>(walk: &mut Walk<R>, limits: Option<&DecodeLimits>) -> io::Result<Ending> {
    walk.skip(2)?;
    let mut has_scan = false;
    loop {
        let marker = match marker(walk) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && has_scan => break,
            marker => marker?,
        };
        match marker {
            0xd9 => return Ok(walk.ended()),
            // Markers without a segment; the zero stands in a scan's data.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = u16::from_be_bytes(walk.bytes()?);
                walk.skip(u64::from(length.saturating_sub(2)))?;
                has_scan |= marker == 0xda;
            }
        }
    }
    let Some(limits) = limits else {
        return Ok(Ending::Unmarked);
    };
    let mut file = Vec::new();
    walk.source.rewind()?;
    walk.source.by_ref().take(limits.input_bytes).read_to_end(&mut file)?;
    let is_complete = jpeg::decode(&file, limits).is_ok();
    Ok(if is_complete { Ending::Unmarked } else { Ending::Cut })
}

/// The code after the next `ff`. Stray bytes and a scan's data are passed over.
fn marker<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<u8> {
    loop {
        let ahead = io::BufRead::fill_buf(&mut walk.source)?;
        if ahead.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let found = ahead.iter().position(|&byte| byte == 0xff);
        let passed = found.map_or(ahead.len(), |place| place + 1);
        io::BufRead::consume(&mut walk.source, passed);
        walk.at += passed as u64;
        if found.is_some() {
            let mut code = walk.byte()?;
            while code == 0xff {
                code = walk.byte()?;
            }
            return Ok(code);
        }
    }
}

/// RIFF tells the length of all that follows its first eight bytes; the chunks in it tell theirs.
fn webp<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<Ending> {
    let [_, _, _, _, size @ ..] = walk.bytes::<8>()?;
    let end = u64::from(u32::from_le_bytes(size)) + 8;
    if end > walk.size_bytes {
        return Ok(Ending::Cut);
    }
    walk.skip(RIFF_BYTES - 8)?;
    let mut has_picture = false;
    while walk.at + 8 <= end {
        let [kind @ .., a, b, c, d] = walk.bytes::<8>()?;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if walk.at + length > end {
            return Ok(Ending::Cut);
        }
        has_picture |= matches!(&kind, b"VP8 " | b"VP8L" | b"ANMF");
        // Chunks are padded to an even length, for which the last one may have no room.
        walk.skip((length + length % 2).min(end - walk.at))?;
    }
    walk.skip(end - walk.at)?;
    Ok(if has_picture { walk.ended() } else { Ending::Cut })
}

/// From block to block; pictures and extensions are rows of pieces that an empty one ends.
fn gif<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<Ending> {
    walk.skip(GIF_SIZE_BYTES)?;
    let [flags, _background, _aspect] = walk.bytes::<3>()?;
    walk.skip(color_table_bytes(flags))?;
    let mut has_picture = false;
    loop {
        if walk.is_at_end() && has_picture {
            return Ok(Ending::Unmarked);
        }
        match walk.byte()? {
            0x3b => return Ok(walk.ended()),
            0x21 => {
                walk.skip(1)?;
                skip_pieces(walk)?;
            }
            0x2c => {
                walk.skip(8)?;
                let flags = walk.byte()?;
                walk.skip(color_table_bytes(flags) + 1)?;
                skip_pieces(walk)?;
                has_picture = true;
            }
            // What comes after the last picture is nothing of the format's.
            _ if has_picture => return Ok(Ending::Trailing),
            _ => return Ok(Ending::Cut),
        }
    }
}

fn skip_pieces<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<()> {
    loop {
        match walk.byte()? {
            0 => return Ok(()),
            length => walk.skip(u64::from(length))?,
        }
    }
}

/// From box to box; the data of a still picture may stand anywhere among them.
fn avif<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<Ending> {
    let mut has_data = false;
    let boxes_end = loop {
        let start = walk.at;
        if walk.is_at_end() {
            break Ok(start);
        }
        match skip_box(walk) {
            Ok(kind) => has_data |= &kind == b"mdat",
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break Err(start),
            Err(error) => return Err(error),
        }
    };
    walk.source.rewind()?;
    let mut reader = HeaderReader::new(BufReader::new(&mut walk.source), ImageFormat::Avif);
    // An animation without a still picture has its boxes alone.
    let data_end = avif::data_end(&mut reader);
    Ok(match (boxes_end, data_end) {
        (Ok(end), Some(data)) if data > end => Ending::Cut,
        (Ok(_), None) if !has_data => Ending::Cut,
        (Ok(_), _) => Ending::Whole,
        (Err(end), Some(data)) if data <= end => Ending::Trailing,
        (Err(_), _) => Ending::Cut,
    })
}

/// Returns the box's kind.
fn skip_box<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<[u8; 4]> {
    let start = walk.at;
    let [a, b, c, d, kind @ ..] = walk.bytes::<8>()?;
    let size = match u32::from_be_bytes([a, b, c, d]) {
        0 => walk.size_bytes - start,
        1 => u64::from_be_bytes(walk.bytes()?),
        size => u64::from(size),
    };
    let rest = (start.saturating_add(size)).checked_sub(walk.at);
    walk.skip(rest.ok_or(ErrorKind::UnexpectedEof)?)?;
    Ok(kind)
}
