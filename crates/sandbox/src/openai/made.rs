//! Work that is done and not yet answered.

use super::validate::Ask;
use crate::bill::BilledTokens;
use crate::pictures::Drawn;
use std::time::Duration;

/// Finished work.
pub(super) struct Made {
    pub(super) ask: Ask,
    pub(super) edit: bool,
    pub(super) created: i64,
    pub(super) size_px: (u32, u32),
    pub(super) tokens: BilledTokens,
    pub(super) images: Vec<Drawn>,
    /// Between the events of a stream.
    pub(super) pace: Duration,
}
