//! `pictor catalog`: works on the files themselves, so it needs no running gateway.

mod verify;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::civil::Date;
use planner::catalog::figures::Figure;
use planner::catalog::model::Model;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::Component;
use planner::price::starting::starting_price;
use planner::schema;
use serde_json::{Value, json};

use super::output::{say, table};
use super::{Failed, explain, load};
use crate::builtin;
use crate::clock::Clock;
use crate::renewal::pack::{Pack, SecretKey};

/// What to do with the catalogue.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read every file and report all mistakes with file, line and key.
    Check {
        /// A folder of files that add to the built-in ones or take their place.
        #[arg(long, env = "PICTOR_CATALOG_DIR")]
        dir: Option<PathBuf>,
    },
    /// List the models.
    List {
        /// Retired and switched-off ones too.
        #[arg(long)]
        all: bool,
    },
    /// Show one model: its offers, sizes and prices.
    Show {
        /// Id or alias.
        model: String,
        /// Print its file, to copy into a folder of one's own and change.
        #[arg(long)]
        toml: bool,
    },
    /// Print the JSON Schema of a request to one model.
    Schema {
        /// Id or alias.
        model: String,
    },
    /// List by provider what should be looked at: ends that come soon or that nobody has confirmed, and old prices.
    Stale {
        /// As if it were this day, such as 2027-01-01.
        #[arg(long, value_name = "DAY")]
        on: Option<Date>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask a provider itself what it tells of its models without cost, and list where the catalogue differs, ready to paste.
    Verify(verify::Arguments),
    /// Draw some figures of the catalogue, each with its source, to be held against it.
    Sample {
        /// What the draw goes by: the same number draws the same figures.
        #[arg(long)]
        seed: u64,
        /// How many.
        #[arg(long, default_value_t = 60)]
        count: usize,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make one signed file of the built-in catalogue and a folder over it, for the setting catalog_url of gateways.
    Pack {
        /// The file of the secret key that signs it; made where it does not exist.
        #[arg(long)]
        key: PathBuf,
        /// The file to write.
        #[arg(long, default_value = "catalog.json")]
        out: PathBuf,
        /// A folder of files that add to the built-in ones or take their place.
        #[arg(long, env = "PICTOR_CATALOG_DIR")]
        dir: Option<PathBuf>,
    },
    /// Tell, offer by offer, what would be sent for a request, what it would cost, and why in this order.
    Explain(explain::Arguments),
}

/// Runs one of the commands.
pub(super) async fn run(command: Command, config: Option<PathBuf>) -> Result<(), Failed> {
    match command {
        Command::Check { dir } => check(dir),
        Command::List { all } => list(all, config),
        Command::Show { model, toml: true } => file(&model, config),
        Command::Show { model, toml: false } => show(&model, config),
        Command::Schema { model } => print_schema(&model, config),
        Command::Stale { on, json } => stale(on, json, config),
        Command::Verify(arguments) => verify::run(arguments, config).await,
        Command::Sample { seed, count, json } => sample(seed, count, json, config),
        Command::Pack { key, out, dir } => pack(&key, &out, dir.as_deref()),
        Command::Explain(arguments) => explain::run(&arguments, config),
    }
}

fn check(dir: Option<PathBuf>) -> Result<(), Failed> {
    let catalog = builtin::catalog(dir.as_deref())?;
    let offers: usize = catalog.models().map(|model| model.offers.len()).sum();
    say(&format!(
        "{} providers, {} models, {offers} offers: no mistakes",
        catalog.providers().count(),
        catalog.models().count()
    ));
    Ok(())
}

fn stale(on: Option<Date>, as_json: bool, config: Option<PathBuf>) -> Result<(), Failed> {
    let (_, catalog) = load(config)?;
    let on = on.unwrap_or_else(|| Clock::system().today());
    let found = catalog.stale(on);
    if as_json {
        let rows = found.iter().map(|one| {
            json!({ "provider": one.provider, "model": one.model, "doubt": one.doubt.name(), "day": one.doubt.day(),
                "reason": one.doubt.to_string() })
        });
        say(&serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
        return Ok(());
    }
    let mut rows = vec![["PROVIDER", "MODEL", "WHY"].map(ToOwned::to_owned).to_vec()];
    rows.extend(
        found
            .iter()
            .map(|one| vec![one.provider.to_owned(), one.model.to_owned(), one.doubt.to_string()]),
    );
    table(&rows);
    Ok(())
}

fn sample(seed: u64, count: usize, as_json: bool, config: Option<PathBuf>) -> Result<(), Failed> {
    let (_, catalog) = load(config)?;
    let drawn = catalog.sample(seed, count);
    if as_json {
        let rows = drawn.iter().map(|figure| {
            json!({ "provider": figure.provider, "model": figure.model, "of": figure.of, "value": figure.value,
                "source": figure.source, "as_of": figure.as_of })
        });
        say(&serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
        return Ok(());
    }
    let mut rows = vec![
        ["PROVIDER", "MODEL", "FIGURE", "VALUE", "SOURCE", "DATE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    let row = |figure: Figure| {
        vec![
            figure.provider,
            figure.model,
            figure.of,
            figure.value,
            figure.source,
            figure.as_of.to_string(),
        ]
    };
    rows.extend(drawn.into_iter().map(row));
    table(&rows);
    Ok(())
}

fn pack(key: &Path, out: &Path, dir: Option<&Path>) -> Result<(), Failed> {
    // With a mistake in it nobody would take it.
    let catalog = builtin::catalog(dir)?;
    let key = SecretKey::read_or_make(key)?;
    let pack = Pack::new(builtin::files(dir)?, Clock::system().now());
    std::fs::write(out, pack.sealed(&key)).map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    say(&format!("{} models in {}", catalog.models().count(), out.display()));
    say(&format!("catalog_key = \"{}\"", key.public()));
    Ok(())
}

fn list(all: bool, config: Option<PathBuf>) -> Result<(), Failed> {
    let (_, catalog) = load(config)?;
    let mut rows = vec![
        ["MODEL", "NAME", "STATUS", "MODES", "PROVIDERS", "FROM"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for model in catalog.models().filter(|model| all || !model.is_disabled()) {
        let mut providers: Vec<&str> = model.live_offers().map(|offer| offer.provider.as_str()).collect();
        providers.dedup();
        let modes: Vec<&str> = model.modes().into_iter().map(planner::mode::Mode::as_str).collect();
        rows.push(vec![
            model.id.clone(),
            model.name.clone(),
            status(model),
            modes.join(","),
            providers.join(","),
            starting_price(&catalog, model).map_or_else(|| "-".to_owned(), |start| start.price.to_string()),
        ]);
    }
    table(&rows);
    Ok(())
}

fn status(model: &Model) -> String {
    let status = match json!(model.status()) {
        Value::String(status) => status,
        other => other.to_string(),
    };
    let off = model.offers.iter().any(|offer| offer.switched_off) && model.is_disabled();
    if off { "switched off".to_owned() } else { status }
}

fn print_schema(name: &str, config: Option<PathBuf>) -> Result<(), Failed> {
    let (_, catalog) = load(config)?;
    let model = catalog
        .model(name)
        .ok_or_else(|| format!("there is no model '{name}'"))?;
    say(&serde_json::to_string_pretty(&schema::of_model(&catalog, model))?);
    Ok(())
}

fn file(name: &str, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    let model = catalog
        .model(name)
        .ok_or_else(|| format!("there is no model '{name}'"))?;
    let file = builtin::model_file(settings.catalog_dir.as_deref(), &model.id)?;
    let (path, text) = file.ok_or("the model's file is gone")?;
    say(&format!("# {path}\n{}", text.trim_end()));
    Ok(())
}

fn show(name: &str, config: Option<PathBuf>) -> Result<(), Failed> {
    let (_, catalog) = load(config)?;
    let model = catalog
        .model(name)
        .ok_or_else(|| format!("there is no model '{name}'"))?;
    say(&format!(
        "{} ({}) by {}: {}",
        model.name,
        model.id,
        model.creator_name,
        status(model)
    ));
    say(&model.description);
    if !model.aliases.is_empty() {
        say(&format!("also: {}", model.aliases.join(", ")));
    }
    if let Some(successor) = &model.successor {
        say(&format!("successor: {successor}"));
    }
    say("\nSizes");
    let mut rows = vec![["SIZE", "RATIO", "TIER", ""].map(ToOwned::to_owned).to_vec()];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for row in schema::sizes_json(model).as_array().into_iter().flatten() {
        let nominal = if row["nominal"] == true { "nominal" } else { "" };
        rows.push(vec![
            text(&row["size"]),
            text(&row["aspect_ratio"]),
            text(&row["resolution"]),
            nominal.to_owned(),
        ]);
    }
    table(&rows);
    let range = schema::range_json(model);
    if !range.is_null() {
        say(&format!("any size within {range}"));
    }
    for offer in &model.offers {
        show_offer(offer);
    }
    Ok(())
}

fn show_offer(offer: &Offer) {
    let end = match (offer.is_live(), offer.sunset) {
        (false, _) => format!(" ({})", offer.end()),
        (true, Some(day)) => format!(" (last day {day})"),
        (true, None) => String::new(),
    };
    say(&format!("\n{}{end}", offer.provider));
    for (mode, mode_offer) in offer
        .modes
        .keys()
        .filter_map(|mode| Some((mode, offer.in_mode(*mode)?)))
    {
        let inputs = mode_offer.inputs.as_ref().map_or_else(String::new, |inputs| {
            let mask = if inputs.mask.is_some() { ", a mask" } else { "" };
            format!(", at most {} input images{mask}", inputs.max)
        });
        say(&format!(
            "  {mode}: {}, {} images a call{inputs}",
            mode_offer.model, mode_offer.max_n
        ));
    }
    say(&format!(
        "  prices as of {} ({})",
        offer.pricing.as_of, offer.pricing.source
    ));
    for part in &offer.pricing.components {
        say(&format!("    {}", price_line(part)));
    }
    for note in &offer.pricing.notes {
        say(&format!("    {note}"));
    }
}

fn price_line(part: &Component) -> String {
    let word = |value: Value| value.as_str().unwrap_or_default().replace('_', " ");
    let unit = match part.unit_size {
        1 => word(json!(part.metric)),
        size => format!("{size} {}", word(json!(part.metric))),
    };
    let sizes = part.size.iter().map(ToString::to_string);
    let tiers = part.resolution.iter().map(ToString::to_string);
    let conditions: Vec<String> = part.quality.iter().cloned().chain(sizes).chain(tiers).collect();
    let cached = if part.cached { " cached" } else { "" };
    let first = part.first_unit_price;
    let first = first.map_or_else(String::new, |price| format!("${price} for the first, then "));
    format!(
        "{first}${} per {unit}{cached} {} {}",
        part.unit_price,
        word(json!(part.direction)),
        conditions.join(", ")
    )
    .trim_end()
    .to_owned()
}
