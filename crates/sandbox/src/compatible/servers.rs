//! What sets each server apart.

use crate::provider::Provider;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// The words in which a server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Dress {
    /// `{"error": {"code": 500, "message", "type": ""}}`.
    Go,
    /// `{"error": "..."}`.
    Text,
    /// `{"detail": ...}`.
    FastApi,
    /// `{"error": {"code": "401", "message"}}`.
    Azure,
}

/// How a caller shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Auth {
    None,
    OptionalBearer,
    ApiKey,
}

/// What a mask means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MaskUse {
    /// White is painted over. Without one there is no edit.
    WhiteNeeded,
    /// White is painted over.
    White,
    /// Clear is painted over.
    Clear,
    /// Read and then forgotten.
    Ignored,
}

/// One server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
pub(super) struct Server {
    #[serde(rename = "id")]
    pub(super) provider: Provider,
    pub(super) dress: Dress,
    pub(super) auth: Auth,
    #[serde(deserialize_with = "tables::list")]
    pub(super) generations: &'static [&'static str],
    #[serde(deserialize_with = "tables::list")]
    pub(super) edits: &'static [&'static str],
    /// Fields read; others are ignored, or refused where `refuses_others`.
    #[serde(deserialize_with = "tables::list")]
    pub(super) fields: &'static [&'static str],
    #[serde(default)]
    pub(super) refuses_others: bool,
    pub(super) max_count: i64,
    pub(super) default_size_px: (u32, u32),
    /// Values of `output_format` for a generation; the first is the default.
    #[serde(deserialize_with = "tables::list")]
    pub(super) formats: &'static [&'static str],
    /// The same for an edit.
    #[serde(deserialize_with = "tables::list")]
    pub(super) edit_formats: &'static [&'static str],
    /// Values of `response_format` for a generation; the first is the default. Empty: the field is not read.
    #[serde(default, deserialize_with = "tables::list")]
    pub(super) deliveries: &'static [&'static str],
    /// Whether `prompt` may hold `positive|negative`.
    #[serde(default)]
    pub(super) splits_prompt: bool,
    /// The seed when none is given; without one each call varies.
    pub(super) default_seed: Option<u64>,
    pub(super) mask: MaskUse,
    /// Whether absent parts of an image are told as null.
    #[serde(default)]
    pub(super) tells_nulls: bool,
}

static SERVERS: LazyLock<Models<Server>> = LazyLock::new(|| tables::read(include_str!("../../data/compatible.toml")));

/// Every server.
pub(super) fn all() -> impl Iterator<Item = &'static Server> {
    SERVERS.all.iter()
}
