//! The work behind a call, and the answer. Nothing is charged; a bill entry tells that work was done.

use super::ask::Ask;
use super::errors::{self, Reason};
use super::servers::MaskUse;
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::latency::Pace;
use crate::names::random_hex;
use crate::pictures::{Drawing, white_to_clear};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::segments::Images;
use crate::wire;
use crate::work::{Asked, Cost, End, Inputs, Made, Order, Work};
use axum::response::{IntoResponse, Response};
use imaging::Bitmap;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a link lives. A server at home keeps its files for good; a day is as good.
const LINK_LIFE: Duration = Duration::from_secs(86_400);

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed,
            pace: Pace::Fast,
            ..Order::new(self.server.provider, &self.model, &self.prompt, self.count)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let unreadable = || Reason::field("image", "the image cannot be read").dressed(self.server.dress);
        let mut images: Vec<Bitmap> = Vec::new();
        for bytes in &self.images {
            let image = core.pictures.decode(bytes.clone()).await;
            images.push(image.map_err(|_| unreadable())?);
        }
        let mask = match (&self.mask, self.server.mask) {
            (None, _) | (_, MaskUse::Ignored) => None,
            (Some(bytes), meaning) => {
                let mask = core.pictures.decode(bytes.clone()).await;
                let mask = mask.map_err(|_| unreadable())?;
                Some(match meaning {
                    MaskUse::Clear => mask,
                    _ => white_to_clear(&mask),
                })
            }
        };
        Ok(Inputs {
            images: images.into(),
            mask: mask.map(Arc::new),
        })
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size_px
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            prompt: self.positive.clone(),
            format: self.format,
            quality: self.quality,
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        let reason = match self.server.provider {
            Provider::Azure => "no price of its own is documented",
            _ => "hosted by the caller",
        };
        Cost {
            images: self.count,
            reason: reason.to_owned(),
            ..Cost::default()
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        let reason = match end {
            End::Moderated(_) => Reason::filtered(),
            End::Failed | End::Broken => Reason::new(500, "The image could not be generated"),
        };
        Some(reason.dressed(self.server.dress))
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.server.dress)
    }
}

/// Does the work, and answers. `base` is how the caller reaches the sandbox.
pub(super) async fn run(core: &Arc<Core>, base: String, ask: Ask) -> Response {
    match Work::new(core, random_hex(12), ask, base).run(core).await {
        Ok((work, made)) => wire::spoil(whole(core, &work, made), work.faults.body).await,
        Err(refused) => refused.into_response(),
    }
}

fn whole(core: &Core, work: &Work<Ask>, made: Made) -> Response {
    let (ask, server) = (&work.ask, work.ask.server);
    let mut images = Images::default();
    let data = made.pictures.into_iter().map(|drawn| {
        if ask.as_link {
            let file = work.publish(core, drawn.bytes, ask.format.mime_type(), LINK_LIFE);
            let base = &work.base_url;
            return json!({"url": format!("{base}/{}/generated-images/{file}.png", server.provider)});
        }
        let mut item = json!({"b64_json": images.put(drawn.bytes)});
        if server.tells_nulls {
            item["url"] = Value::Null;
            item["revised_prompt"] = Value::Null;
        }
        item
    });
    let data: Value = data.collect();
    let mut answer = match server.provider {
        Provider::Sdcpp => json!({"output_format": ask.format.name()}),
        Provider::Sglang => json!({"id": work.id, "peak_memory_mb": 0.0, "inference_time_s": 0.1}),
        Provider::Localai => {
            let usage = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
            json!({"id": work.id, "usage": usage})
        }
        _ => json!({}),
    };
    answer["created"] = json!(core.now().as_second());
    answer["data"] = data;
    images.json(&answer)
}
