//! The label in the corner: "PICTOR SANDBOX", and the model and the size where they may be known, in a bitmap font of its own.

use super::canvas::Canvas;

/// Columns and rows of a glyph.
const GLYPH: (usize, usize) = (5, 7);
/// Dark of the plate, drawn at this opacity of 255.
const PLATE: [u8; 3] = [14, 12, 22];
const PLATE_OPACITY: u32 = 158;
/// Dots before the first line: the mark by which the label is known at small sizes.
const DOTS: [[u8; 3]; 3] = [[255, 107, 107], [255, 209, 102], [78, 205, 196]];

/// Draws the label into the lower left corner; without `model` one that is the same for all models.
pub(crate) fn draw(canvas: &mut Canvas, model: Option<&str>) {
    let (width, height) = (canvas.width_px() as usize, canvas.height_px() as usize);
    let short = width.min(height);
    // At least one pixel a dot of the font, so that it is legible at any size.
    let scale = ((short as f32 / 460.0).round() as usize).max(1);
    let margin = (short / 48).clamp(1, 40);
    let pad = if short < 96 { 1 } else { 4 * scale };
    let room = width.saturating_sub(2 * (margin + pad));
    let cells = room / ((GLYPH.0 + 1) * scale);
    let size = format!("{width}X{height}");
    let (first, dots) = if cells >= 18 {
        ("PICTOR SANDBOX", true)
    } else if cells >= 14 {
        ("PICTOR SANDBOX", false)
    } else if cells >= 7 {
        ("SANDBOX", false)
    } else if cells >= 2 {
        ("PS", false)
    } else {
        ("", true)
    };
    let second = model.map_or_else(String::new, |model| {
        second_line(model, &size, cells.min(40), height / scale >= 60)
    });
    let line = (GLYPH.1 + 4) * scale;
    let lead = if dots { DOTS.len() * 4 * scale + 2 * scale } else { 0 };
    let advance = |text: &str| text.chars().count() * (GLYPH.0 + 1) * scale;
    let text_width = (advance(first) + lead).max(advance(&second)).min(room.max(1));
    let lines = 1 + usize::from(!second.is_empty());
    let (plate_w, plate_h) = (text_width + 2 * pad, lines * line - 4 * scale + 2 * pad);
    let (left, top) = (margin, height.saturating_sub(margin + plate_h));
    plate(
        canvas,
        left,
        top,
        plate_w.min(width - left.min(width)),
        plate_h.min(height),
        3 * scale,
    );
    let (x, y) = (left + pad, top + pad);
    if dots {
        for (index, color) in DOTS.into_iter().enumerate() {
            dot(canvas, x + index * 4 * scale, y + 2 * scale, 3 * scale, color);
        }
    }
    text(canvas, x + lead, y, scale, first, [255, 255, 255]);
    text(canvas, x, y + line, scale, &second, [206, 208, 220]);
}

/// Model and size, as much as fits: the size matters less than the name.
fn second_line(model: &str, size: &str, cells: usize, room: bool) -> String {
    if !room || cells < 7 {
        return String::new();
    }
    let model: String = model
        .to_uppercase()
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let full = format!("{model} {size}");
    if full.chars().count() <= cells {
        return full;
    }
    // The last part of a path says more than its first.
    let short = model.rsplit('/').next().unwrap_or_default();
    let with_size = format!("{short} {size}");
    if with_size.chars().count() <= cells {
        return with_size;
    }
    short.chars().take(cells).collect()
}

fn plate(canvas: &mut Canvas, left: usize, top: usize, width: usize, height: usize, round: usize) {
    let (right, foot) = (
        (left + width).min(canvas.width_px() as usize),
        (top + height).min(canvas.height_px() as usize),
    );
    let radius = round as f32;
    for y in top..foot {
        for x in left..right {
            let beyond = |at: usize, from: usize, to: usize| {
                let at = at as f32 + 0.5;
                (from as f32 + radius - at).max(at - (to as f32 - radius)).max(0.0)
            };
            let (dx, dy) = (beyond(x, left, right), beyond(y, top, foot));
            let cover = (radius - (dx * dx + dy * dy).sqrt() + 0.5).clamp(0.0, 1.0);
            blend(canvas, x, y, PLATE, (cover * PLATE_OPACITY as f32) as u32);
        }
    }
}

fn dot(canvas: &mut Canvas, left: usize, top: usize, side: usize, color: [u8; 3]) {
    let radius = side as f32 / 2.0;
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = (x as f32 + 0.5 - radius, y as f32 + 0.5 - radius);
            let cover = (radius + 0.2 - (dx * dx + dy * dy).sqrt() + 0.5).clamp(0.0, 1.0);
            blend(canvas, left + x, top + y, color, (cover * 255.0) as u32);
        }
    }
}

fn text(canvas: &mut Canvas, left: usize, top: usize, scale: usize, text: &str, color: [u8; 3]) {
    for (index, letter) in text.chars().enumerate() {
        let x = left + index * (GLYPH.0 + 1) * scale;
        for (row, bits) in glyph(letter).into_iter().enumerate() {
            for column in 0..GLYPH.0 {
                if bits >> (GLYPH.0 - 1 - column) & 1 == 1 {
                    for y in 0..scale {
                        for dx in 0..scale {
                            blend(canvas, x + column * scale + dx, top + row * scale + y, color, 255);
                        }
                    }
                }
            }
        }
    }
}

/// Puts a color over a pixel; outside the picture nothing happens.
fn blend(canvas: &mut Canvas, x: usize, y: usize, color: [u8; 3], opacity: u32) {
    if x >= canvas.width_px() as usize || y >= canvas.height_px() as usize || opacity == 0 {
        return;
    }
    let px = canvas.pixel_mut(x, y);
    let under = u32::from(px[3]) * (255 - opacity) / 255;
    let total = opacity + under;
    for channel in 0..3 {
        let mixed = u32::from(color[channel]) * opacity + u32::from(px[channel]) * under;
        px[channel] = (mixed / total).min(255) as u8;
    }
    px[3] = total.min(255) as u8;
}

/// Rows of a glyph from top to bottom, five bits each; a box for what the font lacks.
fn glyph(letter: char) -> [u8; 7] {
    match letter {
        ' ' => [0, 0, 0, 0, 0, 0, 0],
        'A' => [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        'B' => [0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e],
        'C' => [0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e],
        'D' => [0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e],
        'E' => [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
        'F' => [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10],
        'G' => [0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0e],
        'H' => [0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        'I' => [0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e],
        'J' => [0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c],
        'K' => [0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11],
        'L' => [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f],
        'M' => [0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11],
        'N' => [0x11, 0x19, 0x19, 0x15, 0x13, 0x13, 0x11],
        'O' => [0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
        'P' => [0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10],
        'Q' => [0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d],
        'R' => [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
        'S' => [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e],
        'T' => [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
        'U' => [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
        'V' => [0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04],
        'W' => [0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11],
        'X' => [0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11],
        'Y' => [0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04],
        'Z' => [0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f],
        '0' => [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
        '1' => [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
        '2' => [0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f],
        '3' => [0x1e, 0x01, 0x01, 0x0e, 0x01, 0x01, 0x1e],
        '4' => [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
        '5' => [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
        '6' => [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
        '7' => [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
        '8' => [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
        '9' => [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
        '.' => [0, 0, 0, 0, 0, 0x0c, 0x0c],
        ',' => [0, 0, 0, 0, 0x0c, 0x04, 0x08],
        '-' => [0, 0, 0, 0x0e, 0, 0, 0],
        '_' => [0, 0, 0, 0, 0, 0, 0x1f],
        '/' => [0x01, 0x01, 0x02, 0x04, 0x08, 0x10, 0x10],
        ':' => [0, 0x0c, 0x0c, 0, 0x0c, 0x0c, 0],
        '+' => [0, 0x04, 0x04, 0x1f, 0x04, 0x04, 0],
        '@' => [0x0e, 0x11, 0x17, 0x15, 0x17, 0x10, 0x0e],
        '(' => [0x02, 0x04, 0x08, 0x08, 0x08, 0x04, 0x02],
        ')' => [0x08, 0x04, 0x02, 0x02, 0x02, 0x04, 0x08],
        '[' => [0x0e, 0x08, 0x08, 0x08, 0x08, 0x08, 0x0e],
        ']' => [0x0e, 0x02, 0x02, 0x02, 0x02, 0x02, 0x0e],
        _ => [0x1f, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1f],
    }
}
