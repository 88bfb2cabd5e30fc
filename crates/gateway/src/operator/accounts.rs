//! Accounts as an operator makes and changes them.

use jiff::Timestamp;
use planner::fault::{Fault, echo};
use planner::money::Micros;
use serde_json::{Map, Value};

use super::fields::{Fields, Given, Sign};
use super::witness::Witness;
use super::{ID_WANTED, Refusal, is_id};
use crate::db::Database;
use crate::db::accounts::{AccountRow, AccountTerms, Billing};
use crate::db::audit::Action;
use crate::ids::random_text;

/// Longest that requests stay in an account's log: ten years.
pub(crate) const LOG_RETENTION_DAYS_MAX: i64 = 3_650;
/// Shortest time that images are kept: a caller needs some to fetch them.
pub(crate) const MEDIA_TTL_S_MIN: i64 = 60;
/// Longest: a year.
pub(crate) const MEDIA_TTL_S_MAX: i64 = 366 * 86_400;
/// Letters of an account's id that Pictor makes.
const ID_CHARS: usize = 20;

const BILLING_WANTED: &str = "must be 'prepaid' or 'postpaid'";

struct AccountChange {
    billing: Given<Billing>,
    credit_limit_micros: Given<i64>,
    log_retention_days: Given<i64>,
    media_ttl_s: Given<i64>,
    media_bytes: Given<i64>,
    stores_payloads: Option<bool>,
}

impl AccountChange {
    fn read(fields: &mut Fields<'_>) -> Self {
        let legal = [Billing::Prepaid, Billing::Postpaid].map(|billing| (billing.as_str(), billing));
        let (billing, credit_limit_micros) = (
            fields.choice("billing_type", &legal),
            fields.dollars("credit_limit_usd", Sign::NotNegative),
        );
        let (log_retention_days, media_ttl_s) = (
            fields.integer("log_retention_days", 1..=LOG_RETENTION_DAYS_MAX),
            fields.integer("media_ttl_s", MEDIA_TTL_S_MIN..=MEDIA_TTL_S_MAX),
        );
        let media_bytes = fields.integer("media_bytes", 0..=i64::MAX);
        let stores_payloads = fields.boolean("stores_payloads");
        Self {
            billing,
            credit_limit_micros,
            log_retention_days,
            media_ttl_s,
            media_bytes,
            stores_payloads: fields.not_null("stores_payloads", stores_payloads),
        }
    }

    /// The terms of an account after it, `before` being those that it has.
    fn terms(&self, billing: Billing, before: Option<&AccountTerms>, fields: &mut Fields<'_>) -> AccountTerms {
        let mut terms = AccountTerms {
            billing,
            credit_limit_micros: self.credit_limit(billing, before, fields),
            log_retention_days: before.and_then(|terms| terms.log_retention_days),
            media_ttl_s: before.and_then(|terms| terms.media_ttl_s),
            media_bytes: before.and_then(|terms| terms.media_bytes),
            stores_payloads: before.is_some_and(|terms| terms.stores_payloads),
        };
        self.log_retention_days.over(&mut terms.log_retention_days);
        self.media_ttl_s.over(&mut terms.media_ttl_s);
        self.media_bytes.over(&mut terms.media_bytes);
        terms.stores_payloads = self.stores_payloads.unwrap_or(terms.stores_payloads);
        terms
    }

    fn credit_limit(&self, billing: Billing, before: Option<&AccountTerms>, fields: &mut Fields<'_>) -> Option<i64> {
        match (billing, self.credit_limit_micros) {
            (Billing::Prepaid, Given::Absent | Given::Wrong | Given::Set(0)) => Some(0),
            (Billing::Prepaid, Given::Null | Given::Set(_)) => {
                fields.wrong(
                    "credit_limit_usd",
                    "is for postpaid accounts: a prepaid one spends what was paid in",
                );
                Some(0)
            }
            (Billing::Postpaid, Given::Set(limit)) => Some(limit),
            (Billing::Postpaid, Given::Null | Given::Wrong) => None,
            (Billing::Postpaid, Given::Absent) => match before {
                Some(before) if before.billing == Billing::Prepaid => {
                    // Nobody shall owe without limit because a field was forgotten.
                    let wanted = "must be given when an account becomes postpaid: an amount, or null for no limit";
                    fields.wrong("credit_limit_usd", wanted);
                    None
                }
                Some(before) => before.credit_limit_micros,
                None => None,
            },
        }
    }
}

/// Makes an account.
///
/// # Errors
/// All faults, `faults` being those known before; [`Refusal::Conflict`] when the id is taken.
pub(crate) async fn create(
    database: &Database,
    given: &Map<String, Value>,
    mut faults: Vec<Fault>,
    now: Timestamp,
    witness: &Witness,
) -> Result<AccountRow, Refusal> {
    let mut fields = Fields::new(given);
    let id = fields.read("id", |value| {
        let id = value.as_str().filter(|id| is_id(id));
        id.map(ToOwned::to_owned).ok_or_else(|| ID_WANTED.to_owned())
    });
    let change = AccountChange::read(&mut fields);
    let billing = fields.required("billing_type", change.billing, BILLING_WANTED);
    let terms = billing.map(|billing| change.terms(billing, None, &mut fields));
    faults.extend(fields.finish());
    let Some(terms) = terms.filter(|_| faults.is_empty()) else {
        return Err(Refusal::Faults(faults));
    };
    let id = id.value().unwrap_or_else(|| format!("acct_{}", random_text(ID_CHARS)));
    let told = witness.line(Action::AccountCreate, Some(&id), &id, Value::Object(given.clone()));
    if !database.insert_account(&id, &terms, now, Some(&told)).await? {
        return Err(Refusal::Conflict(format!("There is an account '{id}' already.")));
    }
    found(database, &id).await
}

/// Changes the terms of an account.
///
/// # Errors
/// As for [`create`]; [`Refusal::Conflict`] when it owes more than the new limit.
pub(crate) async fn change(
    database: &Database,
    id: &str,
    given: &Map<String, Value>,
    faults: Vec<Fault>,
    witness: &Witness,
) -> Result<AccountRow, Refusal> {
    let told = witness.line(Action::AccountChange, Some(id), id, Value::Object(given.clone()));
    // It is read while the row is locked, since what is legal depends on what the account is and owes.
    let changed = database
        .change_account(id, |account| changed(account, given, faults), Some(&told))
        .await?;
    changed.ok_or_else(|| missing(id))?
}

fn changed(account: &AccountRow, given: &Map<String, Value>, mut faults: Vec<Fault>) -> Result<AccountTerms, Refusal> {
    let mut fields = Fields::new(given);
    fields.refused("id", "cannot be changed: make another account");
    let change = AccountChange::read(&mut fields);
    let before = account.terms();
    let billing = fields.not_null("billing_type", change.billing);
    let terms = change.terms(billing.unwrap_or(before.billing), Some(&before), &mut fields);
    faults.extend(fields.finish());
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults));
    }
    if let Some(limit) = terms.credit_limit_micros
        && account.available_micros < -limit
    {
        return Err(Refusal::Conflict(format!(
            "Account '{}' owes {}, more than a limit of {} allows. Top it up first.",
            account.id,
            Micros(-account.available_micros),
            Micros(limit)
        )));
    }
    Ok(terms)
}

/// The account of that id.
///
/// # Errors
/// [`Refusal::NotFound`] when there is none.
pub(crate) async fn found(database: &Database, id: &str) -> Result<AccountRow, Refusal> {
    if !is_id(id) {
        return Err(missing(id));
    }
    database.account(id).await?.ok_or_else(|| missing(id))
}

pub(super) fn missing(id: &str) -> Refusal {
    Refusal::NotFound(format!("There is no account {}.", echo(id)))
}
