//! Blind pairs and the votes on them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use providers::Spool;
use ratings::{Interval, Outcome, Record, choose, left_first};

use super::boards::{Board, BoardKey, pairing};
use super::competitions::{Competition, OWN_PROMPT};
use super::padding::{common_length, padded};
use super::sheet::{OUTCOMES, outcome};
use super::{Arena, exhibits, is_sandbox};
use crate::db::arena::{BattleRow, ExhibitFilter, ExhibitRow, VoteRow};
use crate::generation::Generator;
use crate::ids::{random_text, vote_id};
use crate::operator::Refusal;

/// Letters of ids and of pictures' names: 20 base-62 characters cannot be guessed.
const NAME_CHARS: usize = 20;
/// Pairs that one voter is handed in an hour: one every twelve seconds, without a rest.
const VOTER_BATTLES_MAX: i64 = 300;
/// Pairs that go to one address in an hour: an office full of voters.
const ADDRESS_BATTLES_MAX: i64 = 3_000;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How long a pair can be voted on. Older ones without a vote are forgotten.
pub(super) const BATTLE_LASTS: SignedDuration = SignedDuration::from_hours(2);
/// Entries that are looked at: more than all models in all competitions.
const ENTRIES_MAX: i64 = 10_000;
/// Longest time to decide that is noted; past it nobody looked all the time.
const DECIDED_MS_MAX: i64 = 3_600_000;
/// Pairs forgotten at a time.
const FORGOTTEN_AT_ONCE: i64 = 20;

/// Who votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voter {
    /// What tells voters apart; nothing that somebody could act with.
    pub(crate) id: String,
    /// Hash of the address, where it is known.
    pub(crate) address: Option<String>,
}

/// Hands out a pair: the voter's open one, or with `fresh` another. `None`: no competition has two entries.
///
/// # Errors
/// [`Refusal`], of limits too.
pub(crate) async fn hand_out(
    arena: &Arena,
    generator: &Generator,
    voter: &Voter,
    wanted: Option<&Competition>,
    fresh: bool,
) -> Result<Option<BattleRow>, Refusal> {
    let (database, now) = (&generator.database, generator.clock.now());
    let sandbox = is_sandbox(&generator.upstreams);
    if !fresh && let Some(open) = database.open_battle(&voter.id, sandbox, now - HOUR).await? {
        let is_wanted = wanted.is_none_or(|wanted| wanted.id == open.competition);
        let is_known = open.competition == OWN_PROMPT || arena.competition(&open.competition).is_some();
        if is_wanted && is_known && may_be_seen(generator, &open).await? {
            return Ok(Some(open));
        }
    }
    check_limits(generator, voter).await?;
    database.forget_battles(now - BATTLE_LASTS, FORGOTTEN_AT_ONCE).await?;
    let Some((competition, entries)) = draw_competition(arena, generator, wanted).await? else {
        return Ok(None);
    };
    let key = BoardKey::Mode(competition.mode);
    let board = arena.board(generator, &key).await?;
    let Some((left, right)) = draw_pair(&board, &entries) else {
        return Ok(None);
    };
    let battle = pair(&competition.id, (left, right), voter, (sandbox, now));
    database.insert_battle(&battle).await?;
    Ok(Some(battle))
}

/// Refuses who was handed as many pairs as one gets.
///
/// # Errors
/// [`Refusal::TooOften`].
pub(super) async fn check_limits(generator: &Generator, voter: &Voter) -> Result<(), Refusal> {
    let since = generator.clock.now() - HOUR;
    let counted = generator
        .database
        .count_battles(&voter.id, voter.address.as_deref(), since);
    let (by_voter, by_address) = counted.await?;
    if by_voter >= VOTER_BATTLES_MAX || by_address >= ADDRESS_BATTLES_MAX {
        return Err(Refusal::TooOften {
            message: format!(
                "At most {VOTER_BATTLES_MAX} pairs go to one voter in an hour, and {ADDRESS_BATTLES_MAX} to one address."
            ),
            wait: Duration::from_secs(600),
        });
    }
    Ok(())
}

/// A pair of two pictures, under names that tell nothing.
pub(super) fn pair(
    competition: &str,
    (left, right): (&ExhibitRow, &ExhibitRow),
    voter: &Voter,
    (sandbox, now): (bool, Timestamp),
) -> BattleRow {
    BattleRow {
        id: random_text(NAME_CHARS),
        competition: competition.to_owned(),
        left_exhibit: left.id.clone(),
        right_exhibit: right.id.clone(),
        left_picture: random_text(NAME_CHARS),
        right_picture: random_text(NAME_CHARS),
        voter: voter.id.clone(),
        address: voter.address.clone(),
        sandbox,
        created_at: now,
    }
}

/// A competition with entries of at least two models, by lot, and its entries by model.
async fn draw_competition<'a>(
    arena: &'a Arena,
    generator: &Generator,
    wanted: Option<&'a Competition>,
) -> Result<Option<(&'a Competition, BTreeMap<String, Vec<ExhibitRow>>)>, Refusal> {
    let filter = ExhibitFilter {
        sandbox: is_sandbox(&generator.upstreams),
        competition: wanted.map(|wanted| wanted.id.clone()),
        ..ExhibitFilter::default()
    };
    let mut found: BTreeMap<String, BTreeMap<String, Vec<ExhibitRow>>> = BTreeMap::new();
    for entry in generator.database.exhibits(&filter, 0, ENTRIES_MAX).await? {
        if let Some(competition) = &entry.competition {
            let models = found.entry(competition.clone()).or_default();
            models.entry(entry.model.clone()).or_default().push(entry);
        }
    }
    found.retain(|id, models| models.len() > 1 && arena.competition(id).is_some());
    let place = place(found.len());
    let drawn = found.into_iter().nth(place);
    Ok(drawn.and_then(|(id, entries)| Some((arena.competition(&id)?, entries))))
}

/// A place among so many, by lot.
fn place(many: usize) -> usize {
    rand::random_range(0..many.max(1))
}

/// Two entries, left and right.
fn draw_pair<'a>(
    board: &Board,
    entries: &'a BTreeMap<String, Vec<ExhibitRow>>,
) -> Option<(&'a ExhibitRow, &'a ExhibitRow)> {
    let models: Vec<&str> = entries.keys().map(String::as_str).collect();
    let (left, right) = draw(board, &models)?;
    let entry = |model: &str| {
        let own = entries.get(model)?;
        own.get(place(own.len()))
    };
    Some((entry(&left)?, entry(&right)?))
}

/// Two of these models, left and right, by what a vote on them would tell.
pub(super) fn draw(board: &Board, models: &[&str]) -> Option<(String, String)> {
    let (tally, pairs, names) = pairing(board, models);
    let drawn = choose(pairs.offers(), rand::random())?;
    let (left, right) = if left_first(&tally, drawn.a, drawn.b, rand::random()) {
        (drawn.a, drawn.b)
    } else {
        (drawn.b, drawn.a)
    };
    Some((names.get(left)?.clone(), names.get(right)?.clone()))
}

/// The file of a picture of a pair, as long as the other's.
///
/// # Errors
/// [`Refusal`] for a name that no pair has.
pub(crate) async fn picture(generator: &Generator, spool: &Spool, name: &str) -> Result<Vec<u8>, Refusal> {
    let absent = || Refusal::NotFound("No pair has this picture (any more).".to_owned());
    let database = &generator.database;
    let battle = database.battle_of_picture(name).await?.ok_or_else(absent)?;
    let (left, right) = both(generator, &battle).await?.ok_or_else(absent)?;
    let length = |entry: &ExhibitRow| usize::try_from(entry.size_bytes).unwrap_or(0);
    let length = common_length(length(&left), length(&right));
    let own = if battle.left_picture == name { left } else { right };
    if !own.may_be_paired() {
        return Err(absent());
    }
    Ok(padded(exhibits::file(generator, spool, &own).await?, length))
}

/// Whether both pictures of a pair may still be seen.
async fn may_be_seen(generator: &Generator, battle: &BattleRow) -> Result<bool, Refusal> {
    let sides = both(generator, battle).await?;
    Ok(sides.is_some_and(|(left, right)| left.may_be_paired() && right.may_be_paired()))
}

/// Both entries of a pair.
async fn both(generator: &Generator, battle: &BattleRow) -> Result<Option<(ExhibitRow, ExhibitRow)>, Refusal> {
    let database = &generator.database;
    let left = database.exhibit(&battle.left_exhibit).await?;
    Ok(left.zip(database.exhibit(&battle.right_exhibit).await?))
}

/// The pair, if it was handed to this voter.
async fn own(generator: &Generator, voter: &Voter, id: &str) -> Result<(BattleRow, ExhibitRow, ExhibitRow), Refusal> {
    // What another was handed looks as if it were not there.
    let absent = || Refusal::NotFound("You were handed no such pair, or it is too old to be voted on.".to_owned());
    let battle = generator.database.battle(id).await?.ok_or_else(absent)?;
    if battle.voter != voter.id {
        return Err(absent());
    }
    let (left, right) = both(generator, &battle).await?.ok_or_else(absent)?;
    Ok((battle, left, right))
}

fn row(battle: &BattleRow, (left, right): (&ExhibitRow, &ExhibitRow), voter: &Voter, now: Timestamp) -> VoteRow {
    VoteRow {
        id: vote_id(now),
        battle_id: battle.id.clone(),
        takes_back: false,
        competition: battle.competition.clone(),
        left_model: left.model.clone(),
        right_model: right.model.clone(),
        outcome: String::new(),
        voter: voter.id.clone(),
        address: voter.address.clone(),
        decided_ms: None,
        sandbox: battle.sandbox,
        created_at: now,
    }
}

/// Takes a vote, once.
///
/// # Errors
/// [`Refusal`]: of a pair of another, and a second vote.
pub(crate) async fn vote(
    arena: &Arena,
    generator: &Generator,
    voter: &Voter,
    battle_id: &str,
    (said, decided_ms): (Outcome, Option<i64>),
) -> Result<(), Refusal> {
    let (battle, left, right) = own(generator, voter, battle_id).await?;
    let now = generator.clock.now();
    if now.duration_since(battle.created_at) > BATTLE_LASTS {
        return Err(Refusal::Conflict(
            "This pair is too old to be voted on; ask for another.".to_owned(),
        ));
    }
    let name = OUTCOMES.iter().find(|(_, outcome)| *outcome == said);
    let cast = VoteRow {
        outcome: name.map(|(name, _)| (*name).to_owned()).unwrap_or_default(),
        decided_ms: decided_ms.filter(|ms| (0..=DECIDED_MS_MAX).contains(ms)),
        ..row(&battle, (&left, &right), voter, now)
    };
    if generator.database.insert_votes(&[cast]).await? == 0 {
        return Err(Refusal::Conflict("You have voted on this pair already.".to_owned()));
    }
    arena.changed().await;
    Ok(())
}

/// Takes a vote back, for good.
///
/// # Errors
/// [`Refusal`]: there is no vote, or it was taken back before.
pub(crate) async fn take_back(arena: &Arena, generator: &Generator, voter: &Voter, id: &str) -> Result<(), Refusal> {
    let (battle, left, right) = own(generator, voter, id).await?;
    let Some((said, _)) = generator.database.vote_on(id).await? else {
        return Err(Refusal::Conflict(
            "There is no vote on this pair to take back.".to_owned(),
        ));
    };
    let back = VoteRow {
        takes_back: true,
        outcome: said,
        ..row(&battle, (&left, &right), voter, generator.clock.now())
    };
    if generator.database.insert_votes(&[back]).await? == 0 {
        return Err(Refusal::Conflict("This vote was taken back before.".to_owned()));
    }
    arena.changed().await;
    Ok(())
}

/// One side of a pair, once its vote is in.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// What hangs there.
    pub(crate) exhibit: ExhibitRow,
    /// The name of its picture.
    pub(crate) picture: String,
    /// Its rating by the mode's board, once it is ranked.
    pub(crate) rating: Option<Interval>,
}

/// What is told after a vote.
#[derive(Debug, Clone)]
pub(crate) struct Revealed {
    /// The pair.
    pub(crate) battle: BattleRow,
    /// What was said.
    pub(crate) said: Outcome,
    /// Whether it was taken back.
    pub(crate) taken_back: bool,
    /// Left and right.
    pub(crate) sides: [Side; 2],
    /// The left model's record against the right one, this vote included.
    pub(crate) record: Record,
}

/// What is told of a pair to the voter who has voted on it; `None` before the vote.
///
/// # Errors
/// [`Refusal`] for a pair of another.
pub(crate) async fn reveal(
    arena: &Arena,
    generator: &Generator,
    voter: &Voter,
    id: &str,
) -> Result<Option<Revealed>, Refusal> {
    let (battle, left, right) = own(generator, voter, id).await?;
    let Some((said, taken_back)) = generator.database.vote_on(id).await? else {
        return Ok(None);
    };
    let said = outcome(&said).ok_or_else(|| Refusal::Failed("a vote of no known kind".to_owned()))?;
    let mode = arena
        .competition(&battle.competition)
        .map(|competition| competition.mode);
    let key = mode.map_or(BoardKey::Overall, BoardKey::Mode);
    let board = arena.board(generator, &key).await?;
    let side = |exhibit: ExhibitRow, picture: &str| Side {
        rating: board.standing(&exhibit.model).map(|standing| standing.interval),
        picture: picture.to_owned(),
        exhibit,
    };
    Ok(Some(Revealed {
        record: board.head_to_head(&left.model, &right.model),
        sides: [side(left, &battle.left_picture), side(right, &battle.right_picture)],
        battle,
        said,
        taken_back,
    }))
}
