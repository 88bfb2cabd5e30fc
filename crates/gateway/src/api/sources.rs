//! Where input images come from: the body itself, or a link.

use std::time::Duration;

use futures_util::future::join_all;
use planner::fault::Fault;
use providers::FetchLimits;
use tokio::time::Instant;
use url::Url;

use super::body::{Received, Source};
use crate::generation::stages::Stage;
use crate::generation::{Link, Order, Upload};
use crate::http::state::AppState;

/// Longest fetch of a caller's image: hosts of images answer in seconds, and the caller waits.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// What a body has for input images.
#[derive(Default)]
pub(super) struct Gathered {
    /// Those that came with it.
    pub(super) images: Vec<Upload>,
    /// The mask, if it came with it.
    pub(super) mask: Option<Upload>,
    /// What is to be fetched.
    pub(super) links: Vec<Link>,
}

/// Takes the input images of a body. Too many are a fault.
pub(super) fn gather(most: usize, received: &mut Received) -> Gathered {
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
    let mut gathered = Gathered::default();
    for (place, source) in std::mem::take(&mut received.images).into_iter().enumerate() {
        match source {
            Source::File { param, blob } => gathered.images.push(Upload { param, blob }),
            Source::Link { url, .. } => gathered.links.push(Link {
                param: "image_url".to_owned(),
                url,
                place: Some(place),
            }),
        }
    }
    match received.mask.take() {
        Some(Source::File { param, blob }) => gathered.mask = Some(Upload { param, blob }),
        Some(Source::Link { param, url }) => gathered.links.push(Link {
            param,
            url,
            place: None,
        }),
        None => {}
    }
    gathered
}

/// Fetches what an order names by links, unless it is refused without them. Faults of links join those of the request.
pub(super) async fn fetch(state: &AppState, order: &mut Order) {
    if order.links.is_empty() || state.generator.check_before_links(order).is_err() {
        return;
    }
    let links = std::mem::take(&mut order.links);
    let stopwatch = order.stopwatch.clone();
    let fetched = join_all(links.iter().map(|link| upload(state, order, link)));
    let fetched = stopwatch.time(Stage::Fetch, fetched).await;
    for (link, upload) in links.iter().zip(fetched) {
        match (upload, link.place) {
            (Ok(upload), Some(place)) => order.images.insert(place.min(order.images.len()), upload),
            (Ok(upload), None) => order.mask = Some(upload),
            (Err(fault), _) => order.faults.push(fault),
        }
    }
}

async fn upload(state: &AppState, order: &Order, link: &Link) -> Result<Upload, Fault> {
    let param = &link.param;
    let url = Url::parse(&link.url).map_err(|_| Fault::new(param, "the image's URL is not a URL"))?;
    let limits = FetchLimits {
        size_bytes: state.generator.limits.input_image_bytes,
        deadline: Instant::now() + FETCH_TIMEOUT,
    };
    match state.fetcher.fetch(&url, &order.scope, limits).await {
        Ok(fetched) => Ok(Upload {
            param: param.clone(),
            blob: fetched.blob,
        }),
        Err(error) => Err(Fault::new(param, format!("the image could not be fetched: {error}"))),
    }
}
