//! Previews of a finished picture, from coarse to nearly sharp.

use super::canvas::Canvas;

/// Cells across the shorter side of the coarsest preview.
const FIRST_CELLS: f32 = 10.0;
/// Each later preview has this many times more.
const GROWTH: f32 = 2.6;

/// The preview `step` (from 0) of `of`.
pub(crate) fn draw(full: &Canvas, step: u32, of: u32) -> Canvas {
    let (width, height) = (full.width_px() as usize, full.height_px() as usize);
    let step = step.min(of.max(1) - 1).min(8);
    let cells = FIRST_CELLS * GROWTH.powi(step as i32);
    let side = (width.min(height) as f32 / cells).max(1.0);
    let columns = ((width as f32 / side).ceil() as usize).clamp(1, width);
    let rows = ((height as f32 / side).ceil() as usize).clamp(1, height);
    let grid = average(full, columns, rows);
    let mut out = Canvas::clear(full.width_px(), full.height_px());
    let bytes = out.rgba_mut();
    let axis = |length: usize, count: usize| -> Vec<(usize, usize, f32)> {
        (0..length)
            .map(|at| {
                let place = ((at as f32 + 0.5) / length as f32 * count as f32 - 0.5).clamp(0.0, (count - 1) as f32);
                let first = place as usize;
                // Half a block, half a blur: it reads as "still being made".
                let part = ((place - first as f32) * 2.0 - 0.5).clamp(0.0, 1.0);
                (first, (first + 1).min(count - 1), part)
            })
            .collect()
    };
    let (across, down) = (axis(width, columns), axis(height, rows));
    for (line, (top, foot, v)) in bytes.chunks_exact_mut(width * 4).zip(&down) {
        for (px, (left, right, u)) in line.chunks_exact_mut(4).zip(&across) {
            let at = |row: usize, column: usize| &grid[row * columns + column];
            let (a, b) = (at(*top, *left), at(*top, *right));
            let (c, d) = (at(*foot, *left), at(*foot, *right));
            let mixed: [f32; 4] = std::array::from_fn(|channel| {
                let upper = a[channel] + (b[channel] - a[channel]) * u;
                let lower = c[channel] + (d[channel] - c[channel]) * u;
                upper + (lower - upper) * v
            });
            let alpha = mixed[3];
            for channel in 0..3 {
                px[channel] = if alpha > 0.5 {
                    (mixed[channel] / alpha * 255.0 + 0.5) as u8
                } else {
                    0
                };
            }
            px[3] = (alpha + 0.5) as u8;
        }
    }
    out
}

/// Means of the cells of a grid, color multiplied by alpha (both 0..255).
fn average(full: &Canvas, columns: usize, rows: usize) -> Vec<[f32; 4]> {
    let (width, height) = (full.width_px() as usize, full.height_px() as usize);
    let mut sums = vec![[0.0f32; 5]; columns * rows];
    let column_of: Vec<usize> = (0..width).map(|x| x * columns / width).collect();
    for (y, line) in full.rgba().chunks_exact(width * 4).enumerate() {
        let base = y * rows / height * columns;
        for (px, column) in line.chunks_exact(4).zip(&column_of) {
            let sum = &mut sums[base + column];
            let alpha = f32::from(px[3]) / 255.0;
            for channel in 0..3 {
                sum[channel] += f32::from(px[channel]) * alpha;
            }
            sum[3] += f32::from(px[3]);
            sum[4] += 1.0;
        }
    }
    let mean = |sum: [f32; 5]| std::array::from_fn(|channel| sum[channel] / sum[4].max(1.0));
    sums.into_iter().map(mean).collect()
}
