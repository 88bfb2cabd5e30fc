//! `pictor catalog explain`.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::explain::{Explanation, OfferExplanation, Sent, explain};
use planner::plan::Circumstances;
use planner::request::{Endpoint, InputFacts, Inputs, parse};
use serde_json::{Value, json};

use super::output::{say, table};
use super::{Failed, load};
use crate::clock::Clock;
use crate::media::process::format_of;
use crate::settings::Settings;
use crate::upstreams::Upstreams;

/// The request to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Model, or provider/model.
    model: String,
    /// Parameters as name=value; a value is JSON, or text. Without a prompt there is a pretended one.
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Input image of an edit; may be given several times.
    #[arg(long, short)]
    image: Vec<PathBuf>,
    /// Its mask.
    #[arg(long)]
    mask: Option<PathBuf>,
    /// As if every provider had a credential.
    #[arg(long)]
    all_providers: bool,
    /// As if it were this day, such as 2027-01-01.
    #[arg(long, value_name = "DAY")]
    on: Option<Date>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Stands for the prompt of a request that is only explained.
const PROMPT: &str = "(prompt)";

/// Explains.
pub(super) fn run(arguments: &Arguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    let explanation = explained(arguments, &settings, &catalog)?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&explanation)?);
    } else {
        print(&explanation);
    }
    Ok(())
}

fn explained(arguments: &Arguments, settings: &Settings, catalog: &Catalog) -> Result<Explanation, Failed> {
    let endpoint = if arguments.image.is_empty() {
        Endpoint::Generations
    } else {
        Endpoint::Edits
    };
    let mut fields = super::images::pairs(&arguments.parameters)?;
    fields.insert("model".to_owned(), Value::from(arguments.model.as_str()));
    if !fields.contains_key("scale_factor") {
        fields.entry("prompt").or_insert_with(|| Value::from(PROMPT));
    }
    let (request, faults) = parse(endpoint, &fields, false, catalog);
    let inputs = Inputs {
        images: arguments
            .image
            .iter()
            .map(|path| facts(path))
            .collect::<Result<_, _>>()?,
        mask: arguments.mask.as_deref().map(facts).transpose()?,
    };
    let upstreams = Upstreams::new(catalog, settings, Some(super::doctor::NOWHERE))?;
    let available = if arguments.all_providers {
        catalog.providers().map(|provider| provider.id.clone()).collect()
    } else {
        upstreams.available().clone()
    };
    let (found, _) = catalog
        .find_or_successor(&arguments.model, &settings.successors)
        .map_err(|cause| crate::problem::model_message(&arguments.model, &cause))?;
    let time = match arguments.on {
        Some(day) => day
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|error| error.to_string())?
            .timestamp(),
        None => Clock::system().now(),
    };
    let now = Circumstances {
        forced_provider: found.forced_provider,
        regions: upstreams.regions(),
        strategy: settings.strategy,
        priorities: &settings.priorities,
        ..Circumstances::new(&available, time)
    };
    Ok(explain(catalog, found.model, &request, &inputs, &now, faults))
}

fn facts(path: &Path) -> Result<InputFacts, Failed> {
    let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(|error| unusable(&error))?;
    let size_bytes = file.metadata().map_err(|error| unusable(&error))?.len();
    let info = imaging::inspect(std::io::BufReader::new(file)).map_err(|error| unusable(&error))?;
    Ok(InputFacts {
        format: format_of(info.format),
        width_px: info.width_px,
        height_px: info.height_px,
        has_alpha: info.has_alpha,
        is_plain: info.is_plain,
        size_bytes,
    })
}

fn print(explanation: &Explanation) {
    say(&format!("{}, {}", explanation.model, explanation.mode));
    for fault in &explanation.faults {
        say(&format!("refused: {}", fault.message));
    }
    for offer in &explanation.offers {
        print_offer(offer);
    }
}

fn print_offer(offer: &OfferExplanation) {
    let place = offer.place.map_or_else(|| "-".to_owned(), |place| format!("{place}."));
    let native = offer.native_model.as_deref().unwrap_or("");
    say(&format!("\n{place} {} {native}", offer.provider));
    say(&format!("   {}", offer.reason));
    if let Some(sent) = &offer.sent {
        print_sent(sent);
    }
}

fn print_sent(sent: &Sent) {
    let calls_of: Vec<String> = sent.calls.iter().map(ToString::to_string).collect();
    let what = match (sent.calls.len(), sent.calls.iter().sum::<u32>()) {
        (1, 1) => "one image".to_owned(),
        (1, images) => format!("{images} images in one call"),
        (calls, images) => format!("{images} images in {calls} calls ({})", calls_of.join(" + ")),
    };
    let basis = json!(sent.cost_basis);
    say(&format!(
        "   {what}; the charge is by {}",
        basis.as_str().unwrap_or_default()
    ));
    for line in &sent.components {
        let word = |value: Value| value.as_str().unwrap_or_default().replace('_', " ");
        say(&format!(
            "     {} {} {}: {}",
            line.quantity,
            word(json!(line.direction)),
            word(json!(line.metric)),
            line.total_cost
        ));
    }
    for warning in &sent.warnings {
        say(&format!("   {warning}"));
    }
    let mut rows = vec![
        ["   PARAMETER", "REQUESTED", "HANDLING", "SENT", "NOTE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for one in &sent.parameters {
        let fields: Vec<String> = one
            .sent
            .iter()
            .map(|(name, value)| format!("{name}={}", short(value)))
            .collect();
        rows.push(vec![
            format!("   {}", one.parameter),
            short(&one.requested),
            one.handling
                .map_or_else(|| "passthrough".to_owned(), |handling| handling.to_string()),
            if fields.is_empty() {
                "-".to_owned()
            } else {
                fields.join(" ")
            },
            one.note.clone().unwrap_or_default(),
        ]);
    }
    table(&rows);
    for step in sent.before.iter().chain(&sent.after) {
        say(&format!("   {step}"));
    }
    if !sent.passthrough.is_empty() {
        say(&format!("   also takes {}", sent.passthrough.join(", ")));
    }
    let fields = Value::Object(sent.fields.clone());
    say(&format!("   sends {fields}"));
}

/// A value in one cell.
fn short(value: &Value) -> String {
    const CELL_CHARS: usize = 32;
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    if text.chars().count() <= CELL_CHARS {
        return text;
    }
    let head: String = text.chars().take(CELL_CHARS - 1).collect();
    format!("{head}…")
}
