//! Values that stand as text in TOML: sizes, ratios, tiers, exact decimals.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

use crate::size::Size;

/// Reads a value from text by its own grammar.
///
/// # Errors
/// The grammar's own message.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Reads a list of such values.
///
/// # Errors
/// The grammar's own message for the first value that does not fit.
pub(crate) fn list_from_text<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom))
        .collect()
}

/// A size that stands alone in a TOML key.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct SizeText(#[serde(deserialize_with = "from_text")] pub Size);
