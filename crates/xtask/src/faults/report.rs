//! The table that a run ends with.

use super::outages::Outage;
use super::scene::Told;
use super::site::Site;
use crate::console;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Examples shown of each rule that was broken; all of them stand in a file.
const SHOWN: usize = 8;

/// Prints everything.
pub(super) fn print(site: &Site, told: &Told) {
    let options = &site.options;
    let figures = &told.figures;
    let head = format!(
        "faults: seed {}, {:?}, when_maybe_billed = {}",
        options.seed, options.store, options.when_maybe_billed
    );
    console::heading(&head);
    let share = |part: usize, of: usize| format!("{:.2} %", 100.0 * part as f64 / of.max(1) as f64);
    let open = figures.open();
    let lines = [
        ("took", console::duration(told.took)),
        (
            "kills, starts, starts in vain",
            format!("{}, {}, {}", told.kills, told.starts, told.vain_starts),
        ),
        (
            "asks, requests on record",
            format!("{}, {}", figures.asks, figures.rows),
        ),
        (
            "served",
            format!(
                "{} of {} ({})",
                figures.served,
                figures.asks,
                share(figures.served, figures.asks)
            ),
        ),
        (
            "  of those not refused unspent",
            format!("{} ({})", open, share(figures.served, open)),
        ),
        (
            "  of those the policy must serve",
            format!(
                "{} of {} ({})",
                figures.possible_and_served,
                figures.possible,
                share(figures.possible_and_served, figures.possible)
            ),
        ),
        ("  killed, of callers who ask once", figures.struck_once.to_string()),
        ("  callers whose patience ended", figures.gave_up.to_string()),
        (
            "images billed, delivered or found",
            format!("{}, {}", figures.billed_images, figures.delivered_images),
        ),
        ("images paid in vain, each told", figures.marked_images.to_string()),
        ("asks paid twice, each told", figures.marked_doubles.to_string()),
        ("requests with an unknown outcome", figures.unknown_rows.to_string()),
        ("charged", format!("${:.6}", figures.cost_micros as f64 / 1e6)),
        ("replays compared", told.replays.to_string()),
        ("longest wait for images", seconds(told.longest_served)),
        (
            "all ended, after the last fault",
            told.settled_after.map_or("never".to_owned(), seconds),
        ),
        ("ledger verify", told.verified.clone()),
    ];
    for (name, value) in lines {
        console::line(&format!("    {name:<34} {value}"));
    }
    for (shape, (asked, served)) in &figures.by_shape {
        console::line(&format!(
            "    {:<34} {served} of {asked}",
            format!("  {}", shape.name())
        ));
    }
    for (code, (count, longest)) in &told.errors {
        let ended = figures.codes.get(code).copied().unwrap_or(0);
        let line = format!("{count}, after at most {}; the end of {ended} asks", seconds(*longest));
        console::line(&format!("    {:<34} {line}", format!("  {code}")));
    }
    outages(told);
    wrongs(site, told);
}

fn outages(told: &Told) {
    let mut by_name: BTreeMap<&str, (usize, Duration, Option<Duration>)> = BTreeMap::new();
    for passed in &told.passed {
        let name = passed.outage.map_or("after all", Outage::name);
        let entry = by_name.entry(name).or_insert((0, Duration::ZERO, Some(Duration::ZERO)));
        entry.0 += 1;
        entry.1 += passed.lasted;
        entry.2 = entry.2.zip(passed.serves_after).map(|(one, other)| one.max(other));
    }
    for (name, (count, lasted, slowest)) in by_name {
        let slowest = slowest.map_or("never".to_owned(), seconds);
        console::line(&format!(
            "    {:<34} {count} times, {} in all; serves again after at most {slowest}",
            format!("  away: {name}"),
            seconds(lasted)
        ));
    }
}

fn wrongs(site: &Site, told: &Told) {
    if told.wrongs.is_empty() {
        console::line("\n    everything held");
        return;
    }
    let mut all = String::new();
    for (rule, examples) in told.wrongs.iter() {
        console::line(&format!("\n    NOT SO: {rule} ({} times)", examples.len()));
        for example in examples.iter().take(SHOWN) {
            console::line(&format!("      {example}"));
        }
        for example in examples {
            // Writing to a text cannot fail.
            let _ = writeln!(all, "{rule}: {example}");
        }
    }
    let _ = std::fs::write(site.folder().join("wrongs.txt"), all);
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
