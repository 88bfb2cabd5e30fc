//! Sizes that follow a shape.

/// A megapixel, in pixels.
pub(crate) const MEGAPIXEL: u64 = 1_048_576;
/// Sizes that follow an input are multiples of this.
const GRID_PX: f64 = 16.0;

/// About this many pixels in the shape of a width and a height.
pub(crate) fn shaped((width, height): (u32, u32), pixels: u64) -> (u32, u32) {
    let ratio = f64::from(width) / f64::from(height);
    let height = (pixels as f64 / ratio).sqrt();
    let on_grid = |side: f64| ((side / GRID_PX).round().max(1.0) * GRID_PX) as u32;
    (on_grid(height * ratio), on_grid(height))
}
