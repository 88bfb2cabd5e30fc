//! A checked request.

use super::models::Model;
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

impl Ask {
    /// Whether a picture is to come.
    pub(super) fn draws(&self) -> bool {
        self.way != Way::Chat { draws: false }
    }

    /// What the model says beside its picture.
    pub(super) fn words(&self) -> &'static str {
        match self.way {
            Way::Chat { .. } if self.model.talks => "Here it is.",
            _ => "",
        }
    }
}
