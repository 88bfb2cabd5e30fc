//! A round badge around a scene, for logos, icons and stickers.

use super::canvas::{Done, Layer, Px, Rgb, over};
use super::palette::{blend, hex, lift, quick};
use super::stage::Stage;

struct Badge {
    x: f32,
    y: f32,
    radius: f32,
    ring: Rgb,
    band: Rgb,
    paper: Rgb,
    clear: bool,
}

impl Layer for Badge {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let dy = y as f32 + 0.5 - self.y;
        for (x, px) in row.iter_mut().enumerate() {
            let dx = x as f32 + 0.5 - self.x;
            let d = (dx * dx + dy * dy).sqrt();
            let inside = |scale: f32| (self.radius * scale - d + 0.5).clamp(0.0, 1.0);
            let outer = inside(1.0);
            over(px, self.band, 1.0 - inside(0.90));
            over(px, self.ring, (1.0 - inside(0.915)) * inside(0.985));
            if self.clear {
                px.iter_mut().for_each(|channel| *channel *= outer);
            } else {
                let shadow = (1.0 - (d - self.radius * 0.97).max(0.0) / (self.radius * 0.14)).clamp(0.0, 1.0);
                over(px, quick(self.paper, [0.0; 3], shadow * shadow * 0.28), 1.0 - outer);
            }
        }
    }
}

/// Crops the scene to a disc with a border; around it is paper, or nothing.
pub(crate) fn badge(stage: &mut Stage, clear: bool) {
    let accent = stage.palette.accents[0];
    let layer = Badge {
        x: stage.w / 2.0,
        y: stage.h / 2.0,
        radius: stage.w.min(stage.h) * 0.44,
        ring: lift(stage.palette.near, 0.05),
        band: blend(accent, stage.palette.glow, 0.35),
        paper: blend(hex(0xf6f3ec), stage.palette.sky[4], 0.2),
        clear,
    };
    stage.push(layer);
}
