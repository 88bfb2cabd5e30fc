//! An offer beside what its provider tells: where they differ, and what would have to stand in the catalogue.

use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::Component;
use planner::mode::Mode;
use serde_json::json;

use super::difference::Difference;
use super::fields::{self, Input};
use super::told::{Printed, Standing, Told};

/// What is found of one native model of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The model's id.
    pub(super) model: String,
    /// The provider's own id.
    pub(super) native: String,
    /// The modes for which it is called.
    pub(super) modes: Vec<Mode>,
    /// Where they differ.
    pub(super) differences: Vec<Difference>,
}

/// Everything that is found at an offer, one finding for each native model.
pub(super) fn offer(catalog: &Catalog, model: &Model, offer: &Offer, told: &[Told], on: Date) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for mode in offer.modes.keys().copied() {
        let Some(mode_offer) = offer.in_mode(mode) else {
            continue;
        };
        let Some(own) = told.iter().find(|told| told.id == mode_offer.model) else {
            continue;
        };
        let index = findings.iter().position(|finding| finding.native == own.id);
        let index = index.unwrap_or_else(|| {
            findings.push(Finding {
                model: model.id.clone(),
                native: own.id.clone(),
                modes: Vec::new(),
                differences: lifecycle(offer, own, on),
            });
            findings.len() - 1
        });
        let mut found = prices(offer, mode, own);
        if let Some((document, name)) = &own.input {
            let declared = catalog.parameters_of(model);
            let input = Input::of(document, name);
            found.extend(fields::differences(model, declared, mode_offer, &input));
        }
        let finding = &mut findings[index];
        finding.modes.push(mode);
        for difference in found {
            if !finding.differences.contains(&difference) {
                finding.differences.push(difference);
            }
        }
    }
    findings
}

fn lifecycle(offer: &Offer, told: &Told, on: Date) -> Vec<Difference> {
    let mut found = Vec::new();
    let is_over = offer.sunset.is_some_and(|day| day < on);
    if told.standing == Standing::Absent {
        if offer.end_confirmed.is_none() {
            let sunset = match offer.sunset {
                Some(_) => String::new(),
                None => format!("sunset = \"{on}\"\n"),
            };
            found.push(Difference::new(
                "is not among the provider's models".to_owned(),
                format!("{sunset}end_confirmed = \"{on}\""),
            ));
        }
        return found;
    }
    if told.standing == Standing::Deprecated && offer.sunset.is_none() {
        found.push(Difference::new(
            "is told to be on its way out, without a day".to_owned(),
            "# sunset = \"...\"".to_owned(),
        ));
    }
    match (told.ends, offer.sunset) {
        (Some(day), own) if own != Some(day) => found.push(Difference::new(
            format!(
                "ends on {day}, and the catalogue says {}",
                own.map_or_else(|| "nothing".to_owned(), |day| day.to_string())
            ),
            format!("sunset = \"{day}\""),
        )),
        _ => {}
    }
    // A sighting of an earlier day gives way to this one.
    if is_over && offer.still_served.is_none_or(|seen| seen < on) {
        found.push(Difference::new(
            "is still among the provider's models, past its announced end".to_owned(),
            format!("still_served = \"{on}\""),
        ));
    }
    found
}

fn prices(offer: &Offer, mode: Mode, told: &Told) -> Vec<Difference> {
    told.prices
        .iter()
        .filter_map(|printed| price(offer, mode, printed))
        .collect()
}

fn price(offer: &Offer, mode: Mode, printed: &Printed) -> Option<Difference> {
    let shown = printed.dollars.normalize();
    let metric = match &printed.unit {
        Ok(metric) => *metric,
        Err(unit) => {
            return Some(Difference::new(
                format!("is billed ${shown} for each of its '{unit}', a unit that is not compared"),
                String::new(),
            ));
        }
    };
    let is_same = |name: &Option<String>, own: &[String]| {
        own.is_empty()
            || name
                .as_ref()
                .is_none_or(|name| own.iter().any(|own| own.eq_ignore_ascii_case(name)))
    };
    let comparable: Vec<&Component> = offer
        .pricing
        .components
        .iter()
        .filter(|part| part.direction == printed.direction && part.metric == metric && !part.cached)
        .filter(|part| part.modes.is_empty() || part.modes.contains(&mode))
        .filter(|part| is_same(&printed.quality, &part.quality))
        .filter(|part| {
            is_same(
                &printed.resolution,
                &part.resolution.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        })
        .collect();
    let unit = |part: &Component| part.unit_price / rust_decimal::Decimal::from(part.unit_size);
    let agrees = comparable
        .iter()
        .any(|part| unit(part) == printed.dollars || part.first_unit_price == Some(printed.dollars));
    if agrees {
        return None;
    }
    let own: Vec<String> = comparable.iter().map(|part| format!("${}", part.unit_price)).collect();
    let own = if own.is_empty() {
        "nothing".to_owned()
    } else {
        own.join(", ")
    };
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (direction, metric) = (word(json!(printed.direction)), word(json!(metric)));
    let mut conditions = String::new();
    for (name, value) in [("quality", &printed.quality), ("resolution", &printed.resolution)] {
        if let Some(value) = value {
            // Tiers stand in the catalogue in capitals.
            let value = if name == "resolution" {
                value.to_uppercase()
            } else {
                value.clone()
            };
            conditions.push_str(&format!(", {name} = [\"{value}\"]"));
        }
    }
    if comparable.iter().any(|part| !part.modes.is_empty()) {
        conditions.push_str(&format!(", modes = [\"{}\"]", mode.as_str()));
    }
    Some(Difference::new(
        format!(
            "costs ${shown} for each {direction} {}{}, and the catalogue says {own}",
            metric.replace('_', " "),
            conditions.replace(" = ", " ")
        ),
        format!(
            "components = [{{ type = \"{direction}\", metric = \"{metric}\", unit_price = \"{shown}\"{conditions} }}]"
        ),
    ))
}
