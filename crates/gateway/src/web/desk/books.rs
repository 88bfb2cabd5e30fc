//! `/app/books`: the rules of the books.

use std::time::Instant;

use axum::response::Response;
use site::frame::Page;
use site::pages::desk::books::{self, Checked};

use super::super::query::value;
use super::sitting::Sitting;
use crate::db::ledger::verify;
use crate::problem::Problem;

/// The page, with the books checked where it is asked to.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let rules: Vec<&'static str> = verify::rules().collect();
    if value(&sitting.pairs, "check").is_none() {
        return Ok(books::page(&sitting.desk, &rules, None));
    }
    let generator = &sitting.state.generator;
    let began = Instant::now();
    let factor = generator.limits.reported_cost_factor;
    let verified = generator.database.verify_ledger(generator.clock.now(), factor).await;
    let verified = verified.map_err(|error| {
        tracing::error!(error = %error, "the books could not be checked");
        Problem::of_database(&error)
    })?;
    let checked = Checked {
        postings: u64::try_from(verified.postings).unwrap_or_default(),
        broken: verified
            .discrepancies
            .into_iter()
            .map(|broken| (broken.rule, broken.id))
            .collect(),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    Ok(books::page(&sitting.desk, &rules, Some(&checked)))
}
