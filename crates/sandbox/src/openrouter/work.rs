//! The work behind both ways: what is drawn, what it costs, and how it ends.

use super::answer;
use super::ask::{Ask, Way};
use super::errors;
use super::prices;
use crate::bill::micros_from_nanos;
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::names::random_hex;
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use axum::response::{IntoResponse, Response};
use imaging::Bitmap;
use scenes::Detail;
use serde_json::json;
use std::sync::Arc;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        let count = if self.draws() { self.count } else { 0 };
        Order {
            seed: self.seed.map(i64::cast_unsigned),
            quality: self.quality,
            ..Order::new(Provider::Openrouter, self.model.id, &self.prompt, count)
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images: Vec<Bitmap> = Vec::with_capacity(self.inputs.len());
        for file in &self.inputs {
            let image = core.pictures.decode(file.clone()).await;
            images.push(image.map_err(|_| errors::invalid("input_references", "an image cannot be read"))?);
        }
        Ok(images.into())
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size_px
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            detail: match self.quality {
                "low" => Detail::Low,
                "high" => Detail::High,
                _ => Detail::Medium,
            },
            transparent: self.transparent,
            format: self.format,
            quality: Some(self.compression),
            ..drawing
        }
    }

    /// A conversation without a picture costs nothing here.
    fn charge(&self, _size_px: (u32, u32), inputs: &Inputs, held: bool) -> Cost {
        if held || !self.draws() {
            return Cost::default();
        }
        let tokens = prices::tokens(self, &inputs.sizes_px(), self.words());
        Cost {
            images: self.count,
            micros: micros_from_nanos(prices::nanos(self, &tokens)),
            quality: Some(self.quality.to_owned()),
            tokens: Some(tokens),
            reason: "the price of the model's own provider".to_owned(),
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        let (model, provider) = (self.model.id, self.model.provider);
        match (end, self.way) {
            (End::Moderated(Moderation::Input), _) => Some(errors::flagged(model, provider, &self.prompt)),
            (End::Moderated(Moderation::Output), Way::Images) => Some(errors::blocked(provider)),
            // The answer says why its picture is missing.
            (End::Moderated(Moderation::Output), Way::Chat { .. }) => None,
            // A conversation that broke off is told in a success.
            (End::Failed, Way::Chat { .. }) => {
                let error = errors::relayed(502, provider, "the model failed").body["error"].take();
                Some(Refused::new(200, json!({ "error": error })))
            }
            (End::Failed | End::Broken, _) => Some(errors::relayed(502, provider, "the model failed")),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.model.id, self.model.provider)
    }
}

/// Does the work, and answers.
pub(super) async fn run(core: &Arc<Core>, ask: Ask) -> Response {
    let id = format!("gen-{}-{}", core.now().as_second(), random_hex(10));
    match Work::new(core, id, ask, String::new()).run(core).await {
        Ok((work, made)) => wire::spoil(answer::whole(core, &work, made), work.faults.body).await,
        Err(refused) => refused.into_response(),
    }
}
