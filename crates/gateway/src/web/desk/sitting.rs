//! Who sits at the desk with a page of it: the session, and the API as it answers that session within the process.

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use site::frame::Page;
use site::pages::desk::{Desk, Named};
use site::told::list;
use tower::ServiceExt as _;

use super::super::elsewhere::see;
use super::super::form::{self, Form};
use super::super::query::{pairs, value};
use crate::address::PeerAddress;
use crate::auth::{Scope, Session};
use crate::db::generations::EVERY_ACCOUNT;
use crate::http::face;
use crate::http::in_process::InProcess;
use crate::http::session;
use crate::http::state::AppState;
use crate::http::visit;
use crate::problem::Problem;

/// Largest answer that is read: a page of a list, or one request with its texts.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Most elements that choices of forms are made of.
const CHOICES: &str = "100";
/// Elements of a page of a list, where a list has no number of its own.
const ROWS: &str = "50";
/// Where a page of a list begins; pages name it as the API does.
pub(super) const PLACE: [(&str, &str); 2] = [("starting_after", "starting_after"), ("ending_before", "ending_before")];
/// Headers by which the API knows who asks and from where, beside what is set here.
const HANDED_ON: [HeaderName; 6] = [
    header::COOKIE,
    header::HOST,
    header::USER_AGENT,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// A page of the desk while it is made. Naming it as an argument is the check that somebody signed in.
pub(super) struct Sitting {
    /// The state.
    pub(super) state: AppState,
    /// Who sits there, for pages.
    pub(super) desk: Desk,
    /// The query.
    pub(super) pairs: Vec<(String, String)>,
    session: Session,
    headers: HeaderMap,
    api: InProcess,
    peer: Option<PeerAddress>,
}

impl<S: Send + Sync> FromRequestParts<S> for Sitting
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, outer: &S) -> Result<Self, Response> {
        let state = AppState::from_ref(outer);
        let current = session::current(&state, &parts.headers).await;
        let session = current
            .map_err(Problem::into_response)?
            .filter(|session| !session.identity.is_visitor);
        let Some(session) = session else {
            // What a form was to do is not done by coming back: the desk's first page is as good as any.
            let path = parts.uri.path_and_query().map_or("/app", |path| path.as_str());
            let next = if parts.method == Method::GET { path } else { "/app" };
            return Err(see(&site::pages::sign_in::path(next)));
        };
        let Extension(api) = Extension::from_request_parts(parts, outer)
            .await
            .map_err(|_| Problem::internal().into_response())?;
        Ok(Self {
            state,
            desk: Desk {
                key_name: session.identity.key_name.clone(),
                account_id: session.identity.account_id.clone(),
                is_admin: session.identity.may(Scope::Admin),
                form_token: session.form_token.clone(),
            },
            pairs: pairs(parts.uri.query()),
            session,
            headers: parts.headers.clone(),
            api,
            peer: parts.extensions.get().copied(),
        })
    }
}

impl Sitting {
    /// Refuses who may not see all accounts.
    pub(super) fn require_admin(&self) -> Result<(), Problem> {
        if self.desk.is_admin {
            return Ok(());
        }
        Err(Problem::permission(
            "This page of the desk is for who signed in with a key that has the scope 'admin'.",
        ))
    }

    /// The account whose things are seen: the one that is named, else every one for who sees all.
    pub(super) fn account(&self) -> Option<String> {
        let named = value(&self.pairs, "account");
        named
            .or(self.desk.is_admin.then_some(EVERY_ACCOUNT))
            .map(ToOwned::to_owned)
    }

    /// What the page's query says, under the API's names; `names` are the page's own and the API's.
    pub(super) fn asked(&self, names: &[(&str, &str)]) -> Vec<(String, String)> {
        let given = names.iter();
        given
            .filter_map(|(own, name)| Some(((*name).to_owned(), value(&self.pairs, own)?.to_owned())))
            .collect()
    }

    /// The place in one of the API's lists, and how long a page of it is.
    pub(super) fn place(&self) -> Vec<(String, String)> {
        let mut place = self.asked(&PLACE);
        place.push(("limit".to_owned(), ROWS.to_owned()));
        place
    }

    /// Reads a form, which has to be of a page of this session.
    ///
    /// # Errors
    /// What reading ends with; 403 for a form of another page.
    pub(super) async fn form(&self, request: Request) -> Result<Form, Problem> {
        let form = form::read(request).await?;
        session::of_form(&self.state, &self.headers, form.token.as_deref()).await?;
        Ok(form)
    }

    /// What the API answers to GET.
    ///
    /// # Errors
    /// Its refusals.
    pub(super) async fn get(&self, path: &str, query: &[(String, String)]) -> Result<Value, Problem> {
        let path = format!("{path}?{}", encoded(query));
        self.ask(Method::GET, &path, Body::empty()).await
    }

    /// What the API answers to something that changes something.
    ///
    /// # Errors
    /// Its refusals.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Problem> {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.ask(method, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Body) -> Result<Value, Problem> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Problem::internal())?;
        let headers = request.headers_mut();
        for name in HANDED_ON {
            if let Some(value) = self.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        // Whoever may see the page may see what it is made of; what changes something has proved where it came from.
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let InProcess(api) = self.api.clone();
        let response = match api.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        let bytes = bytes.map_err(|error| {
            tracing::error!(error = %error, "an answer of the API could not be read");
            Problem::internal()
        })?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let message = body["error"]["message"].as_str().unwrap_or_default().to_owned();
        Err(match status {
            StatusCode::FORBIDDEN => Problem::permission(&message),
            status if status.is_server_error() => Problem {
                message,
                ..Problem::internal()
            },
            status => Problem::invalid(status, message),
        })
    }

    /// Names of keys, as far as a choice may be long.
    pub(super) async fn keys(&self) -> Result<Named, Problem> {
        Ok(names(&self.choices("/v1/keys").await?))
    }

    /// A page of one of the API's lists, as far as a choice may be long.
    pub(super) async fn choices(&self, path: &str) -> Result<Value, Problem> {
        self.get(path, &[("limit".to_owned(), CHOICES.to_owned())]).await
    }

    /// Ids of accounts, for who may choose one.
    pub(super) async fn accounts(&self) -> Result<Vec<String>, Problem> {
        if !self.desk.is_admin {
            return Ok(Vec::new());
        }
        let found = self.choices("/v1/accounts").await?;
        let ids = list(&found, "data").iter().filter_map(|account| account["id"].as_str());
        Ok(ids.map(ToOwned::to_owned).collect())
    }

    /// Names of providers.
    pub(super) fn providers(&self) -> Named {
        let upstreams = self.state.generator.upstreams.iter();
        Named(
            upstreams
                .map(|upstream| (upstream.id.clone(), upstream.name.clone()))
                .collect(),
        )
    }

    /// The address by which the page was reached.
    pub(super) fn address(&self) -> String {
        visit::of(&self.state, &self.headers).address
    }

    /// The key and account that sit there.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// A page, or the refusal as one.
    pub(super) fn answer(&self, page: Result<Page, Problem>) -> Response {
        match page {
            Ok(page) => face::own_page(&page, &visit::of(&self.state, &self.headers)),
            Err(problem) => problem.into_response(),
        }
    }

    /// The page on which a form stood that was refused, or, where there is none, the refusal as a page.
    pub(super) fn refuse(&self, problem: &Problem, page: Option<Page>) -> Response {
        let page = page.unwrap_or_else(|| {
            site::pages::problem::page("/app", problem.status.as_u16(), problem.code, &problem.message, None)
        });
        form::refused(problem, &page, &visit::of(&self.state, &self.headers))
    }
}

/// Names of keys that the API listed.
pub(super) fn names(keys: &Value) -> Named {
    let name = |key: &Value| Some((key["id"].as_str()?.to_owned(), key["name"].as_str()?.to_owned()));
    Named(list(keys, "data").iter().filter_map(name).collect())
}

/// Pairs as a query.
pub(super) fn encoded(query: &[(String, String)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query);
    text.finish()
}

/// A part of a page, which a script puts in its place.
pub(super) fn fragment(html: Result<String, Problem>) -> Response {
    let html = match html {
        Ok(html) => html,
        Err(problem) => return problem.into_response(),
    };
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    face::guard(headers);
    face::keep_to_oneself(headers);
    response
}
