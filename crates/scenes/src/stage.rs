//! The picture in the making: its size, its chances, its colors, and the layers painted so far.

use std::rc::Rc;

use super::Detail;
use super::canvas::{Canvas, Done, Finish, Layer, Px};
use super::noise::{Noise, Rng};
use super::palette::Palette;
use super::words::Intent;

/// What every composer works with.
pub(crate) struct Stage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Width and height in pixels as numbers to calculate with.
    pub(crate) w: f32,
    pub(crate) h: f32,
    /// The length in pixels that details are measured in; independent of the shape of the picture.
    pub(crate) unit: f32,
    pub(crate) rng: Rng,
    pub(crate) noise: Rc<Noise>,
    pub(crate) palette: Palette,
    pub(crate) intent: Intent,
    pub(crate) detail: Detail,
    /// No background: what lies behind the subject stays transparent.
    pub(crate) clear: bool,
    pub(crate) layers: Vec<Box<dyn Layer>>,
    /// Rows above this one, without the layers from this index on, are mirrored by water.
    pub(crate) mirror: Option<(usize, usize)>,
    /// Row from which water will cover what is painted now, in px.
    pub(crate) waterline: f32,
}

impl Stage {
    pub(crate) fn new(
        size: (u32, u32),
        mut rng: Rng,
        palette: Palette,
        intent: Intent,
        detail: Detail,
        clear: bool,
    ) -> Self {
        let (w, h) = (size.0 as f32, size.1 as f32);
        let noise = Rc::new(Noise::new(&mut rng));
        let unit = (w * h).sqrt().min(w.min(h) * 1.5);
        Self {
            width: size.0 as usize,
            height: size.1 as usize,
            w,
            h,
            unit,
            rng,
            noise,
            palette,
            intent,
            detail,
            clear,
            layers: Vec::new(),
            mirror: None,
            waterline: f32::MAX,
        }
    }

    pub(crate) fn push(&mut self, layer: impl Layer + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// Octaves of noise: fewer for a draft, more for a fine picture.
    pub(crate) fn octaves(&self, medium: u32) -> u32 {
        match self.detail {
            Detail::Low => medium.saturating_sub(1).max(1),
            Detail::Medium => medium,
            Detail::High => medium + 1,
        }
    }

    /// How many of a crowd of things to draw.
    pub(crate) fn crowd(&self, medium: f32) -> usize {
        let scale = match self.detail {
            Detail::Low => 0.6,
            Detail::Medium => 1.0,
            Detail::High => 1.35,
        };
        (medium * scale) as usize
    }

    /// Width in units: how many "squares" the picture is wide.
    pub(crate) fn span(&self) -> f32 {
        self.w / self.unit
    }

    /// Paints all layers, row by row.
    pub(crate) fn paint(mut self, grain: f32, vignette: f32) -> Canvas {
        let mut canvas = Canvas::clear(self.width as u32, self.height as u32);
        let finish = Finish::new(&mut self.rng, self.width, grain, vignette);
        let mut row: Vec<Px> = vec![[0.0; 4]; self.width];
        let stride = self.width * 4;
        let rgba = canvas.rgba_mut();
        let mut done = Done::new(self.width);
        let (shore, from) = self.mirror.unwrap_or((0, 0));
        for (y, line) in rgba.chunks_exact_mut(stride).enumerate() {
            row.fill([0.0; 4]);
            for (index, layer) in self.layers.iter().enumerate() {
                if index == from && y < shore {
                    done.keep(&row);
                }
                layer.paint(y, &mut row, &done);
            }
            finish.write(y, self.height, &row, line, &mut self.rng);
        }
        canvas
    }
}
