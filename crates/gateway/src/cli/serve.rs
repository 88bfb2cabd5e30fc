//! `pictor serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::changes::Changes;
use super::log;
use super::output::say;
use super::stop::{Asked, Stop};
use super::{Failed, load};
use crate::clock::Clock;
use crate::telemetry::Telemetry;
use crate::upstreams::{Service, Upstreams};
use crate::{FIRST_KEY_FILE, start};

/// Serves until the process is told to stop.
pub(super) async fn run(config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config.clone())?;
    let mut changes = Changes::of(config, settings.sources.clone());
    let mut stop = Stop::listen();
    let telemetry = Telemetry::start(&settings)?;
    let lines = log::start(&settings, telemetry.as_ref());
    let key_file = settings.data_dir.join(FIRST_KEY_FILE);
    // Featured models come first, so the newcomer's call goes to one of them.
    let model = catalog
        .models()
        .next()
        .map_or_else(String::new, |model| model.id.clone());
    for stale in catalog.unconfirmed(Clock::system().today()) {
        tracing::warn!(
            provider = stale.provider,
            model = stale.model,
            "an offer {}",
            stale.doubt
        );
    }
    let scheme = settings.scheme();
    let drain = Duration::from_secs(settings.limits.drain_s);
    let visitors = settings.site.then(|| settings.visitors.clone());
    let running = start(settings, Arc::new(catalog), Clock::system()).await?;
    let base = format!("{scheme}://{}", running.address);
    say(&format!("listening on {base}"));
    if let Some(address) = running.metrics_address() {
        say(&format!("metrics at http://{address}/metrics"));
    }
    providers(&running.upstreams);
    if let Some(visitors) = visitors {
        say(&format!(
            "  {:<10} {}",
            "visitors",
            visitors.told(running.upstreams.any_real())
        ));
    }
    match &running.first_key {
        Some(key) => {
            say(&format!("\nfirst API key, also in {}: {key}", key_file.display()));
            welcome(&base, key, &model);
        }
        None => welcome(&base, "$PICTOR_API_KEY", &model),
    }
    let asked = loop {
        tokio::select! {
            asked = stop.asked() => break asked,
            () = changes.next() => changes.take(running.reloader()).await,
        }
    };
    let finish = async {
        // Nobody stands between the terminal and the gateway who would have to hear of it first.
        if asked == Asked::Terminate {
            tracing::info!(
                drain_s = drain.as_secs(),
                "draining: requests are still taken; a second signal stops at once"
            );
            running.drain(drain).await;
        }
        tracing::info!("stopping: no more requests are taken; a second signal stops at once");
        running.shutdown().await;
    };
    let stopped = tokio::select! {
        () = finish => Ok(()),
        _ = stop.asked() => {
            Err("stopped at once, as a second signal came: another start takes up what was under way".into())
        }
    };
    if let Some(telemetry) = telemetry {
        telemetry.finish().await;
    }
    lines.finish();
    stopped
}

fn providers(upstreams: &Upstreams) {
    for upstream in upstreams.iter() {
        let line = match &upstream.service {
            Service::Real { origin } => format!("REAL (credential from {origin})"),
            Service::Sandbox => "SANDBOX".to_owned(),
            Service::Off => "OFF".to_owned(),
        };
        say(&format!("  {:<10} {line}", upstream.id));
    }
}

fn welcome(base: &str, key: &str, model: &str) {
    say("\ntry it:\n");
    say(&format!("curl -s {base}/openai/v1/images/generations \\"));
    say(&format!(
        "  -H \"Authorization: Bearer {key}\" -H 'Content-Type: application/json' \\"
    ));
    say(&format!(
        "  -d '{{\"model\": \"{model}\", \"prompt\": \"a lighthouse above a stormy sea at sunset\"}}'\n"
    ));
}
