//! What Google's two surfaces for images share: bodies, answers, errors and token counts of `generateContent`.

mod answer;
mod content;
mod error;
mod usage;

pub(crate) use answer::answered;
pub(crate) use content::content_body;
pub(crate) use error::judge;
