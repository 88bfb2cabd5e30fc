//! `/app/providers`: how each provider is served here, and how it has been doing.

use std::fmt::Write as _;

use planner::money::Micros;

use super::{Desk, Place, amount, bar, table};
use crate::frame::Page;
use crate::here::Service;
use crate::html::{escape, status};
use crate::performance::Calls;
use crate::words;

/// One provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is served.
    pub service: Service,
    /// Where its credential came from; told to admins alone, and never the credential.
    pub origin: Option<String>,
    /// Its calls of the last 30 days.
    pub calls: Calls,
    /// Its offers that were tried since the start.
    pub circuits: Vec<Circuit>,
}

/// How one offer has been doing since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Circuit {
    /// The provider's model id.
    pub native_model: String,
    /// Whether it is asked as usual.
    pub is_healthy: bool,
    /// `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// Why it is not.
    pub cause: Option<&'static str>,
    /// When it is asked again.
    pub until: Option<jiff::Timestamp>,
    /// Share of calls that delivered, from 0 to 1.
    pub success_rate: f64,
    /// Calls that it is made of.
    pub samples: u64,
}

/// What callers were charged for a provider's images: its id, its name, and the amount.
pub type Spent = (String, String, Micros);

/// The page. `spent` is there where it was added up at once: else it comes after the page.
#[must_use]
pub fn page(desk: &Desk, providers: &[Provider], spent: Option<&[Spent]>, days: u32) -> Page {
    let mut rows = String::new();
    for provider in providers {
        let service = match provider.service {
            Service::Real => status("ok", "real"),
            Service::Sandbox => status("info", "sandbox"),
            Service::Off => status("off", "off"),
        };
        let failing = provider.circuits.iter().filter(|circuit| !circuit.is_healthy).count();
        let health = match (&provider.service, failing) {
            (Service::Off, _) => String::new(),
            (_, 0) => "<span class=\"dim\">well</span>".to_owned(),
            (_, count) => status("fail", &format!("{} failing", words::count(count, "offer"))).0,
        };
        let ms = |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), words::duration);
        let calls = &provider.calls;
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><a href=\"/app/requests?provider={id}\">{}</a></th><td>{service}</td><td>{}</td><td>{health}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(&provider.name),
            provider.origin.as_deref().map_or_else(String::new, escape),
            words::number(calls.count),
            words::percent(calls.succeeded, calls.count),
            ms(calls.p50_ms()),
            ms(calls.p95_ms()),
            id = escape(&provider.id),
        );
    }
    let mut out = format!(
        "<p class=\"dim\">Calls and times are those of the last {days} days. Circuits are this process’s own view since it started.</p>{}",
        table(
            "Providers",
            &[
                ("Provider", false),
                ("Served", false),
                ("Credential from", false),
                ("Health", false),
                ("Calls", true),
                ("Succeeded", true),
                ("p50", true),
                ("p95", true),
            ],
            &rows
        )
    );
    let _ = write!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">Charged for their images in {days} days</h2>{}</section>",
        spent.map_or_else(
            || "<div data-load=\"/app/providers/spending\"><p><a class=\"btn sm\" href=\"/app/providers?totals=1\">Add up what was spent</a></p></div>".to_owned(),
            spending
        )
    );
    circuits(&mut out, providers);
    desk.page(Place::Providers, "Providers", "", &out)
}

/// What callers were charged, by provider.
#[must_use]
pub fn spending(spent: &[Spent]) -> String {
    if spent.is_empty() {
        return "<p class=\"dim\">Nothing was charged.</p>".to_owned();
    }
    let most = spent.iter().map(|(_, _, amount)| amount.0).max().unwrap_or(1).max(1);
    let row = |(id, name, spent): &Spent| {
        format!(
            "<tr><th scope=\"row\"><a href=\"/app/requests?provider={}\">{}</a></th><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escape(id),
            escape(name),
            amount(*spent),
            bar("bdot", spent.0 as f64 * 100.0 / most as f64)
        )
    };
    let rows: String = spent.iter().map(row).collect();
    table(
        "Spending by provider",
        &[
            ("Provider", false),
            ("Charged", true),
            ("<span class=\"sr\">Share of the most</span>", false),
        ],
        &rows,
    )
}

fn circuits(out: &mut String, providers: &[Provider]) {
    let mut rows = String::new();
    for provider in providers {
        for circuit in &provider.circuits {
            let state = match (circuit.is_healthy, circuit.state) {
                (true, _) => status("ok", "closed"),
                (_, "half_open") => status("warn", "being tried"),
                (_, "open") => status("fail", "open"),
                _ => status("warn", "rests"),
            };
            let until = circuit
                .until
                .map_or_else(String::new, |until| format!(" until {}", words::brief(until)));
            let share = (circuit.success_rate * 1_000.0).round().clamp(0.0, 1_000.0) as u64;
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\" class=\"mono\">{}</th><td>{}</td><td>{state}</td><td>{}{until}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                escape(&circuit.native_model),
                escape(&provider.name),
                circuit.cause.unwrap_or_default().replace('_', " "),
                words::percent(share, 1_000),
                words::number(circuit.samples)
            );
        }
    }
    out.push_str("<section class=\"stack\"><h2 class=\"h3\">Circuits</h2>");
    if rows.is_empty() {
        out.push_str("<p class=\"dim\">No offer was tried since the start.</p>");
    } else {
        out.push_str(&table(
            "Circuits",
            &[
                ("Offer", false),
                ("Provider", false),
                ("Circuit", false),
                ("Why", false),
                ("Succeeded", true),
                ("Calls", true),
            ],
            &rows,
        ));
    }
    out.push_str("</section>");
}
