//! Votes of nobody, so that a fresh installation's board shows how it works. In the sandbox only.

use jiff::SignedDuration;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::sheet::OUTCOMES;
use super::{Arena, is_sandbox};
use crate::db::arena::{ExhibitFilter, ExhibitRow, VoteRow};
use crate::generation::Generator;
use crate::ids::{random_text, vote_id};
use crate::operator::Refusal;

/// What the voters of the demonstration begin with.
pub(crate) const VOTER: &str = "demo";
/// Most votes of one demonstration.
pub(crate) const VOTES_MAX: i64 = 20_000;
/// What a pretended session votes, in some order: as often left as right, for nobody else would be found to prefer a side.
const SESSION_VOTES: [(usize, usize); 4] = [(LEFT, 10), (RIGHT, 10), (AS_GOOD, 2), (BOTH_BAD, 2)];
/// Places in [`OUTCOMES`].
const LEFT: usize = 0;
const RIGHT: usize = 1;
const AS_GOOD: usize = 2;
const BOTH_BAD: usize = 3;
/// Over how many days the votes are spread.
const DAYS: i64 = 30;
/// Entries that are looked at.
const ENTRIES_MAX: i64 = 10_000;

/// Draws `count` votes without preference on the entries that hang. Returns how many were added.
///
/// # Errors
/// [`Refusal::Conflict`] where a provider is real, or nothing hangs.
pub(crate) async fn draw_votes(arena: &Arena, generator: &Generator, count: usize) -> Result<u64, Refusal> {
    if !is_sandbox(&generator.upstreams) {
        return Err(Refusal::Conflict(
            "The demonstration is for installations on which no provider is real.".to_owned(),
        ));
    }
    let filter = ExhibitFilter {
        sandbox: true,
        ..ExhibitFilter::default()
    };
    let entries = generator.database.exhibits(&filter, 0, ENTRIES_MAX).await?;
    let entries: Vec<&ExhibitRow> = entries.iter().filter(|entry| entry.competition.is_some()).collect();
    // The same entries give the same votes again, but for those that a second demonstration adds.
    let seed = arena.boards(generator).await?.sheet.votes.len();
    let votes = votes(&entries, generator.clock.now(), count, seed);
    if votes.is_empty() {
        return Err(Refusal::Conflict(
            "No competition has entries of two models yet.".to_owned(),
        ));
    }
    let added = generator.database.insert_votes(&votes).await?;
    arena.changed().await;
    Ok(added)
}

fn votes(entries: &[&ExhibitRow], now: jiff::Timestamp, count: usize, seed: usize) -> Vec<VoteRow> {
    let mut rng = StdRng::seed_from_u64(seed as u64);
    let mut votes = Vec::with_capacity(count);
    let mut voter = String::new();
    let mut hand: Vec<usize> = Vec::new();
    // Pairs that have no partner are passed over; after so many tries there is none at all.
    for _ in 0..count.saturating_mul(50) {
        if votes.len() == count || entries.len() < 2 {
            break;
        }
        let left = entries[rng.random_range(0..entries.len())];
        let right = entries[rng.random_range(0..entries.len())];
        if left.competition != right.competition || left.model == right.model {
            continue;
        }
        if hand.is_empty() {
            voter = format!("{VOTER}-{}", random_text(12));
            hand = SESSION_VOTES
                .iter()
                .flat_map(|&(outcome, times)| [outcome].repeat(times))
                .collect();
            hand.shuffle(&mut rng);
        }
        let Some(outcome) = hand.pop() else { break };
        let back = SignedDuration::from_secs(rng.random_range(0..DAYS * 86_400));
        let at = now.checked_sub(back).unwrap_or(now);
        votes.push(VoteRow {
            id: vote_id(now),
            battle_id: format!("{VOTER}-{}", random_text(20)),
            takes_back: false,
            competition: left.competition.clone().unwrap_or_default(),
            left_model: left.model.clone(),
            right_model: right.model.clone(),
            outcome: OUTCOMES[outcome].0.to_owned(),
            voter: voter.clone(),
            address: None,
            decided_ms: Some(rng.random_range(2_000..30_000)),
            sandbox: true,
            created_at: at,
        });
    }
    votes
}
