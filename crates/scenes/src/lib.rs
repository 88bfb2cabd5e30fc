//! The sandbox's pictures: drawn from the words of a prompt, the same bytes for the same request.

mod canvas;
mod city;
mod clouds;
mod creatures;
mod edit;
mod flow;
mod forest;
mod frame;
mod label;
mod landscape;
mod lexicon;
mod meadow;
mod mountains;
mod noise;
mod ocean;
mod palette;
mod partial;
mod place;
mod portrait;
mod props;
mod ridges;
mod shapes;
mod sky;
mod skyline;
mod space;
mod stage;
mod still;
#[cfg(test)]
mod tests;
mod trees;
mod vocabulary;
mod water;
mod wilds;
mod words;

pub use canvas::Canvas;

use noise::Rng;
use palette::Palette;
use stage::Stage;
use vocabulary::{Extra, Motif};
use words::Intent;

/// How much work goes into a picture; visible, but the composition stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// A draft: fewer octaves of noise, smaller crowds.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// More octaves, larger crowds.
    High,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct SceneRequest<'a> {
    /// Its words choose motif, light, season and colors; any language and length.
    pub prompt: &'a str,
    /// The name written into the corner.
    pub model: &'a str,
    /// Width in pixels; meant for 16 to 4096.
    pub width_px: u32,
    /// Height in pixels; meant for 16 to 4096.
    pub height_px: u32,
    /// Another seed gives another composition.
    pub seed: u64,
    /// Only the subject is opaque; sky and background get alpha 0.
    pub transparent: bool,
    /// Amount of detail.
    pub quality: Detail,
}

/// What to change in given pictures.
#[derive(Clone, Copy, Debug)]
pub struct EditRequest<'a> {
    /// What to draw into them, and the size of the result.
    pub scene: SceneRequest<'a>,
    /// The pictures; the first covers the result, the others become small framed insets.
    pub inputs: &'a [Canvas],
    /// Where its alpha is 0 the first input is painted over; scaled to the result.
    pub mask: Option<&'a Canvas>,
    /// How much of the first input shows when there is no mask, 0 to 1.
    pub keep: f32,
}

/// Draws a picture of exactly the requested size, with the label in its corner.
#[must_use]
pub fn render(request: &SceneRequest<'_>) -> Canvas {
    labeled(render_bare(request), Some(request.model))
}

/// The same with a label that does not name the model, for those who are not to know it.
#[must_use]
pub fn render_unnamed(request: &SceneRequest<'_>) -> Canvas {
    labeled(render_bare(request), None)
}

/// Changes the first input after the prompt and the mask; without inputs, as [`render`].
#[must_use]
pub fn render_edit(request: &EditRequest<'_>) -> Canvas {
    labeled(edited(request), Some(request.scene.model))
}

/// The same with a label that does not name the model.
#[must_use]
pub fn render_edit_unnamed(request: &EditRequest<'_>) -> Canvas {
    labeled(edited(request), None)
}

fn edited(request: &EditRequest<'_>) -> Canvas {
    match request.inputs.first() {
        Some(first) => edit::apply(request, first),
        None => render_bare(&request.scene),
    }
}

fn labeled(mut canvas: Canvas, model: Option<&str>) -> Canvas {
    label::draw(&mut canvas, model);
    canvas
}

/// A blurred preview of a finished picture: step 0 of `of` is the coarsest.
#[must_use]
pub fn render_partial(full: &Canvas, step: u32, of: u32) -> Canvas {
    partial::draw(full, step, of)
}

/// The picture without its label.
fn render_bare(request: &SceneRequest<'_>) -> Canvas {
    // Size and quality stay out of the root: a draft shows the same composition.
    let root = noise::root(&[request.prompt, request.model], &[request.seed]);
    let mut rng = Rng::new(root);
    let intent = Intent::read(request.prompt, &mut rng);
    let palette = Palette::choose(&mut rng, &intent);
    let badge = intent.has(Extra::Badge);
    let motif = intent.motif;
    let clear = request.transparent && !badge;
    let size = (request.width_px.max(1), request.height_px.max(1));
    let mut stage = Stage::new(size, rng, palette, intent, request.quality, clear);
    match motif {
        Motif::Mountains => mountains::compose(&mut stage),
        Motif::Ocean => ocean::compose(&mut stage),
        Motif::City => city::compose(&mut stage),
        Motif::Forest => forest::compose(&mut stage),
        Motif::Desert => wilds::desert(&mut stage),
        Motif::Aurora => wilds::northern(&mut stage),
        Motif::Perch => wilds::perch(&mut stage),
        Motif::Meadow => meadow::compose(&mut stage),
        Motif::Space => space::compose(&mut stage),
        Motif::Flow => flow::compose(&mut stage),
        Motif::Still => still::compose(&mut stage),
        Motif::Portrait => portrait::compose(&mut stage),
    }
    if badge {
        frame::badge(&mut stage, request.transparent);
    }
    stage.paint(0.011, if badge { 0.0 } else { 0.22 })
}
