//! `POST /images/edits`: images from images.

use axum::extract::Request;
use planner::request::Endpoint;

use super::body::{Kind, Pieces, Received, Room, kind, read_json_with_images, read_multipart};
use super::images::Reading;
use crate::problem::Problem;

/// Edits images, or enlarges one.
pub(super) struct Edits;

impl Reading for Edits {
    const ENDPOINT: Endpoint = Endpoint::Edits;
    const PATH: &'static str = "/openai/v1/images/edits";

    async fn read(request: Request, room: &Room<'_>) -> Result<Received, Problem> {
        let kind = kind(request.headers())?;
        let (parts, body) = request.into_parts();
        match kind {
            Kind::Json => read_json_with_images(Pieces::json(body, &parts.headers, room.limits)?, room).await,
            Kind::Multipart(boundary) => {
                read_multipart(Pieces::multipart(body, &parts.headers, room.limits)?, boundary, room).await
            }
        }
    }
}
