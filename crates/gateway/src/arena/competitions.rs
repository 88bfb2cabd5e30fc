//! Competitions: data of the catalogue.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::size::Size;
use planner::view::ModelView;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::shape::shape;
use super::source::Source;

/// In the place of an id for prompts of visitors' own. No competition may have it.
pub(crate) const OWN_PROMPT: &str = "own-prompt";
/// Who made the models that only the sandbox has.
const OWN_CREATOR: &str = "pictor";
/// Longest prompt of a competition.
const PROMPT_CHARS_MAX: usize = 4_000;

/// One competition: the same order to all of its models.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Competition {
    /// Id.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// What is asked of the models.
    pub(crate) mode: Mode,
    /// What it is about, for boards of categories.
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    /// What is asked.
    pub(crate) prompt: String,
    /// For edits: what the picture shows that is to be changed, as the sandbox draws it.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// For edits: the operator's own picture instead, the name of a file beside this one.
    #[serde(default)]
    pub(super) source_file: Option<String>,
    /// What came of these two.
    #[serde(skip)]
    pub(crate) picture: Option<Source>,
    /// The size that is asked for, and the shape in which entries are shown.
    #[serde(deserialize_with = "from_text")]
    pub(crate) size: Size,
    /// The models that take part; absent: all that can be called and need nothing more than this order.
    #[serde(default)]
    pub(crate) models: Option<Vec<String>>,
    /// A rule that picks among them.
    #[serde(default)]
    pub(super) pick: Pick,
    /// What is asked beside the prompt; models take of it what they know.
    #[serde(default)]
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
}

/// Which models take part. What is left empty picks all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pick {
    /// Made by one of these.
    creators: Vec<String>,
    /// Of one of these families.
    families: Vec<String>,
    /// With one of these tags.
    tags: Vec<String>,
    /// Served by one of these providers, and callable there.
    providers: Vec<String>,
}

impl Pick {
    fn takes(&self, model: &Model, available: &HashSet<String>) -> bool {
        let one_of = |wanted: &[String], own: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == own);
        let is_tagged = self.tags.is_empty() || model.tags.iter().any(|tag| self.tags.contains(tag));
        let is_served = self.providers.is_empty()
            || model
                .live_offers()
                .any(|offer| self.providers.contains(&offer.provider) && available.contains(&offer.provider));
        let is_of = one_of(&self.creators, &model.creator)
            && one_of(&self.families, model.family.as_deref().unwrap_or_default());
        is_of && is_tagged && is_served
    }

    /// # Errors
    /// A name that the catalogue does not have.
    fn check(&self, catalog: &Catalog) -> Result<(), String> {
        let known = |what: &str, wanted: &[String], is_known: &dyn Fn(&str) -> bool| {
            let unknown = wanted.iter().find(|name| !is_known(name));
            unknown.map_or(Ok(()), |name| {
                Err(format!("pick.{what}: the catalogue has no '{name}'"))
            })
        };
        known("creators", &self.creators, &|name| {
            catalog.models().any(|model| model.creator == name)
        })?;
        known("families", &self.families, &|name| {
            catalog.models().any(|model| model.family.as_deref() == Some(name))
        })?;
        known("tags", &self.tags, &|name| {
            catalog.models().any(|model| model.tags.iter().any(|tag| tag == name))
        })?;
        known("providers", &self.providers, &|name| {
            catalog.providers().any(|provider| provider.id == name)
        })
    }
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom("size must be WxH"))
}

/// A competition that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("catalog/{file}: {message}")]
pub struct CompetitionError {
    file: String,
    message: String,
}

/// Reads every competition; `folder` is that of the operator's own files.
///
/// # Errors
/// The first mistake, with its file.
pub(crate) fn read(
    files: &BTreeMap<String, String>,
    folder: Option<&Path>,
    catalog: &Catalog,
) -> Result<Vec<Competition>, CompetitionError> {
    let mut all: Vec<Competition> = Vec::new();
    for (file, text) in files {
        let mistake = |message: String| CompetitionError {
            file: file.clone(),
            message,
        };
        let mut read: Competition = toml::from_str(text).map_err(|error| mistake(error.to_string()))?;
        check(&read, catalog).map_err(&mistake)?;
        let folder = folder
            .map(|folder| folder.join(file))
            .and_then(|path| path.parent().map(Path::to_owned));
        read.picture = match (&read.source, &read.source_file) {
            (_, Some(name)) => Some(Source::of_file(folder.as_deref(), name).map_err(&mistake)?),
            (Some(prompt), None) => Some(Source::Drawn(prompt.clone())),
            (None, None) => None,
        };
        if all.iter().any(|other| other.id == read.id) {
            return Err(mistake(format!("another competition has the id '{}'", read.id)));
        }
        all.push(read);
    }
    Ok(all)
}

fn check(competition: &Competition, catalog: &Catalog) -> Result<(), String> {
    if !crate::operator::is_id(&competition.id) {
        return Err(format!(
            "id '{}' must be 1 to 64 letters, digits, '-', '_' or '.'",
            competition.id
        ));
    }
    if competition.id == OWN_PROMPT {
        return Err(format!("id '{OWN_PROMPT}' stands for prompts of visitors’ own"));
    }
    if competition.prompt.trim().is_empty() || competition.prompt.chars().count() > PROMPT_CHARS_MAX {
        return Err(format!("prompt must have 1 to {PROMPT_CHARS_MAX} characters"));
    }
    let sources = usize::from(competition.source.is_some()) + usize::from(competition.source_file.is_some());
    match (competition.mode, sources) {
        (Mode::TextToImage, 0) | (Mode::ImageEdit, 1) => {}
        (Mode::TextToImage, _) => return Err("source and source_file are for image-edit".to_owned()),
        (Mode::ImageEdit, _) => return Err("image-edit needs a source or a source_file".to_owned()),
        (Mode::Upscale, _) => return Err("mode must be text-to-image or image-edit".to_owned()),
    }
    competition.pick.check(catalog)?;
    for id in competition.models.iter().flatten() {
        let Some(model) = catalog.model(id) else {
            return Err(format!("models: there is no model '{id}'"));
        };
        if !model.modes().contains(&competition.mode) {
            return Err(format!("models: '{id}' has no mode {}", competition.mode.as_str()));
        }
    }
    Ok(())
}

impl Competition {
    /// The models that take part here, in the order of the catalogue.
    pub(crate) fn models<'a>(&self, catalog: &'a Catalog, available: &HashSet<String>) -> Vec<&'a Model> {
        let can = |model: &&Model| {
            let view = ModelView::of(catalog, model, available);
            let is_named = self.models.as_ref().is_none_or(|names| names.contains(&model.id));
            let needs_more = |offer: &planner::view::OfferView<'_>| {
                offer
                    .offer
                    .requires
                    .iter()
                    .any(|name| name != "image" && name != "prompt")
            };
            let serves = |offer: &planner::view::OfferView<'_>| offer.available && !needs_more(offer);
            is_named
                && self.pick.takes(model, available)
                && !model.is_disabled()
                && model.modes().contains(&self.mode)
                && view.live_offers().any(serves)
                // What only the sandbox has is no model to be judged.
                && (self.models.is_some() || model.creator != OWN_CREATOR)
        };
        catalog.models().filter(can).collect()
    }

    /// Width and height in which entries are shown, in pixels: the shape of the order, its long side `long_px`.
    pub(crate) fn shown_px(&self, long_px: u32) -> (u32, u32) {
        shape(self.size.width_px, self.size.height_px, long_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Competition> {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue is right");
        let files = crate::builtin::competition_files(None).expect("built-in files");
        read(&files, None, &catalog).expect("the built-in competitions are right")
    }

    #[test]
    fn the_shipped_ones_are_right() {
        let all = all();
        let of = |mode: Mode| all.iter().filter(|competition| competition.mode == mode).count();
        assert_eq!((of(Mode::TextToImage), of(Mode::ImageEdit)), (4, 2));
        for name in [
            "Fantasy Warrior",
            "Candid Street Photography",
            "Adorable Baby Animals in Sunny Meadow",
            "Geometric Composition",
        ] {
            assert!(all.iter().any(|competition| competition.name == name), "{name}");
        }
    }

    #[test]
    fn mistakes_name_their_file() {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue is right");
        let good = "id = \"a\"\nname = \"A\"\nmode = \"text-to-image\"\nprompt = \"p\"\nsize = \"1024x1024\"\n";
        let told = |text: String| {
            let files = BTreeMap::from([("competitions/x.toml".to_owned(), text)]);
            read(&files, None, &catalog)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        assert_eq!(told(good.to_owned()), Ok(()));
        for (bad, part) in [
            (good.replace("text-to-image", "upscale"), "mode must be"),
            (good.replace("text-to-image", "image-edit"), "needs a source"),
            (good.replace("\"p\"", "\" \""), "prompt must have"),
            (format!("{good}models = [\"no-such\"]\n"), "no model 'no-such'"),
            (
                format!("{good}models = [\"dall-e-3\"]\nsource = \"x\"\n"),
                "are for image-edit",
            ),
            (
                good.replace("text-to-image\"", "image-edit\"\nsource_file = \"../../etc/passwd\""),
                "beside the competition",
            ),
            (format!("{good}[pick]\nfamilies = [\"no-such\"]\n"), "no 'no-such'"),
            (format!("{good}colour = 1\n"), "unknown field"),
        ] {
            let error = told(bad).expect_err("a mistake");
            assert!(
                error.starts_with("catalog/competitions/x.toml: ") && error.contains(part),
                "{error}"
            );
        }
    }

    #[test]
    fn a_rule_picks_models() {
        let catalog = crate::builtin::catalog(None).expect("the built-in catalogue is right");
        let text = "id = \"a\"\nname = \"A\"\nmode = \"text-to-image\"\nprompt = \"p\"\nsize = \"1024x1024\"\n\
                    [pick]\ncreators = [\"black-forest-labs\", \"recraft-ai\"]\nproviders = [\"fal\"]\n";
        let files = BTreeMap::from([("competitions/x.toml".to_owned(), text.to_owned())]);
        let read = read(&files, None, &catalog).expect("a competition");
        let everybody: HashSet<String> = catalog.providers().map(|provider| provider.id.clone()).collect();
        let picked = read[0].models(&catalog, &everybody);
        assert!(picked.len() > 3);
        for model in picked {
            assert!(
                ["black-forest-labs", "recraft-ai"].contains(&model.creator.as_str()),
                "{}",
                model.id
            );
            assert!(model.live_offers().any(|offer| offer.provider == "fal"), "{}", model.id);
        }
        assert_eq!(
            read[0].models(&catalog, &HashSet::from(["openai".to_owned()])),
            Vec::<&Model>::new()
        );
    }
}
