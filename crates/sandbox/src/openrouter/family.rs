//! Families of models.

/// Which sizes, tokens and prices a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Family {
    Gemini25,
    Gemini31Flash,
    Gemini3Pro,
    GptMini,
    Gpt2,
    Seedream,
}
