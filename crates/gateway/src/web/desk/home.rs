//! `/app`: what there is to know at once.

use axum::response::Response;
use jiff::tz::TimeZone;
use serde_json::Value;
use site::frame::Page;
use site::pages::desk::home::{self, Note};
use site::words;

use super::sitting::Sitting;
use crate::problem::Problem;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    let balance = sitting.get("/v1/balance", &[]).await?;
    let mut notes = Vec::new();
    let generator = &sitting.state.generator;
    let now = generator.clock.now();
    let mut failing: Vec<String> = generator
        .routing
        .health()
        .view(now)
        .into_iter()
        .filter(|row| !row.health.is_healthy())
        .map(|row| row.provider)
        .collect();
    failing.sort();
    failing.dedup();
    if !failing.is_empty() {
        notes.push(Note {
            kind: "fail",
            text: format!("Offers of {} fail", words::list(&failing)),
            path: "/app/providers",
        });
    }
    if sitting.desk.is_admin {
        let today = now.to_zoned(TimeZone::UTC).date();
        let count = generator.catalog.stale(today).len();
        if count > 0 {
            notes.push(Note {
                kind: "warn",
                text: format!("{} of the catalogue may be true no more", words::count(count, "offer")),
                path: "/app/catalog",
            });
        }
        if !generator.upstreams.any_real() {
            notes.push(Note {
                kind: "info",
                text: "No provider has a credential: the sandbox draws the pictures".to_owned(),
                path: "/app/providers",
            });
        }
    }
    Ok(home::page(&sitting.desk, &told(&balance), &notes))
}

fn told(balance: &Value) -> String {
    let money = |name: &str| site::told::dollars(&balance[name]["amount"]).map(words::price);
    let available = money("available").map_or_else(
        || "no limit on what may be spent".to_owned(),
        |money| format!("{money} available"),
    );
    match money("held") {
        Some(held) => format!("{available}, {held} held for what is under way"),
        None => available,
    }
}
