//! Checks across a read catalogue: what types alone cannot say.

use std::collections::{HashMap, HashSet};

use super::Catalog;
use super::mistake::place::{Step, dotted, key, locate, stands};
use super::mistake::suggest::unknown;
use super::mistake::{Mistake, Source};
use super::model::Model;
use super::offer::{Form, ModeOffer, Offer};
use super::pricing::{Metric, OutputTokens};
use crate::mode::Mode;
use crate::suggest::nearest;

/// Where each provider and model was read.
pub(super) type Origins<'a> = HashMap<(&'static str, String), Source<'a>>;

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
        checker.report(
            &[key("successor")],
            unknown("model", successor, catalog.models.keys().map(String::as_str)),
        );
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
            checker.report(
                &path,
                unknown(
                    "provider",
                    &offer.provider,
                    catalog.providers.keys().map(String::as_str),
                ),
            );
        }
        let mut names: HashSet<&str> = declared.keys().map(String::as_str).collect();
        if offer.retired {
            // What only an offer took that is gone, the model declares no more.
            names.extend(catalog.parameters.keys().map(String::as_str));
        }
        // A standard parameter is understood whether the model has it or not.
        let is_parameter = |name: &str| declared.contains_key(name) || catalog.parameters.contains_key(name);
        check_offer(checker, offer, &at, &names, &is_parameter);
    }
}

fn check_offer(
    checker: &mut Checker<'_>,
    offer: &Offer,
    at: &[Step],
    declared: &HashSet<&str>,
    is_parameter: &dyn Fn(&str) -> bool,
) {
    if offer.modes.is_empty() {
        checker.report(at, "an offer needs at least one table under modes".to_owned());
    }
    for mode in offer.modes.keys().copied() {
        let Some(mode_offer) = offer.in_mode(mode) else {
            continue;
        };
        let here = [at, &[key("modes"), key(mode.as_str())]].concat();
        check_mode(checker, mode_offer, mode, &here, at, declared);
        check_passthrough(checker, mode_offer, &here, at, is_parameter);
    }
    check_lifecycle(checker, offer, at);
    check_pricing(checker, offer, at);
}

/// What became of an end needs an end, and was found on it or after it.
fn check_lifecycle(checker: &mut Checker<'_>, offer: &Offer, at: &[Step]) {
    for (name, day) in [
        ("end_confirmed", offer.end_confirmed),
        ("still_served", offer.still_served),
    ] {
        let path = [at, &[key(name)]].concat();
        match (day, offer.sunset) {
            (Some(_), None) => checker.report(&path, format!("{name} needs a sunset")),
            (Some(day), Some(sunset)) if day < sunset => {
                checker.report(&path, format!("{name} is a day from the sunset on, which is {sunset}"));
            }
            _ => {}
        }
    }
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
            let meant = nearest(name, declared.iter().copied())
                .map_or_else(String::new, |near| format!("did you mean '{near}'? If not, "));
            checker.report(
                &path(),
                format!("'{name}' is not a parameter; {meant}declare it under [parameters.{name}]"),
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

/// A name is passed through only where nothing else has it.
fn check_passthrough(
    checker: &mut Checker<'_>,
    mode_offer: &ModeOffer,
    here: &[Step],
    at: &[Step],
    is_parameter: &dyn Fn(&str) -> bool,
) {
    let (_, text) = checker.source;
    for (index, name) in mode_offer.passthrough.iter().enumerate() {
        let native = mode_offer
            .fields
            .iter()
            .find(|(own, field)| field.native_name(own) == name);
        let message = if is_parameter(name) {
            format!("'{name}' is a parameter: map it under fields")
        } else if let Some((own, _)) = native {
            format!("'{own}' is already sent as '{name}'")
        } else if mode_offer.constants.contains_key(name) {
            format!("'{name}' is a constant, which callers cannot set")
        } else if mode_offer.passthrough[..index].contains(name) {
            format!("'{name}' stands there twice")
        } else {
            continue;
        };
        let own = [here, &[key("passthrough")]].concat();
        let common = [at, &[key("common"), key("passthrough")]].concat();
        let path = if stands(text, &own) { own } else { common };
        checker.report(&path, message);
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
