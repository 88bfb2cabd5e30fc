//! A difference between the catalogue and what a provider tells.

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// What the provider says.
    pub(super) what: String,
    /// What would have to stand in the catalogue.
    pub(super) toml: String,
}

impl Difference {
    /// A difference, in words and as TOML.
    pub(super) const fn new(what: String, toml: String) -> Self {
        Self { what, toml }
    }
}
