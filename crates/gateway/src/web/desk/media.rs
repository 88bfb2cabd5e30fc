//! `/app/media`: which pictures are kept, until when, and how much room they take.

use axum::response::Response;
use site::frame::Page;
use site::pages::desk::media::{self, Kept};

use super::super::query::value;
use super::sitting::{Sitting, fragment};
use crate::db::DatabaseError;
use crate::db::generations::EVERY_ACCOUNT;
use crate::problem::Problem;

/// Pictures of a page.
const ROWS: usize = 50;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

/// What pictures take.
pub(super) async fn totals(sitting: Sitting) -> Response {
    let bytes = bytes(&sitting).await;
    fragment(bytes.map(|bytes| media::totals(&bytes, most(&sitting))))
}

fn failed(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "stored pictures could not be listed");
    Problem::of_database(error)
}

fn most(sitting: &Sitting) -> Option<u64> {
    let limit = sitting.state.generator.limits.media_bytes;
    (limit < u64::MAX && limit > 0).then_some(limit)
}

/// The account whose pictures are seen; none: every one.
fn account(sitting: &Sitting) -> Option<String> {
    if sitting.desk.is_admin {
        sitting.account().filter(|account| account != EVERY_ACCOUNT)
    } else {
        Some(sitting.desk.account_id.clone())
    }
}

async fn bytes(sitting: &Sitting) -> Result<Vec<(String, u64)>, Problem> {
    let account = account(sitting);
    let found = sitting.state.generator.database.media_bytes_by_account().await;
    let found = found.map_err(|error| failed(&error))?;
    let mut bytes: Vec<(String, u64)> = found
        .into_iter()
        .filter(|(own, _)| account.as_ref().is_none_or(|account| account == own))
        .map(|(own, bytes)| (own, u64::try_from(bytes).unwrap_or_default()))
        .collect();
    bytes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(bytes)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    let database = &sitting.state.generator.database;
    let after = value(&sitting.pairs, "after");
    let wanted = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let found = database.kept_media(account(sitting).as_deref(), after, wanted).await;
    let mut rows = found.map_err(|error| failed(&error))?;
    let has_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let figure = |figure: i64| u64::try_from(figure).unwrap_or_default();
    let kept: Vec<Kept> = rows
        .into_iter()
        .map(|(row, account_id)| Kept {
            id: row.id,
            request_id: row.generation_id,
            account_id,
            format: row.format,
            size: (figure(row.width_px), figure(row.height_px)),
            bytes: figure(row.size_bytes),
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
        .collect();
    let bytes = match value(&sitting.pairs, "totals") {
        Some(_) => Some(bytes(sitting).await?),
        None => None,
    };
    Ok(media::page(&media::Shown {
        desk: &sitting.desk,
        next: kept.last().filter(|_| has_more).map(|last| last.id.clone()),
        kept: &kept,
        bytes: bytes.as_deref(),
        bytes_max: most(sitting),
        store: &sitting.state.choices.in_force.store,
    }))
}
