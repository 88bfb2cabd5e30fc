//! Input images and the mask: checked against the model, then put into the words of one offer.

use super::changes::Changes;
use super::fields::Fields;
use super::{Adjustment, Context, InputWork, sizing};
use crate::catalog::offer::{Form, InputsSpec, MaskPolarity, ModeOffer};
use crate::fault::Fault;
use crate::format::Format;
use crate::mode::Mode;
use crate::native::{ImageForm, NativeValue};
use crate::request::{InputFacts, Inputs};

/// What is wrong with the images whichever offer serves.
pub(super) fn faults(context: &Context<'_>) -> Vec<Fault> {
    let Inputs { images, mask } = context.inputs;
    if context.request.mode == Mode::TextToImage {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if images.is_empty() {
        faults.push(Fault::new(
            "image",
            "'image' is missing: an edit needs at least one input image",
        ));
    }
    let offers = || {
        context
            .model
            .live_offers()
            .filter_map(|offer| offer.in_mode(context.request.mode))
            .filter_map(|offer| offer.inputs.as_ref())
    };
    let max = offers().map(|inputs| inputs.max).max().unwrap_or(0);
    if images.len() > max as usize {
        faults.push(Fault::new(
            "image",
            format!(
                "{} input images were sent; model '{}' takes at most {max}",
                images.len(),
                context.model.id
            ),
        ));
    }
    if let (Some(mask), Some(first)) = (mask, images.first()) {
        if (mask.width_px, mask.height_px) != (first.width_px, first.height_px) {
            let message = format!(
                "the mask is {}x{} but the first image is {}x{}; they must have the same size",
                mask.width_px, mask.height_px, first.width_px, first.height_px
            );
            faults.push(Fault::new("mask", message));
        }
        if !mask.has_alpha {
            faults.push(Fault::new(
                "mask",
                "the mask has no alpha channel; pixels to edit are those with alpha 0",
            ));
        }
    }
    faults
}

/// Says which images are scaled down to what the offer takes.
fn scale(spec: &InputsSpec, images: &[InputFacts], factor: f64, work: &mut InputWork, changes: &mut Changes) {
    work.scaled = images.iter().map(|image| spec.scaled(image.size(), factor)).collect();
    work.max_bytes = spec.max_bytes;
    for (image, scaled) in images.iter().zip(&work.scaled) {
        if let Some(scaled) = scaled {
            let (requested, used) = (image.size().to_string(), scaled.to_string());
            changes.depart(Adjustment::new("image", requested, used, INPUT_SCALED));
        } else if let Some(most) = spec.max_bytes.filter(|most| image.size_bytes > *most) {
            let (requested, used) = (format!("{} bytes", image.size_bytes), format!("at most {most} bytes"));
            changes.depart(Adjustment::new("image", requested, used, INPUT_SCALED));
        }
    }
}

/// Why an input is changed that is larger than an offer takes.
const INPUT_SCALED: &str = "input_scaled";

/// Writes the fields of the input images and the mask, and says what is done to these before they go.
///
/// # Errors
/// The parameter and the reason when the offer cannot take them.
pub(super) fn place(
    context: &Context<'_>,
    mode_offer: &ModeOffer,
    fields: &mut Fields,
    changes: &mut Changes,
) -> Result<InputWork, (&'static str, String)> {
    let Inputs { images, mask } = context.inputs;
    let mut work = InputWork::default();
    if context.request.mode == Mode::TextToImage {
        return Ok(work);
    }
    let (Some(spec), Some(field)) = (&mode_offer.inputs, mode_offer.fields.get("image")) else {
        return Err(("image", "takes no input images".to_owned()));
    };
    if images.len() > spec.max as usize {
        return Err(("image", format!("takes at most {} input images", spec.max)));
    }
    for image in images {
        if let Some(reason) = spec.refusal(image.size()) {
            return Err(("image", reason));
        }
    }
    let factor = sizing::factor(context, mode_offer).unwrap_or(1.0);
    scale(spec, images, factor, &mut work, changes);
    let indices: Vec<usize> = (0..images.len()).collect();
    let value = match field.form {
        Form::File => NativeValue::Images(indices, ImageForm::File),
        Form::LinkList => NativeValue::Images(indices, ImageForm::Link),
        _ => NativeValue::Image(0, ImageForm::Link),
    };
    fields.insert("image", field.native_name("image"), value);
    work.to_png = images
        .iter()
        .map(|image| !spec.formats.contains(&image.format))
        .collect();
    let is_refused = |image: &InputFacts| spec.plain_only && !image.is_plain;
    work.redrawn = images.iter().map(is_refused).collect();
    if let Some(mask) = mask {
        let (Some(polarity), Some(field)) = (spec.mask, mode_offer.fields.get("mask")) else {
            return Err(("mask", "takes no mask".to_owned()));
        };
        let form = if field.form == Form::File {
            ImageForm::File
        } else {
            ImageForm::Link
        };
        fields.insert("mask", field.native_name("mask"), NativeValue::Mask(form));
        // Providers that read alpha want it from a PNG.
        if polarity != MaskPolarity::Alpha || mask.format != Format::Png || is_refused(mask) {
            work.mask = Some(polarity);
        }
    }
    Ok(work)
}
