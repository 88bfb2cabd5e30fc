//! `pictor ledger reconcile`: a provider's own account of what it billed beside what is on record here.

mod export;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::catalog::Catalog;
use planner::money::Micros;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::Failed;
use super::super::output::{say, table};
use super::signed;
use crate::db::Database;
use crate::db::ledger::spent::SpentCalls;
use export::Export;

/// What is held against what.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Whose account it is.
    #[arg(long)]
    provider: String,
    /// The file that the provider exported.
    file: PathBuf,
    /// Differences of a day and model up to this many dollars are not listed: providers round, and a call at midnight may
    /// be of either day.
    #[arg(long, value_name = "USD", default_value = "0.01")]
    tolerance: Decimal,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// One day of one model.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Row {
    /// What the provider billed.
    billed_micros: i64,
    /// What is on record here.
    booked_micros: i64,
    /// Calls on record that delivered.
    calls: i64,
    /// Calls on record that may have been billed although they delivered nothing.
    doubtful: i64,
}

impl Row {
    const fn differs_by(&self) -> i64 {
        self.billed_micros - self.booked_micros
    }
}

/// Of a day and a model; no model where the export does not say which.
type Place = (Date, Option<String>);

/// Reads the export, and lists what differs.
pub(super) async fn run(database: &Database, catalog: &Catalog, arguments: &Arguments) -> Result<(), Failed> {
    if catalog.provider(&arguments.provider).is_none() {
        return Err(format!("there is no provider '{}'", arguments.provider).into());
    }
    let text =
        std::fs::read_to_string(&arguments.file).map_err(|error| format!("{}: {error}", arguments.file.display()))?;
    let export = export::read(&arguments.provider, &text)?;
    let Some((first, last)) = export.days() else {
        return Err(format!("{} has no amounts", arguments.file.display()).into());
    };
    let start = |day: Date| day.to_zoned(TimeZone::UTC).map(|day| day.timestamp());
    let (from, to) = (start(first)?, start(last.tomorrow()?)?);
    let calls = database.spent_calls(&arguments.provider, from, to).await?;
    let compared = compare(catalog, &arguments.provider, &export, &calls);
    let tolerance = Micros::from_dollars(arguments.tolerance).0;
    let differing: Vec<(&Place, &Row)> = compared
        .rows
        .iter()
        .filter(|(_, row)| row.differs_by().abs() > tolerance)
        .collect();
    if arguments.json {
        say(&serde_json::to_string_pretty(&as_json(
            &differing,
            &compared,
            (first, last),
        ))?);
    } else {
        print(&differing, &compared, (first, last));
    }
    match differing.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} of {} rows differ by more than ${}",
            compared.rows.len(),
            arguments.tolerance
        )
        .into()),
    }
}

/// Both sides, day by day and model by model.
#[derive(Debug, Default)]
struct Compared {
    rows: BTreeMap<Place, Row>,
    /// What the provider billed for models that Pictor does not have there: other use of the same account.
    elsewhere_micros: i64,
}

fn compare(catalog: &Catalog, provider: &str, export: &Export, calls: &[SpentCalls]) -> Compared {
    let mut compared = Compared::default();
    for line in &export.lines {
        let name = match &line.model {
            None => None,
            Some(name) => match native(catalog, provider, name, calls) {
                Some(native) => Some(native),
                None => {
                    compared.elsewhere_micros += line.micros;
                    continue;
                }
            },
        };
        let row = compared.rows.entry((line.day, name)).or_default();
        row.billed_micros += line.micros;
    }
    // An export that names no model at all is held against the sum of all.
    let names_models = export.lines.iter().any(|line| line.model.is_some());
    for of_day in calls {
        let name = names_models.then(|| of_day.model.clone());
        let row = compared.rows.entry((of_day.day, name)).or_default();
        row.booked_micros += of_day.provider_micros;
        row.calls += of_day.calls;
        row.doubtful += of_day.doubtful;
    }
    compared
}

/// The native model that a name in an export means: itself, or the dated name of one.
fn native(catalog: &Catalog, provider: &str, name: &str, calls: &[SpentCalls]) -> Option<String> {
    if calls.iter().any(|call| call.model == name) {
        return Some(name.to_owned());
    }
    let offers = catalog
        .models()
        .flat_map(|model| model.offers.iter().map(move |offer| (model, offer)))
        .filter(|(_, offer)| offer.provider == provider);
    for (model, offer) in offers {
        let mut natives = offer
            .modes
            .keys()
            .filter_map(|mode| offer.in_mode(*mode))
            .map(|mode| &mode.model);
        let is_alias = model.id == name || model.aliases.iter().any(|alias| alias == name);
        if let Some(native) = natives.find(|native| *native == name || is_alias) {
            return Some(native.clone());
        }
    }
    None
}

fn as_json(differing: &[(&Place, &Row)], compared: &Compared, (first, last): (Date, Date)) -> Value {
    let row = |(place, row): &(&Place, &Row)| {
        json!({ "day": place.0, "model": place.1, "billed_micros": row.billed_micros, "booked_micros": row.booked_micros,
            "difference_micros": row.differs_by(), "calls": row.calls, "doubtful_calls": row.doubtful })
    };
    let sum = |of: fn(&Row) -> i64| compared.rows.values().map(of).sum::<i64>();
    json!({ "from": first, "to": last, "rows": compared.rows.len(), "billed_micros": sum(|row| row.billed_micros),
        "booked_micros": sum(|row| row.booked_micros), "elsewhere_micros": compared.elsewhere_micros,
        "differences": differing.iter().map(row).collect::<Vec<_>>() })
}

fn print(differing: &[(&Place, &Row)], compared: &Compared, (first, last): (Date, Date)) {
    let sum = |of: fn(&Row) -> i64| signed(compared.rows.values().map(of).sum::<i64>());
    say(&format!(
        "{first} to {last}: billed {}, on record {}, differing by {}",
        sum(|row| row.billed_micros),
        sum(|row| row.booked_micros),
        sum(Row::differs_by),
    ));
    if compared.elsewhere_micros != 0 {
        say(&format!(
            "{} more were billed for what is no model of the catalogue: other use of the account",
            signed(compared.elsewhere_micros)
        ));
    }
    if differing.is_empty() {
        return;
    }
    let heads = ["DAY", "MODEL", "BILLED", "ON RECORD", "DIFFERENCE", "CALLS", "DOUBTFUL"];
    let mut rows = vec![heads.map(ToOwned::to_owned).to_vec()];
    rows.extend(differing.iter().map(|((day, model), row)| {
        vec![
            day.to_string(),
            model.clone().unwrap_or_else(|| "-".to_owned()),
            signed(row.billed_micros),
            signed(row.booked_micros),
            signed(row.differs_by()),
            row.calls.to_string(),
            row.doubtful.to_string(),
        ]
    }));
    table(&rows);
}
