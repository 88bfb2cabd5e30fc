//! `pictor doctor`: what works here and what does not.

use std::path::PathBuf;

use super::output::say;
use super::{Failed, load};
use crate::clock::Clock;
use crate::database_url;
use crate::db::Database;
use crate::db::keys::{KeyFilter, KeyStatus};
use crate::media::store::MediaStore;
use crate::upstreams::{Service, Upstreams};

/// Stands for the sandbox where nothing is called.
pub(super) const NOWHERE: &str = "http://127.0.0.1:1";

/// Checks every part without calling a provider or changing anything.
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
            "{} models at {} providers",
            catalog.models().count(),
            catalog.providers().count()
        )),
    );
    let folder = std::fs::create_dir_all(&settings.data_dir)
        .map_err(|error| format!("{}: {error}", settings.data_dir.display()));
    report("data", folder.map(|()| "the folder can be used".to_owned()));
    report("database", database(&database_url(&settings)).await);
    let store = MediaStore::open(settings.media_url.as_deref(), &settings.data_dir);
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
                let detail = match (&upstream.service, &upstream.endpoint) {
                    (Service::Real { origin }, Some(endpoint)) => {
                        format!("REAL at {} (credential from {origin})", endpoint.base_url)
                    }
                    (Service::Sandbox, _) => "SANDBOX".to_owned(),
                    (Service::Off | Service::Real { .. }, _) => "OFF: no credential".to_owned(),
                };
                report(&upstream.id, Ok(detail));
            }
        }
    }
    if sick == 0 {
        Ok(())
    } else {
        Err(format!("{sick} check(s) failed").into())
    }
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
