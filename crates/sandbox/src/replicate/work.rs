//! The work of a prediction: the images it loads, what is drawn, its files, logs and price.

use super::ask::Ask;
use super::errors;
use super::models::{Gpt, Model};
use super::prices::Run;
use super::sizes::Sizing;
use crate::bill::BilledTokens;
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::gpt_image::{
    classic_input_tokens, classic_output_tokens, free_input_tokens, free_output_tokens, text_tokens,
};
use crate::inputs;
use crate::names::random_hex;
use crate::pictures::{Drawing, Drawn, detail_of};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use imaging::Bitmap;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Result files are gone an hour after they were made.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);

/// What a prediction is asked to do.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) model: &'static Model,
    /// Valid, defaults filled in.
    pub(super) input: Map<String, Value>,
}

/// What came of it: an output, or an error.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub(super) output: Option<Vec<String>>,
    pub(super) error: Option<String>,
    pub(super) logs: String,
}

/// Does the work; what goes wrong is told in the error.
pub(super) async fn perform(core: &Core, work: &Work<Request>) -> Ending {
    let request = &work.ask;
    match work.make(core).await {
        Err(refused) => {
            let error = refused.body.as_str().unwrap_or_default();
            Ending {
                output: None,
                error: Some(error.to_owned()),
                logs: format!("{error}\n"),
            }
        }
        Ok(made) => {
            let ask = request.ask();
            let tokens = request.tokens(&ask, made.size_px, &made.inputs_px);
            let logs = request.logs(&ask, tokens, work.seed(0).cast_signed());
            let pictures = made.pictures.into_iter().enumerate();
            Ending {
                output: Some(pictures.map(|(at, drawn)| publish(core, work, at, drawn)).collect()),
                error: None,
                logs,
            }
        }
    }
}

fn publish(core: &Core, work: &Work<Request>, at: usize, drawn: Drawn) -> String {
    let ask = work.ask.ask();
    let id = work.publish(core, drawn.bytes, ask.format.mime_type(), MEDIA_TTL);
    let name = match work.ask.model.has("num_outputs") {
        true => format!("out-{at}"),
        false => format!("tmp{}", random_hex(4)),
    };
    format!("{}/replicate/media/{id}/{name}.{}", work.base_url, ask.extension)
}

/// The end of a prediction, in the words of Replicate or, passed through, of OpenAI.
fn failed(error: impl Into<String>) -> Refused {
    Refused::new(200, json!(error.into()))
}

impl Asked for Request {
    const IS_QUEUED: bool = true;

    fn order(&self) -> Order<'_> {
        let ask = self.ask();
        Order {
            seed: ask.seed.map(i64::cast_unsigned),
            // One that was not given is told in the logs and small enough to be given again.
            seed_less_bits: 32,
            pace: self.model.pace,
            quality: self.drawn_quality(ask.quality),
            ..Order::new(Provider::Replicate, self.model.id, ask.prompt, ask.count)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let ask = self.ask();
        if let Some(error) = self.too_many(&ask) {
            return Err(failed(error));
        }
        let inputs: Inputs = load_inputs(core, &ask).await.map_err(failed)?.into();
        match self.misfit(&ask, self.size_px(&inputs)) {
            None => Ok(inputs),
            Some(error) => Err(failed(error)),
        }
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        self.model.sizing.size_px(&self.input, &inputs.sizes_px())
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        let ask = self.ask();
        Drawing {
            detail: detail_of(self.drawn_quality(ask.quality)),
            transparent: ask.transparent,
            is_scaled: matches!(self.model.sizing, Sizing::Upscale { .. }),
            keep: ask.keep,
            format: ask.format,
            quality: Some(ask.compression.max(1)),
            ..drawing
        }
    }

    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, _held: bool) -> Cost {
        let (ask, inputs_px) = (self.ask(), inputs.sizes_px());
        let charge = self.model.price.charge(&Run {
            input: &self.input,
            count: ask.count,
            size_px,
            inputs_px: &inputs_px,
            own_key: ask.own_key.is_some(),
        });
        Cost {
            images: ask.count,
            quality: Some(ask.quality.to_owned()).filter(|quality| !quality.is_empty()),
            tokens: self.tokens(&ask, size_px, &inputs_px),
            ..charge
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        let flagged = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)";
        Some(failed(match end {
            End::Moderated(_) => flagged,
            End::Failed => "Prediction interrupted; please retry (code: PA)",
            End::Broken => "Prediction failed: the picture could not be made (E1000)",
        }))
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

impl Request {
    fn ask(&self) -> Ask<'_> {
        Ask::read(self.model, &self.input)
    }

    /// Why there are more pictures than the model takes or makes.
    fn too_many(&self, ask: &Ask<'_>) -> Option<String> {
        let (given, most) = (ask.image_urls.len(), self.model.most_images);
        if given > most {
            return Some(format!(
                "Too many input images: {given} were given, at most {most} are supported."
            ));
        }
        let all = given.saturating_add(ask.count as usize);
        let most = self.model.most_together.filter(|most| all > *most)?;
        Some(format!("Total images (input + generated) cannot exceed {most}."))
    }

    /// Why what is asked for cannot be had, though the input is valid.
    fn misfit(&self, ask: &Ask<'_>, (width, height): (u32, u32)) -> Option<String> {
        if let Sizing::Upscale { most_pixels, .. } = self.model.sizing
            && u64::from(width) * u64::from(height) > most_pixels
        {
            return Some(format!(
                "The upscaled image would have {width}x{height} pixels, more than {most_pixels} in all."
            ));
        }
        let is_bad_key = |key: &str| !key.starts_with("sk-") || key.contains("invalid");
        if ask.own_key.is_some_and(is_bad_key) {
            let text = "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.";
            return Some(text.to_owned());
        }
        let refused_here = self.model.gpt == Some(Gpt::Two) || ask.format == imaging::ImageFormat::Jpeg;
        (ask.transparent && refused_here).then(|| "Transparent background is not supported for this model.".to_owned())
    }

    /// The quality that is drawn: `auto` is drawn as what it costs.
    fn drawn_quality<'q>(&self, quality: &'q str) -> &'q str {
        match (quality, self.model.gpt) {
            ("auto", Some(Gpt::One)) => "medium",
            ("auto", Some(Gpt::TwoFive)) => "xhigh",
            ("auto", _) => "high",
            (other, _) => other,
        }
    }

    /// The tokens of the GPT Image models, as their logs tell them.
    fn tokens(&self, ask: &Ask<'_>, size_px: (u32, u32), inputs_px: &[(u32, u32)]) -> Option<BilledTokens> {
        let gpt = self.model.gpt?;
        let quality = self.drawn_quality(ask.quality);
        let free = matches!(gpt, Gpt::Two | Gpt::TwoFive);
        let each_out = match free {
            true => free_output_tokens(gpt == Gpt::TwoFive, quality, size_px),
            false => classic_output_tokens(quality, size_px),
        };
        let each_in = |input: &(u32, u32)| match free {
            true => free_input_tokens(*input),
            false => classic_input_tokens(ask.high_fidelity, *input),
        };
        Some(BilledTokens {
            text_in: text_tokens(ask.prompt),
            image_in: inputs_px.iter().map(each_in).sum(),
            text_out: 0,
            image_out: each_out * u64::from(ask.count),
        })
    }

    fn logs(&self, ask: &Ask<'_>, tokens: Option<BilledTokens>, seed: i64) -> String {
        let count = ask.count;
        if let Some(tokens) = tokens {
            return format!(
                "Input text token count: {}\nInput image token count: {}\nOutput token count: {}\n",
                tokens.text_in, tokens.image_in, tokens.image_out
            );
        }
        let go_fast = self.input.get("go_fast").and_then(Value::as_bool) == Some(true);
        let weights = if go_fast { "quantized" } else { "full-precision" };
        match super::values::number(&self.input, "num_inference_steps") {
            Some(steps) => format!(
                "running {weights} prediction\nUsing seed: {seed}\n\
                 100%|██████████| {steps}/{steps} [00:00<00:00, 12.00it/s]\n\
                 Total safe images: {count} out of {count}\n"
            ),
            None if self.model.has("seed") => format!("Using seed: {seed}\nGenerated {count} image(s)\n"),
            None => format!("Generated {count} image(s)\n"),
        }
    }
}

async fn load_inputs(core: &Core, ask: &Ask<'_>) -> Result<Vec<Bitmap>, String> {
    let mut images = Vec::with_capacity(ask.image_urls.len());
    for url in &ask.image_urls {
        let loaded = inputs::load(core, url).map_err(|error| format!("Failed to load an input image: {error}"))?;
        let decoded = core.pictures.decode(loaded.bytes).await;
        let number = images.len() + 1;
        let bitmap = decoded
            .map_err(|_| format!("Invalid image file or mode for image {number}, please check your image file."))?;
        images.push(bitmap);
    }
    Ok(images)
}
