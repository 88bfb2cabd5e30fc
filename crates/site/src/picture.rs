//! Where the picture of a model comes from.

use planner::size::Ratio;

use crate::charts::frame;
use crate::html::{Html, escape};

/// What hangs above a model's label.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// One that the model made here, and that is on show.
    OnShow {
        /// Where its file is.
        path: String,
        /// Where it is told of by itself.
        page: String,
        /// What it was made from.
        prompt: String,
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// One that the sandbox drew: it says nothing of the model's hand.
    Sandbox {
        /// Where it is.
        path: String,
        /// What it was drawn from.
        prompt: &'static str,
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// No picture yet: the shapes that the model makes.
    Frame {
        /// Shapes by name.
        ratios: Vec<Ratio>,
        /// Whether any other shape can be had too.
        is_free: bool,
    },
}

impl Picture {
    /// Where the picture is, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::OnShow { path, .. } | Self::Sandbox { path, .. } => Some(path),
            Self::Frame { .. } => None,
        }
    }

    /// The picture for a place where its label stands beside it. `is_lazy` leaves the loading to when it is near.
    #[must_use]
    pub fn html(&self, alt: &str, is_lazy: bool) -> Html {
        match self {
            Self::OnShow {
                path,
                width_px,
                height_px,
                ..
            }
            | Self::Sandbox {
                path,
                width_px,
                height_px,
                ..
            } => {
                let lazy = if is_lazy { " loading=\"lazy\"" } else { "" };
                Html(format!(
                    "<img src=\"{path}\" alt=\"{}\" width=\"{width_px}\" height=\"{height_px}\"{lazy} decoding=\"async\">",
                    escape(alt)
                ))
            }
            Self::Frame { ratios, is_free } => frame(ratios, *is_free),
        }
    }
}
