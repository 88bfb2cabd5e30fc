//! The site: the table of pages, one page a file. Each gathers what it shows and hands it over.

mod about;
mod arena;
mod asked;
mod assets;
mod compare;
mod desk;
mod docs;
mod elsewhere;
mod form;
mod gallery;
mod home;
mod in_arena;
mod inner;
mod leaderboard;
mod licenses;
mod machine;
mod model;
mod models;
mod pictures;
mod plates;
mod playground;
mod query;
mod search;
mod session;
mod voter;

use axum::Router;
use axum::routing::{get, post};

use crate::http::state::Current;

/// Every page.
pub(crate) fn routes() -> Router<Current> {
    Router::new()
        .route("/", get(home::handle))
        .route("/models", get(models::handle))
        .route("/models/{creator}/{model}", get(model::handle))
        .route("/models/{creator}/{model}/llms.txt", get(model::text))
        .route("/models/{creator}/{model}/{section}", get(model::section))
        .route("/compare", get(compare::choose))
        .route("/compare/{*models}", get(compare::handle))
        .route("/arena", get(arena::handle))
        .route("/arena/battles/{id}", get(arena::battle))
        .route("/arena/votes", post(arena::vote))
        .route("/arena/votes/taken-back", post(arena::take_back))
        .route("/arena/suggestions", post(arena::suggest))
        .route("/arena/prompts", post(arena::ask))
        .route("/arena/published", post(arena::publish))
        .route("/arena/pictures/{file}", get(arena::picture))
        .route("/arena/sources/{file}", get(arena::source))
        .route("/arena/methodology", get(docs::methodology))
        .route("/leaderboard", get(leaderboard::handle))
        .route("/leaderboard.csv", get(leaderboard::csv))
        .route("/leaderboard.json", get(leaderboard::json))
        .route("/gallery", get(gallery::handle))
        .route("/gallery/{file}", get(gallery::file))
        .route("/gallery/{id}/reports", post(gallery::report))
        .route("/docs", get(docs::index))
        .route("/docs/{guide}", get(docs::guide))
        .route("/docs/api/{operation}", get(docs::operation))
        .route("/search", get(search::handle))
        .route("/licenses", get(licenses::handle))
        .route("/llms.txt", get(machine::llms))
        .route("/llms-full.txt", get(machine::full))
        .route("/sitemap.xml", get(machine::sitemap))
        .route("/plates/{creator}/{file}", get(plates::handle))
        .route("/assets/{file}", get(assets::handle))
        .route("/playground", get(playground::show).post(playground::send))
        .route("/session", post(session::begin))
        .merge(desk::routes())
}

/// What stands at `/` where there are no pages.
pub(crate) fn without_pages() -> Router<Current> {
    Router::new()
        .route("/", get(about::handle))
        // `pictor arena run` takes them from here.
        .route("/arena/sources/{file}", get(arena::source))
}
