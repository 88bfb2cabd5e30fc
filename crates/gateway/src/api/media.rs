//! `GET /media/{id}.{ext}`: a stored image under a signed link.

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::db::media::MediaRow;
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::secrets;

/// The signed part of a link; what is missing or odd in it makes it a link that has ended.
#[derive(Debug, Default)]
struct Signature {
    expires: i64,
    signature: String,
}

impl Signature {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "expires" => read.expires = value.parse().unwrap_or_default(),
                "signature" => read.signature = value.into_owned(),
                _ => {}
            }
        }
        read
    }
}

fn gone() -> Problem {
    Problem::invalid(
        StatusCode::NOT_FOUND,
        "There is no such image, or its link has ended. Links can be renewed with GET /v1/requests/{id}.",
    )
}

/// Serves a stored image, whole or in part.
pub(super) async fn handle(
    State(state): State<AppState>,
    method: Method,
    file: Result<PathPart, Problem>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let signature = Signature::read(query.as_deref().unwrap_or_default());
    let Ok(PathPart(file)) = file else {
        return gone().into_response();
    };
    match find(&state, &file, &signature).await {
        Ok(row) => serve(&state, &method, &row, &signature, &headers).await,
        Err(problem) => problem.into_response(),
    }
}

async fn find(state: &AppState, file: &str, given: &Signature) -> Result<MediaRow, Problem> {
    let generator = &state.generator;
    let id = file.split('.').next().unwrap_or_default();
    let now = generator.clock.now();
    if !secrets::opens(generator, id, given.expires, &given.signature).await {
        // A wrong signature and an unknown image look the same from outside.
        return Err(gone());
    }
    let row = generator.database.media(id).await.map_err(|error| {
        tracing::error!(error = %error, "an image could not be looked up");
        Problem::internal()
    })?;
    row.filter(|row| row.expires_at > now).ok_or_else(gone)
}

async fn serve(state: &AppState, method: &Method, row: &MediaRow, link: &Signature, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", row.id);
    let seconds_left = (link.expires - state.generator.clock.now().as_second()).max(0);
    let size = u64::try_from(row.size_bytes).unwrap_or(0);
    let mut response = Response::new(Body::empty());
    put(&mut response, header::ETAG, &etag);
    put(
        &mut response,
        header::CACHE_CONTROL,
        &format!("private, max-age={seconds_left}, immutable"),
    );
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    put(&mut response, header::CONTENT_DISPOSITION, "inline");
    // Browsers of other sites may show and read what a signed link opens.
    put(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags == "*" || tags.contains(&etag));
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    put(&mut response, header::CONTENT_TYPE, &format!("image/{}", row.format));
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| range_of(value, size));
    let range = match asked {
        None => 0..size,
        Some(Some(range)) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            put(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes {}-{}/{size}", range.start, range.end - 1),
            );
            range
        }
        Some(None) => {
            let mut refused = Problem::invalid(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("The range lies outside of the image's {size} bytes."),
            )
            .into_response();
            put(&mut refused, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return refused;
        }
    };
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if method == Method::HEAD {
        return response;
    }
    if let Some(elsewhere) = elsewhere(state, row, seconds_left, headers).await {
        return elsewhere;
    }
    let whole = range == (0..size);
    match state.generator.store.get(&row.path, (!whole).then_some(range)).await {
        Ok(bytes) => {
            *response.body_mut() = Body::from_stream(bytes);
            response
        }
        Err(error) => {
            tracing::error!(media.id = %row.id, error = %error, "a stored image could not be read");
            gone().into_response()
        }
    }
}

/// A redirection to the store itself, where it makes links. Pages of this site are not sent away: what they may show comes
/// from here.
async fn elsewhere(state: &AppState, row: &MediaRow, seconds_left: i64, headers: &HeaderMap) -> Option<Response> {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin") {
        return None;
    }
    let left = Duration::from_secs(u64::try_from(seconds_left).unwrap_or(0));
    let url = state.generator.store.redirect(&row.path, left).await?;
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    put(&mut response, header::LOCATION, url.as_str());
    // The link is good for once: the next reader gets one of their own.
    put(&mut response, header::CACHE_CONTROL, "private, no-store");
    put(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    Some(response)
}

fn put(response: &mut Response, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

/// The one range of a `range` header: `None` when it is to be ignored, `Some(None)` when it cannot be met.
fn range_of(text: &str, size: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => return None,
        (Ok(first), Ok(last)) => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => size.saturating_sub(suffix)..size,
        _ => return None,
    };
    Some((range.start < range.end).then_some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_http_rules() {
        assert_eq!(range_of("bytes=0-9", 100), Some(Some(0..10)));
        assert_eq!(range_of("bytes=90-", 100), Some(Some(90..100)));
        assert_eq!(range_of("bytes=-10", 100), Some(Some(90..100)));
        assert_eq!(range_of("bytes=50-500", 100), Some(Some(50..100)));
        assert_eq!(range_of("bytes=100-", 100), Some(None));
        assert_eq!(range_of("bytes=-0", 100), Some(None));
        assert_eq!(range_of("bytes=9-2", 100), None);
        assert_eq!(range_of("bytes=1-2,4-5", 100), None);
        assert_eq!(range_of("lines=1-2", 100), None);
    }
}
