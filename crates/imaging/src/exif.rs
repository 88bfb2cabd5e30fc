//! The one EXIF field that changes how a picture looks: its orientation.

use crate::orientation::Orientation;

/// What an EXIF segment begins with.
pub(crate) const SIGNATURE: &[u8; 6] = b"Exif\0\0";

/// Tag of the orientation, by the EXIF specification.
const ORIENTATION_TAG: u16 = 0x0112;

/// Type "unsigned 16 bits" of TIFF.
const SHORT: u16 = 3;

/// Bytes of one directory entry.
const ENTRY_BYTES: usize = 12;

/// The orientation in a TIFF structure; `None` where there is none or the structure is damaged.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    // Some writers put the signature of a JPEG before it in other files too.
    let tiff = tiff.strip_prefix(SIGNATURE).unwrap_or(tiff);
    let big = match tiff.get(..4)? {
        b"MM\0\x2a" => true,
        b"II\x2a\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let first: [u8; 4] = *tiff.get(4..)?.first_chunk()?;
    let directory = if big {
        u32::from_be_bytes(first)
    } else {
        u32::from_le_bytes(first)
    };
    let directory = usize::try_from(directory).ok()?;
    let entries = usize::from(u16_at(directory)?);
    (0..entries)
        .map_while(|index| {
            let at = directory.checked_add(2 + index * ENTRY_BYTES)?;
            Some((at, u16_at(at)?))
        })
        .find(|&(_, tag)| tag == ORIENTATION_TAG)
        .and_then(|(at, _)| {
            let is_short = u16_at(at.checked_add(2)?)? == SHORT;
            let value = u16_at(at.checked_add(8)?)?;
            is_short.then(|| Orientation::from_exif(value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(big: bool, entries: &[(u16, u16, u16)]) -> Vec<u8> {
        let u16 = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = if big {
            b"MM\0\x2a".to_vec()
        } else {
            b"II\x2a\0".to_vec()
        };
        bytes.extend(u32(8));
        bytes.extend(u16(entries.len() as u16));
        for &(tag, kind, value) in entries {
            bytes.extend(u16(tag));
            bytes.extend(u16(kind));
            bytes.extend(u32(1));
            bytes.extend(u16(value));
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn both_byte_orders() {
        for big in [true, false] {
            let bytes = tiff(big, &[(0x010f, 2, 9), (ORIENTATION_TAG, SHORT, 6)]);
            assert_eq!(orientation(&bytes), Some(Orientation::from_exif(6)));
        }
    }

    #[test]
    fn damage_is_no_orientation() {
        let whole = tiff(true, &[(0x010f, 2, 9), (ORIENTATION_TAG, SHORT, 6)]);
        for length in 0..whole.len() - 4 {
            assert_eq!(orientation(&whole[..length]), None, "{length}");
        }
        assert_eq!(orientation(&tiff(true, &[(ORIENTATION_TAG, 4, 6)])), None);
        let mut far = whole;
        far[4..8].fill(0xff);
        assert_eq!(orientation(&far), None);
    }
}
