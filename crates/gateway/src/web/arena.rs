//! `/arena`: a blind pair, the vote on it, and what stood behind it.

mod prompts;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use planner::money::Micros;
use planner::view::page_path;
use ratings::Outcome;
use site::arena::{Rated, Tallied};
use site::pages::arena::{self, Head, Hidden, Named};

use super::elsewhere::see;
use super::pictures::image;
use super::query::{pairs, value};
use super::{form, gallery, voter};
use crate::arena::battles::{self, Revealed, Side, Voter};
use crate::arena::boards::whole;
use crate::arena::competitions::{Competition, OWN_PROMPT};
use crate::arena::sheet::outcome;
use crate::arena::told::{picture_path, source_path};
use crate::arena::{is_sandbox, sheet, suggestions};
use crate::db::arena::{BattleRow, ExhibitRow, ExhibitState};
use crate::http::session::CallerAddress;
use crate::http::state::AppState;
use crate::http::{face, fallback, visit};
use crate::operator::Refusal;
use crate::problem::Problem;

const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) use prompts::{ask, publish};

/// The next pair.
pub(super) async fn handle(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    address: CallerAddress,
    headers: HeaderMap,
) -> Response {
    let pairs = pairs(query.as_deref());
    let (voter, cookie) = voter::of(&state, &headers, address);
    let wanted = value(&pairs, "competition").and_then(|id| state.arena.competition(id));
    let fresh = value(&pairs, "skip").is_some();
    let handed = battles::hand_out(&state.arena, &state.generator, &voter, wanted, fresh).await;
    let answer = match handed {
        Ok(None) => {
            let token = prompts::token(&state, &headers).await;
            let page = arena::nothing(is_sandbox(&state.generator.upstreams), token.as_deref());
            Ok(face::page(&page, &visit::of(&state, &headers), &headers))
        }
        Ok(Some(battle)) => {
            let suggested = value(&pairs, "suggested").is_some();
            vote_page(&state, &headers, &voter, &battle, (wanted, suggested)).await
        }
        Err(refusal) => Err(refusal),
    };
    let mut response = answer.unwrap_or_else(|refusal| Problem::from(refusal).into_response());
    voter::put(&mut response, cookie);
    own(response)
}

/// What is one voter's own stays out of caches.
fn own(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.remove(header::ETAG);
    face::keep_to_oneself(headers);
    response
}

/// A pair whose vote is in.
pub(super) async fn battle(
    State(state): State<AppState>,
    Path(id): Path<String>,
    address: CallerAddress,
    headers: HeaderMap,
) -> Response {
    let (voter, _) = voter::of(&state, &headers, address);
    let answer = async {
        match battles::reveal(&state.arena, &state.generator, &voter, &id).await? {
            Some(told) => revealed_page(&state, &headers, &voter, &told).await,
            // The open pair, or the next one where this is too old to be voted on.
            None => Ok(see("/arena")),
        }
    };
    own(answer
        .await
        .unwrap_or_else(|refusal| Problem::from(refusal).into_response()))
}

/// Takes the vote of a form.
pub(super) async fn vote(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (voter, _) = voter::of(&state, &headers, address);
    let answer = async {
        let form = form::posted(&state, &headers, request).await?;
        let id = value(&form, "battle").unwrap_or_default();
        let said = value(&form, "vote").and_then(outcome).ok_or_else(|| {
            let names = sheet::OUTCOMES.map(|(name, _)| name).join(", ");
            Problem::invalid(StatusCode::BAD_REQUEST, format!("'vote' must be one of {names}."))
        })?;
        let decided_ms = value(&form, "decided_ms").and_then(|ms| ms.parse().ok());
        let voted = battles::vote(&state.arena, &state.generator, &voter, id, (said, decided_ms)).await;
        done(voted, &revealed_path(id, value(&form, "competition")))
    };
    let answer = answer.await;
    answer.unwrap_or_else(|problem| form::refusal(&state, &headers, "/arena/votes", &problem))
}

/// To the pair. What was done before, as by a second click, leads there too.
fn done(result: Result<(), Refusal>, path: &str) -> Result<Response, Problem> {
    match result {
        Ok(()) | Err(Refusal::Conflict(_)) => Ok(see(path)),
        Err(refusal) => Err(refusal.into()),
    }
}

fn revealed_path(id: &str, competition: Option<&str>) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let from = competition
        .map(|id| format!("?competition={}", encoded(id)))
        .unwrap_or_default();
    format!("/arena/battles/{}{from}", encoded(id))
}

/// Takes a vote back.
pub(super) async fn take_back(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (voter, _) = voter::of(&state, &headers, address);
    let answer = async {
        let form = form::posted(&state, &headers, request).await?;
        let id = value(&form, "battle").unwrap_or_default();
        let taken = battles::take_back(&state.arena, &state.generator, &voter, id).await;
        done(taken, &revealed_path(id, None))
    };
    let answer = answer.await;
    answer.unwrap_or_else(|problem| form::refusal(&state, &headers, "/arena/votes/taken-back", &problem))
}

/// Takes a prompt that a visitor suggests.
pub(super) async fn suggest(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (voter, cookie) = voter::of(&state, &headers, address);
    let answer = async {
        let form = form::posted(&state, &headers, request).await?;
        let prompt = value(&form, "prompt").unwrap_or_default();
        suggestions::suggest(&state.generator, &voter, prompt).await?;
        Ok::<_, Problem>(see("/arena?suggested=1"))
    };
    let answer = answer.await;
    let mut response = answer.unwrap_or_else(|problem| form::refusal(&state, &headers, "/arena/suggestions", &problem));
    voter::put(&mut response, cookie);
    response
}

/// What stands above a pair.
struct Top {
    competitions: Vec<(String, String)>,
    own_prompts: Option<String>,
    source: Option<String>,
    votes_today: u64,
}

async fn top(
    state: &AppState,
    headers: &HeaderMap,
    voter: &Voter,
    competition: Option<&Competition>,
) -> Result<Top, Refusal> {
    let now = state.generator.clock.now();
    let votes = state.generator.database.count_votes(&voter.id, now - DAY).await?;
    let all = state.arena.competitions().iter();
    Ok(Top {
        competitions: all.map(|own| (own.id.clone(), own.name.clone())).collect(),
        own_prompts: prompts::token(state, headers).await,
        source: competition.filter(|own| own.picture.is_some()).map(source_path),
        votes_today: u64::try_from(votes).unwrap_or(0),
    })
}

async fn vote_page(
    state: &AppState,
    headers: &HeaderMap,
    voter: &Voter,
    battle: &BattleRow,
    (wanted, suggested): (Option<&Competition>, bool),
) -> Result<Response, Refusal> {
    let absent = || Refusal::NotFound("The pictures of this pair are gone.".to_owned());
    let competition = state.arena.competition(&battle.competition);
    let top = top(state, headers, voter, competition).await?;
    let database = &state.generator.database;
    let left = database.exhibit(&battle.left_exhibit).await?.ok_or_else(absent)?;
    let right = database.exhibit(&battle.right_exhibit).await?.ok_or_else(absent)?;
    let paths = [&battle.left_picture, &battle.right_picture].map(|picture| picture_path(picture));
    let head = Head {
        prompt: competition.map_or(left.prompt.as_str(), |own| own.prompt.as_str()),
        source: top.source.as_deref(),
        competitions: &top.competitions,
        chosen: wanted.map(|wanted| wanted.id.as_str()),
        votes_today: top.votes_today,
        sandbox: battle.sandbox,
        own_prompts: top.own_prompts.as_deref(),
    };
    let page = arena::vote(
        &head,
        &battle.id,
        [hidden(&paths[0], &left), hidden(&paths[1], &right)],
        suggested,
    );
    Ok(face::page(&page, &visit::of(state, headers), headers))
}

/// Whether a picture can still be published by who asked for it.
fn is_private(exhibit: &ExhibitRow) -> bool {
    exhibit.state == ExhibitState::Private && !exhibit.is_removed()
}

fn hidden<'a>(path: &'a str, exhibit: &ExhibitRow) -> Hidden<'a> {
    Hidden {
        path,
        width_px: u32::try_from(exhibit.width_px).unwrap_or(1),
        height_px: u32::try_from(exhibit.height_px).unwrap_or(1),
    }
}

async fn revealed_page(
    state: &AppState,
    headers: &HeaderMap,
    voter: &Voter,
    told: &Revealed,
) -> Result<Response, Refusal> {
    let competition = state.arena.competition(&told.battle.competition);
    let top = top(state, headers, voter, competition).await?;
    let generator = &state.generator;
    let paths = [0, 1].map(|side| picture_path(&told.sides[side].picture));
    let known = [0, 1].map(|side| {
        let exhibit = &told.sides[side].exhibit;
        let model = generator.catalog.model(&exhibit.model);
        let upstream = generator.upstreams.get(&exhibit.provider);
        (
            model.map_or_else(|| "/models".to_owned(), page_path),
            model.map_or(exhibit.model.as_str(), |model| model.name.as_str()),
            model.map_or("", |model| model.creator_name.as_str()),
            upstream.map_or(exhibit.provider.as_str(), |upstream| upstream.name.as_str()),
        )
    });
    let opinions = gallery::opinions(state, [0, 1].map(|side| told.sides[side].exhibit.id.as_str())).await?;
    let sides = [(0, Outcome::Left), (1, Outcome::Right)].map(|(place, outcome)| {
        let side: &Side = &told.sides[place];
        let (page, name, creator, provider) = &known[place];
        Named {
            picture: (!side.exhibit.is_removed()).then(|| hidden(&paths[place], &side.exhibit)),
            model: (page, name),
            by: (creator, provider),
            cost: side.exhibit.cost_micros.map(Micros),
            duration_ms: side.exhibit.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
            rated: side.rating.map(rated),
            is_chosen: told.said == outcome && !told.taken_back,
            page: (side.exhibit.state == ExhibitState::Shown).then(|| gallery::page_path(&side.exhibit)),
            opinion: opinions[place].clone(),
        }
    });
    let head = Head {
        prompt: &told.sides[0].exhibit.prompt,
        source: top.source.as_deref(),
        competitions: &top.competitions,
        chosen: None,
        votes_today: top.votes_today,
        sandbox: told.battle.sandbox,
        own_prompts: None,
    };
    let shown = arena::Revealed {
        battle: &told.battle.id,
        taken_back: told.taken_back,
        sides,
        record: tallied(told.record),
        is_own: told.battle.competition == OWN_PROMPT && told.sides.iter().any(|side| is_private(&side.exhibit)),
    };
    let page = arena::revealed(&head, &shown);
    Ok(face::page(&page, &visit::of(state, headers), headers))
}

/// A rating as pages show it.
pub(super) fn rated(interval: ratings::Interval) -> Rated {
    Rated {
        rating: interval.rating,
        low: interval.low,
        high: interval.high,
    }
}

/// A record as pages show it.
pub(super) fn tallied(record: ratings::Record) -> Tallied {
    Tallied {
        won: whole(record.won),
        lost: whole(record.lost),
        as_good: whole(record.as_good),
        both_bad: whole(record.both_bad),
    }
}

/// `/arena/pictures/{name}.webp`: one picture of a pair, with nothing on it that tells which.
pub(super) async fn picture(State(state): State<AppState>, Path(file): Path<String>) -> Response {
    let name = file.strip_suffix(".webp").unwrap_or_default();
    match battles::picture(&state.generator, &state.spool, name).await {
        Ok(bytes) => image("image/webp", "private, no-store", bytes),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

/// `/arena/sources/{competition}.png`: the picture that a competition's models are to change.
pub(super) async fn source(State(state): State<AppState>, Path(file): Path<String>) -> Response {
    let absent = || fallback::at(&format!("/arena/sources/{file}")).into_response();
    let competition = file.strip_suffix(".png").and_then(|id| state.arena.competition(id));
    let Some(picture) = competition.and_then(|own| own.picture.clone()) else {
        return absent();
    };
    let draw = move || picture.png().map(bytes::Bytes::from);
    match state.shelf.plate(format!("source {file}"), draw).await {
        Some(bytes) => image("image/png", "public, max-age=86400", bytes.to_vec()),
        None => Problem::internal().into_response(),
    }
}
