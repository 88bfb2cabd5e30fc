//! How many bytes a generation's images will take in the spool, told before any of them is paid for.

use std::sync::{PoisonError, RwLock};

use imaging::{ImageFormat, ImageInfo};
use planner::plan::{Candidate, RoutePlan};

use crate::media::process::image_format;

/// Formats in the order of the table.
const FORMATS: [ImageFormat; 5] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::Webp,
    ImageFormat::Avif,
    ImageFormat::Gif,
];
/// Bytes of a pixel in usual files of each format, before any was measured.
const TABLE: [f64; 5] = [1.0, 0.4, 0.3, 0.25, 0.7];
/// What is measured never brings an expectation below this part of the table: the next image may be a richer one.
const LEAST_PART: f64 = 0.25;
/// How much one image moves the expectation.
const WEIGHT: f64 = 0.1;
/// Pixels where no size is known beforehand: that of most models' default.
const DEFAULT_PIXELS: u64 = 1 << 20;

/// Bytes of a pixel by format, as providers' images were measured.
#[derive(Debug)]
pub struct Usual(RwLock<[f64; 5]>);

impl Default for Usual {
    fn default() -> Self {
        Self(RwLock::new(TABLE))
    }
}

impl Usual {
    /// An image came.
    pub(super) fn learn(&self, info: &ImageInfo, size_bytes: u64) {
        let pixels = u64::from(info.width_px) * u64::from(info.height_px);
        let Some(place) = place(info.format).filter(|_| pixels > 0) else {
            return;
        };
        let measured = size_bytes as f64 / pixels as f64;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all[place] = (all[place] * (1.0 - WEIGHT) + measured * WEIGHT).max(TABLE[place] * LEAST_PART);
    }

    /// What `n` images of the plan's largest candidate take: as they come, and as they are handed out.
    pub(super) fn expected(&self, plan: &RoutePlan<'_>, n: u32) -> u64 {
        let each = plan.candidates.iter().map(|candidate| self.each(candidate));
        each.max().unwrap_or(0).saturating_mul(u64::from(n))
    }

    fn each(&self, candidate: &Candidate<'_>) -> u64 {
        let resolved = &candidate.resolved;
        let size = resolved.work.size;
        let pixels = size.map_or(DEFAULT_PIXELS, |size| {
            u64::from(size.width_px) * u64::from(size.height_px)
        });
        let asked = resolved
            .work
            .arguments
            .get("output_format")
            .and_then(|format| format.as_str());
        // Providers that are not asked for a format give the largest of them.
        let is_asked = |format: &ImageFormat| Some(format.to_string().as_str()) == asked;
        let comes = FORMATS.into_iter().find(is_asked);
        let comes = comes.unwrap_or(ImageFormat::Png);
        let finish = resolved.finish;
        let handed_out = finish.format.map_or(comes, image_format);
        // What is in the wanted form already is handed out as it came.
        let is_converted = handed_out != comes || finish.cover.is_some();
        let converted = if is_converted {
            self.bytes(handed_out, pixels)
        } else {
            0
        };
        self.bytes(comes, pixels) + converted
    }

    fn bytes(&self, format: ImageFormat, pixels: u64) -> u64 {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_pixel = place(format).map_or(TABLE[0], |place| all[place]);
        (pixels as f64 * of_pixel).ceil() as u64
    }
}

fn place(format: ImageFormat) -> Option<usize> {
    FORMATS.iter().position(|known| *known == format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_follow_what_is_measured_and_stay_generous() {
        let usual = Usual::default();
        let megapixel = 1 << 20;
        assert_eq!(usual.bytes(ImageFormat::Png, megapixel), 1 << 20);
        let info = ImageInfo {
            format: ImageFormat::Png,
            width_px: 1024,
            height_px: 1024,
            has_alpha: false,
            orientation: imaging::Orientation::default(),
            is_moving: false,
            is_plain: true,
        };
        for _ in 0..100 {
            usual.learn(&info, 4 << 20);
        }
        let learnt = usual.bytes(ImageFormat::Png, megapixel);
        assert!((3_900_000..4_300_000).contains(&learnt), "{learnt}");
        for _ in 0..100 {
            usual.learn(&info, 10);
        }
        assert_eq!(usual.bytes(ImageFormat::Png, megapixel), 1 << 18);
        assert_eq!(usual.bytes(ImageFormat::Jpeg, megapixel), 419_431);
    }
}
