//! `pictor catalog verify`: asks a provider itself what it tells of its models without cost, and holds the catalogue
//! against it.

mod ask;
mod compare;
mod difference;
mod fields;
mod inventory;
mod told;

use std::path::PathBuf;

use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use serde_json::{Value, json};

use super::super::output::say;
use super::super::{Failed, load};
use crate::builtin;
use crate::clock::Clock;
use crate::settings::{SandboxUse, Settings};
use crate::upstreams::{Service, Upstreams};
use ask::Asker;
use compare::Finding;
use told::Inventory;

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The provider, by its id; its credential is that of the settings.
    #[arg(long)]
    provider: String,
    /// As if it were this day, such as 2027-01-01.
    #[arg(long, value_name = "DAY")]
    on: Option<Date>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Asks and compares.
pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    let provider = catalog
        .provider(&arguments.provider)
        .ok_or_else(|| format!("there is no provider '{}'", arguments.provider))?;
    let upstreams = Upstreams::new(&catalog, &settings, None)?;
    let upstream = upstreams.get(&provider.id).ok_or("the provider is gone")?;
    let (Service::Real { .. }, Some(access)) = (&upstream.service, &upstream.access) else {
        return Err(no_credential(&settings, &provider.id, provider.credential_variable.as_deref()).into());
    };
    let asker = Asker::new(
        access.endpoint(),
        inventory::scheme(&provider.protocol),
        settings.outbound_proxy.as_ref(),
    )?;
    let ids = native_ids(&catalog, &provider.id);
    let inventory = inventory::take(&provider.protocol, &asker, &ids).await?;
    let on = arguments.on.unwrap_or_else(|| Clock::system().today());
    let findings = compared(&catalog, &provider.id, &inventory, on);
    let others = newer(&catalog, &provider.id, &inventory);
    if arguments.json {
        say(&serde_json::to_string_pretty(&as_json(&findings, &others, &inventory))?);
    } else {
        print(&settings, &provider.id, &findings, &others, &inventory)?;
    }
    let differ: usize = findings.iter().map(|finding| finding.differences.len()).sum();
    if differ == 0 {
        Ok(())
    } else {
        Err(format!(
            "{differ} difference(s) between the catalogue and what {} tells",
            provider.name
        )
        .into())
    }
}

fn no_credential(settings: &Settings, id: &str, variable: Option<&str>) -> String {
    if settings.sandbox == SandboxUse::Always {
        return format!("PICTOR_SANDBOX=always: provider '{id}' is served by the sandbox, which is not asked");
    }
    let hint = variable.map_or_else(String::new, |variable| format!(": set {variable}"));
    format!("provider '{id}' has no credential{hint}")
}

/// The native models of the provider's live offers, each once.
fn native_ids<'a>(catalog: &'a Catalog, provider: &str) -> Vec<&'a str> {
    let mut ids: Vec<&str> = Vec::new();
    let offers = catalog.live_offers();
    for (_, offer) in offers.filter(|(_, offer)| offer.provider == provider) {
        for mode in offer.modes.keys().filter_map(|mode| offer.in_mode(*mode)) {
            if !ids.contains(&mode.model.as_str()) {
                ids.push(&mode.model);
            }
        }
    }
    ids
}

fn compared(catalog: &Catalog, provider: &str, inventory: &Inventory, on: Date) -> Vec<Finding> {
    catalog
        .live_offers()
        .filter(|(_, offer)| offer.provider == provider)
        .flat_map(|(model, offer)| compare::offer(catalog, model, offer, &inventory.told, on))
        .collect()
}

/// Models that the catalogue lacks and whose name begins as one of the families that it has at this provider.
fn newer(catalog: &Catalog, provider: &str, inventory: &Inventory) -> Vec<String> {
    let of_it: Vec<&Model> = catalog
        .models()
        .filter(|model| model.offers.iter().any(|offer| offer.provider == provider))
        .collect();
    let families: Vec<&str> = of_it.iter().filter_map(|model| model.family.as_deref()).collect();
    let known: Vec<&str> = of_it
        .iter()
        .flat_map(|model| model.aliases.iter().map(String::as_str))
        .collect();
    let mut others: Vec<String> = inventory
        .others
        .iter()
        .filter(|id| families.iter().any(|family| id.starts_with(family)) && !known.contains(&id.as_str()))
        .cloned()
        .collect();
    others.sort();
    others
}

fn as_json(findings: &[Finding], others: &[String], inventory: &Inventory) -> Value {
    let finding = |finding: &Finding| {
        let differences = finding.differences.iter();
        let differences = differences.map(|one| json!({ "what": one.what, "toml": one.toml }));
        json!({ "model": finding.model, "native": finding.native, "modes": finding.modes,
            "differences": differences.collect::<Vec<_>>() })
    };
    json!({ "models": findings.iter().map(finding).collect::<Vec<_>>(), "unknown": others,
        "not_compared": inventory.unasked })
}

fn print(
    settings: &Settings,
    provider: &str,
    findings: &[Finding],
    others: &[String],
    inventory: &Inventory,
) -> Result<(), Failed> {
    for finding in findings.iter().filter(|finding| !finding.differences.is_empty()) {
        let file = builtin::model_file(settings.catalog_dir.as_deref(), &finding.model)?;
        let path = file.map_or_else(|| finding.model.clone(), |(path, _)| path);
        let modes: Vec<&str> = finding.modes.iter().map(|mode| mode.as_str()).collect();
        say(&format!(
            "# {path}, offer of {provider}, {}: {}",
            modes.join(" and "),
            finding.native
        ));
        for one in &finding.differences {
            say(&format!("# {}", one.what));
            if !one.toml.is_empty() {
                say(&one.toml);
            }
        }
        say("");
    }
    let agree = findings.iter().filter(|finding| finding.differences.is_empty()).count();
    say(&format!("{agree} of {} models agree", findings.len()));
    if !others.is_empty() {
        say(&format!("not in the catalogue: {}", others.join(", ")));
    }
    say(&format!("not compared: {}", inventory.unasked));
    Ok(())
}
