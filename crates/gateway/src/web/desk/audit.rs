//! `/app/audit`: what was done, by whom and from where.

use axum::response::Response;
use site::frame::Page;
use site::pages::desk::audit;

use super::super::query::value;
use super::sitting::Sitting;
use crate::db::audit::Action;
use crate::problem::Problem;

/// What the page's query is called by the API.
const NAMES: [(&str, &str); 5] = [
    ("action", "action"),
    ("target", "target"),
    ("account", "account_id"),
    ("starting_after", "starting_after"),
    ("ending_before", "ending_before"),
];

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let given = NAMES.into_iter();
    let query: Vec<(String, String)> = given
        .filter_map(|(own, name)| Some((name.to_owned(), value(&sitting.pairs, own)?.to_owned())))
        .chain([("limit".to_owned(), "50".to_owned())])
        .collect();
    let page = sitting.get("/v1/audit", &query).await?;
    let keys = sitting.keys().await?;
    let actions = Action::ALL.map(Action::as_str);
    Ok(audit::page(&sitting.desk, &page, &actions, &keys, &sitting.pairs))
}
