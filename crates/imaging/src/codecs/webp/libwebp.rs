//! Safe calls into libwebp: the only place in this crate where memory is handed to C.
#![expect(unsafe_code, reason = "libwebp is C and has no complete safe wrapper")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::slice;

use libwebp_sys as ffi;

use crate::Bitmap;
use crate::bitmap::RGBA_BYTES;

/// Width and height that the header of a picture claims, in pixels.
pub(super) fn size(picture: &[u8]) -> Option<(u32, u32)> {
    let mut features = MaybeUninit::<ffi::WebPBitstreamFeatures>::zeroed();
    // SAFETY: the pointer and the length are those of a live slice, and `features` is a valid
    // place to write to.
    let status = unsafe { ffi::WebPGetFeatures(picture.as_ptr(), picture.len(), features.as_mut_ptr()) };
    if status != ffi::VP8StatusCode::VP8_STATUS_OK {
        return None;
    }
    // SAFETY: all fields are plain integers, for which zeroes are valid, and were then written.
    let features = unsafe { features.assume_init() };
    Some((
        u32::try_from(features.width).ok()?,
        u32::try_from(features.height).ok()?,
    ))
}

/// Decodes a picture of the size that [`size`] told.
pub(super) fn decode(picture: &[u8], width_px: u32, height_px: u32) -> Option<Vec<u8>> {
    let stride = c_int::try_from(width_px as usize * RGBA_BYTES).ok()?;
    let mut rgba = vec![0_u8; width_px as usize * height_px as usize * RGBA_BYTES];
    // SAFETY: both pointers and lengths are those of live, distinct slices. libwebp writes
    // nothing past the length of the output, and checks the picture's size against it.
    let written =
        unsafe { ffi::WebPDecodeRGBAInto(picture.as_ptr(), picture.len(), rgba.as_mut_ptr(), rgba.len(), stride) };
    (!written.is_null()).then_some(rgba)
}

/// A picture to encode, freed when dropped.
struct Picture(ffi::WebPPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialized by libwebp and is freed only here.
        unsafe { ffi::WebPPictureFree(&raw mut self.0) }
    }
}

/// The output of the encoder, freed when dropped.
struct Output(ffi::WebPMemoryWriter);

impl Output {
    fn new() -> Self {
        let mut writer = MaybeUninit::zeroed();
        // SAFETY: libwebp fills in the whole structure, which is plain data and valid as zeroes.
        unsafe {
            ffi::WebPMemoryWriterInit(writer.as_mut_ptr());
            Self(writer.assume_init())
        }
    }

    fn to_vec(&self) -> Vec<u8> {
        if self.0.mem.is_null() {
            return Vec::new();
        }
        // SAFETY: the writer holds `size` initialized bytes at `mem`.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }.to_vec()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the writer was initialized by libwebp and is freed only here.
        unsafe { ffi::WebPMemoryWriterClear(&raw mut self.0) }
    }
}

/// Encodes a picture, at most 16383 pixels on a side; `quality` is 0 to 100, `method` 0 to 6.
pub(super) fn encode(bitmap: &Bitmap, has_alpha: bool, quality: f32, method: c_int) -> Result<Vec<u8>, &'static str> {
    let mut config = ffi::WebPConfig::new().map_err(|()| "another version of the library")?;
    config.quality = quality;
    config.method = method;
    let mut picture = Picture(ffi::WebPPicture::new().map_err(|()| "another version of the library")?);
    let fits = "the picture is too large";
    picture.0.width = c_int::try_from(bitmap.width_px()).map_err(|_| fits)?;
    picture.0.height = c_int::try_from(bitmap.height_px()).map_err(|_| fits)?;
    let stride = c_int::try_from(bitmap.width_px() as usize * RGBA_BYTES).map_err(|_| fits)?;
    let mut output = Output::new();
    picture.0.writer = Some(ffi::WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut output.0).cast::<c_void>();
    let import = if has_alpha {
        ffi::WebPPictureImportRGBA
    } else {
        ffi::WebPPictureImportRGBX
    };
    // SAFETY: a bitmap has `height` rows of `stride` bytes. The picture was initialized by
    // libwebp, and its writer's structure outlives the call.
    let done = unsafe {
        import(&raw mut picture.0, bitmap.rgba().as_ptr(), stride) != 0
            && ffi::WebPEncode(&raw const config, &raw mut picture.0) != 0
    };
    if done {
        Ok(output.to_vec())
    } else {
        Err(describe(picture.0.error_code))
    }
}

const fn describe(error: ffi::WebPEncodingError) -> &'static str {
    use ffi::WebPEncodingError as E;
    match error {
        E::VP8_ENC_ERROR_OUT_OF_MEMORY | E::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => "out of memory",
        E::VP8_ENC_ERROR_BAD_DIMENSION => "the picture is too large",
        E::VP8_ENC_ERROR_PARTITION0_OVERFLOW | E::VP8_ENC_ERROR_PARTITION_OVERFLOW | E::VP8_ENC_ERROR_FILE_TOO_BIG => {
            "the file would be too large"
        }
        _ => "the encoder failed",
    }
}
