//! Sessions whose votes do not come from looking: always one side, faster than one can look, for or against one model only,
//! alone, by one address, or as a ring of several.

use crate::{Fit, Options, Outcome, Tally, binomial_tail, fit, poisson_binomial_tail};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of finding, setting aside and fitting anew: a ring moves the ratings by which it is found.
const ROUNDS: usize = 5;

/// How far the bound of a member is widened, step by step: few who are very unlikely, or many who are less so.
const RING_STEPS: [f64; 3] = [1.0, 5.0, 20.0];

/// One vote of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The model on the left.
    pub left: usize,
    /// The model on the right.
    pub right: usize,
    /// What was said.
    pub outcome: Outcome,
    /// From both pictures seen to the vote, in milliseconds; none where it was not measured.
    pub decided_ms: Option<u32>,
}

/// The votes of one visitor's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What sessions of one network address have in common; none when unknown.
    pub address: Option<u64>,
    /// Its votes.
    pub ballots: Vec<Ballot>,
}

/// When a session is found. Chances are those of finding one who votes honestly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Always one side: chance for each session.
    pub one_side: f64,
    /// Too fast: half of at least [`Rules::fast_votes`] votes took less than this.
    pub fast_ms: u32,
    /// See [`Rules::fast_ms`].
    pub fast_votes: usize,
    /// One model only: chance for each session, and for each address.
    pub one_model: f64,
    /// How unlikely a session's votes on a model must be for it to count as a member of a ring.
    pub ring_member: f64,
    /// A ring: chance that so many honest sessions look like members, for all models together.
    pub ring: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            one_side: 1e-3,
            fast_ms: 800,
            fast_votes: 5,
            one_model: 1e-4,
            ring_member: 1e-3,
            ring: 1e-4,
        }
    }
}

/// Why a session is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// `chosen` of `decided` votes were for the left (or the right).
    OneSide {
        /// Whether it is the left.
        left: bool,
        /// Votes for that side.
        chosen: usize,
        /// Votes for a side.
        decided: usize,
    },
    /// Half of its votes took at most so long.
    TooFast {
        /// The median, in milliseconds.
        median_ms: u32,
    },
    /// The points that it gave one model are not to be explained by the model's rating.
    OneModel {
        /// The model.
        model: usize,
        /// For it; else against it.
        favored: bool,
        /// Points that the model got.
        points: f64,
        /// Votes in which it stood.
        met: usize,
        /// Points that its rating would lead one to expect.
        expected: f64,
        /// With the other sessions of its address.
        by_address: bool,
    },
    /// One of several sessions that do the same.
    Ring {
        /// The model.
        model: usize,
        /// For it; else against it.
        favored: bool,
        /// How many sessions.
        members: usize,
    },
}

/// A session with why it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Its place among the sessions that were given.
    pub session: usize,
    /// Why.
    pub reason: Reason,
}

/// The votes of all sessions but those in `aside`.
pub fn trusted(models: usize, sessions: &[Session], aside: &[usize]) -> Tally {
    let mut tally = Tally::new(models);
    let aside: BTreeSet<&usize> = aside.iter().collect();
    let counted = sessions.iter().enumerate().filter(|(at, _)| !aside.contains(at));
    for ballot in counted.flat_map(|(_, session)| &session.ballots) {
        tally.add(ballot.left, ballot.right, ballot.outcome);
    }
    tally
}

/// Finds sessions by `rules`, each once, in the order of sessions.
pub fn suspects(models: usize, sessions: &[Session], rules: &Rules) -> Vec<Finding> {
    let mut found: BTreeMap<usize, Reason> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        if let Some(reason) = one_side(session, rules).or_else(|| too_fast(session, rules)) {
            found.insert(at, reason);
        }
    }
    for _ in 0..ROUNDS {
        let aside: Vec<usize> = found.keys().copied().collect();
        let tally = trusted(models, sessions, &aside);
        let Ok(fit) = fit(&tally, Options::default()) else {
            break;
        };
        let before = found.len();
        let seen = Expectation::new(&fit, &tally);
        push(&seen, sessions, rules, &mut found);
        ring(&seen, sessions, rules, &mut found);
        if found.len() == before {
            break;
        }
    }
    found
        .into_iter()
        .map(|(session, reason)| Finding { session, reason })
        .collect()
}

fn one_side(session: &Session, rules: &Rules) -> Option<Reason> {
    let count = |outcome| {
        session
            .ballots
            .iter()
            .filter(|ballot| ballot.outcome == outcome)
            .count()
    };
    let (lefts, rights) = (count(Outcome::Left), count(Outcome::Right));
    let (chosen, decided) = (lefts.max(rights), lefts + rights);
    let chance = 2.0 * binomial_tail(decided as u32, chosen as u32, 0.5);
    (chance < rules.one_side).then_some(Reason::OneSide {
        left: lefts > rights,
        chosen,
        decided,
    })
}

fn too_fast(session: &Session, rules: &Rules) -> Option<Reason> {
    let mut times: Vec<u32> = session.ballots.iter().filter_map(|ballot| ballot.decided_ms).collect();
    times.sort_unstable();
    let median_ms = *times.get(times.len() / 2)?;
    (times.len() >= rules.fast_votes && median_ms < rules.fast_ms).then_some(Reason::TooFast { median_ms })
}

/// What votes are expected to be, by ratings.
struct Expectation<'a> {
    fit: &'a Fit,
    neither: f64,
}

/// How a voter treated one model.
struct Treatment {
    model: usize,
    favored: bool,
    points: f64,
    met: usize,
    expected: f64,
    /// That an honest voter would have given so many points, or more; or so few, or fewer.
    chance: f64,
}

impl<'a> Expectation<'a> {
    fn new(fit: &'a Fit, tally: &Tally) -> Self {
        let [_, _, as_good, both_bad] = tally.outcomes();
        let neither = (as_good + both_bad) / tally.votes().max(1.0);
        Self { fit, neither }
    }

    /// Chances of none, a half, and a whole point for `model` against `other`.
    fn chances(&self, model: usize, other: usize) -> [f64; 3] {
        let score = self.fit.expected_score(model, other);
        let half = self.neither.min(2.0 * score.min(1.0 - score));
        [1.0 - score - half / 2.0, half, score - half / 2.0]
    }

    /// Of all models that stand in `ballots`, both ways.
    fn treatments<'b>(&self, ballots: impl Iterator<Item = &'b Ballot>) -> Vec<Treatment> {
        let mut met: BTreeMap<usize, Vec<([f64; 3], f64)>> = BTreeMap::new();
        for ballot in ballots {
            let left = ballot.outcome.left_score();
            for (model, other, points) in [
                (ballot.left, ballot.right, left),
                (ballot.right, ballot.left, 1.0 - left),
            ] {
                met.entry(model).or_default().push((self.chances(model, other), points));
            }
        }
        let both_ways = met.into_iter().flat_map(|(model, votes)| {
            let tries: Vec<[f64; 3]> = votes.iter().map(|(chances, _)| *chances).collect();
            let mirrored: Vec<[f64; 3]> = tries.iter().map(|[none, half, one]| [*one, *half, *none]).collect();
            let points: f64 = votes.iter().map(|(_, points)| points).sum();
            let lost = votes.len() as f64 - points;
            let expected = tries.iter().map(|[_, half, one]| half / 2.0 + one).sum();
            [(true, tries, points), (false, mirrored, lost)].map(|(favored, tries, sum)| Treatment {
                model,
                favored,
                points,
                met: votes.len(),
                expected,
                chance: poisson_binomial_tail(&tries, (2.0 * sum).round() as usize),
            })
        });
        both_ways.collect()
    }
}

/// One model only, by one session or by all of one address.
fn push(seen: &Expectation, sessions: &[Session], rules: &Rules, found: &mut BTreeMap<usize, Reason>) {
    let mut voters: Vec<(Vec<usize>, bool)> = (0..sessions.len()).map(|at| (vec![at], false)).collect();
    let mut addresses: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        if let Some(address) = session.address {
            addresses.entry(address).or_default().push(at);
        }
    }
    voters.extend(addresses.into_values().filter(|of| of.len() > 1).map(|of| (of, true)));
    for (members, by_address) in voters {
        let open = members.iter().filter(|at| !found.contains_key(at));
        let treatments = seen.treatments(open.flat_map(|at| &sessions[*at].ballots));
        let least = treatments.iter().min_by(|a, b| a.chance.total_cmp(&b.chance));
        let Some(worst) = least.filter(|worst| worst.chance * (treatments.len() as f64) < rules.one_model) else {
            continue;
        };
        let reason = Reason::OneModel {
            model: worst.model,
            favored: worst.favored,
            points: worst.points,
            met: worst.met,
            expected: worst.expected,
            by_address,
        };
        for member in members {
            found.entry(member).or_insert(reason);
        }
    }
}

/// More sessions than chance allows that treat a model in a way which is unlikely for each. Members that are known already
/// count: what they did to the rating hid the others.
fn ring(seen: &Expectation, sessions: &[Session], rules: &Rules, found: &mut BTreeMap<usize, Reason>) {
    let mut of_model: BTreeMap<(usize, bool), Vec<(usize, f64)>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        let is_member = |reason: &Reason| matches!(reason, Reason::Ring { .. });
        if found.get(&at).is_none_or(is_member) {
            for treatment in seen.treatments(session.ballots.iter()) {
                let of_model = of_model.entry((treatment.model, treatment.favored)).or_default();
                of_model.push((at, treatment.chance));
            }
        }
    }
    let tests = (of_model.len() * RING_STEPS.len()) as f64;
    for ((model, favored), chances) in of_model {
        for step in RING_STEPS {
            let bound = rules.ring_member * step;
            let members: Vec<usize> = chances
                .iter()
                .filter(|(_, chance)| *chance < bound)
                .map(|(at, _)| *at)
                .collect();
            let by_chance = binomial_tail(chances.len() as u32, members.len() as u32, bound);
            if members.len() > 1 && by_chance * tests < rules.ring {
                let count = members.len();
                for member in members {
                    found.entry(member).or_insert(Reason::Ring {
                        model,
                        favored,
                        members: count,
                    });
                }
            }
        }
    }
}
