//! The five image formats: their names, types and magic bytes.

use std::fmt;
use std::str::FromStr;

/// How many leading bytes [`ImageFormat::sniff`] looks at, at most: an AVIF may list many brands.
pub(crate) const SNIFF_BYTES: usize = 64;

/// How people call the format of telephones' photographs.
pub(crate) const HEIC: &str = "HEIC";

/// An image format. All of [`Self::ALL`] can be read and written; of HEIC only the header is read, since no decoder of a free
/// licence builds with cargo and a C compiler alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG in a JFIF, EXIF or Adobe wrapper.
    Jpeg,
    /// WebP, lossy or lossless.
    Webp,
    /// GIF 87a or 89a.
    Gif,
    /// AV1 still pictures in a HEIF container.
    Avif,
    /// HEVC still pictures in a HEIF container, as telephones store photographs.
    Heic,
}

/// A name that is none of [`ImageFormat`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the image format must be one of png, jpeg, webp, gif, avif")]
pub struct UnknownFormat;

impl ImageFormat {
    /// Every format that is read and written, in the order in which they are listed to callers.
    pub const ALL: [Self; 5] = [Self::Png, Self::Jpeg, Self::Webp, Self::Gif, Self::Avif];

    /// The name used in parameters: `jpeg`, never `jpg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }

    /// The registered media type.
    #[must_use]
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
        }
    }

    /// The usual file name ending, without the dot: `jpg` for JPEG.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }

    /// Whether a quality means something to the encoder.
    #[must_use]
    pub const fn is_lossy(self) -> bool {
        matches!(self, Self::Jpeg | Self::Webp | Self::Avif | Self::Heic)
    }

    /// Whether transparency survives; in a GIF as one bit.
    #[must_use]
    pub const fn supports_alpha(self) -> bool {
        !matches!(self, Self::Jpeg)
    }

    /// The format whose magic bytes `head` begins with; 64 bytes are enough.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if is_avif(head) {
            Some(Self::Avif)
        } else if is_heic(head) {
            Some(Self::Heic)
        } else {
            None
        }
    }
}

/// The name of a format that is known by its magic bytes and not read.
pub(crate) fn foreign(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"BM") && head.len() > 14 {
        Some("BMP")
    } else if head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") {
        Some("TIFF")
    } else if head.starts_with(b"\0\0\x01\0") {
        Some("ICO")
    } else if head.starts_with(b"\xff\x0a") || head.starts_with(b"\0\0\0\x0cJXL ") {
        Some("JPEG XL")
    } else if head.starts_with(b"8BPS") {
        Some("PSD")
    } else if head.trim_ascii_start().starts_with(b"<svg") || head.trim_ascii_start().starts_with(b"<?xml") {
        Some("SVG")
    } else if head.starts_with(b"%PDF") {
        Some("PDF")
    } else {
        None
    }
}

/// A HEIF file whose major brand is one of HEVC's, or of no codec.
fn is_heic(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
        && head.get(8..12).is_some_and(|brand| {
            matches!(
                brand,
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1"
            )
        })
}

/// A HEIF file that names an AVIF brand, as its major one or among the compatible ones.
fn is_avif(head: &[u8]) -> bool {
    if head.get(4..8) != Some(b"ftyp") {
        return false;
    }
    let Some(&[a, b, c, d]) = head.first_chunk::<4>() else {
        return false;
    };
    let end = (u32::from_be_bytes([a, b, c, d]) as usize)
        .min(head.len())
        .min(SNIFF_BYTES);
    // Bytes 12 to 16 are the minor version, which could hold anything.
    let is_brand = |brand: &[u8]| brand == b"avif" || brand == b"avis";
    head.get(8..12.min(end)).is_some_and(is_brand)
        || head
            .get(16..end)
            .is_some_and(|brands| brands.chunks_exact(4).any(is_brand))
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ImageFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| name.eq_ignore_ascii_case(format.name()))
            .or_else(|| name.eq_ignore_ascii_case("jpg").then_some(Self::Jpeg))
            .ok_or(UnknownFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in ImageFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(format.extension().parse(), Ok(format));
            assert_eq!(format.mime_type(), format!("image/{format}"));
        }
        assert_eq!("JPG".parse(), Ok(ImageFormat::Jpeg));
        assert_eq!("bmp".parse::<ImageFormat>(), Err(UnknownFormat));
    }

    #[test]
    fn magic_bytes_are_recognized() {
        let cases: [(&[u8], Option<ImageFormat>); 11] = [
            (b"\x89PNG\r\n\x1a\nrest", Some(ImageFormat::Png)),
            (b"\xff\xd8\xff\xe0", Some(ImageFormat::Jpeg)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(ImageFormat::Webp)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"GIF87a", Some(ImageFormat::Gif)),
            (b"GIF89a", Some(ImageFormat::Gif)),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1", Some(ImageFormat::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miafavif", Some(ImageFormat::Avif)),
            // The minor version is not a brand, nor is anything behind the box.
            (b"\0\0\0\x14ftypheicavifmif1avif", Some(ImageFormat::Heic)),
            (b"\0\0\0\x14ftypheic\0\0\0\0mif1", Some(ImageFormat::Heic)),
            (b"", None),
        ];
        for (head, format) in cases {
            assert_eq!(ImageFormat::sniff(head), format, "{head:02x?}");
        }
    }
}
