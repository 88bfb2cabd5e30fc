//! Colors: curated palettes, even blending, and pulling a palette toward a color word.

use super::canvas::Rgb;
use super::noise::{Rng, lerp};
use super::vocabulary::{Motif, Season, Time};
use super::words::Intent;

/// The colors of one picture.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    /// From the zenith to the horizon.
    pub(crate) sky: [Rgb; 5],
    /// Disc of the sun or moon.
    pub(crate) orb: Rgb,
    /// Light around it, and on what it shines on.
    pub(crate) glow: Rgb,
    /// The farthest land.
    pub(crate) far: Rgb,
    /// The nearest land.
    pub(crate) near: Rgb,
    /// Plants in the light.
    pub(crate) leaf: Rgb,
    /// Deep water.
    pub(crate) water: Rgb,
    /// Flowers, cloth, fruit, ribbons.
    pub(crate) accents: [Rgb; 4],
}

/// One row of the table: sky x5, orb, glow, far, near, leaf, water, accents x4.
type Row = [u32; 15];

const DAWN: [Row; 3] = [
    [
        0x4b5f9e, 0x8a8cc6, 0xd3a6c4, 0xf8c7b0, 0xfdeacb, 0xfff6dc, 0xffdcae, 0xb7a6ca, 0x2f2c55, 0x5d7a6d, 0x4a5a8c,
        0xf2a7a0, 0xf7d08a, 0x8a78c2, 0xfdf1e3,
    ],
    [
        0x557aa8, 0x93aecb, 0xd8c3c6, 0xf6d2b6, 0xfdebd0, 0xfff8e4, 0xffd9a8, 0xa9b6c8, 0x2b3d52, 0x5f8a6a, 0x41678c,
        0xf4b183, 0xe8748a, 0x6fa3c7, 0xfff3dd,
    ],
    [
        0x3f7d86, 0x80b5ab, 0xc9d9bb, 0xf5dcae, 0xfcc79d, 0xfff4d0, 0xffd6a0, 0x9fc0b4, 0x1d4045, 0x4f8f6b, 0x2d6b76,
        0xf28f6b, 0xf6c667, 0x4fa3a5, 0xfdf6e3,
    ],
];
const DAY: [Row; 4] = [
    [
        0x2a6cb0, 0x4d96d1, 0x86c0e6, 0xbfe0f0, 0xe9f4f2, 0xfffbea, 0xfff3cf, 0x9cc2da, 0x1f4a40, 0x6aa84f, 0x1f6f9e,
        0xe8505b, 0xf9c74f, 0x7b6cd9, 0xffffff,
    ],
    [
        0x4c86b8, 0x7fb2d3, 0xb4d5e0, 0xdde9e0, 0xf8f0dd, 0xfffdf0, 0xffeec4, 0xa8c8cf, 0x2a5449, 0x84ad5c, 0x3b7f9c,
        0xf08a5d, 0xf6d365, 0xb569a5, 0xfffaf0,
    ],
    [
        0x14688c, 0x3d9bb0, 0x86cbc6, 0xc9e9d6, 0xf5f4d9, 0xfffceb, 0xfff0be, 0x93c9c6, 0x144a4c, 0x5fb07a, 0x0f7c8c,
        0xff7b54, 0xffd56b, 0x3aa6b9, 0xfdfcf0,
    ],
    [
        0x3c6fc4, 0x6c9fe4, 0xa6c8f2, 0xd6e4f5, 0xfbe9e4, 0xfffdf4, 0xffe6d0, 0xa9bfe2, 0x2b4a63, 0x79b36a, 0x2f6fb5,
        0xff6f91, 0xffc75f, 0x845ec2, 0xffffff,
    ],
];
const SUNSET: [Row; 4] = [
    [
        0x2b1b4d, 0x6b2d6b, 0xc8496a, 0xf58a5b, 0xffd08a, 0xfff3cf, 0xffb066, 0xcc7d88, 0x1b1030, 0x5a4a48, 0x5a2a5c,
        0xff6b6b, 0xffb347, 0x8c4bb0, 0xffe9c9,
    ],
    [
        0x35447a, 0x80649f, 0xd9849c, 0xf9b294, 0xfee2b3, 0xfff6dd, 0xffc48c, 0xb487a6, 0x251d3f, 0x5d5a5a, 0x5a4f86,
        0xf2788f, 0xf9c784, 0x6d5aa8, 0xfff0dc,
    ],
    [
        0x1d3550, 0x54547a, 0xb26270, 0xf0844f, 0xffc569, 0xfff0c2, 0xff9d4d, 0xb1777a, 0x101b29, 0x4f5646, 0x2f4a63,
        0xf26430, 0xffca3a, 0x3f88a5, 0xfff1d0,
    ],
    [
        0x4a1942, 0x893168, 0xd0556b, 0xf2925c, 0xf9d57e, 0xfff4c8, 0xffb65e, 0xc47a74, 0x280f2a, 0x6b4a3a, 0x6a2c5e,
        0xef476f, 0xffd166, 0xb8336a, 0xffefd0,
    ],
];
const DUSK: [Row; 3] = [
    [
        0x10163a, 0x2c2f6b, 0x5f4b8b, 0xb06a94, 0xf2a07b, 0xfff0d8, 0xf7a980, 0x75609b, 0x090b1f, 0x33425a, 0x272a5f,
        0xf78ca0, 0xf9d423, 0x6a82fb, 0xfde9dc,
    ],
    [
        0x0d2138, 0x1c4763, 0x457d8e, 0xb7a181, 0xf5cb8c, 0xfff2d2, 0xf6bf7c, 0x5e8791, 0x06131d, 0x2f5550, 0x14405a,
        0xf4a259, 0xf1d18a, 0x3aaed8, 0xfff4de,
    ],
    [
        0x1c1440, 0x4a2a75, 0x9a3f86, 0xe56b6f, 0xf7b267, 0xfff0cb, 0xff9a6b, 0x87508c, 0x100a28, 0x41405a, 0x34215f,
        0xff5d8f, 0xffb86b, 0x7b5cff, 0xffecd6,
    ],
];
const NIGHT: [Row; 3] = [
    [
        0x050a1f, 0x0b1739, 0x152d59, 0x264a7c, 0x4a749f, 0xf6f2df, 0xa9c3e6, 0x2c4c77, 0x030716, 0x1c3b44, 0x0a1c3d,
        0x7fb2ff, 0xffd27a, 0xa58bff, 0xe8f1ff,
    ],
    [
        0x090720, 0x191240, 0x322465, 0x573f88, 0x8c68a8, 0xfdf3e0, 0xc9b0e8, 0x4b3a77, 0x060412, 0x2a2f4a, 0x191445,
        0xd17bff, 0xffc46b, 0x6e8bff, 0xf3eaff,
    ],
    [
        0x03121a, 0x05262f, 0x0b444e, 0x1d6c6e, 0x4d9c90, 0xf3f6e0, 0x9fe0cf, 0x1f5a60, 0x020b10, 0x123a35, 0x062b38,
        0x5fe0c0, 0xffdf8a, 0x5aa9ff, 0xe6fff6,
    ],
];

impl Palette {
    /// Chooses a palette of the time of day and pulls it toward the words of the prompt.
    pub(crate) fn choose(rng: &mut Rng, intent: &Intent) -> Self {
        let rows: &[Row] = match intent.time {
            Time::Dawn => &DAWN,
            Time::Day => &DAY,
            Time::Sunset => &SUNSET,
            Time::Dusk => &DUSK,
            Time::Night => &NIGHT,
        };
        let mut palette = Self::of(&rows[rng.below(rows.len())]);
        palette.dress(intent.season, intent.time);
        // Where things have colors of their own (flowers, fruit, cloth), the word means those.
        let air = match intent.motif {
            Motif::Meadow | Motif::Still | Motif::Portrait => 0.22,
            Motif::Forest => 0.7,
            _ => 1.0,
        };
        for (index, tint) in intent.tints.iter().take(2).enumerate() {
            palette.tint(hex(*tint), index, air);
        }
        palette
    }

    fn of(row: &Row) -> Self {
        let at = |index: usize| hex(row[index]);
        Self {
            sky: std::array::from_fn(at),
            orb: at(5),
            glow: at(6),
            far: at(7),
            near: at(8),
            leaf: at(9),
            water: at(10),
            accents: std::array::from_fn(|index| at(11 + index)),
        }
    }

    fn dress(&mut self, season: Season, time: Time) {
        match season {
            Season::Autumn => {
                self.leaf = blend(self.leaf, hex(0xd9772b), 0.75);
                self.accents = [0xe4572e, 0xf3a712, 0xa63d40, 0xffe0a3].map(hex);
            }
            Season::Spring => {
                self.leaf = blend(self.leaf, hex(0x9bd07a), 0.45);
                self.accents = [0xf7a8c4, 0xfde2ea, 0xd36ba6, 0xffffff].map(hex);
            }
            Season::Winter => {
                let pale = if time == Time::Night { 0x9fb9dd } else { 0xeaf2fa };
                self.leaf = blend(self.leaf, hex(pale), 0.7);
                self.far = blend(self.far, hex(0xc9d9ea), 0.35);
            }
            Season::Any => {}
        }
    }

    /// Turns the hues toward `tint`; lightness, and so the drawing, stays. A second tint
    /// colors the light and the accents only, so that two words give two colors.
    fn tint(&mut self, tint: Rgb, index: usize, air: f32) {
        let target = to_lab(tint);
        let strong = if index == 0 { 0.72 } else { 0.35 };
        for color in &mut self.sky {
            *color = pull(*color, target, strong * 0.9 * air);
        }
        for color in [&mut self.far, &mut self.near, &mut self.water] {
            *color = pull(*color, target, strong * 0.8 * air);
        }
        self.leaf = pull(self.leaf, target, strong * 0.3 * air);
        self.glow = pull(self.glow, target, 0.6 * air);
        self.orb = pull(self.orb, target, 0.25);
        let spare = [0.85, 0.6, 0.8, 0.25];
        for (slot, color) in self.accents.iter_mut().enumerate() {
            if slot % 2 == index || index == 0 {
                *color = pull(*color, target, spare[slot]);
            }
        }
        self.accents[index * 2] = tint;
    }

    /// Color of land at a distance: 0 is far, 1 is near.
    pub(crate) fn land(&self, nearness: f32) -> Rgb {
        blend(self.far, self.near, nearness.clamp(0.0, 1.0))
    }
}

/// A color of `0xRRGGBB`.
pub(crate) fn hex(code: u32) -> Rgb {
    [code >> 16, code >> 8, code].map(|byte| (byte & 255) as f32 / 255.0)
}

/// Blends two colors evenly to the eye (through Oklab).
pub(crate) fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    let (a, b) = (to_lab(a), to_lab(b));
    to_rgb(std::array::from_fn(|index| lerp(a[index], b[index], t)))
}

/// Blends two colors fast, channel by channel.
#[inline]
pub(crate) fn quick(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [lerp(a[0], b[0], t), lerp(a[1], b[1], t), lerp(a[2], b[2], t)]
}

/// Lighter (`amount` above 0) or darker (below 0), in steps of Oklab lightness.
pub(crate) fn lift(color: Rgb, amount: f32) -> Rgb {
    let [light, a, b] = to_lab(color);
    to_rgb([(light + amount).clamp(0.0, 1.0), a, b])
}

/// A table of colors through `stops`, evenly spaced.
pub(crate) fn ramp(stops: &[Rgb], length: usize) -> Vec<Rgb> {
    let last = stops.len() - 1;
    (0..length)
        .map(|index| {
            let t = index as f32 / (length.max(2) - 1) as f32 * last as f32;
            let at = (t as usize).min(last.saturating_sub(1));
            blend(stops[at], stops[(at + 1).min(last)], t - at as f32)
        })
        .collect()
}

fn pull(color: Rgb, target: [f32; 3], amount: f32) -> Rgb {
    let [light, a, b] = to_lab(color);
    // Dark yellow is brown: shadows keep more of their own hue when the tint is warm.
    let warm = (target[2] * 6.0).clamp(0.0, 1.0);
    let amount = amount * (1.0 - warm * 0.45 * (1.0 - light).clamp(0.0, 1.0));
    let own = (a * a + b * b).sqrt();
    let wanted = (target[1] * target[1] + target[2] * target[2]).sqrt();
    // Very dark and very light colors cannot hold much chroma without turning garish.
    let room = (light * (1.0 - light) * 4.0).clamp(0.15, 1.0);
    let chroma = if wanted < 0.03 {
        wanted
    } else {
        own.max(wanted * 0.75 * room)
    };
    let scale = if wanted > 1e-4 { chroma / wanted } else { 0.0 };
    // A black or white tint moves lightness, as it has no hue to offer.
    let shift = if wanted < 0.03 { (target[0] - 0.55) * 0.3 } else { 0.0 };
    to_rgb([
        (light + shift * amount).clamp(0.02, 0.99),
        lerp(a, target[1] * scale, amount),
        lerp(b, target[2] * scale, amount),
    ])
}

/// sRGB to Oklab, by the matrices its author published.
fn to_lab(color: Rgb) -> [f32; 3] {
    let [r, g, b] = color.map(|c| {
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_99 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_84 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn to_rgb(lab: [f32; 3]) -> Rgb {
    let [light, a, b] = lab;
    let l = (light + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (light - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (light - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
    .map(|c| {
        let c = c.clamp(0.0, 1.0);
        if c <= 0.003_130_8 {
            c * 12.92
        } else {
            1.055 * c.powf(1.0 / 2.4) - 0.055
        }
    })
}
