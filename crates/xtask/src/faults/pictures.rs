//! Whether a picture came whole, by the structure of its file.

use sha2::{Digest, Sha256};

/// What tells one picture from another.
pub(super) type Print = [u8; 32];

/// The print of a whole picture.
///
/// # Errors
/// What is missing of it.
pub(super) fn whole(bytes: &[u8]) -> Result<Print, String> {
    let is_whole = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        bytes.ends_with(b"IEND\xae\x42\x60\x82")
    } else if bytes.starts_with(&[0xff, 0xd8]) {
        bytes.ends_with(&[0xff, 0xd9])
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        let told = bytes[4..8].try_into().map_or(0, u32::from_le_bytes);
        bytes.len() as u64 >= u64::from(told) + 8
    } else {
        return Err(format!("{} bytes that are no picture", bytes.len()));
    };
    if is_whole {
        Ok(Sha256::digest(bytes).into())
    } else {
        Err(format!("a picture of which only {} bytes are there", bytes.len()))
    }
}

/// How the providers' bill names a prompt.
pub(super) fn prompt_hash(prompt: &str) -> String {
    Sha256::digest(prompt)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_picture_is_told() {
        let png = b"\x89PNG\r\n\x1a\n....IEND\xae\x42\x60\x82";
        assert!(whole(png).is_ok());
        assert!(whole(&png[..14]).is_err());
        assert!(whole(b"RIFF\x08\0\0\0WEBPVP8 ").is_ok());
        assert!(whole(b"RIFF\x0a\0\0\0WEBPVP8 ").is_err());
        assert!(whole(b"<html>").is_err());
    }
}
