//! Silhouettes of animals.

use super::palette::{blend, lift};
use super::place::Place;
use super::shapes::{Figure, Fill, Outline};
use super::stage::Stage;
use super::words::Creature;

/// Adds an animal that sits at `x`, `y` (px, its foot), `size` px tall, with the light behind it.
pub(crate) fn animal(stage: &mut Stage, creature: Creature, x: f32, y: f32, size: f32, light_x: f32) {
    let frame = Place {
        x,
        y,
        size,
        flip: stage.rng.sign(),
    };
    let outline = match creature {
        Creature::Cat => cat(&frame),
        Creature::Dog => dog(&frame),
        Creature::Fox => fox(&frame),
        Creature::Owl => owl(&frame),
        Creature::Rabbit => rabbit(&frame),
        Creature::Whale => whale(&frame),
    };
    let dark = lift(stage.palette.near, -0.05);
    let rim = blend(stage.palette.glow, dark, 0.35);
    let step = (size * 0.012).max(0.8);
    let toward = if light_x < x { -step } else { step };
    stage.push(Figure::new(outline.moved(toward * 0.9, -step * 0.6), Fill::Flat(rim)));
    let foot = blend(dark, stage.palette.near, 0.5);
    stage.push(Figure::new(outline, Fill::Down(dark, foot, y - size, y)));
}

fn cat(f: &Place) -> Outline {
    let body = [
        (0.0, 0.70),
        (0.13, 0.64),
        (0.21, 0.44),
        (0.29, 0.22),
        (0.27, 0.04),
        (0.12, -0.03),
        (-0.14, -0.03),
        (-0.28, 0.05),
        (-0.28, 0.24),
        (-0.20, 0.46),
        (-0.12, 0.64),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.oval(o, (0.0, 0.78), 0.185, 0.155);
    o = f.shape(o, &[(-0.175, 0.80), (-0.165, 1.04), (-0.02, 0.90)]);
    o = f.shape(o, &[(0.175, 0.80), (0.165, 1.04), (0.02, 0.90)]);
    f.line(
        o,
        &[
            (0.2, 0.02),
            (0.42, -0.01),
            (0.56, 0.10),
            (0.55, 0.27),
            (0.46, 0.33),
            (0.43, 0.25),
        ],
        0.085,
        0.05,
    )
}

fn dog(f: &Place) -> Outline {
    let body = [
        (-0.06, 0.74),
        (0.10, 0.66),
        (0.16, 0.46),
        (0.30, 0.28),
        (0.36, 0.10),
        (0.30, -0.02),
        (-0.06, -0.03),
        (-0.16, 0.0),
        (-0.14, 0.30),
        (-0.20, 0.50),
        (-0.18, 0.66),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.oval(o, (-0.06, 0.83), 0.155, 0.14);
    o = f.curve(
        o,
        &[
            (-0.10, 0.92),
            (-0.30, 0.86),
            (-0.375, 0.80),
            (-0.35, 0.74),
            (-0.22, 0.73),
            (-0.06, 0.74),
        ],
    );
    o = f.shape(o, &[(-0.08, 0.92), (-0.02, 1.10), (0.06, 0.90)]);
    o = f.shape(o, &[(0.0, 0.92), (0.10, 1.06), (0.10, 0.84)]);
    f.line(
        o,
        &[(0.28, 0.05), (0.44, 0.08), (0.54, 0.22), (0.50, 0.34)],
        0.085,
        0.05,
    )
}

fn fox(f: &Place) -> Outline {
    let body = [
        (0.0, 0.64),
        (0.12, 0.58),
        (0.18, 0.40),
        (0.25, 0.20),
        (0.23, 0.03),
        (0.1, -0.03),
        (-0.1, -0.03),
        (-0.23, 0.03),
        (-0.25, 0.20),
        (-0.18, 0.40),
        (-0.12, 0.58),
    ];
    let mut o = f.curve(Outline::new(), &body);
    // Broad cheeks that end in tufts, ears far apart: that tells it from a cat.
    o = f.shape(
        o,
        &[
            (0.0, 0.58),
            (0.12, 0.62),
            (0.27, 0.68),
            (0.21, 0.78),
            (0.16, 0.88),
            (0.0, 0.92),
            (-0.16, 0.88),
            (-0.21, 0.78),
            (-0.27, 0.68),
            (-0.12, 0.62),
        ],
    );
    o = f.curve(
        o,
        &[
            (-0.21, 0.78),
            (-0.235, 0.95),
            (-0.21, 1.11),
            (-0.11, 1.02),
            (-0.03, 0.88),
        ],
    );
    o = f.curve(
        o,
        &[(0.21, 0.78), (0.235, 0.95), (0.21, 1.11), (0.11, 1.02), (0.03, 0.88)],
    );
    let tail = [
        (0.14, 0.0),
        (0.30, -0.04),
        (0.50, 0.02),
        (0.63, 0.18),
        (0.66, 0.38),
        (0.60, 0.56),
        (0.52, 0.42),
        (0.44, 0.26),
        (0.30, 0.16),
        (0.16, 0.12),
    ];
    f.curve(o, &tail)
}

fn owl(f: &Place) -> Outline {
    let body = [
        (0.0, 0.92),
        (0.22, 0.86),
        (0.30, 0.66),
        (0.31, 0.40),
        (0.24, 0.16),
        (0.10, 0.02),
        (-0.10, 0.02),
        (-0.24, 0.16),
        (-0.31, 0.40),
        (-0.30, 0.66),
        (-0.22, 0.86),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.shape(o, &[(-0.25, 0.76), (-0.27, 1.04), (-0.05, 0.88)]);
    o = f.shape(o, &[(0.25, 0.76), (0.27, 1.04), (0.05, 0.88)]);
    f.shape(o, &[(-0.12, 0.1), (0.12, 0.1), (0.08, -0.16), (-0.08, -0.16)])
}

fn rabbit(f: &Place) -> Outline {
    let body = [
        (-0.08, 0.52),
        (0.08, 0.54),
        (0.24, 0.42),
        (0.32, 0.20),
        (0.28, 0.02),
        (0.1, -0.03),
        (-0.18, -0.03),
        (-0.24, 0.05),
        (-0.18, 0.26),
        (-0.17, 0.42),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.curve(
        o,
        &[
            (-0.10, 0.72),
            (0.04, 0.66),
            (0.06, 0.54),
            (-0.06, 0.46),
            (-0.22, 0.46),
            (-0.29, 0.54),
            (-0.22, 0.66),
        ],
    );
    o = f.curve(
        o,
        &[
            (-0.10, 0.66),
            (-0.13, 0.88),
            (-0.10, 1.04),
            (-0.05, 1.02),
            (-0.02, 0.86),
            (-0.01, 0.66),
        ],
    );
    o = f.curve(
        o,
        &[
            (-0.02, 0.66),
            (0.02, 0.86),
            (0.10, 1.00),
            (0.15, 0.96),
            (0.11, 0.80),
            (0.05, 0.62),
        ],
    );
    f.oval(o, (0.33, 0.10), 0.075, 0.075)
}

fn whale(f: &Place) -> Outline {
    let body = [
        (-0.95, 0.0),
        (-0.85, 0.22),
        (-0.55, 0.38),
        (-0.15, 0.38),
        (0.25, 0.22),
        (0.55, 0.02),
        (0.2, -0.02),
        (-0.5, -0.02),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.curve(
        o,
        &[
            (0.70, -0.02),
            (0.82, 0.22),
            (0.82, 0.44),
            (0.90, 0.46),
            (0.94, 0.20),
            (0.90, -0.02),
        ],
    );
    f.curve(
        o,
        &[
            (0.86, 0.42),
            (0.66, 0.52),
            (0.52, 0.66),
            (0.70, 0.66),
            (0.86, 0.56),
            (1.02, 0.68),
            (1.20, 0.66),
            (1.06, 0.52),
        ],
    )
}
