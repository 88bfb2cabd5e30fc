//! The arena as JSON and CSV: the same for the API and for what the pages link to.

use std::sync::Arc;

use planner::catalog::Catalog;
use planner::money::Micros;
use ratings::{Interval, Record};
use serde_json::{Value, json};

use super::battles::{Revealed, Side};
use super::boards::{Board, BoardKey, CONFIDENCE, LEAST_VOTES, Standing, whole};
use super::competitions::Competition;
use super::sheet::OUTCOMES;
use crate::db::arena::{AsideRow, BattleRow, ExhibitRow, OpinionRow, ReportRow, SuggestionRow};

/// Decimals of ratings and shares.
fn rounded(value: f64, factor: f64) -> f64 {
    (value * factor).round() / factor
}

fn interval(told: Interval) -> Value {
    json!([rounded(told.low, 10.0), rounded(told.high, 10.0)])
}

fn record(told: Record) -> Value {
    json!({
        "won": whole(told.won), "lost": whole(told.lost), "as_good": whole(told.as_good), "both_bad": whole(told.both_bad),
    })
}

fn name<'a>(catalog: &'a Catalog, id: &'a str) -> &'a str {
    catalog.model(id).map_or(id, |model| model.name.as_str())
}

/// A board. Made off the async threads: its bootstrap takes a while.
pub(crate) async fn board(board: Arc<Board>, catalog: &Arc<Catalog>, sandbox: bool) -> Option<Value> {
    let catalog = Arc::clone(catalog);
    let told = tokio::task::spawn_blocking(move || whole_board(&board, &catalog, sandbox));
    told.await.ok()
}

fn whole_board(board: &Board, catalog: &Catalog, sandbox: bool) -> Value {
    let standing = |standing: &Standing| {
        json!({
            "model": standing.model,
            "name": name(catalog, &standing.model),
            "rank": { "rank": standing.rank.rank, "best": standing.rank.best, "worst": standing.rank.worst },
            "rating": rounded(standing.interval.rating, 10.0),
            "interval": interval(standing.interval),
            "interval_resampled": board.resampled(standing).map(interval),
            "votes": whole(standing.record.votes()),
            "record": record(standing.record),
        })
    };
    let waiting =
        |(model, votes): &(String, u64)| json!({ "model": model, "name": name(catalog, model), "votes": votes });
    let [left, right, as_good, both_bad] = board.outcomes;
    let history = board.history.iter().map(|(day, ratings)| {
        let ratings = ratings
            .iter()
            .map(|(model, rating)| (model.clone(), json!(rounded(*rating, 10.0))));
        json!({ "day": day.to_string(), "ratings": ratings.collect::<serde_json::Map<String, Value>>() })
    });
    json!({
        "object": "leaderboard",
        "board": board.key.name(),
        "sandbox": sandbox,
        "method": {
            "model": "bradley-terry, a vote for neither is half a win for each", "mean": ratings::ANCHOR,
            "confidence": CONFIDENCE, "least_votes": LEAST_VOTES,
        },
        "votes": { "total": board.votes(), "left": left, "right": right, "as_good": as_good, "both_bad": both_bad },
        "trust": {
            "left_share": board.sides.share.map(|share| rounded(share, 10_000.0)),
            "left_share_by_chance": [rounded(board.sides.chance.0, 10_000.0), rounded(board.sides.chance.1, 10_000.0)],
            "left_biased": board.sides.biased,
            "circles": { "triples": board.circles.triples, "circular": board.circles.circular },
            "set_aside": { "votes": board.aside.0, "voters": board.aside.1 },
        },
        "data": board.standings.iter().map(standing).collect::<Vec<_>>(),
        "waiting": board.waiting.iter().map(waiting).collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
    })
}

/// A board as a table.
pub(crate) fn csv(board: &Board, catalog: &Catalog) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "board",
        "rank",
        "rank_best",
        "rank_worst",
        "model",
        "name",
        "rating",
        "rating_low",
        "rating_high",
        "votes",
        "won",
        "lost",
        "as_good",
        "both_bad",
    ])?;
    for standing in &board.standings {
        let (rank, interval, record) = (standing.rank, standing.interval, standing.record);
        out.write_record([
            board.key.name(),
            rank.rank.to_string(),
            rank.best.to_string(),
            rank.worst.to_string(),
            standing.model.clone(),
            name(catalog, &standing.model).to_owned(),
            format!("{:.1}", interval.rating),
            format!("{:.1}", interval.low),
            format!("{:.1}", interval.high),
            whole(record.votes()).to_string(),
            whole(record.won).to_string(),
            whole(record.lost).to_string(),
            whole(record.as_good).to_string(),
            whole(record.both_bad).to_string(),
        ])?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// A pair before its vote: nothing that tells the models apart.
pub(crate) fn battle(battle: &BattleRow, competition: &Competition, address: &str) -> Value {
    let side = |picture: &str| json!({ "url": format!("{address}{}", picture_path(picture)) });
    json!({
        "id": battle.id,
        "object": "battle",
        "competition": competition.id,
        "prompt": competition.prompt,
        "source_url": competition.picture.as_ref().map(|_| format!("{address}{}", source_path(competition))),
        "left": side(&battle.left_picture),
        "right": side(&battle.right_picture),
        "sandbox": battle.sandbox,
        "created_at": battle.created_at.to_string(),
    })
}

/// Where a picture of a pair is.
pub(crate) fn picture_path(picture: &str) -> String {
    format!("/arena/pictures/{picture}.webp")
}

/// Where a competition's source image is.
pub(crate) fn source_path(competition: &Competition) -> String {
    format!("/arena/sources/{}.png", competition.id)
}

/// A pair after its vote.
pub(crate) fn revealed(told: &Revealed, catalog: &Catalog) -> Value {
    let said = OUTCOMES.iter().find(|(_, outcome)| *outcome == told.said);
    let side = |side: &Side| {
        json!({
            "model": side.exhibit.model,
            "name": name(catalog, &side.exhibit.model),
            "provider": side.exhibit.provider,
            "cost": side.exhibit.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
            "duration_ms": side.exhibit.duration_ms,
            "rating": side.rating.map(|rating| rounded(rating.rating, 10.0)),
            "interval": side.rating.map(interval),
        })
    };
    json!({
        "object": "vote",
        "battle": told.battle.id,
        "competition": told.battle.competition,
        "vote": said.map(|(name, _)| *name),
        "taken_back": told.taken_back,
        "left": side(&told.sides[0]),
        "right": side(&told.sides[1]),
        "record": record(told.record),
    })
}

/// A picture on show.
pub(crate) fn exhibit(row: &ExhibitRow, catalog: &Catalog) -> Value {
    json!({
        "id": row.id,
        "object": "exhibit",
        "competition": row.competition,
        "model": row.model,
        "name": name(catalog, &row.model),
        "provider": row.provider,
        "prompt": row.prompt,
        "settings": serde_json::from_str::<Value>(&row.settings).unwrap_or_default(),
        "cost": row.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
        "duration_ms": row.duration_ms,
        "size": format!("{}x{}", row.width_px, row.height_px),
        "state": row.state.as_str(),
        "sandbox": row.sandbox,
        "request_id": row.generation_id,
        "created_at": row.created_at.to_string(),
    })
}

/// A competition, with the models that take part and how many entries each has.
pub(crate) fn competition(competition: &Competition, models: &[(String, u64)], address: &str) -> Value {
    let model = |(id, entries): &(String, u64)| json!({ "model": id, "entries": entries });
    json!({
        "id": competition.id,
        "object": "competition",
        "name": competition.name,
        "mode": competition.mode.as_str(),
        "categories": competition.categories,
        "prompt": competition.prompt,
        "source_url": competition.picture.as_ref().map(|_| format!("{address}{}", source_path(competition))),
        "size": competition.size.to_string(),
        "settings": competition.settings,
        "boards": [BoardKey::Mode(competition.mode).name(), BoardKey::Competition(competition.id.clone()).name()],
        "models": models.iter().map(model).collect::<Vec<_>>(),
    })
}

/// A prompt that was suggested.
pub(crate) fn suggestion(row: &SuggestionRow) -> Value {
    json!({
        "id": row.id,
        "object": "arena.suggestion",
        "prompt": row.prompt,
        "state": row.state.as_str(),
        "created_at": row.created_at.to_string(),
    })
}

/// A report of a picture.
pub(crate) fn report(row: &ReportRow) -> Value {
    json!({
        "id": row.id,
        "object": "arena.report",
        "exhibit_id": row.exhibit_id,
        "reporter": row.reporter,
        "reason": row.reason,
        "state": row.state.as_str(),
        "created_at": row.created_at.to_string(),
    })
}

/// What a machine says of a picture.
pub(crate) fn opinion(row: &OpinionRow) -> Value {
    json!({
        "exhibit": row.exhibit_id,
        "object": "arena.opinion",
        "judge": row.judge,
        "plus": row.plus,
        "minus": row.minus,
        "created_at": row.created_at.to_string(),
    })
}

/// A voter who was set aside.
pub(crate) fn aside(row: &AsideRow) -> Value {
    json!({
        "id": row.voter,
        "object": "arena.voter",
        "reason": row.reason,
        "detail": row.detail,
        "votes": row.votes,
        "found_at": row.found_at.to_string(),
        "restored_at": row.restored_at.map(|time| time.to_string()),
    })
}
