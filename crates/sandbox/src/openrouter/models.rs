//! The models that the emulator serves, and how the discovery routes tell of them.

use super::errors;
use super::family::Family;
use super::rates::printed;
use super::sizes::{RATIOS, TIERS};
use crate::refused::Refused;
use crate::tables::{self, Models};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Unix seconds that all models claim to be made at: 2026-06-01, UTC.
const CREATED: i64 = 1_780_272_000;

/// One model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    name: &'static str,
    /// Who hosts it.
    pub(super) provider: &'static str,
    pub(super) family: Family,
    /// Images of one call.
    pub(super) most_images: i64,
    /// Input images of one call.
    pub(super) most_inputs: usize,
    /// Whether it also writes text.
    pub(super) talks: bool,
}

/// Every model.
pub(super) static MODELS: LazyLock<Models<Model>> =
    LazyLock::new(|| tables::read(include_str!("../../data/openrouter.toml")));

/// The model of an id.
pub(super) fn find(id: &str) -> Result<&'static Model, Refused> {
    MODELS
        .find(id)
        .ok_or_else(|| errors::error(400, &format!("{id} is not a valid model ID")))
}

impl Model {
    /// Whether it takes a field of the Images API that not every model takes.
    pub(super) fn takes(&self, name: &str) -> bool {
        match name {
            "quality" | "background" | "output_format" | "output_compression" => {
                matches!(self.family, Family::GptMini | Family::Gpt2)
            }
            "seed" => !matches!(self.family, Family::GptMini | Family::Gpt2),
            _ => true,
        }
    }

    /// What it puts out.
    pub(super) fn outputs(&self) -> &'static [&'static str] {
        if self.talks { &["image", "text"] } else { &["image"] }
    }

    fn architecture(&self) -> Value {
        json!({"input_modalities": ["text", "image"], "output_modalities": self.outputs()})
    }

    fn supported(&self) -> Value {
        let mut supported = json!({
            "aspect_ratio": {"type": "enum", "values": RATIOS},
            "resolution": {"type": "enum", "values": TIERS},
            "n": {"type": "range", "min": 1, "max": self.most_images},
            "input_references": {"type": "range", "min": 0, "max": self.most_inputs},
        });
        if self.takes("seed") {
            supported["seed"] = json!({"type": "boolean"});
        }
        if self.takes("quality") {
            supported["quality"] = json!({"type": "enum", "values": ["auto", "low", "medium", "high"]});
            supported["output_format"] = json!({"type": "enum", "values": ["png", "jpeg", "webp"]});
            supported["output_compression"] = json!({"type": "range", "min": 0, "max": 100});
            supported["background"] = json!({"type": "enum", "values": ["auto", "transparent", "opaque"]});
        }
        supported
    }

    /// As `GET /images/models` tells of it.
    pub(super) fn described(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "description": "A sandbox model.", "created": CREATED,
            "architecture": self.architecture(), "supported_parameters": self.supported(),
            "supports_streaming": false, "endpoints": format!("/api/v1/images/models/{}/endpoints", self.id),
        })
    }

    /// As its own route tells of its hosts.
    pub(super) fn endpoints(&self) -> Value {
        let tag = self.provider.to_ascii_lowercase();
        json!({"id": self.id, "endpoints": [{
            "provider_name": self.provider, "provider_slug": tag, "provider_tag": tag,
            "supported_parameters": self.supported(), "supports_streaming": false, "pricing": printed(self.family),
        }]})
    }

    /// As `GET /models` tells of it.
    pub(super) fn listed(&self) -> Value {
        json!({"id": self.id, "name": self.name, "created": CREATED, "architecture": self.architecture()})
    }
}
