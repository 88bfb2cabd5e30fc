//! Prints how long each format takes for a picture of 1024x1024, and how large it becomes.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::time::Instant;

use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode};

/// Runs of each measurement; the median counts.
const RUNS: usize = 5;
const SIDE_PX: u32 = 1024;

/// Slow changes, edges and grain, so that neither filters nor entropy coders have it too easy.
fn scene(has_alpha: bool) -> Result<Bitmap, imaging::ImagingError> {
    let mut noise = 12_345_u32;
    let mut rgba = Vec::with_capacity((SIDE_PX * SIDE_PX * 4) as usize);
    for y in 0..SIDE_PX {
        for x in 0..SIDE_PX {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 28) as f32;
            let (fx, fy) = (x as f32 / 90.0, y as f32 / 70.0);
            let wave = (fx.sin() + (fy + fx * 0.3).cos()) * 40.0;
            let stripe = if (x / 64 + y / 96) % 5 == 0 { 70.0 } else { 0.0 };
            let alpha = if has_alpha && (x.abs_diff(512) + y.abs_diff(512)) > 600 {
                0
            } else {
                255
            };
            rgba.extend([
                (120.0 + wave + grain) as u8,
                (90.0 + stripe + grain + x as f32 / 16.0) as u8,
                (160.0 - wave + y as f32 / 20.0) as u8,
                alpha,
            ]);
        }
    }
    Bitmap::new(SIDE_PX, SIDE_PX, rgba)
}

fn median_ms<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let _ = std::hint::black_box(run());
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("format  alpha  encode ms  decode ms    bytes");
    for has_alpha in [false, true] {
        let picture = scene(has_alpha)?;
        for format in ImageFormat::ALL {
            let bytes = encode(&picture, format, None)?;
            let limits = DecodeLimits::default();
            decode(&bytes, &limits)?;
            let encoding = median_ms(|| encode(&picture, format, None));
            let decoding = median_ms(|| decode(&bytes, &limits));
            println!(
                "{format:<6}  {has_alpha:<5}  {encoding:>9.1}  {decoding:>9.1}  {:>7}",
                bytes.len()
            );
        }
        let resampling = median_ms(|| picture.cover(1536, 1024));
        println!("cover to 1536x1024: {resampling:.1} ms");
    }
    Ok(())
}
