//! The work behind `generateContent`: what is drawn, what it costs, and how it ends.

use super::answer;
use super::ask::{Ask, Surface};
use super::decode;
use super::errors;
use super::usage;
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::names::random_hex;
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Order, Work};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use imaging::Bitmap;
use std::sync::Arc;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        let provider = match self.surface {
            Surface::Gemini => Provider::Gemini,
            Surface::Vertex => Provider::Vertex,
        };
        Order {
            seed: self.seed,
            ..Order::new(provider, self.model.id, &self.prompt, u32::from(self.draws))
        }
    }

    async fn load(&self, core: &Core) -> Result<Inputs, Refused> {
        let mut images: Vec<Bitmap> = Vec::new();
        for bytes in &self.images {
            let image = decode(core, bytes.clone()).await;
            let unreadable = || errors::invalid("Unable to process input image. Please retry or report.");
            images.push(image.ok_or_else(unreadable)?);
        }
        Ok(images.into())
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        let followed = inputs
            .first_px()
            .map_or("1:1", |size_px| self.model.nearest_ratio(size_px));
        self.model.size_px(self.ratio.unwrap_or(followed), self.tier)
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            format: self.format,
            quality: self.quality,
            partials: u32::from(self.shows_thoughts),
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        let tokens = usage::tokens(self, self.draws);
        Cost {
            images: u32::from(self.draws),
            micros: usage::micros(self, &tokens),
            quality: None,
            tokens: Some(tokens),
            reason: "tokens times rates".to_owned(),
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        Some(match end {
            // A request that is blocked is a success without a picture.
            End::Moderated(stage) => Refused::new(200, answer::blocked(self, stage)),
            End::Failed | End::Broken => errors::internal(),
        })
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.model.id)
    }
}

/// Does the work, and answers, as server-sent events where it is streamed.
pub(crate) async fn run(core: &Arc<Core>, ask: Ask, streamed: bool) -> Response {
    let id = random_hex(11);
    match Work::new(core, id.clone(), ask, String::new()).run(core).await {
        Ok((work, made)) => answer::drawn(&work, made, streamed).await,
        Err(refused) if refused.status == StatusCode::OK => answer::told(refused.body, &id, streamed),
        Err(refused) => refused.into_response(),
    }
}
