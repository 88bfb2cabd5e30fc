//! Double entry: every movement of money is a posting whose amounts, one for each book, sum to zero.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How many times what was held a cost may be that the provider itself reports, where the operator does not say otherwise.
pub const REPORTED_COST_FACTOR: i64 = 2;

/// Where money of an account can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// What the account may spend. Below zero it is owed.
    Available,
    /// What calls under way may cost at the most.
    Held,
    /// What providers were used for.
    Usage,
    /// The operator's mark-up on usage.
    Markup,
    /// Usage that an account with a limit could not pay, because it cost more than was held.
    WrittenOff,
    /// Money that came from outside.
    Funding,
    /// Corrections by the operator.
    Adjustments,
    /// What providers were used for that nobody got.
    Undelivered,
    /// What the operator bears.
    Operator,
}

impl Book {
    /// The name in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Held => "held",
            Self::Usage => "usage",
            Self::Markup => "markup",
            Self::WrittenOff => "written_off",
            Self::Funding => "funding",
            Self::Adjustments => "adjustments",
            Self::Undelivered => "undelivered",
            Self::Operator => "operator",
        }
    }
}

/// Why money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Held before a generation.
    Reserve,
    /// Charged for a generation that delivered; the rest of what was held is given back.
    Charge,
    /// Given back, as nothing was delivered.
    Release,
    /// Given back, as the generation never ended.
    Expire,
    /// Paid in.
    TopUp,
    /// Corrected by the operator.
    Adjustment,
    /// A charge, or a part of it, given back by the operator.
    Refund,
    /// An image that came after another call had given it: the operator bears its cost.
    Undelivered,
}

impl Kind {
    /// The name in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Charge => "charge",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::TopUp => "top_up",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
            Self::Undelivered => "undelivered",
        }
    }
}

/// An amount of one book, in millionths of a dollar.
pub type Entry = (Book, i64);

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Made before the call, so that a movement happens at most once.
    pub id: String,
    /// Why.
    pub kind: Kind,
    /// Whose.
    pub account_id: String,
    /// By which API key.
    pub key_id: Option<String>,
    /// For which generation.
    pub generation_id: Option<String>,
    /// The operator's remark.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// The amounts.
    pub entries: Vec<Entry>,
}

/// The id of what happens at most once to a generation's money.
#[must_use]
pub fn posting_id(generation_id: &str, kind: Kind) -> String {
    format!("{generation_id}/{}", kind.as_str())
}

/// What a generation cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Charge {
    /// The whole of it.
    pub total_micros: i64,
    /// The operator's part of it.
    pub markup_micros: i64,
}

/// Money is held.
#[must_use]
pub fn reserve(amount_micros: i64) -> Vec<Entry> {
    vec![(Book::Available, -amount_micros), (Book::Held, amount_micros)]
}

/// What was held is given back.
#[must_use]
pub fn give_back(held_micros: i64) -> Vec<Entry> {
    vec![(Book::Held, -held_micros), (Book::Available, held_micros)]
}

/// What was held pays a charge. `paid_micros` of it the account can pay; the rest is written off.
#[must_use]
pub fn settle(held_micros: i64, charge: Charge, paid_micros: i64) -> Vec<Entry> {
    let entries = [
        (Book::Held, -held_micros),
        (Book::Available, held_micros - paid_micros),
        (Book::Usage, charge.total_micros - charge.markup_micros),
        (Book::Markup, charge.markup_micros),
        (Book::WrittenOff, paid_micros - charge.total_micros),
    ];
    let told = |(book, amount): &Entry| *amount != 0 || matches!(book, Book::Held | Book::Usage);
    entries.into_iter().filter(told).collect()
}

/// What a call cost whose images nobody got. No account pays for it.
#[must_use]
pub fn borne(cost_micros: i64) -> Vec<Entry> {
    vec![(Book::Undelivered, cost_micros), (Book::Operator, -cost_micros)]
}

/// The operator's movements: what reaches the account comes out of another book.
#[must_use]
pub fn by_operator(kind: Kind, amount_micros: i64) -> Vec<Entry> {
    let from = match kind {
        Kind::TopUp => Book::Funding,
        Kind::Refund => Book::Usage,
        Kind::Adjustment | Kind::Reserve | Kind::Charge | Kind::Release | Kind::Expire | Kind::Undelivered => {
            Book::Adjustments
        }
    };
    vec![(Book::Available, amount_micros), (from, -amount_micros)]
}

/// The calendar that budgets go by: days and months of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Days since 1970.
    pub day: i64,
    /// 12 times the year, plus the month from 0.
    pub month: i64,
}

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// A day counted from 1970; none past what dates can tell.
#[must_use]
pub fn date_of(day: i64) -> Option<Date> {
    let begin = Timestamp::from_microsecond(day.checked_mul(DAY_MICROS)?).ok()?;
    Some(begin.to_zoned(TimeZone::UTC).date())
}

impl Period {
    /// The day and month of a time.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let date = time.to_zoned(TimeZone::UTC).date();
        Self {
            day: time.as_microsecond().div_euclid(DAY_MICROS),
            month: i64::from(date.year()) * 12 + i64::from(date.month()) - 1,
        }
    }

    /// When the next day begins, and when the next month does.
    #[must_use]
    pub fn ends(time: Timestamp) -> (Timestamp, Timestamp) {
        let date = time.to_zoned(TimeZone::UTC).date();
        let midnight = |date: Option<Date>| {
            let zoned = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
            zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
        };
        (
            midnight(date.tomorrow().ok()),
            midnight(date.last_of_month().tomorrow().ok()),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(entries: &[Entry]) -> i64 {
        entries.iter().map(|(_, amount)| amount).sum()
    }

    proptest! {
        #[test]
        fn every_movement_sums_to_zero(held in 0..1_000_000_i64, total in 0..2_000_000_i64, markup in 0..1_000_i64, paid in 0..2_000_000_i64) {
            let charge = Charge { total_micros: total, markup_micros: markup.min(total) };
            prop_assert_eq!(sum(&reserve(held)), 0);
            prop_assert_eq!(sum(&give_back(held)), 0);
            prop_assert_eq!(sum(&borne(total)), 0);
            prop_assert_eq!(sum(&settle(held, charge, paid.min(total))), 0);
            for kind in [Kind::TopUp, Kind::Adjustment, Kind::Refund] {
                prop_assert_eq!(sum(&by_operator(kind, total - held)), 0);
            }
        }
    }

    #[test]
    fn days_and_months_turn_at_midnight_in_utc() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let before = Period::of(time("2026-12-31T23:59:59.999999Z"));
        let after = Period::of(time("2027-01-01T00:00:00Z"));
        assert_eq!((after.day - before.day, after.month - before.month), (1, 1));
        assert_eq!(
            Period::ends(time("2028-02-28T12:00:00Z")),
            (time("2028-02-29T00:00:00Z"), time("2028-03-01T00:00:00Z"))
        );
    }
}
