//! Movements of money by an operator: top-ups, adjustments and refunds.

use jiff::Timestamp;
use planner::fault::Fault;
use planner::money::Micros;
use serde_json::{Map, Value};

use super::accounts::{found, missing};
use super::fields::{Fields, Given, Sign};
use super::witness::Witness;
use super::{ID_WANTED, Refusal, is_id};
use crate::db::Database;
use crate::db::audit::Action;
use crate::db::ledger::history::PostingRow;
use crate::db::ledger::{OperatorPosting, Posted};
use crate::ids::random_text;
use crate::ledger::Kind;

/// Longest remark.
pub(crate) const NOTE_CHARS_MAX: usize = 500;
/// Letters of a posting's id that Pictor makes.
const ID_CHARS: usize = 20;

/// The header that may bear a posting's id.
pub(crate) const ID_HEADER: &str = "Idempotency-Key";

/// Moves money as `given` says. Returns the posting, and whether it was there before: the same id moves money once.
///
/// `header_id` is the id that came beside the fields; `faults` are those known before.
///
/// # Errors
/// All faults, or what the account or its books do not allow.
pub(crate) async fn post(
    database: &Database,
    account_id: &str,
    given: &Map<String, Value>,
    header_id: Option<&str>,
    faults: Vec<Fault>,
    now: Timestamp,
    witness: &Witness,
) -> Result<(PostingRow, bool), Refusal> {
    found(database, account_id).await?;
    let order = order(account_id, given, header_id, faults, now)?;
    let details = Value::Object(given.clone());
    let told = witness.line(Action::PostingCreate, Some(account_id), &order.id, details);
    let posted = database.post_told(order.clone(), Some(told)).await?;
    if let Some(refusal) = refusal(posted, &order) {
        return Err(refusal);
    }
    let posting = database.posting(&order.id).await?;
    let posting = posting.ok_or(crate::db::DatabaseError::Content("postings"))?;
    Ok((posting, posted == Posted::Already))
}

fn order(
    account_id: &str,
    given: &Map<String, Value>,
    header_id: Option<&str>,
    mut faults: Vec<Fault>,
    now: Timestamp,
) -> Result<OperatorPosting, Refusal> {
    let mut fields = Fields::new(given);
    let legal = [Kind::TopUp, Kind::Adjustment, Kind::Refund].map(|kind| (kind.as_str(), kind));
    let kind = fields.choice("kind", &legal);
    let kind = fields.required("kind", kind, "must be 'top_up', 'adjustment' or 'refund'");
    let sign = match kind {
        Some(Kind::Adjustment) => Sign::NotZero,
        _ => Sign::Positive,
    };
    let amount = fields.dollars("amount_usd", sign);
    let amount = fields.required("amount_usd", amount, "must be an amount of dollars");
    let request_id = fields.read("request_id", |value| {
        let id = value.as_str().filter(|id| is_id(id));
        id.map(ToOwned::to_owned).ok_or_else(|| ID_WANTED.to_owned())
    });
    let generation_id = match (kind, request_id) {
        (Some(Kind::Refund), given) => fields.required("request_id", given, "must be the id of the request to refund"),
        (Some(_), Given::Set(_)) => {
            fields.wrong("request_id", "is for refunds only");
            None
        }
        _ => None,
    };
    let note = fields.text("note", NOTE_CHARS_MAX).value();
    let id = id(&mut fields, header_id);
    faults.extend(fields.finish());
    match (kind, amount, id) {
        (Some(kind), Some(amount_micros), Some(id)) if faults.is_empty() => Ok(OperatorPosting {
            id,
            kind,
            account_id: account_id.to_owned(),
            amount_micros,
            generation_id,
            note,
            created_at: now,
        }),
        _ => Err(Refusal::Faults(faults)),
    }
}

/// The id of the posting: as given in either place, else made.
fn id(fields: &mut Fields<'_>, header_id: Option<&str>) -> Option<String> {
    let given = fields.read("id", |value| {
        let id = value.as_str().filter(|id| is_id(id));
        id.map(ToOwned::to_owned).ok_or_else(|| ID_WANTED.to_owned())
    });
    match (given, header_id) {
        (Given::Wrong, _) => None,
        (Given::Set(id), Some(other)) if id != other => {
            fields.wrong("id", &format!("and the header {ID_HEADER} must not differ"));
            None
        }
        (Given::Set(id), _) => Some(id),
        (Given::Absent | Given::Null, Some(id)) if is_id(id) => Some(id.to_owned()),
        (Given::Absent | Given::Null, Some(_)) => {
            fields.wrong(ID_HEADER, ID_WANTED);
            None
        }
        (Given::Absent | Given::Null, None) => Some(format!("post_{}", random_text(ID_CHARS))),
    }
}

fn refusal(posted: Posted, order: &OperatorPosting) -> Option<Refusal> {
    let account = &order.account_id;
    match posted {
        Posted::Done | Posted::Already => None,
        Posted::NoAccount => Some(missing(account)),
        Posted::BelowLimit { available_micros } => Some(Refusal::Conflict(format!(
            "Account '{account}' can give {} at the most, not {}.",
            Micros(available_micros),
            Micros(-order.amount_micros)
        ))),
        Posted::PastCharge { left_micros } => Some(Refusal::Conflict(format!(
            "Of what request '{}' cost account '{account}', {} is left to give back, not {}.",
            order.generation_id.as_deref().unwrap_or_default(),
            Micros(left_micros),
            Micros(order.amount_micros)
        ))),
        Posted::OtherContent => Some(Refusal::Taken(format!(
            "The id '{}' stands for another posting already.",
            order.id
        ))),
    }
}
