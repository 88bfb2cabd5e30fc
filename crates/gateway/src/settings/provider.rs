//! What the operator sets of one provider.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::sources;

/// Highest weight of a credential: more digits than shares of calls have.
const WEIGHT_MAX: u32 = 1_000;
/// Longest name of a credential, in characters: it stands in logs and figures.
const NAME_CHARS_MAX: usize = 40;

/// One provider's settings.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// The credential, where there is one.
    #[serde(deserialize_with = "sources::maybe_text")]
    pub credential: Option<String>,
    /// A file that holds the credential.
    pub credential_file: Option<PathBuf>,
    /// Several credentials, over which calls are spread.
    pub credentials: Vec<CredentialSettings>,
    /// Root of its API, where it is not the public one.
    pub base_url: Option<String>,
    /// The region in which it works, where the catalogue does not know it by the address.
    pub region: Option<String>,
    /// Where the credential came from, for people.
    #[serde(skip)]
    pub credential_origin: Option<String>,
    /// Settings of its protocol.
    pub options: BTreeMap<String, String>,
}

/// One of several credentials.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialSettings {
    /// What logs, figures and the record of jobs call it. Absent: its place in the list, counted from 1.
    pub name: Option<String>,
    /// Its share of the calls, 1 to 1000.
    pub weight: u32,
    /// The credential.
    #[serde(deserialize_with = "sources::maybe_text")]
    pub credential: Option<String>,
    /// A file that holds it.
    pub credential_file: Option<PathBuf>,
    /// Where it came from, for people.
    #[serde(skip)]
    pub origin: Option<String>,
}

impl Default for CredentialSettings {
    fn default() -> Self {
        Self {
            name: None,
            weight: 1,
            credential: None,
            credential_file: None,
            origin: None,
        }
    }
}

impl ProviderSettings {
    /// Whether there is any credential.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.credential.is_some() || self.credentials.iter().any(|own| own.credential.is_some())
    }

    /// Where its credentials came from, for people; `None` without any.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        if !self.has_credential() {
            return None;
        }
        if self.credentials.is_empty() {
            return Some(self.credential_origin.clone().unwrap_or_default());
        }
        let names: Vec<String> = self.several().into_iter().map(|(name, ..)| name).collect();
        let origins: BTreeSet<&str> = self
            .credentials
            .iter()
            .filter_map(|own| own.origin.as_deref())
            .collect();
        let origins: Vec<&str> = origins.into_iter().collect();
        Some(format!(
            "{}: {} of them, {}",
            origins.join(", "),
            names.len(),
            names.join(", ")
        ))
    }

    /// Of several credentials each with its name, weight and secret.
    #[must_use]
    pub fn several(&self) -> Vec<(String, u32, &str)> {
        let own = self.credentials.iter().enumerate();
        own.filter_map(|(place, own)| Some((own.name_at(place), own.weight, own.credential.as_deref()?)))
            .collect()
    }

    /// What is wrong with its credentials.
    pub(super) fn mistake(&self) -> Option<String> {
        let is_alone = self.credential.is_none() && self.credential_file.is_none();
        if !self.credentials.is_empty() && !is_alone {
            return Some("credentials stand in the place of credential and credential_file: leave one out".to_owned());
        }
        let mut names = BTreeSet::new();
        self.credentials.iter().enumerate().find_map(|(place, own)| {
            let name = own.name_at(place);
            let wrong = own.mistake(&name);
            wrong
                .or_else(|| (!names.insert(name.clone())).then(|| "another one has its name".to_owned()))
                .map(|wrong| format!("credentials: '{name}': {wrong}"))
        })
    }
}

impl CredentialSettings {
    /// Its name at this place of the list.
    #[must_use]
    pub fn name_at(&self, place: usize) -> String {
        self.name.clone().unwrap_or_else(|| (place + 1).to_string())
    }

    fn mistake(&self, name: &str) -> Option<String> {
        let is_legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_legal) {
            return Some(format!(
                "a name has up to {NAME_CHARS_MAX} letters, digits, '-', '_' and '.'"
            ));
        }
        if !(1..=WEIGHT_MAX).contains(&self.weight) {
            return Some(format!("weight must be from 1 to {WEIGHT_MAX}, not {}", self.weight));
        }
        match (&self.credential, &self.credential_file) {
            (Some(_), Some(_)) => Some("credential and credential_file: leave one out".to_owned()),
            (None, None) => Some("it has no credential, and no credential_file".to_owned()),
            _ => None,
        }
    }
}

impl std::fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("credential", &self.credential.as_ref().map(|_| "(secret)"))
            .field("credentials", &self.credentials)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CredentialSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialSettings")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("credential", &self.credential.as_ref().map(|_| "(secret)"))
            .finish_non_exhaustive()
    }
}
