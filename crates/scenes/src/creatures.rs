//! Silhouettes of animals.

use super::palette::{blend, lift};
use super::place::{Place, Point};
use super::shapes::{Figure, Fill, Outline, Spot};
use super::stage::Stage;
use super::vocabulary::Creature;

/// Adds an animal that sits at `x`, `y` (px, its foot), `size` px tall, with the light behind it.
pub(crate) fn animal(stage: &mut Stage, creature: Creature, x: f32, y: f32, size: f32, light_x: f32) {
    let place = Place {
        x,
        y,
        size,
        flip: stage.rng.sign(),
    };
    let outline = match creature {
        Creature::Cat => cat(&place),
        Creature::Dog => dog(&place),
        Creature::Fox => fox(&place),
        Creature::Owl => owl(&place),
        Creature::Rabbit => rabbit(&place),
        Creature::Whale => whale(&place),
    };
    let dark = lift(stage.palette.near, -0.05);
    let rim = blend(stage.palette.glow, dark, 0.35);
    let step = (size * 0.012).max(0.8);
    let toward = if light_x < x { -step } else { step };
    stage.push(Figure::new(outline.moved(toward * 0.9, -step * 0.6), Fill::Flat(rim)));
    let foot = blend(dark, stage.palette.near, 0.5);
    stage.push(Figure::new(outline, Fill::Down(dark, foot, y - size, y)));
    match creature {
        Creature::Owl => owl_face(stage, &place),
        Creature::Whale => spray(stage, &place),
        _ => {}
    }
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
        (0.0, 0.70),
        (0.15, 0.62),
        (0.22, 0.44),
        (0.28, 0.22),
        (0.26, 0.02),
        (0.1, -0.03),
        (-0.1, -0.03),
        (-0.26, 0.02),
        (-0.28, 0.22),
        (-0.22, 0.44),
        (-0.15, 0.62),
    ];
    let mut o = f.curve(Outline::new(), &body);
    o = f.oval(o, (0.0, 0.80), 0.17, 0.175);
    // Long ears that hang: from behind, that is what makes a dog.
    for side in [-1.0, 1.0] {
        let ear = [
            (0.08, 0.96),
            (0.19, 0.94),
            (0.27, 0.80),
            (0.29, 0.64),
            (0.24, 0.58),
            (0.18, 0.68),
            (0.14, 0.82),
        ];
        o = f.curve(o, &ear.map(|(x, y): Point| (x * side, y)));
    }
    let tail = [(0.18, 0.03), (0.36, 0.05), (0.50, 0.18), (0.54, 0.36), (0.50, 0.48)];
    f.line(o, &tail, 0.10, 0.035)
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
    f.shape(o, &[(-0.12, 0.1), (0.12, 0.1), (0.09, -0.03), (-0.09, -0.03)])
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

/// Eyes in which the light shines.
fn owl_face(stage: &mut Stage, place: &Place) {
    let light = blend(stage.palette.accents[1], stage.palette.glow, 0.25);
    let dark = lift(stage.palette.near, -0.05);
    for side in [-1.0, 1.0] {
        let at = (side * 0.115, 0.70);
        stage.push(Figure::new(
            place.oval(Outline::new(), at, 0.082, 0.082),
            Fill::Flat(light),
        ));
        stage.push(Figure::new(
            place.oval(Outline::new(), at, 0.042, 0.045),
            Fill::Flat(dark),
        ));
    }
    let beak = place.shape(Outline::new(), &[(-0.035, 0.63), (0.035, 0.63), (0.0, 0.54)]);
    stage.push(Figure::new(beak, Fill::Flat(blend(light, dark, 0.35))));
}

/// Foam where a whale breaks the water.
fn spray(stage: &mut Stage, place: &Place) {
    let foam = blend(lift(stage.palette.sky[4], 0.05), stage.palette.glow, 0.2);
    for (x, wide, high) in [(-0.2, 0.95, 0.075), (0.8, 0.32, 0.06), (-0.75, 0.3, 0.06)] {
        let (cx, cy) = place.at((x, -0.01));
        let (rx, ry) = (wide * place.size, high * place.size);
        stage.push(Spot {
            x: cx,
            y: cy,
            rx,
            ry,
            color: foam,
            alpha: 0.8,
        });
    }
}
