//! What people report of pictures on show; the operator looks at it.

use std::time::Duration;

use jiff::SignedDuration;
use planner::fault::Fault;

use super::battles::Voter;
use crate::db::arena::{ExhibitState, ReportRow, ReportState};
use crate::generation::Generator;
use crate::ids::random_text;
use crate::operator::Refusal;

/// Longest reason.
pub(crate) const REASON_CHARS_MAX: usize = 500;
/// Longest name of a judge.
pub(crate) const JUDGE_CHARS_MAX: usize = 100;
/// Most points for or against a picture.
pub(crate) const POINTS_MAX: usize = 10;
/// Longest point.
pub(crate) const POINT_CHARS_MAX: usize = 300;
/// Reports of one person on a day.
const DAY_MAX: i64 = 20;
/// Reports that wait at one time: nobody reads more.
const WAITING_MAX: i64 = 1_000;
/// Letters of an id.
const ID_CHARS: usize = 20;

/// Notes a report of a picture. Returns the report, and whether it is new: a second one of the same person changes nothing,
/// and is told as the first is.
///
/// # Errors
/// [`Refusal`] for a picture that is not on show, a reason that cannot be, and past the limits.
pub(crate) async fn report(
    generator: &Generator,
    reporter: &Voter,
    exhibit_id: &str,
    reason: &str,
) -> Result<(ReportRow, bool), Refusal> {
    let reason = reason.replace('\0', " ").trim().to_owned();
    if !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) {
        let message = format!("'reason' must have 1 to {REASON_CHARS_MAX} characters");
        return Err(Refusal::Faults(vec![Fault::new("reason", message)]));
    }
    let database = &generator.database;
    let absent = || Refusal::NotFound("There is no such picture on show.".to_owned());
    let exhibit = database.exhibit(exhibit_id).await?;
    if exhibit.is_none_or(|exhibit| exhibit.state != ExhibitState::Shown) {
        return Err(absent());
    }
    let before = || database.report_by(&reporter.id, exhibit_id);
    if let Some(report) = before().await? {
        return Ok((report, false));
    }
    let now = generator.clock.now();
    let (own, waiting) = database
        .count_reports(&reporter.id, now - SignedDuration::from_hours(24))
        .await?;
    if own >= DAY_MAX || waiting >= WAITING_MAX {
        return Err(Refusal::TooOften {
            message: format!(
                "At most {DAY_MAX} pictures are reported by one person on a day, and {WAITING_MAX} reports wait in all."
            ),
            wait: Duration::from_secs(3_600),
        });
    }
    let row = ReportRow {
        id: random_text(ID_CHARS),
        exhibit_id: exhibit_id.to_owned(),
        reporter: reporter.id.clone(),
        reason,
        state: ReportState::Waiting,
        created_at: now,
    };
    if database.insert_report(&row).await? {
        return Ok((row, true));
    }
    // The same at the same time, as by a second click.
    let report = before().await?.ok_or_else(absent)?;
    Ok((report, false))
}

/// Answers a report, and all that wait on the same picture: upheld, the picture is taken down.
///
/// # Errors
/// [`Refusal`] for a report that is not there.
pub(crate) async fn decide(generator: &Generator, id: &str, state: ReportState) -> Result<ReportRow, Refusal> {
    let database = &generator.database;
    let absent = || Refusal::NotFound("There is no such report.".to_owned());
    let report = database.report(id).await?.ok_or_else(absent)?;
    if state == ReportState::Upheld {
        database
            .set_exhibit_state(&report.exhibit_id, ExhibitState::Hidden)
            .await?;
    }
    database.answer_reports(&report.exhibit_id, state).await?;
    database.report(id).await?.ok_or_else(absent)
}
