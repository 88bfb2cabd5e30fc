//! The services: their fields, the images they take, what they cost, and how large their pictures are.

use super::errors;
use super::fields::Field;
use crate::refused::Refused;
use crate::strangers::Strangers;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// A picture with about the area of a square of this edge, in pixels.
    Drawn(u32),
    /// A picture of the input's size.
    Repainted,
    /// The input with a border.
    Extended,
    /// The input with each edge so many times as long.
    Multiplied(u32),
    /// The input at about four megapixels.
    Enlarged,
}

/// Whether a service takes an input image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Input {
    None,
    /// Then with a strength.
    Optional,
    Required,
    /// If there is one, and a mask, too.
    Any,
    /// Beside a mask, if one is sent.
    Masked,
}

/// One service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// Below `stable-image/`.
    id: &'static str,
    #[serde(deserialize_with = "tables::list")]
    pub(super) fields: &'static [Field],
    pub(super) input: Input,
    /// Pixels of the input image, least and most.
    pub(super) pixels: (u64, u64),
    /// The shortest edge of the input image, in pixels.
    pub(super) least_edge_px: u32,
    /// Whether the input may be at most 2.5 times as long as wide, or as wide as long.
    #[serde(default)]
    pub(super) bounded_ratio: bool,
    pub(super) outcome: Outcome,
    /// Tenths of a credit.
    tenths: i64,
    /// The models behind it, where a form can name one, and their prices; the first is the default.
    #[serde(default, deserialize_with = "tables::list")]
    models: &'static [(&'static str, i64)],
    /// Whether it answers with the id of a job.
    #[serde(default)]
    pub(super) deferred: bool,
}

static SERVICES: LazyLock<Models<Service>> = LazyLock::new(|| tables::read(include_str!("../../data/stability.toml")));
/// Of models that a service does not have; it makes no difference to its work.
static STRANGE_MODELS: Strangers<()> = Strangers::new();

/// The service of a path.
pub(super) fn find(path: &str) -> Result<&'static Service, Refused> {
    SERVICES.find(path).ok_or_else(errors::not_found)
}

impl Service {
    /// How bills, faults and the log name it: by its path, or by the model where it has several.
    pub(super) fn label(&self, model: Option<&str>) -> String {
        let Some((default, _)) = self.models.first() else {
            return format!("stable-image/{}", self.id);
        };
        let model = model.unwrap_or(default);
        if self.models.iter().all(|(known, _)| *known != model) {
            STRANGE_MODELS.serve(model, |_| ());
        }
        model.to_owned()
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// What it costs, USD 1e-6: a credit is a cent.
    pub(super) fn micros(&self, label: &str) -> i64 {
        let of_model = self.models.iter().find(|(model, _)| *model == label);
        of_model.map_or(self.tenths, |(_, tenths)| *tenths) * 1_000
    }
}
