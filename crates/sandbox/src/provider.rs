//! Which provider is being emulated.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A provider that the sandbox emulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    Openai,
    Mock,
    Fal,
    Replicate,
    Gemini,
    Vertex,
    Bfl,
    Xai,
    Byteplus,
    Alibaba,
    Runware,
    Fireworks,
    Openrouter,
    Stability,
    Localai,
    Sdcpp,
    Vllm,
    Sglang,
    Azure,
}

impl Provider {
    /// Every provider.
    const ALL: &[Self] = &[
        Self::Openai,
        Self::Mock,
        Self::Fal,
        Self::Replicate,
        Self::Gemini,
        Self::Vertex,
        Self::Bfl,
        Self::Xai,
        Self::Byteplus,
        Self::Alibaba,
        Self::Runware,
        Self::Fireworks,
        Self::Openrouter,
        Self::Stability,
        Self::Localai,
        Self::Sdcpp,
        Self::Vllm,
        Self::Sglang,
        Self::Azure,
    ];

    /// The name used in paths, faults, bills and calls.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Mock => "mock",
            Self::Fal => "fal",
            Self::Replicate => "replicate",
            Self::Gemini => "gemini",
            Self::Vertex => "vertex",
            Self::Bfl => "bfl",
            Self::Xai => "xai",
            Self::Byteplus => "byteplus",
            Self::Alibaba => "alibaba",
            Self::Runware => "runware",
            Self::Fireworks => "fireworks",
            Self::Openrouter => "openrouter",
            Self::Stability => "stability",
            Self::Localai => "localai",
            Self::Sdcpp => "sdcpp",
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Azure => "azure",
        }
    }

    /// The provider whose prefix a path begins with.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        path.trim_start_matches('/').split('/').next()?.parse().ok()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|provider| provider.name() == text)
            .ok_or(())
    }
}
