//! Edits: an input picture repainted where a mask says so, or graded and given the prompt's motif.

use super::canvas::{Canvas, Rgb};
use super::noise::{Rng, ease, root};
use super::palette::{Palette, ramp};
use super::words::Intent;
use super::{EditRequest, SceneRequest, render_bare};

/// Mask alpha from which a pixel belongs to the picture, not to the hole.
const SOLID: f32 = 1.0;

/// Applies an edit to the first input; the label comes later.
pub(crate) fn apply(request: &EditRequest<'_>, first: &Canvas) -> Canvas {
    let (width, height) = (request.scene.width_px.max(1), request.scene.height_px.max(1));
    let mut canvas = cover(first, width, height);
    match request.mask {
        Some(mask) => repaint(&mut canvas, &request.scene, mask),
        None => restyle(&mut canvas, &request.scene, request.keep.clamp(0.0, 1.0)),
    }
    insets(&mut canvas, request.inputs.get(1..).unwrap_or_default(), request.mask);
    canvas
}

/// Scales a picture so that it covers a size, cut evenly at both ends; untouched if it fits.
fn cover(source: &Canvas, width: u32, height: u32) -> Canvas {
    if source.width_px() == width && source.height_px() == height {
        return source.clone();
    }
    let (sw, sh) = (source.width_px() as f32, source.height_px() as f32);
    let scale = (sw / width as f32).min(sh / height as f32);
    let (left, top) = ((sw - width as f32 * scale) / 2.0, (sh - height as f32 * scale) / 2.0);
    let mut out = Canvas::clear(width, height);
    // Several samples a pixel when shrinking, else fine detail would flicker.
    let taps = (scale.round() as usize).clamp(1, 4);
    for y in 0..height as usize {
        for x in 0..width as usize {
            let mut sum = [0.0f32; 4];
            for v in 0..taps {
                for u in 0..taps {
                    let part = |at: usize, tap: usize| (at as f32 + (tap as f32 + 0.5) / taps as f32) * scale - 0.5;
                    let px = sample(source, left + part(x, u), top + part(y, v));
                    for (slot, value) in sum.iter_mut().zip(px) {
                        *slot += value;
                    }
                }
            }
            put(&mut out, x, y, sum.map(|value| value / (taps * taps) as f32));
        }
    }
    out
}

/// The color between four pixels, multiplied by alpha, 0..255.
fn sample(source: &Canvas, x: f32, y: f32) -> [f32; 4] {
    let (last_x, last_y) = (source.width_px() as usize - 1, source.height_px() as usize - 1);
    let (x, y) = (x.clamp(0.0, last_x as f32), y.clamp(0.0, last_y as f32));
    let (left, top) = (x as usize, y as usize);
    let (u, v) = (x - left as f32, y - top as f32);
    let at = |x: usize, y: usize| {
        let px = source.pixel(x.min(last_x), y.min(last_y)).map(f32::from);
        let alpha = px[3] / 255.0;
        [px[0] * alpha, px[1] * alpha, px[2] * alpha, px[3]]
    };
    let (a, b, c, d) = (
        at(left, top),
        at(left + 1, top),
        at(left, top + 1),
        at(left + 1, top + 1),
    );
    std::array::from_fn(|channel| {
        let upper = a[channel] + (b[channel] - a[channel]) * u;
        let lower = c[channel] + (d[channel] - c[channel]) * u;
        upper + (lower - upper) * v
    })
}

/// Writes a color multiplied by alpha, 0..255.
fn put(canvas: &mut Canvas, x: usize, y: usize, px: [f32; 4]) {
    let scale = if px[3] > 0.5 { 255.0 / px[3] } else { 0.0 };
    let out = canvas.pixel_mut(x, y);
    for channel in 0..3 {
        out[channel] = (px[channel] * scale + 0.5) as u8;
    }
    out[3] = (px[3] + 0.5) as u8;
}

/// Where a mask allows painting, and how much, softened inward.
struct Hole {
    /// 0..1 a pixel.
    weight: Vec<f32>,
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Hole {
    fn of(mask: &Canvas, width: usize, height: usize) -> Option<Self> {
        let (sx, sy) = (
            mask.width_px() as f32 / width as f32,
            mask.height_px() as f32 / height as f32,
        );
        let mut open = vec![0.0f32; width * height];
        let (mut left, mut right, mut top, mut foot) = (width, 0, height, 0);
        for y in 0..height {
            for x in 0..width {
                let alpha = sample(mask, (x as f32 + 0.5) * sx - 0.5, (y as f32 + 0.5) * sy - 0.5)[3];
                let value = 1.0 - alpha / 255.0;
                if value * 255.0 >= SOLID {
                    open[y * width + x] = value;
                    (left, right) = (left.min(x), right.max(x + 1));
                    (top, foot) = (top.min(y), foot.max(y + 1));
                }
            }
        }
        if right <= left {
            return None;
        }
        // Never wider than a tenth of the hole, so that small holes are painted too.
        let side = (right - left).min(foot - top);
        let radius = (width.min(height) / 80).min(side / 10).max(1);
        let soft = blur(&blur(&open, width, height, radius), width, height, radius);
        let weight = open
            .iter()
            .zip(&soft)
            .map(|(open, soft)| open * ease(0.42, 0.92, *soft))
            .collect();
        Some(Self {
            weight,
            left,
            top,
            width: right - left,
            height: foot - top,
        })
    }
}

/// Mean over a square of `radius`, rows then columns; beyond the edge the edge goes on.
fn blur(values: &[f32], width: usize, height: usize, radius: usize) -> Vec<f32> {
    let pass = |source: &[f32], length: usize, count: usize, step: usize, jump: usize| {
        let mut out = vec![0.0; source.len()];
        let full = (2 * radius + 1) as f32;
        for line in 0..count {
            let at = |index: isize| source[line * jump + index.clamp(0, length as isize - 1) as usize * step];
            let reach = radius as isize;
            let mut sum: f32 = (-reach..=reach).map(at).sum();
            for index in 0..length {
                out[line * jump + index * step] = sum / full;
                sum += at(index as isize + reach + 1) - at(index as isize - reach);
            }
        }
        out
    };
    let rows = pass(values, width, height, 1, width);
    pass(&rows, height, width, width, 1)
}

/// Paints the prompt's scene into the hole, composed for the hole's own shape.
fn repaint(canvas: &mut Canvas, scene: &SceneRequest<'_>, mask: &Canvas) {
    let (width, height) = (canvas.width_px() as usize, canvas.height_px() as usize);
    let Some(hole) = Hole::of(mask, width, height) else {
        return;
    };
    let inner = SceneRequest {
        width_px: hole.width as u32,
        height_px: hole.height as u32,
        ..*scene
    };
    let painted = render_bare(&inner);
    for y in 0..hole.height {
        for x in 0..hole.width {
            let (cx, cy) = (hole.left + x, hole.top + y);
            let weight = hole.weight[cy * width + cx];
            if weight > 0.0 {
                mix(canvas, cx, cy, painted.pixel(x, y), weight, scene.transparent);
            }
        }
    }
}

/// Replaces a pixel by a share of another; over an opaque ground unless holes may stay.
fn mix(canvas: &mut Canvas, x: usize, y: usize, paint: [u8; 4], weight: f32, replace: bool) {
    let under = canvas.pixel(x, y).map(f32::from);
    let (own, alpha) = (under[3] / 255.0, f32::from(paint[3]) / 255.0);
    let keep = if replace {
        own * (1.0 - weight)
    } else {
        own * (1.0 - weight * alpha)
    };
    let add = alpha * weight;
    let mut px = [0.0; 4];
    for channel in 0..3 {
        px[channel] = under[channel] * keep + f32::from(paint[channel]) * add;
    }
    px[3] = (keep + add).min(1.0) * 255.0;
    put(canvas, x, y, px);
}

/// Grades the picture toward the prompt's palette and lays the prompt's motif over its foot.
fn restyle(canvas: &mut Canvas, scene: &SceneRequest<'_>, keep: f32) {
    let mut rng = Rng::new(root(&[scene.prompt, scene.model], &[scene.seed]));
    let intent = Intent::read(scene.prompt, &mut rng);
    let palette = Palette::choose(&mut rng, &intent);
    let [zenith, high, middle, low, horizon] = palette.sky;
    let tones = ramp(&[palette.near, zenith, high, middle, low, horizon, palette.orb], 256);
    let strength = ((1.0 - keep) * 0.9).min(1.0);
    for px in canvas.rgba_mut().chunks_exact_mut(4) {
        let light = (u32::from(px[0]) * 54 + u32::from(px[1]) * 183 + u32::from(px[2]) * 19) >> 8;
        let tone: Rgb = tones[light.min(255) as usize];
        for channel in 0..3 {
            let value = f32::from(px[channel]);
            px[channel] = (value + (tone[channel] * 255.0 - value) * strength + 0.5) as u8;
        }
    }
    // The subject alone, so that the input takes the place of the sky.
    let (width, height) = (canvas.width_px(), canvas.height_px());
    let tall = ((height as f32 * (1.25 - keep)).clamp(0.3 * height as f32, height as f32) as u32).max(1);
    let motif = SceneRequest {
        width_px: width,
        height_px: tall,
        transparent: true,
        ..*scene
    };
    let painted = render_bare(&motif);
    let opacity = ((1.0 - keep) * 2.7).min(1.0);
    let start = (height - tall) as usize;
    for y in 0..tall as usize {
        for x in 0..width as usize {
            let paint = painted.pixel(x, y);
            if paint[3] > 0 {
                mix(canvas, x, start + y, paint, opacity, false);
            }
        }
    }
}

/// Small framed pictures of the further inputs along the upper right edge, clear of a mask's solid parts.
fn insets(canvas: &mut Canvas, inputs: &[Canvas], mask: Option<&Canvas>) {
    let (width, height) = (canvas.width_px() as usize, canvas.height_px() as usize);
    let side = width.min(height) / 6;
    if side < 12 || inputs.is_empty() {
        return;
    }
    let hole = mask.map(|mask| Hole::of(mask, width, height));
    let frame = (side / 22).max(1);
    let gap = side / 6;
    let columns = ((width - gap) / (side + gap)).max(1);
    for (index, input) in inputs.iter().enumerate() {
        let left = (width - gap - side).saturating_sub(index % columns * (side + gap));
        let top = gap + index / columns * (side + gap);
        if top + side > height {
            break;
        }
        let small = cover(input, (side - 2 * frame) as u32, (side - 2 * frame) as u32);
        for y in 0..side {
            for x in 0..side {
                let (cx, cy) = (left + x, top + y);
                let weight = match &hole {
                    None => 1.0,
                    Some(None) => 0.0,
                    Some(Some(hole)) => hole.weight[cy * width + cx],
                };
                let inside = |at: usize| (frame..side - frame).contains(&at);
                let paint = if inside(x) && inside(y) {
                    small.pixel(x - frame, y - frame)
                } else {
                    [250, 248, 244, 255]
                };
                if weight > 0.0 {
                    mix(canvas, cx, cy, paint, weight, false);
                }
            }
        }
    }
}
