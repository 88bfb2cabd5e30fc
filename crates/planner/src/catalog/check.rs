//! Checks across a read catalogue: what types alone cannot say.

use std::collections::{HashMap, HashSet};

use toml::de::{DeTable, DeValue};

use super::Catalog;
use super::mistake::{Mistake, Source, line_of};
use super::model::Model;
use super::offer::{Form, ModeOffer, Offer};
use super::pricing::{Metric, OutputTokens};
use crate::mode::Mode;

/// Where each provider and model was read.
pub(super) type Origins<'a> = HashMap<(&'static str, String), Source<'a>>;

/// One step of a key.
#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

struct Checker<'a> {
    source: Source<'a>,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn report(&mut self, path: &[Step], message: String) {
        let key = dotted(path);
        let (file, text) = self.source;
        self.mistakes.push(Mistake {
            file: file.to_owned(),
            line: locate(text, path),
            key,
            message,
        });
    }
}

fn dotted(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => format!("[{index}]"),
    };
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// The dotted key at a byte of `text`; empty when the text is no TOML or nothing stands there.
pub(super) fn key_at(text: &str, offset: usize) -> String {
    let Ok(table) = DeTable::parse(text) else {
        return String::new();
    };
    path_at(&DeValue::Table(table.into_inner()), offset).map_or_else(String::new, |path| dotted(&path))
}

/// The deepest path whose key or value spans `offset`. A table's own span is only its head, so every branch is searched.
fn path_at(value: &DeValue<'_>, offset: usize) -> Option<Vec<Step>> {
    let below = |step: Step, spanned: bool, child: &DeValue<'_>| match path_at(child, offset) {
        Some(rest) => Some([vec![step], rest].concat()),
        None => spanned.then(|| vec![step]),
    };
    match value {
        DeValue::Table(table) => table.iter().find_map(|(name, child)| {
            let spanned = name.span().contains(&offset) || child.span().contains(&offset);
            below(key(name.get_ref().as_ref()), spanned, child.get_ref())
        }),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, child)| below(Step::Index(index), child.span().contains(&offset), child.get_ref())),
        _ => None,
    }
}

/// The line of the deepest part of `path` that stands in the text, and how many steps that is.
fn deepest(text: &str, path: &[Step]) -> (usize, usize) {
    let Ok(table) = DeTable::parse(text) else { return (0, 0) };
    let mut line = line_of(text, table.span().start);
    let root = DeValue::Table(table.into_inner());
    let mut value = &root;
    for (depth, step) in path.iter().enumerate() {
        let next = match (value, step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(key.as_str()),
            (DeValue::Array(items), Step::Index(index)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else { return (line, depth) };
        line = line_of(text, next.span().start);
        value = next.get_ref();
    }
    (line, path.len())
}

fn locate(text: &str, path: &[Step]) -> usize {
    deepest(text, path).0
}

fn stands(text: &str, path: &[Step]) -> bool {
    deepest(text, path).1 == path.len()
}

fn key(name: impl Into<String>) -> Step {
    Step::Key(name.into())
}

/// All mistakes that show only when the files are seen together.
pub(super) fn check(catalog: &Catalog, origins: &Origins<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut names: HashMap<&str, &str> = catalog.models.keys().map(|id| (id.as_str(), id.as_str())).collect();
    for model in catalog.models.values() {
        let Some(source) = origins.get(&("model", model.id.clone())) else {
            continue;
        };
        let mut checker = Checker {
            source: *source,
            mistakes: Vec::new(),
        };
        for (index, alias) in model.aliases.iter().enumerate() {
            if let Some(other) = names.insert(alias, &model.id) {
                checker.report(
                    &[key("aliases"), Step::Index(index)],
                    format!("'{alias}' already names the model '{other}'"),
                );
            }
        }
        check_model(&mut checker, catalog, model);
        mistakes.append(&mut checker.mistakes);
    }
    mistakes
}

fn check_model(checker: &mut Checker<'_>, catalog: &Catalog, model: &Model) {
    if let Some(successor) = &model.successor
        && !catalog.models.contains_key(successor)
    {
        checker.report(&[key("successor")], unknown("model", successor, catalog.models.keys()));
    }
    if model.offers.is_empty() {
        checker.report(
            &[key("offers")],
            "a model needs at least one offer, retired or not".to_owned(),
        );
    }
    let declared = catalog.parameters_of(model);
    for (index, offer) in model.offers.iter().enumerate() {
        let at = vec![key("offers"), Step::Index(index)];
        if !catalog.providers.contains_key(&offer.provider) {
            let path = [at.clone(), vec![key("provider")]].concat();
            checker.report(&path, unknown("provider", &offer.provider, catalog.providers.keys()));
        }
        check_offer(checker, offer, &at, &declared.keys().map(String::as_str).collect());
    }
}

fn check_offer(checker: &mut Checker<'_>, offer: &Offer, at: &[Step], declared: &HashSet<&str>) {
    if offer.modes.is_empty() {
        checker.report(at, "an offer needs at least one table under modes".to_owned());
    }
    for mode in offer.modes.keys().copied() {
        let Some(mode_offer) = offer.in_mode(mode) else {
            continue;
        };
        let here = [at, &[key("modes"), key(mode.as_str())]].concat();
        check_mode(checker, &mode_offer, mode, &here, at, declared);
    }
    check_pricing(checker, offer, at);
}

fn check_mode(
    checker: &mut Checker<'_>,
    mode_offer: &ModeOffer,
    mode: Mode,
    here: &[Step],
    at: &[Step],
    declared: &HashSet<&str>,
) {
    if mode_offer.model.is_empty() {
        checker.report(
            here,
            "the provider's model id is missing: set `model` here or under common".to_owned(),
        );
    }
    if mode != Mode::TextToImage && mode_offer.inputs.is_none() {
        checker.report(here, format!("{mode} needs `inputs`"));
    }
    let mut natives: HashMap<&str, &str> = HashMap::new();
    for (name, field) in &mode_offer.fields {
        let (_, text) = checker.source;
        // Only a mistake needs its place; finding it reads the whole text again.
        let path = || {
            let own = [here, &[key("fields"), key(name.as_str())]].concat();
            let common = [at, &[key("common"), key("fields"), key(name.as_str())]].concat();
            if stands(text, &own) { own } else { common }
        };
        if !declared.contains(name.as_str()) {
            checker.report(
                &path(),
                format!("'{name}' is not a parameter; declare it under [parameters.{name}]"),
            );
        }
        if let Some(other) = natives.insert(field.native_name(name), name) {
            checker.report(
                &path(),
                format!("'{other}' is already sent as '{}'", field.native_name(name)),
            );
        }
        if matches!(field.form, Form::File | Form::Link | Form::LinkList) != matches!(name.as_str(), "image" | "mask") {
            checker.report(
                &path(),
                "the forms file, link and link-list are for image and mask, and they take no other".to_owned(),
            );
        }
    }
}

fn check_pricing(checker: &mut Checker<'_>, offer: &Offer, at: &[Step]) {
    let pricing = &offer.pricing;
    let here = [at, &[key("pricing")]].concat();
    for (index, component) in pricing.components.iter().enumerate() {
        let path = [here.as_slice(), &[key("components"), Step::Index(index)]].concat();
        if component.unit_price.is_sign_negative() {
            checker.report(&path, "a price is not negative".to_owned());
        }
        if component.unit_size == 0 {
            checker.report(&path, "unit_size is at least 1".to_owned());
        }
    }
    let sells_tokens = pricing
        .components
        .iter()
        .any(|part| part.metric == Metric::TokenImage && part.direction == super::pricing::Direction::Output);
    if sells_tokens && pricing.output_tokens.is_none() {
        checker.report(
            &here,
            "image tokens are priced, so output_tokens must say how many an image has".to_owned(),
        );
    }
    if let (Some(tokens), Some(auto)) = (&pricing.output_tokens, &pricing.auto_quality) {
        let known = match tokens {
            OutputTokens::Table { tokens } => tokens.contains_key(auto),
            OutputTokens::Grid { cells, .. } => cells.contains_key(auto),
        };
        if !known {
            checker.report(
                &[here, vec![key("auto_quality")]].concat(),
                format!("output_tokens has no quality '{auto}'"),
            );
        }
    }
}

/// "unknown x 'y'", with the nearest known name.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let nearest = known
        .map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, candidate)) => format!("unknown {what} '{name}'; did you mean '{candidate}'?"),
        None => format!("unknown {what} '{name}'"),
    }
}
