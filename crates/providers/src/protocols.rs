//! The list of protocols.

use crate::{adapter::Adapter, fal::Fal, openai::OpenAi, replicate::Replicate};

/// Every protocol by its name in the catalogue.
pub const PROTOCOLS: [(&str, &dyn Adapter); 3] = [("openai", &OpenAi), ("fal", &Fal), ("replicate", &Replicate)];

/// The adapter of the protocol with this name.
#[must_use]
pub fn adapter(protocol: &str) -> Option<&'static dyn Adapter> {
    PROTOCOLS
        .iter()
        .find(|(name, _)| *name == protocol)
        .map(|(_, adapter)| *adapter)
}
