//! Images.

use std::io::Cursor;

use imaging::{DecodeLimits, ImageFormat, decode, ending, inspect};

/// What a picture may cost here: small, so that many are tried.
const LIMITS: DecodeLimits = DecodeLimits {
    input_bytes: 1 << 20,
    pixels: 250_000,
    scan_pixels: 1_000_000,
    frames: 1,
};

/// A picture that is decoded has the size that its header says, and one that has no end is told.
pub(crate) fn read(data: &[u8]) {
    let header = inspect(Cursor::new(data));
    for format in ImageFormat::ALL {
        // Any bytes under any name: nothing may panic.
        let _ = ending(format, Cursor::new(data), Some(&LIMITS));
    }
    let Ok(header) = header else {
        assert!(decode(data, &LIMITS).is_err(), "what has no header was decoded");
        return;
    };
    if let Ok(bitmap) = decode(data, &LIMITS) {
        assert_eq!(
            (bitmap.width_px(), bitmap.height_px()),
            (header.width_px, header.height_px)
        );
    }
}
