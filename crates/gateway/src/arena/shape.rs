//! How large pictures are shown.

/// The shape of a picture with a long side of at most `long_px`.
pub(crate) fn shape(width_px: u32, height_px: u32, long_px: u32) -> (u32, u32) {
    let longest = width_px.max(height_px).max(1);
    let long_px = long_px.min(longest);
    let scaled = |side: u32| (u64::from(side) * u64::from(long_px) / u64::from(longest)).max(1) as u32;
    (scaled(width_px), scaled(height_px))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_the_shape_of_the_order() {
        assert_eq!(shape(1024, 1024, 512), (512, 512));
        assert_eq!(shape(1536, 1024, 768), (768, 512));
        assert_eq!(shape(400, 300, 1024), (400, 300));
    }
}
