//! `/app/sign-in` and `/app/sign-out`.

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use site::pages::sign_in;

use super::super::elsewhere::see;
use super::super::form;
use super::super::query::{pairs, value};
use crate::http::cookie::Cookie;
use crate::http::envelope::RequestContext;
use crate::http::face;
use crate::http::session::{self, CallerAddress};
use crate::http::state::AppState;
use crate::http::visit;

/// The form.
pub(super) async fn show(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = pairs(query.as_deref());
    let next = value(&pairs, "next").unwrap_or_default();
    face::own_page(&sign_in::page(next, None), &visit::of(&state, &headers))
}

/// Signs in with the key of the form.
pub(super) async fn enter(
    State(state): State<AppState>,
    address: CallerAddress,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let form = match form::read(request).await {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let next = value(&form.pairs, "next").unwrap_or_default();
    let key = value(&form.pairs, "key").unwrap_or_default();
    match session::sign_in(&state, &headers, address, &context.id, key).await {
        Ok((_, cookie)) => {
            let mut response = see(sign_in::own_path(next));
            cookie.put(&mut response);
            Cookie::desk(true).put(&mut response);
            response
        }
        Err(problem) => {
            let page = sign_in::page(next, Some(&problem.message));
            form::refused(&problem, &page, &visit::of(&state, &headers))
        }
    }
}

/// Ends the session.
pub(super) async fn leave(
    State(state): State<AppState>,
    address: CallerAddress,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let leave = async {
        let form = form::read(request).await?;
        let session = session::of_form(&state, &headers, form.token.as_deref()).await?;
        session::end(&state, &session, address, &context.id).await
    };
    if let Err(problem) = leave.await {
        return problem.into_response();
    }
    let mut response = see("/");
    Cookie::none().put(&mut response);
    Cookie::desk(false).put(&mut response);
    response
}
