//! A prompt of a visitor's own: two models make it there and then, and the pair is as blind as any other.

use jiff::{SignedDuration, Timestamp};
use planner::mode::Mode;
use planner::size::Size;

use super::battles::{self, Voter};
use super::boards::BoardKey;
use super::competitions::{Competition, OWN_PROMPT, Pick};
use super::{Arena, is_sandbox};
use crate::db::DatabaseError;
use crate::db::arena::{BattleRow, ExhibitRow};
use crate::generation::Generator;
use crate::operator::Refusal;

/// Longest prompt.
pub(crate) const PROMPT_CHARS_MAX: usize = 1_000;
/// Width and height that are asked for, in pixels: what nearly every model makes.
const SIDE_PX: u32 = 1_024;
/// Pictures removed at a time.
const REMOVED_AT_ONCE: i64 = 20;

/// The order that such a prompt is, as if it were a competition of its own.
pub(crate) fn order(prompt: &str) -> Competition {
    Competition {
        id: OWN_PROMPT.to_owned(),
        name: "A prompt of one’s own".to_owned(),
        mode: Mode::TextToImage,
        categories: Vec::new(),
        prompt: prompt.to_owned(),
        pick: Pick::default(),
        source: None,
        source_file: None,
        picture: None,
        size: Size {
            width_px: SIDE_PX,
            height_px: SIDE_PX,
        },
        models: None,
        settings: serde_json::Map::new(),
    }
}

/// The two models that are asked, left and right; `None` where fewer than two can be.
///
/// # Errors
/// [`Refusal`], of limits too.
pub(crate) async fn pick(
    arena: &Arena,
    generator: &Generator,
    voter: &Voter,
    order: &Competition,
) -> Result<Option<(String, String)>, Refusal> {
    battles::check_limits(generator, voter).await?;
    let models = order.models(&generator.catalog, generator.upstreams.available());
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    let board = arena.board(generator, &BoardKey::Mode(order.mode)).await?;
    Ok(battles::draw(&board, &ids))
}

/// Hands out the pair of these pictures.
///
/// # Errors
/// [`Refusal`] of the database.
pub(crate) async fn hand_out(
    generator: &Generator,
    voter: &Voter,
    (left, right): (&ExhibitRow, &ExhibitRow),
) -> Result<BattleRow, Refusal> {
    let sandbox = is_sandbox(&generator.upstreams);
    let battle = battles::pair(OWN_PROMPT, (left, right), voter, (sandbox, generator.clock.now()));
    generator.database.insert_battle(&battle).await?;
    Ok(battle)
}

/// Removes the pictures that nobody published within the time of media, or by when their pairs can be voted on no more.
///
/// # Errors
/// [`DatabaseError`]; what is left is found again.
pub(crate) async fn remove_unpublished(generator: &Generator) -> Result<(), DatabaseError> {
    let database = &generator.database;
    let ttl_s = i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4);
    let lasts = SignedDuration::from_secs(ttl_s).max(battles::BATTLE_LASTS);
    let before = generator.clock.now().checked_sub(lasts).unwrap_or(Timestamp::MIN);
    loop {
        let mut removed = Vec::new();
        for (id, path) in database.end_private(before, REMOVED_AT_ONCE).await? {
            match generator.store.delete(&path).await {
                Ok(()) => removed.push(id),
                Err(error) => {
                    tracing::warn!(exhibit.id = %id, error = %error, "a picture that nobody published could not be removed");
                }
            }
        }
        // What cannot be removed now is tried again at the next look.
        if removed.is_empty() {
            return Ok(());
        }
        database.hide_removed(&removed).await?;
    }
}
