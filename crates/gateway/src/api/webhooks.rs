//! Whether a request may have a webhook.

use planner::fault::Fault;
use planner::request::ImageRequest;
use url::Url;

use super::caller::Caller;
use crate::http::state::AppState;

const PARAM: &str = "webhook_url";

/// Judges the webhook of a request before anything is done for it; what is left in the request may be called.
pub(super) fn check(state: &AppState, caller: &Caller, is_async: bool, request: &mut ImageRequest) -> Vec<Fault> {
    let Some(given) = request.webhook_url.take() else {
        return Vec::new();
    };
    let mut messages = Vec::new();
    if !is_async {
        messages.push(
            "'webhook_url' tells the end to callers who do not wait: send it with the header 'Prefer: respond-async'"
                .to_owned(),
        );
    }
    if !state.generator.bookkeeping {
        messages.push("'webhook_url' is not taken by this gateway, as it keeps no record of requests".to_owned());
    }
    if caller.identity.is_visitor {
        messages.push("'webhook_url' is not taken from visitors: it takes an API key".to_owned());
    }
    match Url::parse(&given) {
        Err(_) => messages.push("'webhook_url' is not a URL".to_owned()),
        Ok(url) => match state.fetcher.check_named(&url) {
            Err(error) => messages.push(format!("'webhook_url' cannot be called: {error}")),
            Ok(()) => request.webhook_url = Some(url.into()),
        },
    }
    messages.into_iter().map(|message| Fault::new(PARAM, message)).collect()
}
