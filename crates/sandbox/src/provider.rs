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
}

impl Provider {
    /// The name used in paths, faults, bills and calls.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Mock => "mock",
            Self::Fal => "fal",
            Self::Replicate => "replicate",
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
        [Self::Openai, Self::Mock, Self::Fal, Self::Replicate]
            .into_iter()
            .find(|provider| provider.name() == text)
            .ok_or(())
    }
}
