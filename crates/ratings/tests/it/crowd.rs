//! Sessions that do not look at the pictures are found, and what they do to the ratings is bounded.

use crate::voters::World;
use ratings::{Finding, Options, Outcome, Reason, Rules, Session, Tally, fit, suspects, trusted};

const MODELS: usize = 12;
const VOTES: usize = 20;

fn truth() -> Vec<f64> {
    (0..MODELS).map(|at| 990.0 + 20.0 * at as f64).collect()
}

fn honest(world: &mut World, sessions: usize) -> Vec<Session> {
    (0..sessions)
        .map(|_| world.session(VOTES, |_, _, honest| honest))
        .collect()
}

fn found(sessions: &[Session]) -> Vec<Finding> {
    suspects(MODELS, sessions, &Rules::default())
}

fn aside(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.session).collect()
}

fn rating(tally: &Tally, model: usize) -> f64 {
    fit(tally, Options::default()).expect("prior").rating(model)
}

#[test]
fn honest_sessions_are_left_alone() {
    let mut wrongly = 0;
    for seed in 0..10 {
        let sessions = honest(&mut World::new(truth(), 0.4, seed), 200);
        wrongly += found(&sessions).len();
    }
    assert!(wrongly <= 8, "{wrongly} of 2,000 honest sessions");
}

#[test]
fn always_left_is_found_and_moves_nothing() {
    let mut world = World::new(truth(), 0.4, 7);
    let mut sessions = honest(&mut world, 200);
    let clean = trusted(MODELS, &sessions, &[]);
    sessions.extend((0..40).map(|_| world.session(VOTES, |_, _, _| Outcome::Left)));
    let findings = found(&sessions);
    let lefts = findings.iter().filter(|finding| finding.session >= 200);
    assert_eq!(lefts.clone().count(), 40, "each of them");
    for finding in lefts {
        assert_eq!(
            finding.reason,
            Reason::OneSide {
                left: true,
                chosen: VOTES,
                decided: VOTES
            }
        );
    }
    let kept = trusted(MODELS, &sessions, &aside(&findings));
    for model in 0..MODELS {
        let moved = (rating(&kept, model) - rating(&clean, model)).abs();
        assert!(moved < 5.0, "model {model} moved by {moved}");
    }
    assert!(
        ratings::sides(&trusted(MODELS, &sessions, &[]), 0.95).biased,
        "seen on the board before they are set aside"
    );
    assert!(!ratings::sides(&kept, 0.99).biased);
}

#[test]
fn who_votes_too_fast_to_look_is_found() {
    let mut world = World::new(truth(), 0.4, 8);
    let mut sessions = honest(&mut world, 20);
    let mut fast = world.session(VOTES, |_, _, honest| honest);
    fast.ballots.iter_mut().for_each(|ballot| ballot.decided_ms = Some(400));
    sessions.push(fast);
    let findings = found(&sessions);
    assert_eq!(
        findings,
        [Finding {
            session: 20,
            reason: Reason::TooFast { median_ms: 400 }
        }]
    );
}

/// Votes for the model wherever it stands, honestly elsewhere, so that nothing else gives the voter away.
fn pushes(model: usize) -> impl Fn(usize, usize, Outcome) -> Outcome {
    move |left, right, honest| {
        if left == model {
            Outcome::Left
        } else if right == model {
            Outcome::Right
        } else {
            honest
        }
    }
}

#[test]
fn one_who_votes_for_one_model_only_is_found() {
    let mut world = World::new(truth(), 0.4, 9);
    let mut sessions = honest(&mut world, 200);
    sessions.push(world.session(150, pushes(2)));
    let findings = found(&sessions);
    let finding = findings.iter().find(|finding| finding.session == 200).expect("found");
    assert!(
        matches!(
            finding.reason,
            Reason::OneModel {
                model: 2,
                favored: true,
                by_address: false,
                ..
            }
        ),
        "{finding:?}"
    );
}

#[test]
fn one_address_with_many_short_sessions_is_one_voter() {
    let mut world = World::new(truth(), 0.4, 10);
    let mut sessions = honest(&mut world, 200);
    for _ in 0..12 {
        let session = world.session(VOTES, pushes(2));
        sessions.push(Session {
            address: Some(77),
            ..session
        });
    }
    let findings = found(&sessions);
    assert_eq!(findings.iter().filter(|finding| finding.session >= 200).count(), 12);
    assert!(
        findings
            .iter()
            .any(|finding| matches!(finding.reason, Reason::OneModel { by_address: true, .. }))
    );
}

/// A ring of 20 among 200 honest sessions, from addresses of their own, too few votes each to be found alone.
#[test]
fn a_ring_is_found_and_its_effect_is_bounded() {
    let (mut before, mut after, mut members, mut honest_found) = (0.0, 0.0, 0, 0);
    for seed in 0..5 {
        let mut world = World::new(truth(), 0.4, 100 + seed);
        let mut sessions = honest(&mut world, 200);
        let clean = rating(&trusted(MODELS, &sessions, &[]), 1);
        sessions.extend((0..20).map(|_| world.session(2 * VOTES, pushes(1))));
        let findings = found(&sessions);
        members += findings.iter().filter(|finding| finding.session >= 200).count();
        honest_found += findings.iter().filter(|finding| finding.session < 200).count();
        before += rating(&trusted(MODELS, &sessions, &[]), 1) - clean;
        after += rating(&trusted(MODELS, &sessions, &aside(&findings)), 1) - clean;
    }
    let (before, after) = (before / 5.0, after / 5.0);
    assert!(members >= 60, "{members} of 100 members");
    // Who happens to like the model looks like a member, at the widest bound one in fifty.
    assert!(honest_found <= 20, "{honest_found} of 1,000 honest sessions");
    assert!(before > 40.0, "the ring would have lifted its model by {before}");
    assert!(after < before / 3.0, "{after} of {before} is left");
}
