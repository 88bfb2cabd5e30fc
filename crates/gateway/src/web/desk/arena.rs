//! `/app/arena`: what waits for the operator of the arena.

use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use site::frame::Page;
use site::pages::desk::arena;

use super::super::elsewhere::see;
use super::super::gallery;
use super::requests::part;
use super::sitting::Sitting;
use crate::http::path::PathPart;
use crate::problem::Problem;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting, None).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting, fault: Option<&str>) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let waiting = [("state".to_owned(), "waiting".to_owned())];
    let exhibits = sitting.get("/v1/arena/exhibits", &waiting).await?;
    let reports = sitting.get("/v1/arena/reports", &waiting).await?;
    let suggestions = sitting.get("/v1/arena/suggestions", &waiting).await?;
    let voters = sitting.get("/v1/arena/voters", &[]).await?;
    Ok(arena::page(&arena::Shown {
        desk: &sitting.desk,
        exhibits: &exhibits,
        reports: &reports,
        suggestions: &suggestions,
        voters: &voters,
        fault,
    }))
}

/// Lets a picture in, or leaves it out.
pub(super) async fn exhibit(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    answer(&sitting, "exhibits", &id, request).await
}

/// Removes a picture for good.
pub(super) async fn remove(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    let done = async {
        sitting.form(request).await?;
        let path = format!("/v1/arena/exhibits/{}", part(&id));
        sitting.send(Method::DELETE, &path, &Value::Null).await
    };
    answered(&sitting, done.await).await
}

/// Upholds or dismisses a report.
pub(super) async fn report(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    answer(&sitting, "reports", &id, request).await
}

/// Takes or leaves a prompt.
pub(super) async fn suggestion(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    answer(&sitting, "suggestions", &id, request).await
}

/// Takes a voter's votes back in, or sets them aside again.
pub(super) async fn voter(sitting: Sitting, PathPart(id): PathPart, request: Request) -> Response {
    answer(&sitting, "voters", &id, request).await
}

/// Does what the form says by the API, and shows what still waits.
async fn answer(sitting: &Sitting, of: &str, id: &str, request: Request) -> Response {
    let done = async {
        let form = sitting.form(request).await?;
        let mut order = Map::new();
        for (name, value) in form.pairs {
            let value = match value.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                text => json!(text),
            };
            order.insert(name, value);
        }
        let path = format!("/v1/arena/{of}/{}", part(id));
        sitting.send(Method::PATCH, &path, &Value::Object(order)).await
    };
    answered(sitting, done.await).await
}

async fn answered(sitting: &Sitting, done: Result<Value, Problem>) -> Response {
    match done {
        Ok(_) => see("/app/arena"),
        Err(problem) => {
            let page = page(sitting, Some(&problem.message)).await;
            sitting.refuse(&problem, page.ok())
        }
    }
}

/// `/app/arena/pictures/{id}.webp`: a picture whatever its state, for who decides about it.
pub(super) async fn picture(sitting: Sitting, PathPart(file): PathPart) -> Response {
    if let Err(problem) = sitting.require_admin() {
        return problem.into_response();
    }
    let id = file.strip_suffix(".webp").unwrap_or_default();
    let found = sitting.state.generator.database.exhibit(id).await;
    let path = format!("/app/arena/pictures/{file}");
    gallery::file_of(&sitting.state, found, "private, no-store", &path).await
}
