//! The picture that the models of a competition of edits are to change.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode, inspect};
use scenes::{Detail, SceneRequest, render_unnamed};

use super::shape::shape;

/// Long side of a source, in pixels.
const SOURCE_PX: u32 = 1_024;
/// Largest file of an operator's source, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The sandbox draws what this text says.
    Drawn(String),
    /// The operator's file, as it was when the competitions were read.
    File(Arc<[u8]>),
}

impl Source {
    /// The file `name` in `folder`, where the competition stands.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of_file(folder: Option<&Path>, name: &str) -> Result<Self, String> {
        let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        let Some(folder) = folder.filter(|_| is_plain) else {
            return Err(format!(
                "source_file '{name}' must be the name of a file beside the competition's own"
            ));
        };
        let path = folder.join(name);
        let unreadable = |error: std::io::Error| format!("source_file {} cannot be read: {error}", path.display());
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > FILE_BYTES_MAX {
            return Err(format!("source_file {} is larger than 16 MiB", path.display()));
        }
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        inspect(Cursor::new(&bytes))
            .map_err(|error| format!("source_file {} is no picture: {error}", path.display()))?;
        Ok(Self::File(bytes.into()))
    }

    /// The picture as PNG, its long side 1,024 pixels at most. Takes tens of milliseconds of a core.
    pub(crate) fn png(&self) -> Option<Vec<u8>> {
        let bitmap = match self {
            Self::Drawn(prompt) => {
                let canvas = render_unnamed(&SceneRequest {
                    prompt,
                    model: "source",
                    width_px: SOURCE_PX,
                    height_px: SOURCE_PX,
                    seed: 1,
                    transparent: false,
                    quality: Detail::Medium,
                });
                Bitmap::new(SOURCE_PX, SOURCE_PX, canvas.into_rgba()).ok()?
            }
            Self::File(bytes) => {
                let bitmap = decode(bytes, &DecodeLimits::default()).ok()?.to_srgb();
                let (width_px, height_px) = shape(bitmap.width_px(), bitmap.height_px(), SOURCE_PX);
                bitmap.cover(width_px, height_px)
            }
        };
        encode(&bitmap, ImageFormat::Png, None).ok()
    }
}
