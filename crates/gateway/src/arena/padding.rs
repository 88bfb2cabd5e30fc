//! Files of a pair made equally long, so that their sizes tell nothing.

/// Lengths are rounded up to this, so that a pair's length tells little of the longer file either.
const STEP_BYTES: usize = 16 * 1024;
/// A chunk that readers of WebP pass over.
const CHUNK: &[u8; 4] = b"PADD";
const CHUNK_HEAD_BYTES: usize = 8;
/// `RIFF`, the length, `WEBP`.
const FILE_HEAD_BYTES: usize = 12;

/// The length to which two files of these lengths are padded.
pub(super) fn common_length(a: usize, b: usize) -> usize {
    (a.max(b) + CHUNK_HEAD_BYTES).next_multiple_of(STEP_BYTES)
}

/// A WebP file of `length` bytes with the same picture; as it is where it is no WebP file or longer.
pub(super) fn padded(mut webp: Vec<u8>, length: usize) -> Vec<u8> {
    let is_webp = webp.len() > FILE_HEAD_BYTES && webp.starts_with(b"RIFF") && webp[8..].starts_with(b"WEBP");
    if webp.len() % 2 == 1 {
        webp.push(0);
    }
    let Some(rest) = length.checked_sub(webp.len() + CHUNK_HEAD_BYTES).filter(|_| is_webp) else {
        return webp;
    };
    let chunk_length = u32::try_from(rest).unwrap_or(0);
    webp.extend_from_slice(CHUNK);
    webp.extend_from_slice(&chunk_length.to_le_bytes());
    webp.resize(length, 0);
    let file_length = u32::try_from(length - 8).unwrap_or(u32::MAX);
    webp[4..8].copy_from_slice(&file_length.to_le_bytes());
    webp
}

#[cfg(test)]
mod tests {
    use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode};

    use super::*;

    #[test]
    fn two_files_become_equally_long_and_stay_what_they_show() {
        let picture = |side: u32, shade: u8| {
            let bitmap =
                Bitmap::new(side, side, vec![shade; (side * side * 4) as usize]).expect("as many bytes as it has");
            encode(&bitmap, ImageFormat::Webp, Some(80)).expect("it encodes")
        };
        let (small, large) = (picture(16, 200), picture(300, 90));
        let length = common_length(small.len(), large.len());
        assert_eq!(length % STEP_BYTES, 0);
        for file in [small, large] {
            let before = decode(&file, &DecodeLimits::default()).expect("it decodes");
            let after = padded(file, length);
            assert_eq!(after.len(), length);
            let after = decode(&after, &DecodeLimits::default()).expect("it still decodes");
            assert_eq!(before.rgba(), after.rgba());
        }
    }

    #[test]
    fn what_is_no_webp_stays_as_it_is() {
        assert_eq!(padded(b"GIF89a..".to_vec(), 4_096), b"GIF89a..");
    }
}
