//! The engine that reads and writes base64: by the processor's wide registers where it has them.

use std::sync::LazyLock;

use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Engine = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Engine = base64::engine::GeneralPurpose;

/// Lenient in reading where encoders differ (padding, last bits), since the picture itself is checked later; writes padding.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The standard alphabet.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) static BASE64: LazyLock<Engine> = LazyLock::new(|| Engine::standard(CONFIG));
/// The standard alphabet.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) static BASE64: LazyLock<Engine> = LazyLock::new(|| Engine::new(&base64::alphabet::STANDARD, CONFIG));
