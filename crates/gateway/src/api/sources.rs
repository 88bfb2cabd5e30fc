//! Where input images come from: the body itself, or a link.

use std::time::Duration;

use futures_util::future::join_all;
use planner::fault::Fault;
use providers::{FetchLimits, SpoolScope};
use tokio::time::Instant;
use url::Url;

use super::body::{Received, Source};
use crate::generation::Upload;
use crate::http::state::AppState;

/// Longest fetch of a caller's image: hosts of images answer in seconds, and the caller waits.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Fetches what is to be fetched. Faults of links join those of the request.
pub(super) async fn gather(
    state: &AppState,
    scope: &SpoolScope,
    received: &mut Received,
) -> (Vec<Upload>, Option<Upload>) {
    let most = state.generator.limits.input_images as usize;
    if received.images.len() > most {
        received.faults.push(Fault::new(
            "image",
            format!(
                "{} input images were sent; input_images allows {most}",
                received.images.len()
            ),
        ));
        received.images.truncate(most);
    }
    let images = join_all(
        std::mem::take(&mut received.images)
            .into_iter()
            .map(|source| upload(state, scope, source)),
    )
    .await;
    let mask = match received.mask.take() {
        Some(source) => Some(upload(state, scope, source).await),
        None => None,
    };
    let mut keep = |result: Result<Upload, Fault>| match result {
        Ok(upload) => Some(upload),
        Err(fault) => {
            received.faults.push(fault);
            None
        }
    };
    let uploads = images.into_iter().filter_map(&mut keep).collect();
    (uploads, mask.and_then(&mut keep))
}

async fn upload(state: &AppState, scope: &SpoolScope, source: Source) -> Result<Upload, Fault> {
    let (param, url) = match source {
        Source::File { param, blob } => return Ok(Upload { param, blob }),
        Source::Link { param, url } => (param, url),
    };
    let param = if param == "mask" { param } else { "image_url".to_owned() };
    let parsed = Url::parse(&url).map_err(|_| Fault::new(&param, "the image's URL is not a URL"))?;
    let limits = FetchLimits {
        size_bytes: state.generator.limits.input_image_bytes,
        deadline: Instant::now() + FETCH_TIMEOUT,
    };
    match state.fetcher.fetch(&parsed, scope, limits).await {
        Ok(fetched) => Ok(Upload {
            param,
            blob: fetched.blob,
        }),
        Err(error) => Err(Fault::new(&param, format!("the image could not be fetched: {error}"))),
    }
}
