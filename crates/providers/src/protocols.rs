//! The list of protocols.

use crate::{
    adapter::Adapter, ark::Ark, bfl::Bfl, dashscope::DashScope, fal::Fal, fireworks::Fireworks, gemini::Gemini,
    openai::OpenAi, openrouter::OpenRouter, replicate::Replicate, runware::Runware, stability::Stability,
    vertex::Vertex, xai::Xai,
};

/// Every protocol by its name in the catalogue.
pub const PROTOCOLS: &[(&str, &dyn Adapter)] = &[
    ("openai", &OpenAi),
    ("fal", &Fal),
    ("replicate", &Replicate),
    ("openrouter", &OpenRouter),
    ("stability", &Stability),
    ("bfl", &Bfl),
    ("dashscope", &DashScope),
    ("gemini", &Gemini),
    ("vertex", &Vertex),
    ("runware", &Runware),
    ("xai", &Xai),
    ("ark", &Ark),
    ("fireworks", &Fireworks),
];

/// The adapter of the protocol with this name.
#[must_use]
pub fn adapter(protocol: &str) -> Option<&'static dyn Adapter> {
    PROTOCOLS
        .iter()
        .find(|(name, _)| *name == protocol)
        .map(|(_, adapter)| *adapter)
}
