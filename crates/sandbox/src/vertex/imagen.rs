//! Imagen by `predict`: one instance, parameters beside it, predictions back. Every image has one price.

mod ask;

pub(super) use ask::Ask;

use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::google::{decode, errors};
use crate::latency::Pace;
use crate::names::random_hex;
use crate::pictures::{Drawing, Drawn, white_to_clear};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::segments::Images;
use crate::wire;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use imaging::Bitmap;
use serde_json::{Value, json};
use std::sync::Arc;

/// What follows a reason in the real service: numbers for its support.
const FILTERED: &str = "Unable to show generated images. All images were filtered out because they violated the usage \
                        guidelines. Support codes: 39322892";
/// What a blocked prompt is told.
const BLOCKED: &str = "The prompt could not be submitted. This prompt contains sensitive words that violate Google's \
                       Responsible AI practices. Try rephrasing the prompt.";

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: self.seed,
            pace: Pace::Fast,
            quality: "high",
            ..Order::new(Provider::Vertex, self.model.id, &self.prompt, self.count)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let unreadable = || errors::invalid("Failed to decode the image.");
        let mut images: Vec<Bitmap> = Vec::new();
        for bytes in &self.images {
            images.push(decode(core, bytes.clone()).await.ok_or_else(unreadable)?);
        }
        let mut mask = None;
        if let Some(bytes) = &self.mask {
            let image = decode(core, bytes.clone()).await.ok_or_else(unreadable)?;
            mask = Some(Arc::new(white_to_clear(&image)));
        }
        Ok(Inputs {
            images: images.into(),
            mask,
        })
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        inputs.first_px().unwrap_or(self.shape_px)
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            format: self.format,
            quality: self.quality,
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        Cost {
            images: self.count,
            micros: self.model.price_micros * i64::from(self.count),
            quality: None,
            tokens: None,
            reason: "images times price".to_owned(),
        }
    }

    /// Filtered images go missing, unless the reason was asked for.
    fn refused(&self, end: End) -> Option<Refused> {
        Some(match end {
            End::Moderated(Moderation::Input) => errors::invalid(BLOCKED),
            End::Moderated(Moderation::Output) if self.tells_filtered => {
                Refused::new(200, json!({"predictions": [{"raiFilteredReason": FILTERED}]}))
            }
            End::Moderated(Moderation::Output) => Refused::new(200, json!({})),
            End::Failed | End::Broken => errors::internal(),
        })
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.model.id)
    }
}

/// Does the work, and answers.
pub(super) async fn run(core: &Arc<Core>, ask: Ask) -> Response {
    let work = Work::new(core, random_hex(11), ask, String::new());
    let (work, made) = match work.run(core).await {
        Ok(done) => done,
        Err(refused) => return refused.into_response(),
    };
    let answer = predictions(&work.ask, made.pictures);
    wire::spoil(answer, work.faults.body).await
}

fn predictions(ask: &Ask, pictures: Vec<Drawn>) -> Response {
    if pictures.is_empty() {
        return wire::json(StatusCode::OK, &json!({}));
    }
    let mut images = Images::default();
    let predictions = pictures.into_iter().map(|drawn| {
        let mut prediction = json!({
            "mimeType": ask.format.mime_type(), "bytesBase64Encoded": images.put(drawn.bytes),
        });
        if ask.enhances {
            prediction["prompt"] = json!(format!("{}, in fine detail and good light", ask.prompt));
        }
        prediction
    });
    let predictions: Value = predictions.collect();
    images.json(&json!({ "predictions": predictions }))
}
