//! `/app/audit`: what was done, by whom and from where.

use axum::response::Response;
use site::frame::Page;
use site::pages::desk::audit;

use super::sitting::Sitting;
use crate::db::audit::Action;
use crate::problem::Problem;

/// What the filters are called in the page's address, and by the API.
const FILTERS: [(&str, &str); 3] = [("action", "action"), ("target", "target"), ("account", "account_id")];

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let mut query = sitting.asked(&FILTERS);
    query.extend(sitting.place());
    let page = sitting.get("/v1/audit", &query).await?;
    let keys = sitting.keys().await?;
    let actions = Action::ALL.map(Action::as_str);
    Ok(audit::page(&sitting.desk, &page, &actions, &keys, &sitting.pairs))
}
