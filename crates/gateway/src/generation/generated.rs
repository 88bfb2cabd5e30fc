//! A generation that gave images, as everything after its calls sees it.

use std::sync::Arc;

use jiff::Timestamp;
use planner::money::Micros;
use planner::price::Line;
use planner::resolve::Adjustment;
use planner::usage::Usage;

use super::facts::Origin;
use crate::db::media::MediaRow;
use crate::media::process::Inspected;
use crate::media::shelf::Shelved;
use crate::outcome::Attempt;

/// An image as the caller gets it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The image.
    pub image: Inspected,
    /// A link to it, when it is kept.
    pub url: Option<String>,
    /// The prompt as the provider rewrote it.
    pub revised_prompt: Option<String>,
    /// Who made it.
    pub provider: String,
    /// Its part of the charge.
    pub cost: Micros,
    /// The call that made it.
    pub origin: Origin,
    /// Its place among the generation's images in the store, when it is there.
    pub stored: Option<i64>,
    /// Its row, once it was tried to store it.
    pub row: Option<MediaRow>,
    /// Its file, while it waits for the store or is sent.
    pub shelved: Option<Arc<Shelved>>,
}

/// A generation that gave at least one image.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Id.
    pub id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// The model's id.
    pub model: String,
    /// The provider of the first image.
    pub provider: String,
    /// Its name for people.
    pub provider_name: String,
    /// Its model id.
    pub native_model: String,
    /// The quality that was asked of it, in canonical words.
    pub quality: Option<String>,
    /// Whether the sandbox made any of the images.
    pub sandbox: bool,
    /// The images.
    pub images: Vec<Delivered>,
    /// What was changed on the way.
    pub adjustments: Vec<Adjustment>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// The announced last day of the offer that served.
    pub sunset: Option<jiff::civil::Date>,
    /// Every call to a provider.
    pub attempts: Vec<Attempt>,
    /// Failures of images that are missing.
    pub errors: Vec<planner::failure::Failure>,
    /// What the providers say they used.
    pub usage: Option<Usage>,
    /// The charge.
    pub cost: Micros,
    /// Of the charge, the operator's mark-up.
    pub markup: Micros,
    /// How it was found.
    pub cost_basis: planner::catalog::pricing::Basis,
    /// Its lines.
    pub cost_components: Vec<Line>,
    /// Whether the images are in the object store.
    pub kept: bool,
}

impl Generated {
    /// The files of images that are kept only while they are sent.
    pub(crate) fn sending(&self) -> Vec<Arc<Shelved>> {
        let files = self.images.iter().filter_map(|image| image.shelved.clone());
        files.filter(|file| file.is_sending()).collect()
    }
}
