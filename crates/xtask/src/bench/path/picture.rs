//! A PNG of any size that is whole by its structure.

/// A PNG of about `size_bytes` as base64: its pixels are few, and a private chunk of noise fills it up, since noise is what
/// pictures look like to whoever only passes them on.
pub(in crate::bench) fn of(size_bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let edge = 1024_u32.to_be_bytes();
    chunk(&mut png, *b"IHDR", &[&edge[..], &edge[..], &[8, 2, 0, 0, 0]].concat());
    // In base64 four bytes stand for three.
    chunk(&mut png, *b"noSe", &noise(size_bytes / 4 * 3));
    // An empty stored block: a decoder would miss pixels, and nobody here decodes.
    chunk(&mut png, *b"IDAT", &[0x78, 0x01, 0x01, 0, 0, 0xff, 0xff, 0, 0, 0, 1]);
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let size_bytes = u32::try_from(data.len()).expect("pictures are far below 4 GiB");
    png.extend(size_bytes.to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc32fast::hash(&png[start..]);
    png.extend(sum.to_be_bytes());
}

/// Bytes without a pattern, the same in every run (Knuth's constants).
fn noise(size_bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..size_bytes).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_size_that_was_asked() {
        let png = of(1 << 20);
        assert!(png.len().abs_diff(3 << 18) < 200);
        assert!(png.ends_with(b"IEND\xae\x42\x60\x82"));
    }
}
