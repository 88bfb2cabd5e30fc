//! The models, their sizes and prices, and the routes that tell of them.

use super::authorize;
use super::errors;
use crate::tables::{self, Models};
use crate::wire;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Ticks of one cent: a tick is 1e-10 USD.
const TICKS_PER_CENT: i64 = 100_000_000;
/// Edges are multiples of this, in pixels.
const STEP_PX: f64 = 16.0;

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    cents: Cents,
    /// Ticks of each input image, once for the request.
    input_ticks: i64,
    /// Whether quality means anything to it.
    #[serde(default)]
    pub(super) has_quality: bool,
}

/// Cents of one picture at 1k and 2k, by quality.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cents {
    low: [i64; 2],
    medium: [i64; 2],
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/xai.toml")));

/// Resolutions that every model takes.
const RESOLUTIONS: [&str; 2] = ["1k", "2k"];
/// Qualities of the models that know any.
const QUALITIES: [&str; 2] = ["low", "medium"];

impl Model {
    /// The model of an id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        MODELS.find(id)
    }

    /// The price of a request, in ticks.
    pub(super) fn ticks(&self, resolution: &str, quality: &str, pictures: u32, inputs: usize) -> i64 {
        let inputs = i64::try_from(inputs).unwrap_or(i64::MAX);
        let by_resolution = if quality == "low" {
            self.cents.low
        } else {
            self.cents.medium
        };
        let cents = by_resolution[usize::from(resolution == "2k")];
        cents * i64::from(pictures) * TICKS_PER_CENT + self.input_ticks * inputs
    }

    fn body(&self) -> Value {
        let qualities: &[&str] = if self.has_quality { &QUALITIES } else { &["medium"] };
        let prices = RESOLUTIONS.iter().flat_map(|resolution| {
            qualities.iter().map(move |quality| {
                let ticks = self.ticks(resolution, quality, 1, 0);
                json!({"quality": quality, "resolution": resolution, "price_per_image": ticks})
            })
        });
        json!({
            "id": self.id, "object": "model", "owned_by": "xai", "version": "1.0", "aliases": [],
            "input_modalities": ["text", "image"], "output_modalities": ["image"],
            "image_price": self.ticks("1k", "medium", 1, 0), "pricing": prices.collect::<Vec<_>>(),
        })
    }
}

/// `GET /v1/image-generation-models`.
pub(super) async fn list(headers: HeaderMap) -> Response {
    if let Err(refused) = authorize(&headers) {
        return refused.into_response();
    }
    let models: Vec<Value> = MODELS.all.iter().map(Model::body).collect();
    wire::json(StatusCode::OK, &json!({ "models": models }))
}

/// `GET /v1/image-generation-models/{id}`.
pub(super) async fn one(Path(id): Path<String>, headers: HeaderMap) -> Response {
    match authorize(&headers).and_then(|()| MODELS.known(&id).ok_or_else(|| errors::no_model(&id))) {
        Ok(model) => wire::json(StatusCode::OK, &model.body()),
        Err(refused) => refused.into_response(),
    }
}

/// The size of a shape at a resolution.
pub(super) fn size_px((width, height): (f64, f64), resolution: &str) -> (u32, u32) {
    let edge_px = match resolution {
        "2k" => 2_048.0,
        _ => 1_024.0,
    };
    let shape = (width / height).sqrt();
    let edge = |px: f64| ((px / STEP_PX).round() * STEP_PX) as u32;
    (edge(edge_px * shape), edge(edge_px / shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_follow_resolution_quality_and_inputs() {
        let ticks = |id: &str, resolution, quality, pictures, inputs| {
            let model = Model::find(id).expect("it is in the table");
            model.ticks(resolution, quality, pictures, inputs)
        };
        assert_eq!(ticks("grok-imagine-image", "2k", "medium", 3, 0), 600_000_000);
        assert_eq!(ticks("grok-imagine-image-2.0", "1k", "medium", 1, 0), 600_000_000);
        assert_eq!(ticks("grok-imagine-image-2.0", "2k", "low", 1, 0), 600_000_000);
        assert_eq!(ticks("grok-imagine-image-2.0", "1k", "medium", 2, 2), 1_400_000_000);
        assert_eq!(ticks("grok-imagine-image", "1k", "medium", 1, 2), 240_000_000);
        assert_eq!(ticks("grok-imagine-image-pro", "2k", "medium", 1, 1), 700_000_000);
    }

    #[test]
    fn sizes_keep_the_area() {
        assert_eq!(size_px((1.0, 1.0), "1k"), (1024, 1024));
        assert_eq!(size_px((16.0, 9.0), "1k"), (1360, 768));
        assert_eq!(size_px((9.0, 19.5), "2k"), (1392, 3008));
    }
}
