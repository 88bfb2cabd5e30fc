//! Colors of a profile made those of sRGB, for formats that hold no profile.

use moxcms::{ColorProfile, Layout, TransformOptions};

use crate::Bitmap;

impl Bitmap {
    /// The same picture in sRGB, without a profile. A profile that cannot be read is left out: its colors are taken as
    /// they stand.
    #[must_use]
    pub fn to_srgb(&self) -> Self {
        let plain = self.clone().with_icc(None);
        let Some(profile) = self.icc().and_then(|icc| ColorProfile::new_from_slice(icc).ok()) else {
            return plain;
        };
        let srgb = ColorProfile::new_srgb();
        let transform = profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, TransformOptions::default());
        let mut rgba = vec![0; self.rgba().len()];
        match transform.map(|transform| transform.transform(self.rgba(), &mut rgba)) {
            Ok(Ok(())) => plain.with_pixels(self.width_px(), self.height_px(), rgba),
            Ok(Err(_)) | Err(_) => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(icc: Option<Vec<u8>>) -> Vec<u8> {
        let bitmap = Bitmap::new(1, 1, vec![0, 255, 0, 128])
            .expect("one pixel")
            .with_icc(icc);
        bitmap.to_srgb().into_rgba()
    }

    #[test]
    fn colors_of_a_wide_profile_become_those_of_srgb() {
        let wide = ColorProfile::new_display_p3().encode().expect("a profile");
        let half = Bitmap::new(1, 1, vec![100, 200, 50, 128])
            .expect("one pixel")
            .with_icc(Some(wide));
        let converted = half.to_srgb();
        assert!(converted.icc().is_none());
        let [red, green, blue, alpha] = converted.rgba().try_into().expect("one pixel");
        // By the matrices of both spaces: a green of P3 is a stronger one in sRGB.
        assert!(
            red < 60 && (200..212).contains(&green) && blue < 30 && alpha == 128,
            "{red} {green} {blue} {alpha}"
        );
    }

    #[test]
    fn what_needs_no_change_has_none() {
        assert_eq!(pixel(None), [0, 255, 0, 128]);
        let srgb = ColorProfile::new_srgb().encode().expect("a profile");
        assert_eq!(pixel(Some(srgb)), [0, 255, 0, 128]);
        let mut broken = vec![0; 200];
        broken[16..20].copy_from_slice(b"RGB ");
        assert_eq!(pixel(Some(broken)), [0, 255, 0, 128]);
    }
}
