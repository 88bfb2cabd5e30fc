//! From a request's words to an encoded image, off the async threads.

use crate::faults::FileFault;
use crate::faults::strip;
use crate::pad::spoilt;
use bytes::Bytes;
use imaging::{Bitmap, DecodeLimits, ImageFormat, ImagingError};
use scenes::{Canvas, Detail, EditRequest, SceneRequest};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What a prompt holds whose picture is not to name the model that is played, so that people can judge without knowing.
pub const UNNAMED: &str = "[[unnamed]]";

/// How much of the first input shows in an edit, by default.
pub(crate) const DEFAULT_KEEP: f32 = 0.65;

/// What to draw.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    /// As the caller gave it; fault switches are taken out here.
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) seed: u64,
    pub(crate) detail: Detail,
    pub(crate) transparent: bool,
    /// Input images of an edit, in order; none for a picture from the prompt alone.
    pub(crate) inputs: Arc<[Bitmap]>,
    /// Where alpha is 0, the first input is to be painted over.
    pub(crate) mask: Option<Arc<Bitmap>>,
    /// How much of the first input shows, 0 to 1.
    pub(crate) keep: f32,
    pub(crate) format: ImageFormat,
    /// 1 to 100, for lossy formats.
    pub(crate) quality: Option<u8>,
    /// Whether the first input comes at this size, as upscalers do, in place of a scene.
    pub(crate) is_scaled: bool,
    /// Previews to make on the way, for streams.
    pub(crate) partials: u32,
    /// What becomes of the encoded image.
    pub(crate) file: Option<FileFault>,
}

impl Drawing {
    /// A medium-detail PNG from a prompt; the rest is set by name.
    pub(crate) fn new(prompt: &str, model: &str, size_px: (u32, u32), seed: u64) -> Self {
        Self {
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            width_px: size_px.0,
            height_px: size_px.1,
            seed,
            detail: Detail::Medium,
            transparent: false,
            inputs: Arc::from([]),
            mask: None,
            keep: DEFAULT_KEEP,
            format: ImageFormat::Png,
            quality: None,
            is_scaled: false,
            partials: 0,
            file: None,
        }
    }
}

/// An encoded picture.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) bytes: Bytes,
    /// Blurred steps on the way to it, first to last, in the same format.
    pub(crate) partials: Vec<Bytes>,
}

/// Why no picture came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrawError {
    #[error(transparent)]
    Imaging(#[from] ImagingError),
    #[error("the drawing task ended early")]
    Lost,
}

/// Draws and decodes, as many pictures at a time as the machine has cores.
pub(crate) struct Pictures {
    places: Semaphore,
}

impl Pictures {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: Semaphore::new(cores),
        }
    }

    /// One picture at a time: real work comes first.
    pub(crate) fn beside_real() -> Self {
        Self {
            places: Semaphore::new(1),
        }
    }

    /// Draws and encodes a picture.
    pub(crate) async fn draw(&self, drawing: Drawing) -> Result<Drawn, DrawError> {
        self.run(move || draw(&drawing)).await
    }

    /// Decodes an input image, within the default limits of size and pixels.
    pub(crate) async fn decode(&self, bytes: Bytes) -> Result<Bitmap, DrawError> {
        self.run(move || Ok(imaging::decode(&bytes, &DecodeLimits::default())?))
            .await
    }

    /// Resamples an image to a size and encodes it.
    pub(crate) async fn scale(
        &self,
        input: Bitmap,
        size_px: (u32, u32),
        format: ImageFormat,
    ) -> Result<Bytes, DrawError> {
        let drawing = Drawing {
            inputs: Arc::from([input]),
            is_scaled: true,
            format,
            ..Drawing::new("", "", size_px, 0)
        };
        Ok(self.draw(drawing).await?.bytes)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, DrawError> + Send + 'static,
    ) -> Result<T, DrawError> {
        let _place = self.places.acquire().await.map_err(|_| DrawError::Lost)?;
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(DrawError::Lost))
    }
}

fn draw(drawing: &Drawing) -> Result<Drawn, DrawError> {
    let canvas = canvas(drawing);
    let mut partials = Vec::new();
    for step in 0..drawing.partials {
        let partial = scenes::render_partial(&canvas, step, drawing.partials);
        partials.push(encode(partial, drawing)?.into());
    }
    let mut bytes = encode(canvas, drawing)?;
    if let Some(fault) = drawing.file {
        bytes = spoilt(bytes, drawing.format, fault);
    }
    Ok(Drawn {
        bytes: bytes.into(),
        partials,
    })
}

fn canvas(drawing: &Drawing) -> Canvas {
    let scaled = drawing.inputs.first().filter(|_| drawing.is_scaled);
    if let Some(scaled) = scaled.and_then(|first| canvas_of(&first.cover(drawing.width_px, drawing.height_px))) {
        return scaled;
    }
    let prompt = strip(&drawing.prompt);
    let is_unnamed = prompt.contains(UNNAMED);
    let prompt = prompt.replace(UNNAMED, "");
    let scene = SceneRequest {
        prompt: &prompt,
        model: &drawing.model,
        width_px: drawing.width_px,
        height_px: drawing.height_px,
        seed: drawing.seed,
        transparent: drawing.transparent,
        quality: drawing.detail,
    };
    if drawing.inputs.is_empty() {
        return if is_unnamed {
            scenes::render_unnamed(&scene)
        } else {
            scenes::render(&scene)
        };
    }
    let inputs: Vec<Canvas> = drawing.inputs.iter().filter_map(canvas_of).collect();
    let mask = drawing.mask.as_deref().and_then(canvas_of);
    let edit = EditRequest {
        scene,
        inputs: &inputs,
        mask: mask.as_ref(),
        keep: drawing.keep,
    };
    if is_unnamed {
        scenes::render_edit_unnamed(&edit)
    } else {
        scenes::render_edit(&edit)
    }
}

/// How much detail a quality is drawn with; one without a name is a middling one.
pub(crate) fn detail_of(quality: &str) -> Detail {
    match quality {
        "low" => Detail::Low,
        "medium" | "" => Detail::Medium,
        _ => Detail::High,
    }
}

/// A mask whose white is to be painted over, as one that is clear there.
pub(crate) fn white_to_clear(mask: &Bitmap) -> Bitmap {
    let mut rgba = mask.rgba().to_vec();
    for pixel in rgba.chunks_exact_mut(4) {
        let gray = (u16::from(pixel[0]) + u16::from(pixel[1]) + u16::from(pixel[2])) / 3;
        pixel[3] = u8::MAX - u8::try_from(gray).unwrap_or(u8::MAX);
    }
    Bitmap::new(mask.width_px(), mask.height_px(), rgba).expect("the size is the mask's own")
}

fn canvas_of(bitmap: &Bitmap) -> Option<Canvas> {
    let (width_px, height_px) = (bitmap.width_px(), bitmap.height_px());
    Canvas::from_rgba(width_px, height_px, bitmap.rgba().to_vec())
}

fn encode(canvas: Canvas, drawing: &Drawing) -> Result<Vec<u8>, ImagingError> {
    let (width_px, height_px) = (canvas.width_px(), canvas.height_px());
    let bitmap = Bitmap::new(width_px, height_px, canvas.into_rgba())?;
    imaging::encode(&bitmap, drawing.format, drawing.quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_where_a_mask_becomes_clear() {
        let mask = Bitmap::new(3, 1, vec![255, 255, 255, 255, 0, 0, 0, 255, 128, 128, 128, 255]).expect("three pixels");
        let clear = white_to_clear(&mask).into_rgba();
        assert_eq!([clear[3], clear[7], clear[11]], [0, 255, 127]);
    }
}
