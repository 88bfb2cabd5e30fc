//! A prompt of one's own: two models are asked by the API, as the playground asks, and their pictures are a pair.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use site::pages::playground::Outcome;

use super::super::elsewhere::see;
use super::super::query::value;
use super::super::{form, inner, playground, voter};
use super::{own, revealed_path};
use crate::arena::battles::{self, Voter};
use crate::arena::competitions::{Competition, OWN_PROMPT};
use crate::arena::own_prompts::{self, PROMPT_CHARS_MAX};
use crate::arena::{exhibits, is_sandbox};
use crate::auth::{Scope, Session};
use crate::db::arena::{ExhibitRow, ExhibitState};
use crate::http::in_process::InProcess;
use crate::http::session::{self, CallerAddress};
use crate::http::state::AppState;
use crate::operator::Refusal;
use crate::problem::Problem;

/// The token of the form, where such prompts are taken: that of the session, or an empty one for who has none yet.
pub(super) async fn token(state: &AppState, headers: &HeaderMap) -> Option<String> {
    if !state.sessions.has_own_prompts() {
        return None;
    }
    let session = session::current(state, headers).await.ok().flatten();
    match session {
        Some(session) => Some(session.form_token),
        None => state.sessions.has_visitors().then(String::new),
    }
}

/// Asks two models, and leads to the pair.
pub(in crate::web) async fn ask(
    State(state): State<AppState>,
    Extension(api): Extension<InProcess>,
    address: CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (voter, voter_cookie) = voter::of(&state, &headers, address);
    let mut cookie = None;
    let answer = async {
        session::check_origin(&state, &headers)?;
        let form = form::read(request).await?;
        let prompt = value(&form.pairs, "prompt").unwrap_or_default().replace('\0', " ");
        let prompt = prompt.trim();
        if !(1..=PROMPT_CHARS_MAX).contains(&prompt.chars().count()) {
            let message = format!("A prompt has 1 to {PROMPT_CHARS_MAX} characters.");
            return Err(Problem::invalid(StatusCode::BAD_REQUEST, message));
        }
        if !state.sessions.has_own_prompts() {
            let message = "Prompts of one's own are not taken here (visitors.arena_prompts).";
            return Err(Problem::permission(message));
        }
        let (session, begun) = playground::enter(&state, &headers, address, form.token.as_deref()).await?;
        cookie = begun;
        if session.identity.terms.keeps_no_texts() {
            let message =
                "This API key has nothing kept of its prompts (log_retention_days 0), and a pair keeps its own.";
            return Err(Refusal::Conflict(message.to_owned()).into());
        }
        let order = own_prompts::order(prompt);
        let models = own_prompts::pick(&state.arena, &state.generator, &voter, &order).await?;
        let (left, right) = models.ok_or_else(|| {
            Refusal::Conflict("Fewer than two models can be asked here for a picture of a text.".to_owned())
        })?;
        let asking = inner::Own {
            headers: &headers,
            cookie: cookie.as_ref(),
        };
        let asking = Asking {
            state: &state,
            api: &api,
            own: &asking,
            session: &session,
            order: &order,
        };
        // Side by side: neither may be known by when it came.
        let (left, right) = tokio::join!(asking.make(&left), asking.make(&right));
        let pair = (&left?, &right?);
        own_prompts::hand_out(&state.generator, &voter, pair).await?;
        Ok::<_, Problem>(see("/arena"))
    };
    let answer = answer.await;
    let mut response =
        own(answer.unwrap_or_else(|problem| form::refusal(&state, &headers, "/arena/prompts", &problem)));
    voter::put(&mut response, voter_cookie);
    if let Some(cookie) = cookie {
        cookie.put(&mut response);
    }
    response
}

/// What is asked, and for whom.
struct Asking<'a> {
    state: &'a AppState,
    api: &'a InProcess,
    own: &'a inner::Own<'a>,
    session: &'a Session,
    order: &'a Competition,
}

impl Asking<'_> {
    /// One model's picture, seen by nobody but who asked.
    async fn make(&self, model: &str) -> Result<ExhibitRow, Problem> {
        let generator = &self.state.generator;
        let unnamed = if is_sandbox(&generator.upstreams) {
            sandbox::UNNAMED
        } else {
            ""
        };
        let prompt = &self.order.prompt;
        let fields = [
            ("model", model.to_owned()),
            ("prompt", format!("{prompt} {unnamed}").trim().to_owned()),
            ("size", self.order.size.to_string()),
            ("response_format", "url".to_owned()),
        ];
        let fields = fields.map(|(name, text)| (name.to_owned(), text));
        let answered = inner::generate(self.api.clone(), self.own, &generator.catalog, &fields).await?;
        let id = match answered {
            (_, Outcome::Made { id, .. }) => id,
            (status, Outcome::Refused { message, .. }) => return Err(Problem::invalid(status, message)),
        };
        let order = exhibits::HangOrder {
            account_id: &self.session.identity.account_id,
            key_id: None,
            generation_id: &id,
            position: 0,
            competition: Some(self.order),
            prompt,
            settings: &json!({}),
            state: ExhibitState::Private,
            now: generator.clock.now(),
        };
        Ok(exhibits::hang(generator, &self.state.spool, order).await?)
    }
}

/// Publishes both pictures of a prompt of one's own, once the vote is in: they wait for the operator.
pub(in crate::web) async fn publish(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (voter, _) = voter::of(&state, &headers, address);
    let answer = async {
        let form = form::posted(&state, &headers, request).await?;
        let id = value(&form, "battle").unwrap_or_default();
        let is_operator = session::current(&state, &headers)
            .await?
            .is_some_and(|session| session.identity.may(Scope::Admin));
        offer(&state, &voter, id, is_operator).await?;
        Ok::<_, Problem>(see(&revealed_path(id, None)))
    };
    let answer = answer.await;
    own(answer.unwrap_or_else(|problem| form::refusal(&state, &headers, "/arena/published", &problem)))
}

async fn offer(state: &AppState, voter: &Voter, id: &str, is_operator: bool) -> Result<(), Refusal> {
    let told = battles::reveal(&state.arena, &state.generator, voter, id).await?;
    let told = told.filter(|told| told.battle.competition == OWN_PROMPT);
    let told = told.ok_or_else(|| Refusal::NotFound("You have voted on no such pair of your own.".to_owned()))?;
    let wanted = if is_operator {
        ExhibitState::Shown
    } else {
        ExhibitState::Waiting
    };
    for side in &told.sides {
        // What is on show or waits stays so, and what the operator took down.
        state
            .generator
            .database
            .publish_private(&side.exhibit.id, wanted)
            .await?;
    }
    Ok(())
}
