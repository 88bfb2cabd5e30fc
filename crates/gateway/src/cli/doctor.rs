//! `pictor doctor`: what works here and what does not.

use std::path::{Path, PathBuf};

use planner::catalog::Catalog;
use planner::catalog::stale::Stale;
use planner::fault::listing;
use reqwest::Method;
use serde_json::Value;

use super::client::Gateway;
use super::output::say;
use super::{Failed, load};
use crate::clock::Clock;
use crate::database_url;
use crate::db::Database;
use crate::db::keys::{KeyFilter, KeyStatus};
use crate::media::store::MediaStore;
use crate::private;
use crate::renewal::Source;
use crate::settings::Settings;
use crate::settings::limits::open_files;
use crate::upstreams::{Service, Upstreams};

/// Stands for the sandbox where nothing is called.
pub(super) const NOWHERE: &str = "http://127.0.0.1:1";

/// Which catalogue is in force, and when a newer one was looked for.
fn base(source: &Source) -> String {
    let Some(url) = &source.url else {
        return "built into this version".to_owned();
    };
    let Some(look) = source.last_look() else {
        return format!("nothing was looked for at {url} yet");
    };
    let which = look.made_at.map_or_else(
        || format!("built into this version, as none of {url} was taken"),
        |made_at| format!("the signed one of {url}, made at {made_at}"),
    );
    format!("{which}; last look at {}", look.looked_at)
}

/// What may be wrong with the catalogue.
fn tell_doubts(settings: &Settings, catalog: &Catalog) {
    if let Some(error) = Source::of(settings).last_look().and_then(|look| look.error) {
        say(&format!(
            "note  {:<10} the last look at catalog_url: {error}",
            "catalogue"
        ));
    }
    for stale in catalog.unconfirmed(Clock::system().today()) {
        let Stale { provider, model, doubt } = stale;
        say(&format!("note  {:<10} '{model}' at {provider} {doubt}", "catalogue"));
    }
}

/// Checks every part without calling a provider or changing anything, and asks a running gateway how its providers do.
pub(super) async fn run(config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    let mut sick = 0;
    let mut report = |what: &str, result: Result<String, String>| match result {
        Ok(detail) => say(&format!("ok    {what:<10} {detail}")),
        Err(detail) => {
            sick += 1;
            say(&format!("FAIL  {what:<10} {detail}"));
        }
    };
    report(
        "settings",
        Ok(format!(
            "listen on {}, data in {}",
            settings.listen,
            settings.data_dir.display()
        )),
    );
    report(
        "catalogue",
        Ok(format!(
            "{} models at {} providers, {}",
            catalog.models().count(),
            catalog.providers().count(),
            base(&Source::of(&settings))
        )),
    );
    tell_doubts(&settings, &catalog);
    let files = open_files();
    let (_, lowered) = settings.limits.clone().fitted(files);
    report(
        "files",
        Ok(if lowered.is_empty() {
            format!("this process may have {files} open")
        } else {
            lowered.join("; ")
        }),
    );
    // As they are before this command opens anything.
    let open = private::open_to_others(&settings.data_dir);
    let folder = std::fs::create_dir_all(&settings.data_dir)
        .map_err(|error| format!("{}: {error}", settings.data_dir.display()));
    report("data", folder.and_then(|()| closed(&settings.data_dir, &open)));
    report("database", database(&database_url(&settings)).await);
    let store = MediaStore::of(&settings);
    report(
        "media",
        store
            .map(|_| "the store can be used".to_owned())
            .map_err(|error| error.to_string()),
    );
    match Upstreams::new(&catalog, &settings, Some(NOWHERE)) {
        Err(error) => report("providers", Err(error.to_string())),
        Ok(upstreams) => {
            for upstream in upstreams.iter() {
                let detail = match (&upstream.service, &upstream.access) {
                    (Service::Real { origin }, Some(access)) => {
                        format!("REAL at {} (credential from {origin})", access.endpoint().base_url)
                    }
                    (Service::Sandbox, _) => "SANDBOX".to_owned(),
                    (Service::Off | Service::Real { .. }, _) => "OFF: no credential".to_owned(),
                };
                report(&upstream.id, Ok(detail));
            }
            if settings.site {
                report("visitors", Ok(settings.visitors.told(upstreams.any_real())));
            }
        }
    }
    for line in running(&settings).await? {
        say(&line);
    }
    if sick == 0 {
        Ok(())
    } else {
        Err(format!("{sick} check(s) failed").into())
    }
}

/// What a gateway tells of its offers. That none runs, or that it does not tell, is no failure of this check.
async fn running(settings: &Settings) -> Result<Vec<String>, Failed> {
    let gateway = Gateway::of(settings)?;
    let note = |what: &str, detail: &str| format!("note  {what:<10} {detail}");
    let url = gateway.url();
    if !gateway.runs().await {
        let detail = format!("none runs at {url} (PICTOR_URL), so nothing is known of circuits");
        return Ok(vec![note("gateway", &detail)]);
    }
    let answer = gateway.json(gateway.request(Method::GET, "/v1/health/providers")).await;
    let health = match answer {
        Ok(health) => health,
        Err(error) => {
            let detail = format!("runs at {url}, but does not tell how its providers do (PICTOR_API_KEY): {error}");
            return Ok(vec![note("gateway", &detail)]);
        }
    };
    let providers = health["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let offers = providers.iter().flat_map(|provider| {
        let offers = provider["offers"].as_array().map(Vec::as_slice).unwrap_or_default();
        offers
            .iter()
            .map(move |offer| (provider["id"].as_str().unwrap_or_default(), offer))
    });
    let (well, unwell): (Vec<_>, Vec<_>) = offers.partition(|(_, offer)| offer["healthy"] == true);
    let counts = format!(
        "runs at {url}; offers tried: {} healthy, {} not",
        well.len(),
        unwell.len()
    );
    let mut lines = vec![if unwell.is_empty() {
        format!("ok    {:<10} {counts}", "gateway")
    } else {
        note("gateway", &counts)
    }];
    lines.extend(
        unwell
            .into_iter()
            .map(|(provider, offer)| note(provider, &circuit(offer))),
    );
    let resting = providers.iter().flat_map(|provider| {
        let id = provider["id"].as_str().unwrap_or_default();
        let all = provider["credentials"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        all.iter().filter_map(move |one| Some((id, refused(one)?)))
    });
    lines.extend(resting.map(|(provider, detail)| note(provider, &detail)));
    Ok(lines)
}

/// A credential that rests, in words.
fn refused(credential: &Value) -> Option<String> {
    let text = |name: &str| credential[name].as_str();
    let (name, until, cause) = (text("name")?, text("resting_until")?, text("cause")?);
    Some(format!("credential '{name}' rests until {until}: {cause}"))
}

/// An offer that is not healthy, in words.
fn circuit(offer: &Value) -> String {
    let text = |name: &str| offer[name].as_str();
    let until = text("until").or_else(|| text("resting_until"));
    let until = until.map_or_else(String::new, |time| format!(" until {time}"));
    let cause = text("cause").map_or_else(String::new, |code| format!(", last failure {code}"));
    let state = match text("state") {
        Some("open") => "circuit open",
        Some("half_open") => "circuit half-open, being probed",
        _ => "resting",
    };
    let rate = offer["success_rate"].as_f64().unwrap_or_default() * 100.0;
    format!(
        "{}: {state}{until}{cause}; {rate:.0} % of {} calls succeeded",
        text("native_model").unwrap_or_default(),
        offer["samples"]
    )
}

/// That nobody else may read the data folder. What lies open in a folder that is closed cannot be reached.
fn closed(folder: &Path, open: &[PathBuf]) -> Result<String, String> {
    let shown: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
    let mended = "'pictor serve' closes it to them when it starts";
    if open.iter().any(|path| path == folder) {
        return Err(format!("others on this machine may read {}; {mended}", listing(&shown)));
    }
    let inside = if open.is_empty() {
        String::new()
    } else {
        format!("; in any other folder others could read {}; {mended}", listing(&shown))
    };
    Ok(format!("the folder can be used, by its owner alone{inside}"))
}

async fn database(url: &str) -> Result<String, String> {
    let database = Database::open(url, Clock::system().now())
        .await
        .map_err(|error| error.to_string())?;
    let filter = KeyFilter {
        status: Some((KeyStatus::Active, Clock::system().now())),
        ..KeyFilter::default()
    };
    let keys = database
        .keys(&filter, i64::MAX)
        .await
        .map_err(|error| error.to_string())?;
    database.close().await;
    let working = keys.len();
    Ok(format!("up to date, {working} working API key(s)"))
}
