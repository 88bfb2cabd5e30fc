//! Pictures to test with, and how far two of them are apart.

use imaging::{Bitmap, DecodeLimits, decode};

/// A bitmap by a color for every place.
pub(crate) fn draw(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 4]) -> Bitmap {
    let rgba = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| color(x, y))
        .collect();
    Bitmap::new(width, height, rgba).expect("a color for every pixel")
}

/// An opaque picture of slow changes and some edges, different in every corner.
pub(crate) fn scene(width: u32, height: u32) -> Bitmap {
    draw(width, height, |x, y| {
        let across = (x * 255 / width) as u8;
        let down = (y * 255 / height) as u8;
        let is_disk =
            (x * 4).abs_diff(width * 2).pow(2) + (y * 4).abs_diff(height * 2).pow(2) < width.min(height).pow(2);
        if is_disk {
            [230, 200 - down / 4, 40, 255]
        } else {
            [across, down, 255 - across / 2 - down / 2, 255]
        }
    })
}

/// A disk with a soft edge on nothing.
pub(crate) fn cutout(width: u32, height: u32) -> Bitmap {
    let radius = f64::from(width.min(height)) * 0.4;
    draw(width, height, |x, y| {
        let dx = f64::from(x) + 0.5 - f64::from(width) / 2.0;
        let dy = f64::from(y) + 0.5 - f64::from(height) / 2.0;
        let inside = (radius - dx.hypot(dy)) / 8.0 + 0.5;
        [
            200,
            60,
            40 + (y * 100 / height) as u8,
            (inside.clamp(0.0, 1.0) * 255.0) as u8,
        ]
    })
}

/// Mean difference of color channels, of pixels that both show, and of alpha: 0 to 255.
pub(crate) fn distance(a: &Bitmap, b: &Bitmap) -> (f64, f64) {
    assert_eq!(
        (a.width_px(), a.height_px()),
        (b.width_px(), b.height_px()),
        "sizes differ"
    );
    let (mut color, mut shown, mut alpha, mut count) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (a, b) in a.rgba().chunks_exact(4).zip(b.rgba().chunks_exact(4)) {
        count += 1;
        alpha += u64::from(a[3].abs_diff(b[3]));
        if a[3].min(b[3]) > 127 {
            shown += 3;
            color += (0..3).map(|i| u64::from(a[i].abs_diff(b[i]))).sum::<u64>();
        }
    }
    (color as f64 / shown.max(1) as f64, alpha as f64 / count as f64)
}

/// The color of a pixel.
pub(crate) fn pixel(bitmap: &Bitmap, x: u32, y: u32) -> [u8; 4] {
    let at = ((y * bitmap.width_px() + x) * 4) as usize;
    bitmap.rgba()[at..at + 4].try_into().expect("four bytes")
}

/// Asserts that a pixel is nearly of a color.
pub(crate) fn assert_pixel(bitmap: &Bitmap, (x, y): (u32, u32), color: [u8; 4], tolerance: u8) {
    let found = pixel(bitmap, x, y);
    let near = (0..4).all(|i| found[i].abs_diff(color[i]) <= tolerance);
    assert!(near, "({x}, {y}) is {found:?}, not {color:?}");
}

/// Decodes within the usual limits.
pub(crate) fn decoded(bytes: &[u8]) -> Bitmap {
    decode(bytes, &DecodeLimits::default()).expect("a valid image")
}

/// A color profile by its looks: only the length and the color space are ever read.
pub(crate) fn rgb_profile() -> Vec<u8> {
    let mut icc = vec![0; 333];
    icc[..4].copy_from_slice(&333_u32.to_be_bytes());
    icc[16..20].copy_from_slice(b"RGB ");
    icc
}
