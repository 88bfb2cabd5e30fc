//! Ids, seeds and digests: how calls, pictures and prompts are named.

use sha2::{Digest, Sha256};

/// `bytes` random bytes as hexadecimal digits, at most 32 bytes.
pub(crate) fn random_hex(bytes: usize) -> String {
    let random: [u8; 32] = rand::random();
    hex::encode(&random[..bytes.min(random.len())])
}

/// A random (version 4) UUID in its usual spelling.
pub(crate) fn random_uuid() -> String {
    let mut random: [u8; 16] = rand::random();
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let digits = hex::encode(random);
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

/// A picture seed made from a call's id and the image's position in the call, where the caller gave no seed.
pub(crate) fn seed_from(call_id: &str, index: u32) -> u64 {
    let digest = Sha256::new()
        .chain_update(call_id.as_bytes())
        .chain_update(index.to_le_bytes())
        .finalize();
    let mut seed = [0; 8];
    seed.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(seed)
}

/// The SHA-256 of a text, in hexadecimal digits: how prompts are named without being told.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
