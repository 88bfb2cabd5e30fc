//! A checked request, and what was made of it.

use super::models::Model;
use crate::bill::BilledTokens;
use crate::pictures::Drawn;
use bytes::Bytes;
use imaging::ImageFormat;

/// How the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Images,
    /// Without an image where none was asked for.
    Chat {
        draws: bool,
    },
}

/// A checked request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) way: Way,
    pub(super) prompt: String,
    pub(super) count: u32,
    pub(super) size_px: (u32, u32),
    /// Never `auto`.
    pub(super) quality: &'static str,
    pub(super) transparent: bool,
    pub(super) format: ImageFormat,
    /// 1 to 100.
    pub(super) compression: u8,
    pub(super) seed: Option<i64>,
    /// Input images as they were sent.
    pub(super) inputs: Vec<Bytes>,
}

/// Finished work.
pub(super) struct Made {
    pub(super) ask: Ask,
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) images: Vec<Drawn>,
    /// What a model says beside its picture.
    pub(super) words: &'static str,
    pub(super) tokens: BilledTokens,
    /// USD 1e-9.
    pub(super) cost_nanos: i128,
    /// Whether the safety filter of the model's provider took the picture.
    pub(super) filtered: bool,
}
