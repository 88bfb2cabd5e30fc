//! `/app/usage`: what was spent, and on what.

use axum::response::Response;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use site::charts::DAYS_MAX;
use site::frame::Page;
use site::pages::desk::Named;
use site::pages::desk::requests::PERIOD_DEFAULT;
use site::pages::desk::usage::{self, GROUPS, Spending};
use site::told::list;

use super::super::query::value;
use super::requests::since;
use super::sitting::{Sitting, fragment, names};
use crate::problem::Problem;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

/// What was spent, for a script that puts it in its place.
pub(super) async fn figures(sitting: Sitting) -> Response {
    let figures = async {
        let names = sitting.keys().await?;
        Ok(usage::figures(&spending(&sitting, &names).await?))
    };
    fragment(figures.await)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    let keys = sitting.choices("/v1/keys").await?;
    let names = names(&keys);
    let added_up = match value(&sitting.pairs, "totals") {
        Some(_) => Some(spending(sitting, &names).await?),
        None => None,
    };
    Ok(usage::page(&usage::Shown {
        desk: &sitting.desk,
        query: &sitting.pairs,
        period: period(sitting),
        spending: added_up.as_ref(),
        keys: &keys,
    }))
}

fn period(sitting: &Sitting) -> &str {
    value(&sitting.pairs, "days").unwrap_or(PERIOD_DEFAULT)
}

/// What was spent in the period.
async fn spending<'a>(sitting: &'a Sitting, names: &'a Named) -> Result<Spending<'a>, Problem> {
    let since = since(sitting, PERIOD_DEFAULT);
    let query = |group: &str| {
        let mut query = vec![("group_by".to_owned(), group.to_owned())];
        query.extend(since.clone().map(|since| ("created_after".to_owned(), since)));
        query.extend(sitting.account().map(|account| ("account_id".to_owned(), account)));
        query
    };
    let by_day = sitting.get("/v1/usage", &query("day")).await?;
    let mut groups = Vec::new();
    for (name, ..) in GROUPS {
        groups.push(sitting.get("/v1/usage", &query(name)).await?);
    }
    let today = sitting.state.generator.clock.now().to_zoned(TimeZone::UTC).date();
    Ok(Spending {
        period: period(sitting),
        account: value(&sitting.pairs, "account").unwrap_or_default(),
        calendar: calendar(&by_day, today),
        by_day,
        groups,
        names,
    })
}

/// The days from the first with requests to today; the latest where there are more than a chart shows.
fn calendar(by_day: &Value, today: Date) -> Vec<Date> {
    let days = list(by_day, "data")
        .iter()
        .filter_map(|row| row["day"].as_str()?.parse::<Date>().ok());
    let Some(first) = days.min() else { return Vec::new() };
    let earliest = today
        .checked_sub(i64::try_from(DAYS_MAX - 1).unwrap_or_default().days())
        .unwrap_or(first);
    let first = first.max(earliest);
    first.series(1.day()).take_while(|day| *day <= today).collect()
}
