//! Images for the gateway: inspect, decode, resample, convert and encode PNG, JPEG, WebP, GIF and AVIF.
//!
//! CPU work only: nothing here is asynchronous, touches a file or knows of HTTP.
//!
//! * [`inspect`] reads a header and never a pixel.
//! * [`ending`] tells whether a file goes on to its own end.
//! * [`decode`] turns any of the five formats into a [`Bitmap`], [`encode`] does the reverse.
//! * [`convert`] is both, with an optional crop and resample in between.
//! * [`convert_mask`] changes what a mask's colors mean.
//!
//! Colors are handled as 8-bit values in the color space of the source. An RGB ICC profile is
//! carried from PNG, JPEG, WebP and AVIF to PNG, JPEG and WebP, and its colors are made sRGB for
//! AVIF and GIF; every other piece of metadata (EXIF, XMP, C2PA, text) is dropped, and a picture
//! without a profile is taken as sRGB. The EXIF orientation of a JPEG, PNG or WebP and the rotation
//! of an AVIF are applied to the pixels.

mod bitmap;
mod codecs;
mod convert;
mod credentials;
mod decode;
mod decode_limits;
mod encode;
mod ending;
mod error;
mod exif;
mod format;
mod header;
mod info;
mod inspect;
mod mask;
mod max_edge;
mod orientation;
mod resample;
mod srgb;

pub use bitmap::Bitmap;
pub use convert::{Conversion, Converted, convert};
pub use credentials::has_content_credentials;
pub use decode::decode;
pub use decode_limits::DecodeLimits;
pub use encode::{DEFAULT_QUALITY, encode};
pub use ending::{Ending, ending};
pub use error::{ImagingError, InspectError};
pub use format::{ImageFormat, UnknownFormat};
pub use info::ImageInfo;
pub use inspect::inspect;
pub use mask::{MaskPolarity, convert_mask};
pub use max_edge::{AVIF_MAX_EDGE_PX, max_edge_px};
pub use orientation::Orientation;
