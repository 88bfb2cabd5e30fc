//! Input images and masks as an offer takes them.

use crate::format::Format;
use crate::size::Size;

/// Where a mask says "edit here".
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskPolarity {
    /// Alpha 0, as callers send it.
    Alpha,
    /// White.
    White,
    /// Black.
    Black,
}

/// Input images that an offer takes.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputsSpec {
    /// How many.
    pub max: u32,
    /// Formats that the provider reads; others are converted to PNG.
    pub formats: Vec<Format>,
    /// Whether it refuses files that are not one picture of gray, RGB or RGBA with eight bits each, such as a palette or the
    /// inks of print; they are drawn anew. (OpenAI: "Invalid image file or mode for image 1".)
    #[serde(default)]
    pub plain_only: bool,
    /// How it wants a mask; absent when it takes none.
    #[serde(default)]
    pub mask: Option<MaskPolarity>,
    /// Bytes of one file at the most.
    #[serde(default)]
    pub max_bytes: Option<u64>,
    /// Pixels of one image at the most.
    #[serde(default)]
    pub max_pixels: Option<u64>,
    /// Of an offer that enlarges, pixels of the result at the most.
    #[serde(default)]
    pub max_output_pixels: Option<u64>,
    /// Longest edge.
    #[serde(default)]
    pub max_edge_px: Option<u32>,
    /// Shortest edge. A smaller image cannot be sent.
    #[serde(default)]
    pub min_edge_px: Option<u32>,
    /// Least pixels of one image. A smaller image cannot be sent.
    #[serde(default)]
    pub min_pixels: Option<u64>,
    /// Longest edge against shortest. A longer image cannot be sent.
    #[serde(default)]
    pub max_ratio: Option<f64>,
}

impl InputsSpec {
    /// The size to which an image of `size` is scaled down, shape kept; `None` where it is small enough. `factor` is by how
    /// much the offer enlarges each side, 1 where it does not.
    #[must_use]
    pub fn scaled(&self, size: Size, factor: f64) -> Option<Size> {
        let of_output = self.max_output_pixels.map(|most| most as f64 / (factor * factor));
        let longest = f64::from(size.width_px.max(size.height_px).max(1));
        let by_edge = self.max_edge_px.map_or(1.0, |most| f64::from(most) / longest);
        let pixels = size.pixels().max(1) as f64;
        let area = |most: Option<f64>| most.map_or(1.0, |most| (most / pixels).sqrt());
        let shrink = by_edge
            .min(area(self.max_pixels.map(|most| most as f64)))
            .min(area(of_output));
        // Rounded down, so that the product stays within the bound.
        let side = |px: u32| (f64::from(px) * shrink).floor().max(1.0) as u32;
        (shrink < 1.0).then(|| Size::new(side(size.width_px), side(size.height_px)))
    }

    /// What an image of `size` is too small or too long for, as the end of "offer ...".
    #[must_use]
    pub fn refusal(&self, size: Size) -> Option<String> {
        let (shortest, longest) = (size.width_px.min(size.height_px), size.width_px.max(size.height_px));
        if let Some(least) = self.min_edge_px.filter(|least| shortest < *least) {
            return Some(format!(
                "takes input images of at least {least} pixels a side, not {size}"
            ));
        }
        if let Some(least) = self.min_pixels.filter(|least| size.pixels() < *least) {
            return Some(format!("takes input images of at least {least} pixels, not {size}"));
        }
        let ratio = f64::from(longest) / f64::from(shortest.max(1));
        self.max_ratio
            .filter(|most| ratio > *most)
            .map(|most| format!("takes input images whose longer side is at most {most} times the shorter, not {size}"))
    }
}
