//! `/app/settings`: the settings in force, and the secrets of links and webhooks.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};
use site::frame::Page;
use site::pages::desk::settings::{self, Setting, Shown};

use super::super::elsewhere::see;
use super::super::query::value;
use super::sitting::Sitting;
use crate::problem::Problem;

/// Seconds of an hour.
const HOUR_S: i64 = 60 * 60;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting, None, None).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting, made: Option<&Value>, fault: Option<&str>) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let told = sitting.state.choices.in_force.settings.iter();
    let told: Vec<Setting> = told
        .map(|(name, value, origin)| Setting {
            name: name.clone(),
            value: value.clone(),
            origin: origin.clone(),
        })
        .collect();
    let links = sitting.get("/v1/links/secret", &[]).await?;
    let accounts = sitting.accounts().await?;
    Ok(settings::page(&Shown {
        desk: &sitting.desk,
        settings: &told,
        links: &links,
        accounts: &accounts,
        made,
        fault,
        done: value(&sitting.pairs, "rotated").is_some(),
    }))
}

/// Signs links with another secret.
pub(super) async fn rotate_links(sitting: Sitting, request: Request) -> Response {
    match ordered(&sitting, request, "/v1/links/secret").await {
        Ok(_) => see("/app/settings?rotated=links#secrets"),
        Err(problem) => refused(&sitting, &problem).await,
    }
}

/// Signs an account's webhooks with another secret, and shows it.
pub(super) async fn rotate_webhooks(sitting: Sitting, request: Request) -> Response {
    match ordered(&sitting, request, "/v1/webhooks/secret").await {
        Ok(made) => {
            let page = page(&sitting, Some(&made), None).await;
            sitting.answer(page)
        }
        Err(problem) => refused(&sitting, &problem).await,
    }
}

async fn refused(sitting: &Sitting, problem: &Problem) -> Response {
    let page = page(sitting, None, Some(&problem.message)).await;
    sitting.refuse(problem, page.ok())
}

async fn ordered(sitting: &Sitting, request: Request, path: &str) -> Result<Value, Problem> {
    let form = sitting.form(request).await?;
    let mut order = Map::new();
    let account = value(&form.pairs, "account_id");
    order.extend(account.map(|account| ("account_id".to_owned(), json!(account))));
    if let Some(hours) = value(&form.pairs, "overlap_h") {
        // What is no number is told by the API as it was typed.
        let seconds = hours.parse::<i64>().ok().and_then(|hours| hours.checked_mul(HOUR_S));
        order.insert(
            "overlap_s".to_owned(),
            seconds.map_or_else(|| json!(hours), |seconds| json!(seconds)),
        );
    }
    sitting.send(Method::POST, path, &Value::Object(order)).await
}
