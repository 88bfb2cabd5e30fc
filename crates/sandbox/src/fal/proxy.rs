//! The proxy that fal's browser clients can be pointed at: it serves what `x-fal-target-url` names, from here.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::json;
use tower::ServiceExt;

const TARGET: &str = "x-fal-target-url";
/// Callers behind a proxy have no key; the proxy adds its own.
const PROXY_KEY: HeaderValue = HeaderValue::from_static("Key sandbox:sandbox");

/// Any method on `/fal/proxy`.
pub(super) async fn proxy(State(direct): State<Router>, mut request: Request) -> Response {
    let Some(target) = request.headers_mut().remove(TARGET) else {
        return refuse(StatusCode::BAD_REQUEST, "Missing the x-fal-target-url header");
    };
    let Some(uri) = target.to_str().ok().and_then(own_uri) else {
        return refuse(StatusCode::PRECONDITION_FAILED, "Invalid x-fal-target-url header");
    };
    *request.uri_mut() = uri;
    request.headers_mut().entry(header::AUTHORIZATION).or_insert(PROXY_KEY);
    match direct.oneshot(request).await {
        Ok(response) => response,
    }
}

fn refuse(status: StatusCode, why: &str) -> Response {
    crate::wire::json(status, &json!({ "error": why }))
}

/// Where a URL of one of fal's hosts is served here.
fn own_uri(target: &str) -> Option<Uri> {
    let target: Uri = target.parse().ok()?;
    let prefix = match target.host()? {
        "fal.run" => "/run",
        "queue.fal.run" => "/queue",
        "rest.fal.ai" | "rest.alpha.fal.ai" => "/rest",
        _ => return None,
    };
    if target.scheme_str() != Some("https") {
        return None;
    }
    let path = target.path_and_query()?;
    format!("{prefix}{path}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hosts_of_fal_have_a_place_here() {
        let own = |target| own_uri(target).map(|uri| uri.to_string());
        assert_eq!(
            own("https://queue.fal.run/a/b/requests/1/status?logs=1").as_deref(),
            Some("/queue/a/b/requests/1/status?logs=1")
        );
        assert_eq!(own("https://fal.run/a/b").as_deref(), Some("/run/a/b"));
        assert_eq!(
            own("https://rest.fal.ai/storage/upload/initiate?storage_type=gcs").as_deref(),
            Some("/rest/storage/upload/initiate?storage_type=gcs")
        );
        assert_eq!(own("http://fal.run/a/b"), None);
        assert_eq!(own("https://fal.run.example.org/a"), None);
        assert_eq!(own("/run/a"), None);
    }
}
