//! How much a gateway costs on the way of one picture: Pictor beside other gateways and the upstream alone, in one run.
//!
//! The upstream is nginx with a fixed answer, the load is wrk: neither draws nor decides, so that what is measured is the
//! gateway. Rounds are interleaved and their median counts, since a machine's speed drifts.

mod chart;
mod load;
mod peers;
pub(super) mod picture;
mod upstream;

use std::path::Path;

use load::Load;
use peers::Peer;
use upstream::Upstream;

use crate::{Outcome, console, debian, repository};

/// What is asked, and how large the upstream's answer is.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    /// Size of the answer's base64 text.
    answer_bytes: usize,
    /// Pictures of [`INPUT_BYTES`] that are sent along, for an edit; none for a generation.
    inputs: usize,
}

const fn case(name: &'static str, answer_bytes: usize, inputs: usize) -> Case {
    Case {
        name,
        answer_bytes,
        inputs,
    }
}

/// Answers of the size of a thumbnail and of pictures as models give them, and edits.
const CASES: [Case; 6] = [
    case("16 KB", 16 << 10, 0),
    case("1 MB", 1 << 20, 0),
    case("4 MB", 4 << 20, 0),
    case("32 MB", 32 << 20, 0),
    case("edit 1", 1 << 20, 1),
    case("edit 4", 1 << 20, 4),
];
/// Size of a picture that is to be edited.
const INPUT_BYTES: usize = 4 << 20;
/// Rounds of each measurement.
const ROUNDS: usize = 3;
/// Where the figures of all gateways go, as data and as a chart.
pub(super) const PUBLISHED: &str = "docs/benchmarks";
/// Connections at once where throughput is measured.
const CONNECTIONS: u16 = 16;

/// What one gateway did at one size, medians of the rounds.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    requests_per_s: f64,
    /// User and system time of the gateway, in ms a request, at [`CONNECTIONS`].
    cpu_ms: f64,
    /// One connection, in ms.
    p50_ms: f64,
    /// One connection, in ms.
    p99_ms: f64,
    /// Answers that were no success, of all.
    failed: u64,
}

/// Measures the gateways that are named, or all; the upstream alone is always among them.
pub(super) fn run(names: &[&str]) -> Outcome {
    let missing: Vec<&str> = [("nginx", "nginx-light"), ("wrk", "wrk")]
        .into_iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| package)
        .collect();
    debian::install(&missing)?;
    debian::install(crate::postgres::missing().as_slice())?;
    let peers = Peer::named(names)?;
    let mut rows = Vec::new();
    for case in CASES {
        console::heading(case.name);
        rows.push((case.name, measured(case, &peers)?));
    }
    console::line(&table(&rows));
    let folder = if names.is_empty() {
        repository::root().join(PUBLISHED)
    } else {
        repository::target()
    };
    write(&rows, &folder)
}

/// Whether a program is on the path: wrk has no command that ends well.
fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        || std::path::Path::new("/usr/sbin").join(program).is_file()
}

fn measured(case: Case, peers: &[Peer]) -> Outcome<Vec<(Peer, Figures)>> {
    let upstream = Upstream::start(&picture::of(case.answer_bytes))?;
    let mut running = Vec::new();
    for peer in peers.iter().filter(|peer| case.inputs == 0 || peer.edits()) {
        match peer.start(&upstream, case.inputs) {
            Ok(served) => running.push((*peer, served, Vec::new())),
            Err(why) => console::line(&format!("  {}: served: no ({why})", peer.name())),
        }
    }
    for _ in 0..ROUNDS {
        for (peer, served, rounds) in &mut running {
            let before = served.cpu_ms()?;
            let many = Load::run(&served.url, &served.headers, &served.body, CONNECTIONS)?;
            let spent = served.cpu_ms()? - before;
            let one = Load::run(&served.url, &served.headers, &served.body, 1)?;
            let figures = Figures {
                requests_per_s: many.requests_per_s,
                cpu_ms: spent / count(many.requests),
                p50_ms: one.p50_ms,
                p99_ms: one.p99_ms,
                failed: many.failed + one.failed,
            };
            console::line(&format!(
                "  {:<16} {:>9.0} requests/s  {:>7.2} ms CPU  p50 {:>7.2} ms  p99 {:>7.2} ms  failed {}",
                peer.name(),
                figures.requests_per_s,
                figures.cpu_ms,
                figures.p50_ms,
                figures.p99_ms,
                figures.failed
            ));
            rounds.push(figures);
        }
    }
    Ok(running
        .into_iter()
        .map(|(peer, _, rounds)| (peer, median(&rounds)))
        .collect())
}

fn median(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Figures {
        requests_per_s: of(|one| one.requests_per_s),
        cpu_ms: of(|one| one.cpu_ms),
        p50_ms: of(|one| one.p50_ms),
        p99_ms: of(|one| one.p99_ms),
        failed: rounds.iter().map(|one| one.failed).sum(),
    }
}

/// Ratios to what a reader compares with: the throughput of each peer, and Pictor's beside it.
fn table(rows: &[(&str, Vec<(Peer, Figures)>)]) -> String {
    let mut lines = vec![format!(
        "\n{:<8} {:<18} {:>12} {:>10} {:>10} {:>10} {:>8} {:>16}",
        "answer", "gateway", "requests/s", "CPU ms", "p50 ms", "p99 ms", "failed", "Pictor's is x"
    )];
    for (name, row) in rows {
        let ours = row.iter().find(|(peer, _)| *peer == Peer::Pictor);
        for (peer, figures) in row {
            let times = ours.map_or(0.0, |(_, ours)| ours.requests_per_s / figures.requests_per_s);
            lines.push(format!(
                "{name:<8} {:<18} {:>12.0} {:>10.2} {:>10.2} {:>10.2} {:>8} {times:>16.2}",
                peer.name(),
                figures.requests_per_s,
                figures.cpu_ms,
                figures.p50_ms,
                figures.p99_ms,
                figures.failed
            ));
        }
    }
    lines.join("\n")
}

/// Keeps the figures as JSON, with what they were measured on, and as a chart.
fn write(rows: &[(&str, Vec<(Peer, Figures)>)], folder: &Path) -> Outcome {
    let figures: Vec<_> = rows
        .iter()
        .flat_map(|(name, row)| {
            row.iter().map(move |(peer, figures)| {
                serde_json::json!({
                    "answer": name, "gateway": peer.name(), "requests_per_s": figures.requests_per_s,
                    "cpu_ms": figures.cpu_ms, "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms,
                    "failed": figures.failed,
                })
            })
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let told = serde_json::json!({
        "cores": cores, "processor": processor(), "rounds": ROUNDS, "connections": CONNECTIONS,
        "system": std::env::consts::OS, "machine": std::env::consts::ARCH, "rows": figures,
    });
    let text = serde_json::to_string_pretty(&told).map_err(|error| error.to_string())?;
    let bars = |row: &[(Peer, Figures)]| -> Vec<_> {
        let served = row.iter().filter(|(_, figures)| figures.failed == 0);
        served
            .map(|(peer, figures)| (peer.name(), figures.requests_per_s))
            .collect()
    };
    let groups: Vec<_> = rows.iter().map(|(name, row)| (*name, bars(row))).collect();
    let title = format!("Requests a second over {CONNECTIONS} connections, by size of the answer");
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, text) in [("path.json", text + "\n"), ("path.svg", chart::svg(&title, &groups))] {
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        console::line(&format!("written to {}", file.display()));
    }
    Ok(())
}

/// What the system calls its processor.
fn processor() -> Option<String> {
    let told = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = told.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn count(requests: u64) -> f64 {
    requests.max(1) as f64
}
