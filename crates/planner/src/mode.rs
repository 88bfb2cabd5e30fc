//! What a caller can ask of a model.

use std::fmt;

/// A way to use a model. The names are those of the API and of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// An image from a prompt.
    TextToImage,
    /// An image from input images and a prompt.
    ImageEdit,
    /// A larger copy of an input image.
    Upscale,
}

impl Mode {
    /// Every mode, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::TextToImage, Self::ImageEdit, Self::Upscale];

    /// The name in the API and in the catalogue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextToImage => "text-to-image",
            Self::ImageEdit => "image-edit",
            Self::Upscale => "upscale",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
