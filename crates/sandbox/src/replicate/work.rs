//! Does the work of a prediction: loads images, draws, keeps the files, writes logs and the bill.

use super::models::{Family, Model, flux_size, free_size};
use super::prices::picture_micros;
use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Faults};
use crate::gpt_image::{
    classic_input_tokens, classic_output_tokens, fit_free, free_input_tokens, free_output_tokens, text_tokens,
};
use crate::inputs;
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{random_hex, seed_from, sha256_hex};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
use crate::scene::Detail;
use futures_util::future::try_join_all;
use imaging::{Bitmap, ImageFormat};
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

/// The input, read.
struct Ask<'a> {
    prompt: &'a str,
    ratio: &'a str,
    /// `auto` is not resolved.
    quality: &'a str,
    count: u32,
    format: ImageFormat,
    /// The ending of file names: `jpg` or `jpeg`, as asked for.
    extension: &'a str,
    compression: u8,
    transparent: bool,
    high_fidelity: bool,
    seed: Option<i64>,
    own_key: Option<&'a str>,
    image_urls: Vec<&'a str>,
}

impl Task {
    /// The prompt.
    pub(super) fn prompt(&self) -> &str {
        self.text("prompt")
    }

    fn text(&self, name: &str) -> &str {
        self.input.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<i64> {
        let value = self.input.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
    }

    fn ask(&self) -> Ask<'_> {
        let flux = self.model.family == Family::FluxSchnell;
        let count = self.number(if flux { "num_outputs" } else { "number_of_images" });
        let compression = self.number(if flux { "output_quality" } else { "output_compression" });
        let images = self.input.get("input_images").and_then(Value::as_array);
        let key = self.text("openai_api_key");
        let extension = self.text("output_format");
        Ask {
            prompt: self.prompt(),
            ratio: self.text("aspect_ratio"),
            quality: self.text("quality"),
            count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
            format: match extension {
                "png" => ImageFormat::Png,
                "jpg" | "jpeg" => ImageFormat::Jpeg,
                _ => ImageFormat::Webp,
            },
            extension,
            compression: compression.and_then(|number| u8::try_from(number).ok()).unwrap_or(90),
            transparent: self.text("background") == "transparent",
            high_fidelity: self.text("input_fidelity") == "high",
            seed: self.number("seed"),
            own_key: Some(key).filter(|key| !key.is_empty()),
            image_urls: images.into_iter().flatten().filter_map(Value::as_str).collect(),
        }
    }

    /// Waits until a worker would take it: half of a fault's delay, and the queue where time is realistic.
    pub(super) async fn wait_for_start(&self, core: &Core) {
        pause(core.latency.queue() + self.faults.delay.unwrap_or_default() / 2).await;
    }

    /// Does the work; what goes wrong is told in the error.
    pub(super) async fn work(&self, core: &Core) -> Made {
        let ask = self.ask();
        let inputs = match load_inputs(core, &ask).await {
            Ok(inputs) => inputs,
            Err(error) => return Made::failed(error),
        };
        let input_sizes: Vec<(u32, u32)> = inputs
            .iter()
            .map(|input| (input.width_px(), input.height_px()))
            .collect();
        let size = self.size(&ask, input_sizes.first().copied());
        self.pretend_to_work(core, &ask, size).await;
        if let Some(error) = self.failure(&ask) {
            if self.faults.billed {
                self.record(core, &ask, size, None);
            }
            return Made::failed(error);
        }
        let tokens = self.tokens(&ask, size, &input_sizes);
        let seed = self.seed(&ask);
        let logs = logs(&ask, tokens, seed);
        if self.faults.body == Some(BodyFault::Empty) {
            return Made {
                output: Some(Vec::new()),
                error: None,
                logs,
            };
        }
        match self.draw(core, &ask, size, seed, inputs).await {
            None => Made::failed("Prediction failed: the picture could not be made (E1000)".to_owned()),
            Some(drawn) => {
                self.record(core, &ask, size, tokens);
                let links = drawn.into_iter().enumerate();
                let output = links.map(|(at, drawn)| self.publish(core, &ask, at, drawn));
                Made {
                    output: Some(output.collect()),
                    error: None,
                    logs,
                }
            }
        }
    }

    /// Why there will be no picture, in the words of Replicate or, passed through, of OpenAI.
    fn failure(&self, ask: &Ask<'_>) -> Option<String> {
        if self.faults.moderation.is_some() {
            let text = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)";
            return Some(text.to_owned());
        }
        if self.faults.failed {
            return Some("Prediction interrupted; please retry (code: PA)".to_owned());
        }
        if ask
            .own_key
            .is_some_and(|key| !key.starts_with("sk-") || key.contains("invalid"))
        {
            let text = "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.";
            return Some(text.to_owned());
        }
        let refused_here = self.model.family == Family::GptImage2 || ask.format == ImageFormat::Jpeg;
        if ask.transparent && refused_here {
            return Some("Transparent background is not supported for this model.".to_owned());
        }
        None
    }

    fn size(&self, ask: &Ask<'_>, first_input: Option<(u32, u32)>) -> (u32, u32) {
        match (self.model.family, ask.ratio) {
            (Family::FluxSchnell, ratio) => flux_size(ratio, self.text("megapixels")),
            (_, "auto") => first_input.map_or((1024, 1024), fit_free),
            (_, ratio) => free_size(ratio).unwrap_or((1024, 1024)),
        }
    }

    /// The quality that is drawn: `auto` is drawn as what it costs.
    fn drawn_quality<'q>(&self, quality: &'q str) -> &'q str {
        match (quality, self.model.family) {
            ("auto", Family::GptImage1) => "medium",
            ("auto", Family::GptImage25) => "xhigh",
            ("auto", _) => "high",
            (other, _) => other,
        }
    }

    async fn pretend_to_work(&self, core: &Core, ask: &Ask<'_>, (width, height): (u32, u32)) {
        let pace = match self.model.family {
            Family::FluxSchnell => Pace::Fast,
            _ if self.model.name.ends_with("mini") => Pace::Medium,
            _ => Pace::Slow,
        };
        let pixels = u64::from(width) * u64::from(height);
        let quality = self.drawn_quality(ask.quality);
        let spread = seed_from(&self.id, 0);
        let usual = core.latency.work(pace, quality, pixels, spread);
        pause(usual + self.faults.delay.unwrap_or_default() / 2).await;
    }

    /// The tokens of the GPT Image models, as their logs tell them.
    fn tokens(&self, ask: &Ask<'_>, size: (u32, u32), inputs: &[(u32, u32)]) -> Option<BilledTokens> {
        let quality = self.drawn_quality(ask.quality);
        let free = matches!(self.model.family, Family::GptImage2 | Family::GptImage25);
        let each_out = match self.model.family {
            Family::FluxSchnell => return None,
            Family::GptImage1 | Family::GptImage15 => classic_output_tokens(quality, size),
            family => free_output_tokens(family == Family::GptImage25, quality, size),
        };
        let each_in = |input: &(u32, u32)| match free {
            true => free_input_tokens(*input),
            false => classic_input_tokens(ask.high_fidelity, *input),
        };
        Some(BilledTokens {
            text_in: text_tokens(ask.prompt),
            image_in: inputs.iter().map(each_in).sum(),
            text_out: 0,
            image_out: each_out * u64::from(ask.count),
        })
    }

    /// The seed of the first picture; one that was not given is told in the logs and small enough to be given again.
    fn seed(&self, ask: &Ask<'_>) -> i64 {
        let own = || (seed_from(&self.id, 0) >> 32).cast_signed();
        ask.seed.unwrap_or_else(own)
    }

    async fn draw(
        &self,
        core: &Core,
        ask: &Ask<'_>,
        size: (u32, u32),
        seed: i64,
        inputs: Vec<Bitmap>,
    ) -> Option<Vec<Drawn>> {
        let inputs: Arc<[Bitmap]> = inputs.into();
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
                inputs: Arc::clone(&inputs),
                format: ask.format,
                quality: Some(ask.compression.max(1)),
                huge_bytes: self.faults.huge_bytes,
                ..Drawing::new(ask.prompt, &slug, size, seed)
            })
        });
        try_join_all(drawings).await.ok()
    }

    fn publish(&self, core: &Core, ask: &Ask<'_>, at: usize, drawn: Drawn) -> String {
        let media = NewMedia {
            bytes: drawn.bytes,
            content_type: ask.format.mime_type().to_owned(),
            ttl: MEDIA_TTL,
            fault: self.faults.media,
        };
        let id = core.media.put(media, core.now());
        let name = match self.model.family {
            Family::FluxSchnell => format!("out-{at}"),
            _ => format!("tmp{}", random_hex(4)),
        };
        let base_url = &self.base_url;
        format!("{base_url}/replicate/media/{id}/{name}.{}", ask.extension)
    }

    fn record(&self, core: &Core, ask: &Ask<'_>, (width, height): (u32, u32), tokens: Option<BilledTokens>) {
        let family = self.model.family;
        let each = picture_micros(family, ask.quality, ask.own_key.is_some());
        let reason = if ask.own_key.is_some() {
            "charged by OpenAI to the caller's own key".to_owned()
        } else {
            format!("{} x {each}, by quality alone", ask.count)
        };
        core.bill.record(BillEntry {
            provider: Provider::Replicate,
            model: self.model.slug(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(ask.prompt),
            images: ask.count,
            quality: Some(ask.quality.to_owned()).filter(|quality| !quality.is_empty()),
            size: Some(format!("{width}x{height}")),
            micros: each * i64::from(ask.count),
            tokens,
            at: core.now(),
            reason,
        });
    }

    /// Charges a call that was refused, where a fault asks for that.
    pub(super) fn record_refusal(&self, core: &Core) {
        if self.faults.billed {
            let ask = self.ask();
            self.record(core, &ask, self.size(&ask, None), None);
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

fn logs(ask: &Ask<'_>, tokens: Option<BilledTokens>, seed: i64) -> String {
    match tokens {
        Some(tokens) => format!(
            "Input text token count: {}\nInput image token count: {}\nOutput token count: {}\n",
            tokens.text_in, tokens.image_in, tokens.image_out
        ),
        None => format!(
            "running quantized prediction\nUsing seed: {seed}\n100%|██████████| 4/4 [00:00<00:00, 12.00it/s]\n\
             Total safe images: {count} out of {count}\n",
            count = ask.count
        ),
    }
}
