//! Finding the model that a caller names.

use std::collections::BTreeMap;

use super::Catalog;
use super::model::{Model, Status};

/// A model that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// The model.
    pub model: &'a Model,
    /// The provider that the caller forces.
    pub forced_provider: Option<&'a str>,
}

/// Why a name leads to no usable model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// No such name; perhaps this one was meant.
    Unknown {
        /// The nearest id.
        suggestion: Option<String>,
    },
    /// The provider exists but has no offer of the model.
    NotAtProvider {
        /// The model's id.
        model: String,
        /// Providers that have one.
        providers: Vec<String>,
    },
    /// No offer is left: all are retired or switched off.
    Disabled {
        /// The model's id.
        model: String,
        /// The model to use instead.
        successor: Option<String>,
        /// Whether providers run it still, and the operator of this gateway has switched it off.
        switched_off: bool,
    },
}

impl Catalog {
    /// The model of an id or alias.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name).or_else(|| {
            self.models
                .values()
                .find(|model| model.aliases.iter().any(|alias| alias == name))
        })
    }

    /// The model that `name` means: an id, an alias, or `provider/` before either.
    ///
    /// # Errors
    /// [`NotFound`], with what the caller may have meant.
    pub fn find(&self, name: &str) -> Result<Found<'_>, NotFound> {
        let (forced_provider, model) = self.named(name).ok_or_else(|| NotFound::Unknown {
            suggestion: self.suggest(name),
        })?;
        if model.is_disabled() {
            return Err(NotFound::Disabled {
                model: model.id.clone(),
                successor: model.successor.clone(),
                switched_off: model.status() != Status::Retired,
            });
        }
        if let Some(provider) = forced_provider
            && !model.live_offers().any(|offer| offer.provider == provider)
        {
            let providers = model.live_offers().map(|offer| offer.provider.clone()).collect();
            return Err(NotFound::NotAtProvider {
                model: model.id.clone(),
                providers,
            });
        }
        Ok(Found { model, forced_provider })
    }

    /// The same, where a disabled model may have a successor: `successors` holds ids of models by the ids of those
    /// whose place they take. Tells whether that happened.
    ///
    /// # Errors
    /// As for [`Self::find`].
    pub fn find_or_successor(
        &self,
        name: &str,
        successors: &BTreeMap<String, String>,
    ) -> Result<(Found<'_>, bool), NotFound> {
        match self.find(name) {
            Ok(found) => Ok((found, false)),
            Err(NotFound::Disabled { model, .. }) if successors.contains_key(&model) => {
                self.find(&successors[&model]).map(|found| (found, true))
            }
            Err(cause) => Err(cause),
        }
    }

    /// The model of a name, whatever its state, and the provider before it. Looks for no suggestion.
    pub(crate) fn named(&self, name: &str) -> Option<(Option<&str>, &Model)> {
        if let Some(model) = self.model(name) {
            return Some((None, model));
        }
        let (owner, rest) = name.split_once('/')?;
        if let Some(provider) = self.providers.get(owner)
            && let Some(model) = self.model(rest)
        {
            return Some((Some(provider.id.as_str()), model));
        }
        let by_creator = || self.model(rest).filter(|model| model.creator == owner);
        let model = by_creator().or_else(|| self.by_native_name(name))?;
        Some((None, model))
    }

    /// The only model that some provider calls `name`, such as `fal-ai/flux/schnell`.
    fn by_native_name(&self, name: &str) -> Option<&Model> {
        let mut called_so = self
            .models
            .values()
            .filter(|model| native_names(model).any(|native| native == name));
        let model = called_so.next()?;
        called_so.next().is_none().then_some(model)
    }

    /// The id whose id, alias, display name or native name is nearest to `name`. Between versions that are equally near it is
    /// the newest one that is still run.
    pub(crate) fn suggest(&self, name: &str) -> Option<String> {
        /// Share of the letters that must agree.
        const LIKENESS_MIN: f64 = 0.6;
        /// Longest name that is compared: the distance costs the product of both lengths, and no id is near it.
        const NAME_BYTES_MAX: usize = 200;
        /// Likenesses that differ by less are alike.
        const LIKENESS_TIE: f64 = 1e-9;
        /// Shortest beginning of ids that is taken as a name without its version.
        const FAMILY_CHARS_MIN: usize = 4;
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let wanted = name.to_lowercase().replace([' ', '_'], "-");
        let last = wanted.rsplit('/').next().unwrap_or(&wanted).to_owned();
        let likeness = |candidate: &str| {
            let candidate = candidate.to_lowercase().replace([' ', '_'], "-");
            let whole = strsim::normalized_damerau_levenshtein(&candidate, &wanted);
            whole.max(strsim::normalized_damerau_levenshtein(&candidate, &last))
        };
        let best_of = |model: &Model| {
            std::iter::once(model.id.as_str())
                .chain(model.aliases.iter().map(String::as_str))
                .chain(std::iter::once(model.name.as_str()))
                .chain(model.alternative_names.iter().map(String::as_str))
                .chain(native_names(model))
                .map(likeness)
                .fold(0.0, f64::max)
        };
        let ranked: Vec<(f64, &Model)> = self.models.values().map(|model| (best_of(model), model)).collect();
        let best = ranked.iter().map(|(likeness, _)| *likeness).fold(0.0, f64::max);
        // A name without its version means any version.
        let is_family = |model: &Model| {
            let rest = model.id.strip_prefix(&last).or_else(|| model.id.strip_prefix(&wanted));
            last.len() >= FAMILY_CHARS_MIN && rest.is_some_and(|rest| rest.starts_with(['-', '.']))
        };
        let has_family = ranked.iter().any(|(_, model)| is_family(model));
        let near = |(likeness, model): &&(f64, &Model)| {
            if has_family {
                is_family(model)
            } else {
                *likeness >= LIKENESS_MIN && *likeness >= best - LIKENESS_TIE
            }
        };
        let newest = |(_, model): &&(f64, &Model)| {
            (
                !model.is_disabled(),
                model.released,
                std::cmp::Reverse(model.id.clone()),
            )
        };
        let (_, model) = ranked.iter().filter(near).max_by_key(newest)?;
        Some(model.id.clone())
    }
}

/// What providers call a model.
fn native_names(model: &Model) -> impl Iterator<Item = &str> {
    model.offers.iter().flat_map(|offer| {
        let modes = offer.modes.values().chain(std::iter::once(&offer.common));
        modes.filter_map(|mode| mode.model.as_deref())
    })
}
