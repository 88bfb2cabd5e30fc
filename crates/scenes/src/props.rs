//! Companions of a scene: boats, birds, houses, a lighthouse, balloons.

use super::canvas::Rgb;
use super::palette::{blend, hex, lift};
use super::place::{Place, Point};
use super::shapes::{Figure, Fill, Outline};
use super::sky::{Haze, Orb};
use super::stage::Stage;

/// Adds a sailing boat with its foot at `x`, `y` (px), `size` px tall.
pub(crate) fn boat(stage: &mut Stage, x: f32, y: f32, size: f32) {
    let f = Place {
        x,
        y,
        size,
        flip: stage.rng.sign(),
    };
    let hull = f.curve(
        Outline::new(),
        &[
            (-0.42, 0.13),
            (0.40, 0.15),
            (0.50, 0.17),
            (0.36, 0.0),
            (0.2, -0.03),
            (-0.26, -0.03),
            (-0.38, 0.02),
        ],
    );
    let mast = f.line(Outline::new(), &[(0.0, 0.1), (0.0, 1.0)], 0.022, 0.014);
    let main = f.curve(
        Outline::new(),
        &[
            (-0.03, 0.97),
            (-0.10, 0.70),
            (-0.36, 0.24),
            (-0.30, 0.21),
            (-0.03, 0.22),
            (-0.03, 0.6),
        ],
    );
    let jib = f.shape(Outline::new(), &[(0.03, 0.90), (0.44, 0.20), (0.03, 0.22)]);
    let dark = stage.palette.near;
    let sail = blend(stage.palette.accents[3], stage.palette.glow, 0.35);
    let second = blend(stage.palette.accents[0], stage.palette.glow, 0.25);
    stage.push(Figure::new(mast, Fill::Flat(dark)));
    stage.push(Figure::new(
        main,
        Fill::Down(lift(sail, 0.03), lift(sail, -0.12), y - size, y),
    ));
    stage.push(Figure::new(jib, Fill::Down(second, lift(second, -0.12), y - size, y)));
    stage.push(Figure::new(
        hull,
        Fill::Down(lift(dark, 0.12), dark, y - size * 0.16, y),
    ));
}

/// Adds a flock of birds around a point (px).
pub(crate) fn birds(stage: &mut Stage, x: f32, y: f32) {
    let color = blend(stage.palette.near, stage.palette.sky[2], 0.25);
    let mut outline = Outline::new();
    let count = 4 + stage.rng.below(5);
    for _ in 0..count {
        let rng = &mut stage.rng;
        let size = stage.unit * rng.range(0.010, 0.022);
        let f = Place {
            x: x + rng.range(-0.13, 0.13) * stage.unit,
            y: y + rng.range(-0.06, 0.06) * stage.unit,
            size,
            flip: rng.sign(),
        };
        let lift = rng.range(0.1, 0.5);
        let wide = (1.3 / size).max(0.16);
        outline = f.line(
            outline,
            &[(-1.0, lift), (-0.5, lift + 0.22), (0.0, 0.0)],
            wide * 0.4,
            wide,
        );
        outline = f.line(
            outline,
            &[(0.0, 0.0), (0.5, lift + 0.22), (1.0, lift)],
            wide,
            wide * 0.4,
        );
    }
    stage.push(Figure::new(outline, Fill::Flat(color)));
}

/// Adds a lighthouse with its foot at `x`, `y` (px).
pub(crate) fn lighthouse(stage: &mut Stage, x: f32, y: f32, size: f32) {
    let f = Place { x, y, size, flip: 1.0 };
    let white = blend(stage.palette.accents[3], stage.palette.far, 0.35);
    let red = blend(stage.palette.accents[0], stage.palette.near, 0.2);
    let wall = |color: Rgb| Fill::Turned {
        x,
        half: size * 0.13,
        base: color,
        lit: lift(color, 0.1),
        shade: lift(color, -0.3),
        side: -1.0,
    };
    let half = |t: f32| 0.125 - 0.05 * t;
    for band in 0..5 {
        let (low, high) = (band as f32 * 0.15, (band + 1) as f32 * 0.15);
        let (a, b) = (half(low / 0.75), half(high / 0.75));
        let outline = f.shape(Outline::new(), &[(-a, low), (a, low), (b, high), (-b, high)]);
        stage.push(Figure::new(outline, wall(if band % 2 == 0 { white } else { red })));
    }
    let dark = stage.palette.near;
    let deck = f.shape(
        Outline::new(),
        &[(-0.105, 0.75), (0.105, 0.75), (0.105, 0.775), (-0.105, 0.775)],
    );
    stage.push(Figure::new(deck, Fill::Flat(dark)));
    let lamp = f.shape(
        Outline::new(),
        &[(-0.055, 0.775), (0.055, 0.775), (0.055, 0.87), (-0.055, 0.87)],
    );
    stage.push(Figure::new(lamp, Fill::Flat(hex(0xfff0b0))));
    let roof = f.shape(Outline::new(), &[(-0.08, 0.87), (0.08, 0.87), (0.0, 0.98)]);
    stage.push(Figure::new(roof, Fill::Flat(red)));
    let (lx, ly) = f.at((0.0, 0.82));
    stage.push(Haze {
        color: hex(0xfff0b0),
        x: lx,
        y: ly,
        wide: size * 0.55,
        high: size * 0.4,
        strength: 0.55,
    });
}

/// Adds a cabin with lit windows, its foot at `x`, `y` (px).
pub(crate) fn house(stage: &mut Stage, x: f32, y: f32, size: f32) {
    let f = Place {
        x,
        y,
        size,
        flip: stage.rng.sign(),
    };
    let dark = blend(stage.palette.near, stage.palette.accents[0], 0.12);
    let wall = f.shape(Outline::new(), &[(-0.5, -0.1), (0.5, -0.1), (0.5, 0.42), (-0.5, 0.42)]);
    stage.push(Figure::new(wall, Fill::Down(lift(dark, 0.08), dark, y - size * 0.4, y)));
    let chimney = f.shape(Outline::new(), &[(0.22, 0.5), (0.34, 0.5), (0.34, 0.86), (0.22, 0.86)]);
    let roof = f.shape(chimney, &[(-0.62, 0.40), (0.62, 0.40), (0.40, 0.78), (-0.40, 0.78)]);
    stage.push(Figure::new(roof, Fill::Flat(lift(dark, -0.06))));
    let mut panes = Outline::new();
    for left in [-0.36, -0.06, 0.24] {
        panes = f.shape(
            panes,
            &[(left, 0.10), (left + 0.15, 0.10), (left + 0.15, 0.30), (left, 0.30)],
        );
    }
    stage.push(Figure::new(panes, Fill::Flat(hex(0xffd98a))));
    stage.push(Haze {
        color: hex(0xffc36b),
        x,
        y: y - size * 0.2,
        wide: size * 0.9,
        high: size * 0.5,
        strength: 0.5,
    });
}

/// Adds a hot-air balloon around a point (px).
pub(crate) fn balloon(stage: &mut Stage, x: f32, y: f32, size: f32, orb: Orb) {
    let f = Place { x, y, size, flip: 1.0 };
    let side = if orb.x < x { -1.0 } else { 1.0 };
    let envelope = |wide: f32| {
        [
            (0.0, 0.55),
            (0.26, 0.48),
            (0.42, 0.25),
            (0.40, 0.0),
            (0.22, -0.26),
            (0.09, -0.42),
            (-0.09, -0.42),
            (-0.22, -0.26),
            (-0.40, 0.0),
            (-0.42, 0.25),
            (-0.26, 0.48),
        ]
        .map(|(px, py): Point| (px * wide, py))
    };
    let colors = [
        stage.palette.accents[0],
        stage.palette.accents[1],
        stage.palette.accents[0],
    ];
    for (wide, base) in [1.0, 0.66, 0.28].into_iter().zip(colors) {
        let fill = Fill::Turned {
            x,
            half: size * 0.42,
            base,
            lit: lift(base, 0.12),
            shade: lift(base, -0.22),
            side,
        };
        stage.push(Figure::new(f.curve(Outline::new(), &envelope(wide)), fill));
    }
    let dark = stage.palette.near;
    let mut ropes = f.line(Outline::new(), &[(-0.08, -0.42), (-0.05, -0.56)], 0.012, 0.012);
    ropes = f.line(ropes, &[(0.08, -0.42), (0.05, -0.56)], 0.012, 0.012);
    ropes = f.shape(ropes, &[(-0.065, -0.56), (0.065, -0.56), (0.05, -0.67), (-0.05, -0.67)]);
    stage.push(Figure::new(ropes, Fill::Flat(dark)));
}
