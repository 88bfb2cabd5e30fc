//! Which voters are set aside, in words.

use std::collections::HashSet;

use indexmap::IndexSet;
use jiff::Timestamp;
use ratings::{Reason, Rules, suspects};

use super::sheet::Sheet;
use crate::db::arena::AsideRow;

/// Voters who are found and were not before. Who was found once is judged by the operator from then on.
pub(super) fn found(sheet: &Sheet, sandbox: bool, now: Timestamp) -> Vec<AsideRow> {
    let known: HashSet<&str> = sheet.aside.iter().map(|row| row.voter.as_str()).collect();
    let mut sessions = sheet.sessions();
    let counts: Vec<usize> = sessions.iter().map(|session| session.ballots.len()).collect();
    for (session, voter) in sessions.iter_mut().zip(&sheet.voters) {
        // What they did to the ratings must not hide others.
        if known.contains(voter.as_str()) {
            session.ballots.clear();
        }
    }
    let findings = suspects(sheet.models.len(), &sessions, &Rules::default());
    let rows = findings.into_iter().map(|finding| {
        let (reason, detail) = told(&finding.reason, &sheet.models);
        AsideRow {
            voter: sheet.voters[finding.session].clone(),
            sandbox,
            reason: reason.to_owned(),
            detail,
            votes: i64::try_from(counts[finding.session]).unwrap_or(i64::MAX),
            found_at: now,
            restored_at: None,
        }
    });
    rows.collect()
}

fn told(reason: &Reason, models: &IndexSet<String>) -> (&'static str, String) {
    let way = |favored: bool| if favored { "for" } else { "against" };
    match *reason {
        Reason::OneSide { left, chosen, decided } => {
            let side = if left { "left" } else { "right" };
            ("one_side", format!("{chosen} of {decided} votes for the {side}"))
        }
        Reason::TooFast { median_ms } => ("too_fast", format!("half of the votes took {median_ms} ms or less")),
        Reason::OneModel {
            model,
            favored,
            points,
            met,
            expected,
            by_address,
        } => {
            let whose = if by_address {
                ", with the others of its address"
            } else {
                ""
            };
            let name = &models[model];
            (
                "one_model",
                format!(
                    "{} {name}: {points} points in {met} votes, {expected:.1} expected{whose}",
                    way(favored)
                ),
            )
        }
        Reason::Ring {
            model,
            favored,
            members,
        } => (
            "ring",
            format!("one of {members} sessions that vote {} {}", way(favored), models[model]),
        ),
    }
}
