//! Does the work of a prediction: loads images, draws, keeps the files, writes logs and the bill.

use super::ask::Ask;
use super::models::{Gpt, Model};
use super::prices::Work;
use super::sizes::Sizing;
use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Faults};
use crate::gpt_image::{
    classic_input_tokens, classic_output_tokens, free_input_tokens, free_output_tokens, text_tokens,
};
use crate::inputs;
use crate::media::NewMedia;
use crate::names::{random_hex, seed_from, sha256_hex};
use crate::pad::spoilt;
use crate::pictures::Drawing;
use crate::provider::Provider;
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::Bitmap;
use scenes::Detail;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Result files are gone an hour after they were made.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);

/// One prediction to be worked on.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) model: &'static Model,
    /// Valid, defaults filled in.
    pub(super) input: Map<String, Value>,
    pub(super) faults: Faults,
    /// Base of the links in answers.
    pub(super) base_url: String,
}

/// What came of it: an output, or an error.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) output: Option<Vec<String>>,
    pub(super) error: Option<String>,
    pub(super) logs: String,
}

/// The sizes of what goes in and of what comes out, in pixels.
struct Sizes {
    inputs_px: Vec<(u32, u32)>,
    output_px: (u32, u32),
}

impl Task {
    /// The prompt, empty for models without one.
    pub(super) fn prompt(&self) -> &str {
        super::values::text(&self.input, "prompt")
    }

    fn ask(&self) -> Ask<'_> {
        Ask::read(self.model, &self.input)
    }

    /// Waits until a worker would take it: half of a fault's delay, and the queue where time is realistic.
    pub(super) async fn wait_for_start(&self, core: &Core) {
        pause(core.latency.queue() + self.faults.delay.unwrap_or_default() / 2).await;
    }

    /// Does the work; what goes wrong is told in the error.
    pub(super) async fn work(&self, core: &Core) -> Made {
        let ask = self.ask();
        if let Some(error) = self.too_many(&ask) {
            return Made::failed(error);
        }
        let images = match load_inputs(core, &ask).await {
            Ok(images) => images,
            Err(error) => return Made::failed(error),
        };
        let sizes = self.sizes(&images);
        self.pretend_to_work(core, &ask, sizes.output_px).await;
        if let Some(error) = self.failure(&ask, &sizes) {
            if self.faults.billed {
                self.record(core, &ask, &sizes, None);
            }
            return Made::failed(error);
        }
        let tokens = self.tokens(&ask, &sizes);
        let seed = self.seed(&ask);
        let logs = self.logs(&ask, tokens, seed);
        if self.faults.body == Some(BodyFault::Empty) {
            return Made {
                output: Some(Vec::new()),
                error: None,
                logs,
            };
        }
        match self.make(core, &ask, &sizes, seed, images).await {
            None => Made::failed("Prediction failed: the picture could not be made (E1000)".to_owned()),
            Some(files) => {
                self.record(core, &ask, &sizes, tokens);
                let links = files.into_iter().enumerate();
                let output = links.map(|(at, bytes)| self.publish(core, &ask, at, bytes));
                Made {
                    output: Some(output.collect()),
                    error: None,
                    logs,
                }
            }
        }
    }

    fn sizes(&self, images: &[Bitmap]) -> Sizes {
        let inputs_px: Vec<(u32, u32)> = images
            .iter()
            .map(|image| (image.width_px(), image.height_px()))
            .collect();
        Sizes {
            output_px: self.model.sizing.size_px(&self.input, &inputs_px),
            inputs_px,
        }
    }

    /// Why there are more pictures than the model takes or makes.
    fn too_many(&self, ask: &Ask<'_>) -> Option<String> {
        let (given, most) = (ask.image_urls.len(), self.model.most_images);
        if given > most {
            return Some(format!(
                "Too many input images: {given} were given, at most {most} are supported."
            ));
        }
        let (all, most) = (given.saturating_add(ask.count as usize), self.model.most_together);
        (all > most).then(|| format!("Total images (input + generated) cannot exceed {most}."))
    }

    /// Why there will be no picture, in the words of Replicate or, passed through, of OpenAI.
    fn failure(&self, ask: &Ask<'_>, sizes: &Sizes) -> Option<String> {
        if self.faults.moderation.is_some() {
            let text = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)";
            return Some(text.to_owned());
        }
        if self.faults.failed {
            return Some("Prediction interrupted; please retry (code: PA)".to_owned());
        }
        if let Sizing::Upscale { most_pixels, .. } = self.model.sizing {
            let (width, height) = sizes.output_px;
            if u64::from(width) * u64::from(height) > most_pixels {
                return Some(format!(
                    "The upscaled image would have {width}x{height} pixels, more than {most_pixels} in all."
                ));
            }
        }
        if ask
            .own_key
            .is_some_and(|key| !key.starts_with("sk-") || key.contains("invalid"))
        {
            let text = "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.";
            return Some(text.to_owned());
        }
        let refused_here = self.model.gpt == Some(Gpt::Two) || ask.format == imaging::ImageFormat::Jpeg;
        if ask.transparent && refused_here {
            return Some("Transparent background is not supported for this model.".to_owned());
        }
        None
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

    async fn pretend_to_work(&self, core: &Core, ask: &Ask<'_>, (width, height): (u32, u32)) {
        let pixels = u64::from(width) * u64::from(height);
        let quality = self.drawn_quality(ask.quality);
        let spread = seed_from(&self.id, 0);
        let usual = core.latency.work(self.model.pace, quality, pixels, spread);
        pause(usual + self.faults.delay.unwrap_or_default() / 2).await;
    }

    /// The tokens of the GPT Image models, as their logs tell them.
    fn tokens(&self, ask: &Ask<'_>, sizes: &Sizes) -> Option<BilledTokens> {
        let gpt = self.model.gpt?;
        let quality = self.drawn_quality(ask.quality);
        let free = matches!(gpt, Gpt::Two | Gpt::TwoFive);
        let each_out = match free {
            true => free_output_tokens(gpt == Gpt::TwoFive, quality, sizes.output_px),
            false => classic_output_tokens(quality, sizes.output_px),
        };
        let each_in = |input: &(u32, u32)| match free {
            true => free_input_tokens(*input),
            false => classic_input_tokens(ask.high_fidelity, *input),
        };
        Some(BilledTokens {
            text_in: text_tokens(ask.prompt),
            image_in: sizes.inputs_px.iter().map(each_in).sum(),
            text_out: 0,
            image_out: each_out * u64::from(ask.count),
        })
    }

    /// The seed of the first picture; one that was not given is told in the logs and small enough to be given again.
    fn seed(&self, ask: &Ask<'_>) -> i64 {
        let own = || (seed_from(&self.id, 0) >> 32).cast_signed();
        ask.seed.unwrap_or_else(own)
    }

    /// The files, in order.
    async fn make(
        &self,
        core: &Core,
        ask: &Ask<'_>,
        sizes: &Sizes,
        seed: i64,
        images: Vec<Bitmap>,
    ) -> Option<Vec<Bytes>> {
        if matches!(self.model.sizing, Sizing::Upscale { .. }) {
            let file = self.upscale(core, ask, sizes, images).await?;
            return Some(vec![file]);
        }
        let images: Arc<[Bitmap]> = images.into();
        let slug = self.model.slug();
        let drawings = (0..ask.count).map(|index| {
            let seed = seed.cast_unsigned().wrapping_add(u64::from(index));
            core.pictures.draw(Drawing {
                detail: match self.drawn_quality(ask.quality) {
                    "low" => Detail::Low,
                    "medium" | "" => Detail::Medium,
                    _ => Detail::High,
                },
                transparent: ask.transparent,
                inputs: Arc::clone(&images),
                keep: ask.keep,
                format: ask.format,
                quality: Some(ask.compression.max(1)),
                file: self.faults.file,
                ..Drawing::new(ask.prompt, &slug, sizes.output_px, seed)
            })
        });
        let drawn = try_join_all(drawings).await.ok()?;
        Some(drawn.into_iter().map(|drawn| drawn.bytes).collect())
    }

    async fn upscale(&self, core: &Core, ask: &Ask<'_>, sizes: &Sizes, images: Vec<Bitmap>) -> Option<Bytes> {
        let image = images.into_iter().next()?;
        let quality = Some(ask.compression.max(1));
        let scaled = core.pictures.scale(image, sizes.output_px, ask.format, quality);
        let bytes = scaled.await.ok()?;
        Some(match self.faults.file {
            None => bytes,
            Some(fault) => spoilt(bytes.to_vec(), ask.format, fault).into(),
        })
    }

    fn publish(&self, core: &Core, ask: &Ask<'_>, at: usize, bytes: Bytes) -> String {
        let media = NewMedia {
            bytes,
            content_type: ask.format.mime_type().to_owned(),
            ttl: MEDIA_TTL,
            fault: self.faults.media,
        };
        let id = core.media.put(media, core.now());
        let name = match self.model.has("num_outputs") {
            true => format!("out-{at}"),
            false => format!("tmp{}", random_hex(4)),
        };
        let base_url = &self.base_url;
        format!("{base_url}/replicate/media/{id}/{name}.{}", ask.extension)
    }

    fn record(&self, core: &Core, ask: &Ask<'_>, sizes: &Sizes, tokens: Option<BilledTokens>) {
        let (width, height) = sizes.output_px;
        let charge = self.model.price.charge(&Work {
            input: &self.input,
            count: ask.count,
            size_px: sizes.output_px,
            inputs_px: &sizes.inputs_px,
            own_key: ask.own_key.is_some(),
        });
        core.bill.record(BillEntry {
            provider: Provider::Replicate,
            model: self.model.slug(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(ask.prompt),
            images: ask.count,
            quality: Some(ask.quality.to_owned()).filter(|quality| !quality.is_empty()),
            size: Some(format!("{width}x{height}")),
            micros: charge.micros,
            tokens,
            at: core.now(),
            reason: charge.reason,
        });
    }

    /// Charges a call that was refused, where a fault asks for that.
    pub(super) fn record_refusal(&self, core: &Core) {
        if self.faults.billed {
            self.record(core, &self.ask(), &self.sizes(&[]), None);
        }
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

impl Made {
    fn failed(error: String) -> Self {
        Self {
            output: None,
            logs: format!("{error}\n"),
            error: Some(error),
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
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
