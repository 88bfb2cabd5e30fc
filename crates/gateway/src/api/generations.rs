//! `POST /images/generations`: images from a prompt.

use axum::extract::Request;
use axum::http::StatusCode;
use planner::request::Endpoint;

use super::body::{Kind, Pieces, Received, Room, kind, read_json};
use super::images::Reading;
use crate::problem::Problem;

/// Makes images from a prompt.
pub(super) struct Generations;

impl Reading for Generations {
    const ENDPOINT: Endpoint = Endpoint::Generations;
    const PATH: &'static str = "/openai/v1/images/generations";

    async fn read(request: Request, room: &Room<'_>) -> Result<Received, Problem> {
        if kind(request.headers())? != Kind::Json {
            return Err(Problem::invalid(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This endpoint takes a JSON body; forms go to /openai/v1/images/edits.",
            ));
        }
        let (parts, body) = request.into_parts();
        read_json(Pieces::json(body, &parts.headers, room.limits)?, room).await
    }
}
