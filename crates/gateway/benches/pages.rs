//! Time and size of the two heaviest pages, over HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::clock::Clock;
use gateway::settings::Settings;

/// Pages and what they are.
const PAGES: [(&str, &str); 3] = [
    ("plates of models", "/models"),
    ("list of models", "/models?view=list"),
    ("one model", "/models/openai/gpt-image-1.5"),
];
/// What the median must stay below.
const TIME_MAX: Duration = Duration::from_millis(5);
/// What a page must stay below before it is compressed.
const PAGE_BYTES_MAX: usize = 100_000;
/// Requests of one measurement.
const ROUNDS: usize = 200;

/// What benchmarks end with: why they could not be run, or which mark was missed.
type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    providers::install_crypto();
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().join("data"),
        ..Settings::default()
    };
    let catalog = Arc::new(gateway::builtin::catalog(None)?);
    let gateway = gateway::start(settings, catalog, Clock::system()).await?;
    let client = reqwest::Client::new();
    let mut missed = Vec::new();
    say("   median us   slowest us     bytes   page");
    for (name, path) in PAGES {
        let url = format!("http://{}{path}", gateway.address);
        let mut times = Vec::new();
        let mut size_bytes = 0;
        // One more: the first request of all pays for what is made once.
        for _ in 0..=ROUNDS {
            let started = Instant::now();
            size_bytes = client.get(&url).send().await?.error_for_status()?.bytes().await?.len();
            times.push(started.elapsed());
        }
        times.remove(0);
        times.sort();
        let median = times[times.len() / 2];
        let slowest = times.last().copied().unwrap_or_default();
        say(&format!(
            "  {:>10} {:>12} {size_bytes:>9}   {name}",
            median.as_micros(),
            slowest.as_micros()
        ));
        if median > TIME_MAX || size_bytes > PAGE_BYTES_MAX {
            missed.push(name);
        }
    }
    gateway.shutdown().await;
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("past {TIME_MAX:?} or {PAGE_BYTES_MAX} bytes: {}", missed.join(", ")).into())
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn say(line: &str) {
    println!("{line}");
}
