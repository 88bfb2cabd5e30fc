//! A portrait of plain shapes: head, hair and shoulders before a disc and leaves.

use super::canvas::Rgb;
use super::palette::{blend, hex, lift};
use super::shapes::{Figure, Fill, Outline, STEPS, smooth};
use super::stage::Stage;
use super::vocabulary::Time;

type Point = (f32, f32);

/// Skin in the light, from light to dark.
const SKINS: [u32; 5] = [0xf6d2b8, 0xe8b48f, 0xc98a62, 0x9a6142, 0x6f432d];
const HAIRS: [u32; 6] = [0x1d1a22, 0x3a2418, 0x6b3a20, 0xb5793c, 0xd9b27a, 0x8c2f2a];

/// Where the sitter is, in px; the head is about one `size` high.
struct Pose {
    x: f32,
    y: f32,
    size: f32,
    flip: f32,
}

impl Pose {
    fn at(&self, (x, y): Point) -> Point {
        (self.x + x * self.size * self.flip, self.y + y * self.size)
    }

    fn all(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.at(*point)).collect()
    }

    fn curve(&self, points: &[Point]) -> Outline {
        Outline::new().curve(&self.all(points))
    }

    fn line(&self, points: &[Point], from: f32, to: f32) -> Outline {
        Outline::new().stroke(&self.all(points), from * self.size, to * self.size)
    }
}

pub(crate) fn compose(stage: &mut Stage) {
    let size = (stage.unit * 0.40).min(stage.h * 0.42).min(stage.w * 0.40);
    let x = stage.w * stage.rng.range(0.46, 0.54);
    let pose = Pose {
        x,
        y: stage.h * 0.46,
        size,
        flip: stage.rng.sign(),
    };
    backdrop(stage, &pose);
    let skin = hex(SKINS[stage.rng.below(SKINS.len())]);
    let skin = blend(skin, stage.palette.glow, 0.12);
    let shade = blend(lift(skin, -0.11), stage.palette.accents[2], 0.16);
    let hair = hex(HAIRS[stage.rng.below(HAIRS.len())]);
    let cut = stage.rng.below(3);
    hair_back(stage, &pose, hair, cut);
    body(stage, &pose, shade);
    head(stage, &pose, skin, shade);
    face(stage, &pose, skin, shade, hair);
    hair_front(stage, &pose, hair, cut);
}

fn backdrop(stage: &mut Stage, pose: &Pose) {
    let palette = stage.palette.clone();
    let night = matches!(stage.intent.time, Time::Night | Time::Dusk);
    if !stage.clear {
        let full = Outline::new().polygon(&[
            (-1.0, -1.0),
            (stage.w + 1.0, -1.0),
            (stage.w + 1.0, stage.h + 1.0),
            (-1.0, stage.h + 1.0),
        ]);
        let (top, foot) = if night {
            (palette.sky[1], palette.sky[2])
        } else {
            (palette.sky[2], palette.sky[4])
        };
        stage.push(Figure::new(full, Fill::Down(top, foot, 0.0, stage.h)));
        let disc = blend(palette.accents[0], palette.glow, if night { 0.25 } else { 0.4 });
        let (cx, cy) = (pose.x - pose.flip * pose.size * 0.18, pose.y - pose.size * 0.12);
        for (scale, alpha) in [(1.28, 0.16), (1.12, 0.25), (0.96, 1.0)] {
            let ring = Outline::new().ellipse(cx, cy, pose.size * scale, pose.size * scale);
            stage.push(Figure::faint(
                ring,
                Fill::Down(lift(disc, 0.07), lift(disc, -0.06), cy - pose.size, cy + pose.size),
                alpha,
            ));
        }
        leaves(stage, pose, 0.30);
    }
}

/// Sprays of leaves that frame the sitter.
fn leaves(stage: &mut Stage, pose: &Pose, strength: f32) {
    let base = blend(stage.palette.leaf, stage.palette.near, strength);
    for side in [-1.0, 1.0] {
        let count = 4 + stage.rng.below(2);
        for index in 0..count {
            let root = (pose.x + side * (pose.size * 1.12).min(stage.w * 0.47), stage.h * 1.02);
            let lean = stage.rng.range(-0.35, 0.55) * side + side * 0.16 * index as f32;
            let long = pose.size * stage.rng.range(0.9, 1.45);
            let tip = (root.0 + lean * long, root.1 - long);
            let bend = (root.0 + lean * long * 0.3, root.1 - long * 0.55);
            let color = lift(
                blend(base, stage.palette.accents[2], 0.1 * (index % 3) as f32),
                stage.rng.range(-0.06, 0.07),
            );
            stage.push(Figure::new(
                Outline::new().stroke(&[root, bend, tip], pose.size * 0.014, pose.size * 0.006),
                Fill::Flat(color),
            ));
            for step in 1..8 {
                let t = step as f32 / 8.0;
                let (bx, by) = (root.0 + lean * long * t * (0.45 + 0.55 * t), root.1 - long * t);
                let turn = if step % 2 == 0 { 1.0 } else { -1.0 };
                let reach = pose.size * 0.24 * (1.0 - 0.55 * t);
                let end = (bx + turn * reach, by - reach * 0.75);
                let blade = [
                    (bx, by),
                    (bx + turn * reach * 0.35, by - reach * 0.62),
                    end,
                    (bx + turn * reach * 0.72, by - reach * 0.16),
                ];
                stage.push(Figure::new(
                    Outline::new().curve(&blade),
                    Fill::Flat(lift(color, 0.03 * turn)),
                ));
            }
        }
    }
}

fn body(stage: &mut Stage, pose: &Pose, shade: Rgb) {
    let cloth = stage
        .intent
        .tints
        .first()
        .map_or(stage.palette.accents[2], |code| hex(*code));
    let foot = (stage.h - pose.y) / pose.size + 0.1;
    let neck = pose.curve(&[
        (-0.15, 0.2),
        (0.13, 0.2),
        (0.14, 0.52),
        (0.30, 0.68),
        (0.0, 0.82),
        (-0.30, 0.68),
        (-0.15, 0.52),
    ]);
    stage.push(Figure::new(neck, Fill::Flat(shade)));
    let shoulders = [
        (-0.20, 0.60),
        (-0.05, 0.74),
        (0.10, 0.73),
        (0.22, 0.60),
        (0.52, 0.70),
        (0.76, 0.88),
        (0.88, 1.3),
        (0.92, foot + 0.4),
        (-0.92, foot + 0.4),
        (-0.88, 1.3),
        (-0.78, 0.88),
        (-0.50, 0.70),
    ];
    let top = pose.y + pose.size * 0.6;
    stage.push(Figure::new(
        pose.curve(&shoulders),
        Fill::Down(lift(cloth, 0.05), lift(cloth, -0.12), top, stage.h),
    ));
    let fold = lift(cloth, -0.10);
    for points in [
        [(-0.20, 0.62), (-0.28, 0.9), (-0.22, 1.25)],
        [(0.24, 0.62), (0.36, 0.92), (0.34, 1.25)],
    ] {
        stage.push(Figure::faint(pose.line(&points, 0.012, 0.004), Fill::Flat(fold), 0.8));
    }
    let collar = lift(blend(cloth, stage.palette.accents[1], 0.7), 0.04);
    let band = pose.line(
        &[(-0.21, 0.60), (-0.06, 0.755), (0.11, 0.745), (0.23, 0.60)],
        0.035,
        0.035,
    );
    stage.push(Figure::new(band, Fill::Flat(collar)));
}

const FACE: [Point; 12] = [
    (0.0, -0.40),
    (0.19, -0.35),
    (0.285, -0.16),
    (0.285, 0.06),
    (0.235, 0.25),
    (0.12, 0.395),
    (0.0, 0.435),
    (-0.12, 0.395),
    (-0.235, 0.25),
    (-0.285, 0.06),
    (-0.285, -0.16),
    (-0.19, -0.35),
];

fn head(stage: &mut Stage, pose: &Pose, skin: Rgb, shade: Rgb) {
    let ears = pose.curve(&[(-0.27, -0.06), (-0.325, -0.05), (-0.32, 0.06), (-0.27, 0.10)]);
    stage.push(Figure::new(ears, Fill::Flat(shade)));
    let ear = pose.curve(&[(0.27, -0.06), (0.325, -0.05), (0.32, 0.06), (0.27, 0.10)]);
    stage.push(Figure::new(ear, Fill::Flat(skin)));
    stage.push(Figure::new(pose.curve(&FACE), Fill::Flat(skin)));
    // The far half of the face lies in shade, split along brow, nose and chin.
    let mut dark = smooth(&pose.all(&FACE), true).split_off(FACE.len() / 2 * STEPS);
    let split = [
        (0.0, -0.40),
        (-0.03, -0.25),
        (-0.06, -0.10),
        (-0.045, 0.02),
        (-0.075, 0.145),
    ];
    dark.extend(pose.all(&split));
    dark.extend(pose.all(&[(-0.03, 0.175), (-0.05, 0.24), (-0.035, 0.34), (0.0, 0.435)]));
    stage.push(Figure::new(Outline::new().polygon(&dark), Fill::Flat(shade)));
}

fn face(stage: &mut Stage, pose: &Pose, skin: Rgb, shade: Rgb, hair: Rgb) {
    let ink = blend(lift(shade, -0.32), hex(0x1a1020), 0.45);
    let lids = stage.rng.chance(0.5);
    for side in [-1.0f32, 1.0] {
        let eye = |u: f32, v: f32| (side * (0.135 + u), -0.01 + v);
        let brow = pose.line(
            &[eye(-0.07, -0.098), eye(0.015, -0.118), eye(0.09, -0.085)],
            0.022,
            0.012,
        );
        stage.push(Figure::new(brow, Fill::Flat(blend(hair, ink, 0.5))));
        if lids {
            let lid = pose.line(&[eye(-0.065, 0.0), eye(0.0, 0.035), eye(0.07, -0.005)], 0.014, 0.018);
            stage.push(Figure::new(lid, Fill::Flat(ink)));
        } else {
            let white = pose.curve(&[eye(-0.07, 0.005), eye(0.0, -0.026), eye(0.07, -0.005), eye(0.0, 0.025)]);
            stage.push(Figure::new(white, Fill::Flat(blend(hex(0xfbf6f0), skin, 0.15))));
            let (x, y) = pose.at(eye(0.0, -0.002));
            let iris = Outline::new().ellipse(x, y, pose.size * 0.029, pose.size * 0.029);
            stage.push(Figure::new(iris, Fill::Flat(ink)));
            let lid = pose.line(&[eye(-0.075, 0.005), eye(0.0, -0.028), eye(0.08, -0.012)], 0.014, 0.022);
            stage.push(Figure::new(lid, Fill::Flat(ink)));
        }
        let (x, y) = pose.at((side * 0.17, 0.14));
        let blush = blend(stage.palette.accents[0], skin, 0.35);
        stage.push(super::shapes::Spot {
            x,
            y,
            rx: pose.size * 0.09,
            ry: pose.size * 0.07,
            color: blush,
            alpha: 0.4,
        });
    }
    let nose = pose.line(&[(0.045, 0.155), (0.015, 0.175), (-0.02, 0.172)], 0.010, 0.012);
    stage.push(Figure::faint(nose, Fill::Flat(ink), 0.7));
    let lips = blend(hex(0xb0413e), shade, 0.35);
    let upper = pose.curve(&[
        (-0.095, 0.264),
        (-0.03, 0.25),
        (0.0, 0.258),
        (0.03, 0.25),
        (0.095, 0.268),
        (0.0, 0.28),
    ]);
    stage.push(Figure::new(upper, Fill::Flat(lift(lips, -0.05))));
    let lower = pose.curve(&[
        (-0.085, 0.268),
        (0.0, 0.282),
        (0.085, 0.264),
        (0.045, 0.312),
        (-0.04, 0.314),
    ]);
    stage.push(Figure::new(lower, Fill::Flat(lips)));
    if stage.rng.chance(0.5) {
        for side in [-1.0, 1.0] {
            let (x, y) = pose.at((side * 0.305, 0.17));
            let drop = Outline::new().ellipse(x, y, pose.size * 0.032, pose.size * 0.045);
            stage.push(Figure::new(drop, Fill::Flat(stage.palette.accents[1])));
        }
    }
}

fn hair_back(stage: &mut Stage, pose: &Pose, hair: Rgb, cut: usize) {
    let points: &[Point] = match cut {
        0 => &[
            (0.0, -0.54),
            (0.26, -0.47),
            (0.38, -0.22),
            (0.40, 0.10),
            (0.46, 0.45),
            (0.52, 0.85),
            (0.30, 0.98),
            (0.0, 0.80),
            (-0.30, 0.98),
            (-0.52, 0.85),
            (-0.46, 0.45),
            (-0.40, 0.10),
            (-0.38, -0.22),
            (-0.26, -0.47),
        ],
        1 => &[
            (0.0, -0.54),
            (0.26, -0.47),
            (0.39, -0.22),
            (0.42, 0.10),
            (0.40, 0.36),
            (0.28, 0.42),
            (0.0, 0.3),
            (-0.28, 0.42),
            (-0.40, 0.36),
            (-0.42, 0.10),
            (-0.39, -0.22),
            (-0.26, -0.47),
        ],
        _ => &[
            (0.0, -0.50),
            (0.24, -0.44),
            (0.33, -0.20),
            (0.30, 0.05),
            (0.0, 0.1),
            (-0.30, 0.05),
            (-0.33, -0.20),
            (-0.24, -0.44),
        ],
    };
    let dark = lift(hair, -0.05);
    stage.push(Figure::new(
        pose.curve(points),
        Fill::Down(hair, dark, pose.y - pose.size * 0.5, pose.y + pose.size),
    ));
    if cut == 2 {
        let (x, y) = pose.at((0.05, -0.56));
        let bun = Outline::new().ellipse(x, y, pose.size * 0.15, pose.size * 0.14);
        stage.push(Figure::new(bun, Fill::Flat(lift(hair, -0.02))));
    }
}

fn hair_front(stage: &mut Stage, pose: &Pose, hair: Rgb, cut: usize) {
    let light = lift(hair, 0.05);
    let points: &[Point] = match cut {
        0 => &[
            (-0.06, -0.44),
            (0.12, -0.50),
            (0.31, -0.36),
            (0.37, -0.10),
            (0.36, 0.16),
            (0.29, 0.02),
            (0.24, -0.18),
            (0.08, -0.27),
            (-0.08, -0.34),
            (-0.20, -0.20),
            (-0.28, 0.02),
            (-0.35, 0.16),
            (-0.37, -0.10),
            (-0.31, -0.36),
        ],
        1 => &[
            (0.0, -0.50),
            (0.24, -0.44),
            (0.36, -0.20),
            (0.37, 0.12),
            (0.28, 0.06),
            (0.25, -0.12),
            (0.10, -0.15),
            (0.0, -0.13),
            (-0.12, -0.15),
            (-0.25, -0.12),
            (-0.28, 0.06),
            (-0.37, 0.12),
            (-0.36, -0.20),
            (-0.24, -0.44),
        ],
        _ => &[
            (0.0, -0.47),
            (0.22, -0.42),
            (0.32, -0.20),
            (0.30, 0.0),
            (0.27, -0.12),
            (0.15, -0.26),
            (-0.02, -0.28),
            (-0.18, -0.22),
            (-0.27, -0.10),
            (-0.30, 0.0),
            (-0.32, -0.20),
            (-0.22, -0.42),
        ],
    };
    stage.push(Figure::new(
        pose.curve(points),
        Fill::Down(light, hair, pose.y - pose.size * 0.5, pose.y),
    ));
    let shine = pose.line(&[(0.08, -0.43), (0.22, -0.34), (0.29, -0.18)], 0.02, 0.006);
    stage.push(Figure::faint(shine, Fill::Flat(lift(hair, 0.16)), 0.6));
}
