//! `/app/requests/events`: requests that begin and end, told as it happens. Nothing is asked of the database for it, but
//! whose a request is.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::json;

use super::sitting::Sitting;
use crate::generation::ends::LogNews;
use crate::http::face;

/// How often something is said at the least, so that no proxy takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);
/// How long one connection lasts at the most: the session may have ended, and the browser asks again.
const LASTS: Duration = Duration::from_secs(300);

/// The stream of events.
pub(super) async fn events(sitting: Sitting) -> Response {
    let heard = sitting.state.generator.ends.listen();
    let end = Box::pin(tokio::time::sleep(LASTS));
    let events = stream::unfold((sitting, heard, end), |(sitting, mut heard, mut end)| async move {
        loop {
            let news = tokio::select! {
                () = &mut end => return None,
                news = heard.next() => news?,
            };
            if let Some(event) = told(&sitting, news).await {
                return Some((Ok::<_, Infallible>(event), (sitting, heard, end)));
            }
        }
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(ALIVE))
        .into_response();
    face::keep_to_oneself(response.headers_mut());
    response
}

/// The event, for who may hear of it.
async fn told(sitting: &Sitting, news: LogNews) -> Option<Event> {
    let own = &sitting.session().identity.account_id;
    let is_admin = sitting.desk.is_admin;
    let (name, id) = match news {
        LogNews::Began { id, account_id } => (is_admin || account_id == *own).then_some(("began", id))?,
        LogNews::Ended { id } if is_admin => ("ended", id),
        LogNews::Ended { id } => {
            let database = &sitting.state.generator.database;
            let found = database.generation(own, &id).await;
            found
                .inspect_err(|error| tracing::error!(error = %error, "an end could not be told at the desk"))
                .ok()??;
            ("ended", id)
        }
    };
    Event::default().event(name).json_data(json!({ "id": id })).ok()
}
