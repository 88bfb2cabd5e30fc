//! The RIFF container around WebP pictures: frames and color profiles.

/// Flag of a `VP8X` chunk: some pixel is transparent.
pub(super) const ALPHA_FLAG: u8 = 0x10;

/// Flag of a `VP8X` chunk: there is an `ICCP` chunk.
const ICC_FLAG: u8 = 0x20;

/// Flag of a `VP8X` chunk: the pictures are frames.
pub(super) const ANIMATION_FLAG: u8 = 0x02;

/// Flag of a `VP8X` chunk: there is an `EXIF` chunk.
pub(super) const EXIF_FLAG: u8 = 0x08;

/// Bytes of the RIFF header, up to the first chunk.
const RIFF_BYTES: usize = 12;

/// Bytes of an `ANMF` chunk before the frame's own chunks.
const FRAME_HEADER_BYTES: usize = 16;

/// Chunks that are looked through, at most: those of interest come first.
pub(super) const CHUNKS_MAX: usize = 1000;

/// An animated file, as far as its first frame.
pub(super) struct Animation<'a> {
    /// Width and height of the canvas in pixels.
    pub(super) canvas: (u32, u32),
    /// Missing in a file that is cut off or damaged.
    pub(super) first: Option<FirstFrame<'a>>,
}

/// Where the first frame is and goes.
pub(super) struct FirstFrame<'a> {
    /// Distance from the left of the canvas in pixels.
    pub(super) left: u32,
    /// Distance from the top of the canvas in pixels.
    pub(super) top: u32,
    /// The frame's picture.
    pub(super) chunks: &'a [u8],
}

/// The chunks of a file, as far as they are whole.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes.get(RIFF_BYTES..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk::<4>()?;
        let (size, after) = after.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(*size) as usize;
        let payload = after.get(..size)?;
        // Chunks are padded to an even length.
        rest = after.get(size + size % 2..).unwrap_or_default();
        Some((*kind, payload))
    })
    .take(CHUNKS_MAX)
}

fn u24(bytes: &[u8], at: usize) -> Option<u32> {
    match bytes.get(at..at + 3)? {
        &[a, b, c] => Some(u32::from_le_bytes([a, b, c, 0])),
        _ => None,
    }
}

/// The color profile of a file.
pub(super) fn icc(bytes: &[u8]) -> Option<&[u8]> {
    chunks(bytes).find(|(kind, _)| kind == b"ICCP").map(|(_, icc)| icc)
}

/// Canvas and first frame, if the file is an animation.
pub(super) fn animation(bytes: &[u8]) -> Option<Animation<'_>> {
    let (kind, header) = chunks(bytes).next()?;
    if &kind != b"VP8X" || header.first()? & ANIMATION_FLAG == 0 {
        return None;
    }
    let canvas = (1 + u24(header, 4)?, 1 + u24(header, 7)?);
    let first = chunks(bytes).find(|(kind, _)| kind == b"ANMF").and_then(|(_, frame)| {
        Some(FirstFrame {
            left: 2 * u24(frame, 0)?,
            top: 2 * u24(frame, 3)?,
            chunks: frame.get(FRAME_HEADER_BYTES..)?,
        })
    });
    Some(Animation { canvas, first })
}

/// Whether the file is shorter than its RIFF header says.
pub(super) fn is_cut_off(bytes: &[u8]) -> bool {
    bytes
        .get(4..)
        .and_then(|rest| rest.first_chunk())
        .is_none_or(|size| u64::from(u32::from_le_bytes(*size)) + 8 > bytes.len() as u64)
}

/// Adds a color profile to a file that the encoder wrote.
pub(super) fn with_icc(bytes: &[u8], width_px: u32, height_px: u32, has_alpha: bool, icc: &[u8]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    let flags = ICC_FLAG | if has_alpha { ALPHA_FLAG } else { 0 };
    let mut header = vec![flags, 0, 0, 0];
    header.extend(&(width_px - 1).to_le_bytes()[..3]);
    header.extend(&(height_px - 1).to_le_bytes()[..3]);
    push_chunk(&mut body, *b"VP8X", &header);
    push_chunk(&mut body, *b"ICCP", icc);
    for (kind, payload) in chunks(bytes).filter(|(kind, _)| kind != b"VP8X") {
        push_chunk(&mut body, kind, payload);
    }
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

fn push_chunk(to: &mut Vec<u8>, kind: [u8; 4], payload: &[u8]) {
    to.extend(kind);
    to.extend((payload.len() as u32).to_le_bytes());
    to.extend(payload);
    if payload.len() % 2 == 1 {
        to.push(0);
    }
}
