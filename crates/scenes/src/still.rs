//! A still life: a vase or a bottle, fruit and a cup on a table in window light.

use super::canvas::Rgb;
use super::noise::ease;
use super::palette::{blend, hex, lift};
use super::shapes::{Figure, Fill, Outline, Spot};
use super::sky::Haze;
use super::stage::Stage;
use super::vocabulary::{Season, Time};

type Point = (f32, f32);

pub(crate) fn compose(stage: &mut Stage) {
    let side = stage.rng.sign();
    let table = stage.h * stage.rng.range(0.66, 0.72);
    room(stage, table, side);
    let size = stage.unit.min(stage.h);
    let away = -side;
    let middle = stage.w * 0.5;
    let base = table + (stage.h - table) * 0.28;
    let tall = size * stage.rng.range(0.36, 0.44);
    let x = middle + away * size * stage.rng.range(0.06, 0.14);
    vessel(stage, x, base, tall, side);
    let second = x + away * size * stage.rng.range(0.26, 0.31);
    if stage.rng.chance(0.55) {
        bottle(stage, second, base - size * 0.01, size * 0.38, side);
    } else {
        cup(stage, second, base + size * 0.02, size * 0.13, side);
    }
    let count = 3 + stage.rng.below(2);
    for index in 0..count {
        let radius = size * stage.rng.range(0.055, 0.078);
        let fx = x + side * size * (0.17 + 0.125 * index as f32) + stage.rng.range(-0.01, 0.01) * size;
        let fx = if index == count - 1 { x - side * size * 0.14 } else { fx };
        let foot =
            base + size * (0.03 + 0.035 * (index % 2) as f32) + if index == count - 1 { size * 0.06 } else { 0.0 };
        fruit(stage, fx, foot, radius, side, index);
    }
}

fn room(stage: &mut Stage, table: f32, side: f32) {
    let dark = matches!(stage.intent.time, Time::Night | Time::Dusk);
    let wall = blend(
        blend(stage.palette.far, stage.palette.accents[2], 0.25),
        stage.palette.near,
        if dark { 0.5 } else { 0.12 },
    );
    let wood = blend(hex(0x8a5a3b), stage.palette.near, if dark { 0.5 } else { 0.12 });
    let wood = stage
        .intent
        .tints
        .first()
        .map_or(wood, |code| blend(wood, hex(*code), 0.2));
    let full = |top: f32, foot: f32, w: f32| {
        Outline::new().polygon(&[(-1.0, top), (w + 1.0, top), (w + 1.0, foot), (-1.0, foot)])
    };
    if !stage.clear {
        let fill = Fill::Down(lift(wall, -0.05), lift(wall, 0.05), 0.0, table);
        stage.push(Figure::new(full(-1.0, table + 1.0, stage.w), fill));
        let x = stage.w * 0.5 + side * stage.unit * 0.12;
        let (wide, high) = (stage.unit * 0.85, stage.unit * 0.65);
        stage.push(Haze {
            color: stage.palette.glow,
            x,
            y: table * 0.45,
            wide,
            high,
            strength: if dark { 0.25 } else { 0.42 },
        });
        window(stage, table, side);
    }
    let fill = Fill::Down(lift(wood, 0.10), lift(wood, -0.08), table, stage.h);
    stage.push(Figure::new(full(table, stage.h + 1.0, stage.w), fill));
    for index in 0..stage.crowd(26.0) {
        let y = table + (stage.h - table) * (index as f32 / 26.0).powf(1.3) + 2.0;
        let (from, long) = (
            stage.rng.range(-0.2, 0.9) * stage.w,
            stage.rng.range(0.2, 0.7) * stage.w,
        );
        let thick = (stage.unit * 0.0022).max(0.7);
        let line = Outline::new().stroke(
            &[(from, y), (from + long, y + stage.rng.range(-1.0, 1.0) * thick)],
            thick,
            thick * 0.3,
        );
        stage.push(Figure::faint(line, Fill::Flat(lift(wood, -0.14)), 0.3));
    }
    let edge = full(table - 0.5, table + (stage.unit * 0.004).max(1.0), stage.w);
    stage.push(Figure::faint(
        edge,
        Fill::Flat(blend(lift(wood, 0.2), stage.palette.glow, 0.5)),
        0.8,
    ));
}

/// Panes of light that a window throws on the wall.
fn window(stage: &mut Stage, table: f32, side: f32) {
    let left = stage.w * 0.5 + side * stage.unit * 0.16 - stage.unit * 0.16;
    let top = table * 0.10;
    let (wide, high, slant) = (stage.unit * 0.15, table * 0.30, stage.unit * 0.07 * side);
    for column in 0..2 {
        for line in 0..2 {
            let x = left + column as f32 * (wide + stage.unit * 0.018);
            let y = top + line as f32 * (high + stage.unit * 0.018);
            let lean = |row: f32| (row - top) / table * slant * -2.5;
            let pane = [
                (x + lean(y), y),
                (x + wide + lean(y), y + wide * 0.12),
                (x + wide + lean(y + high), y + high + wide * 0.12),
                (x + lean(y + high), y + high),
            ];
            let dark = matches!(stage.intent.time, Time::Night | Time::Dusk);
            let glow = lift(stage.palette.glow, 0.04);
            stage.push(Figure::faint(
                Outline::new().polygon(&pane),
                Fill::Flat(glow),
                if dark { 0.14 } else { 0.34 },
            ));
        }
    }
}

fn shadow(stage: &mut Stage, x: f32, y: f32, wide: f32, side: f32) {
    let color = blend(stage.palette.near, hex(0x140a10), 0.5);
    stage.push(Spot {
        x: x - side * wide * 0.55,
        y,
        rx: wide * 1.7,
        ry: wide * 0.30,
        color,
        alpha: 0.55,
    });
    stage.push(Spot {
        x,
        y,
        rx: wide * 1.1,
        ry: wide * 0.2,
        color,
        alpha: 0.75,
    });
}

/// A body turned around an upright axis; `profile` runs up from the foot: half width, height.
fn turned(stage: &mut Stage, x: f32, y: f32, size: f32, profile: &[Point], base: Rgb, side: f32) {
    let half = profile.iter().map(|point| point.0).fold(0.0, f32::max) * size;
    let mut points: Vec<Point> = profile.iter().map(|(w, up)| (x - w * size, y - up * size)).collect();
    points.extend(profile.iter().rev().map(|(w, up)| (x + w * size, y - up * size)));
    let fill = Fill::Turned {
        x,
        half,
        base,
        lit: blend(lift(base, 0.14), stage.palette.glow, 0.3),
        shade: blend(lift(base, -0.26), stage.palette.near, 0.35),
        side,
    };
    // The foot is an ellipse seen from above.
    let foot = profile.first().map_or(0.0, |point| point.0) * size;
    let outline = Outline::new().curve(&points).ellipse(x, y, foot, foot * 0.22);
    stage.push(Figure::new(outline, fill));
}

fn vessel(stage: &mut Stage, x: f32, y: f32, size: f32, side: f32) {
    const SHAPES: [&[Point]; 3] = [
        &[
            (0.15, 0.0),
            (0.26, 0.14),
            (0.31, 0.36),
            (0.24, 0.60),
            (0.12, 0.78),
            (0.11, 0.90),
            (0.16, 1.0),
        ],
        &[
            (0.13, 0.0),
            (0.22, 0.20),
            (0.28, 0.50),
            (0.29, 0.70),
            (0.20, 0.88),
            (0.12, 0.94),
            (0.14, 1.0),
        ],
        &[(0.18, 0.0), (0.19, 0.25), (0.22, 0.55), (0.24, 0.80), (0.27, 1.0)],
    ];
    let shape = SHAPES[stage.rng.below(SHAPES.len())];
    let base = stage
        .intent
        .tints
        .first()
        .map_or(stage.palette.accents[2], |code| hex(*code));
    shadow(stage, x, y, size * 0.24, side);
    let mouth = shape.last().map_or(0.1, |point| point.0) * size;
    bouquet(stage, x, y - size, size);
    turned(stage, x, y, size, shape, base, side);
    let inside = Outline::new().ellipse(x, y - size, mouth * 1.02, mouth * 0.2);
    stage.push(Figure::new(
        inside,
        Fill::Flat(blend(lift(base, -0.3), stage.palette.near, 0.5)),
    ));
}

fn bouquet(stage: &mut Stage, x: f32, y: f32, size: f32) {
    let leaf = blend(stage.palette.leaf, stage.palette.near, 0.2);
    let count = 7 + stage.rng.below(3);
    let mut heads = Vec::new();
    for index in 0..count {
        let lean = (index as f32 / (count - 1) as f32 - 0.5) * 1.5 + stage.rng.range(-0.12, 0.12);
        let long = size * stage.rng.range(0.42, 0.68) * (1.0 - 0.22 * lean.abs());
        let tip = (x + lean * long, y - long * (1.0 - 0.28 * lean * lean));
        let bend = (x + lean * long * 0.32, y - long * 0.55);
        let stem = Outline::new().stroke(
            &[(x + lean * size * 0.06, y + size * 0.03), bend, tip],
            size * 0.018,
            size * 0.011,
        );
        let tone = lift(leaf, stage.rng.range(-0.08, 0.03));
        stage.push(Figure::new(stem, Fill::Flat(tone)));
        let turn = stage.rng.sign();
        let blade = [
            bend,
            (bend.0 + turn * size * 0.10, bend.1 - size * 0.08),
            (bend.0 + turn * size * 0.20, bend.1 - size * 0.06),
            (bend.0 + turn * size * 0.09, bend.1 + size * 0.01),
        ];
        let fill = Fill::Flat(lift(leaf, stage.rng.range(-0.04, 0.08)));
        stage.push(Figure::new(Outline::new().curve(&blade), fill));
        heads.push(tip);
    }
    for (index, tip) in heads.into_iter().enumerate() {
        let autumn = stage.intent.season == Season::Autumn;
        let color = stage.palette.accents[[0, 3, 1, 0, 3][(index + usize::from(autumn)) % 5]];
        let radius = size * stage.rng.range(0.055, 0.085);
        blossom(stage, tip, radius, color);
    }
}

fn blossom(stage: &mut Stage, center: Point, radius: f32, color: Rgb) {
    let start = stage.rng.range(0.0, 6.3);
    for ring in 0..2 {
        let reach = radius * (1.0 - 0.38 * ring as f32);
        for petal in 0..7 {
            let (sin, cos) = (start + ring as f32 * 0.45 + petal as f32 * 0.897).sin_cos();
            let (px, py) = (center.0 + cos * reach * 0.62, center.1 + sin * reach * 0.55);
            let tone = lift(color, -0.09 + 0.06 * ring as f32 - sin * 0.05);
            stage.push(Figure::new(
                Outline::new().ellipse(px, py, reach * 0.46, reach * 0.42),
                Fill::Flat(tone),
            ));
        }
    }
    let heart = blend(stage.palette.accents[1], color, 0.3);
    stage.push(Figure::new(
        Outline::new().ellipse(center.0, center.1, radius * 0.24, radius * 0.22),
        Fill::Flat(heart),
    ));
}

fn bottle(stage: &mut Stage, x: f32, y: f32, size: f32, side: f32) {
    let base = blend(
        hex([0x2f5d50, 0x5a2d2d, 0x2d4a6b][stage.rng.below(3)]),
        stage.palette.near,
        0.15,
    );
    shadow(stage, x, y, size * 0.15, side);
    let shape = [
        (0.14, 0.0),
        (0.145, 0.05),
        (0.145, 0.55),
        (0.12, 0.66),
        (0.05, 0.76),
        (0.048, 0.96),
        (0.055, 1.0),
    ];
    turned(stage, x, y, size, &shape, base, side);
    let label = blend(hex(0xf1e6cf), stage.palette.glow, 0.2);
    let band = Outline::new().polygon(&[
        (x - size * 0.145, y - size * 0.18),
        (x + size * 0.145, y - size * 0.18),
        (x + size * 0.145, y - size * 0.42),
        (x - size * 0.145, y - size * 0.42),
    ]);
    let fill = Fill::Turned {
        x,
        half: size * 0.145,
        base: label,
        lit: lift(label, 0.05),
        shade: lift(label, -0.3),
        side,
    };
    stage.push(Figure::new(band, fill));
}

fn cup(stage: &mut Stage, x: f32, y: f32, size: f32, side: f32) {
    let base = blend(stage.palette.accents[3], stage.palette.accents[1], 0.2);
    shadow(stage, x, y, size * 0.7, side);
    let handle = [
        (x + size * 0.42, y - size * 0.75),
        (x + size * 0.78, y - size * 0.7),
        (x + size * 0.76, y - size * 0.3),
        (x + size * 0.36, y - size * 0.2),
    ];
    stage.push(Figure::new(
        Outline::new().stroke(&handle, size * 0.11, size * 0.11),
        Fill::Flat(lift(base, -0.12)),
    ));
    turned(
        stage,
        x,
        y,
        size,
        &[(0.26, 0.0), (0.40, 0.12), (0.47, 0.5), (0.50, 0.95)],
        base,
        side,
    );
    let rim = Outline::new().ellipse(x, y - size * 0.95, size * 0.50, size * 0.13);
    stage.push(Figure::new(rim, Fill::Flat(lift(base, 0.06))));
    let drink = Outline::new().ellipse(x, y - size * 0.93, size * 0.44, size * 0.10);
    stage.push(Figure::new(drink, Fill::Flat(hex(0x4a2a1a))));
    for index in 0..3 {
        let sx = x + (index as f32 - 1.0) * size * 0.2;
        let steam = [
            (sx, y - size * 1.1),
            (sx + size * 0.1, y - size * 1.4),
            (sx - size * 0.08, y - size * 1.7),
            (sx + size * 0.05, y - size * 2.0),
        ];
        stage.push(Figure::faint(
            Outline::new().stroke(&steam, size * 0.07, size * 0.01),
            Fill::Flat(hex(0xffffff)),
            0.16,
        ));
    }
}

fn fruit(stage: &mut Stage, x: f32, foot: f32, radius: f32, side: f32, index: usize) {
    const KINDS: [u32; 5] = [0xc8322b, 0xf08a24, 0xf2c531, 0x9cb83c, 0x7a2f5c];
    let color = hex(KINDS[(index + stage.rng.below(KINDS.len())) % KINDS.len()]);
    let base = if index == 0 {
        stage
            .intent
            .tints
            .first()
            .map_or(color, |code| blend(hex(*code), color, 0.25))
    } else {
        color
    };
    let dim = ease(
        0.0,
        1.0,
        if matches!(stage.intent.time, Time::Night | Time::Dusk) {
            0.4
        } else {
            0.1
        },
    );
    let base = blend(base, stage.palette.near, dim);
    shadow(stage, x, foot - radius * 0.08, radius * 0.85, side);
    let y = foot - radius * 0.97;
    let fill = Fill::Ball {
        x,
        y,
        radius,
        base,
        lit: blend(lift(base, 0.16), stage.palette.glow, 0.35),
        shade: blend(lift(base, -0.28), stage.palette.near, 0.4),
        side,
    };
    let pear = stage.rng.chance(0.25);
    let body = if pear {
        let at = |u: f32, v: f32| (x + u * radius, y + v * radius);
        Outline::new().curve(&[
            at(0.0, -1.75),
            at(0.3, -1.55),
            at(0.48, -0.85),
            at(0.95, -0.1),
            at(0.9, 0.62),
            at(0.0, 1.0),
            at(-0.9, 0.62),
            at(-0.95, -0.1),
            at(-0.48, -0.85),
            at(-0.3, -1.55),
        ])
    } else {
        Outline::new().ellipse(x, y, radius, radius * 0.96)
    };
    stage.push(Figure::new(body, fill));
    let top = if pear { y - radius * 1.7 } else { y - radius * 0.86 };
    let stem = Outline::new().stroke(
        &[
            (x, top),
            (x + radius * 0.08, top - radius * 0.2),
            (x + radius * 0.2, top - radius * 0.36),
        ],
        radius * 0.09,
        radius * 0.12,
    );
    stage.push(Figure::new(
        stem,
        Fill::Flat(blend(hex(0x4a3320), stage.palette.near, 0.3)),
    ));
}
