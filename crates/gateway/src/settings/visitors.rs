//! What visitors of the site may do without a key of their own.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use crate::db::keys::KeyLimits;
use crate::db::ledger::PoolLimits;
use crate::db::sessions::VisitorRules;

/// Whether visitors may make images, and what that may cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Visitors {
    /// Whether they may.
    pub access: VisitorAccess,
    /// What one session may spend in US dollars. Absent: [`SANDBOX_USD`] or [`REAL_USD`].
    pub session_usd: Option<Decimal>,
    /// What the sessions of one address may spend on a day in UTC.
    pub address_day_usd: Option<Decimal>,
    /// What all sessions may spend on a day in UTC.
    pub day_usd: Option<Decimal>,
    /// Requests of one session in any minute.
    pub requests_per_minute: u32,
    /// Generations of one session at one time.
    pub concurrent: u32,
    /// Generations of the sessions of one address at one time.
    pub address_concurrent: u32,
    /// Sessions that may begin at one address in any ten minutes.
    pub address_sessions: u32,
    /// Whether prompts of one's own may be put to two models in the arena, by whoever may make images.
    pub arena_prompts: bool,
}

/// Whether visitors may make images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VisitorAccess {
    /// While no provider is real, so that it costs nothing.
    Auto,
    /// Also with real providers.
    On,
    /// Never.
    Off,
}

/// Budgets of a session, of an address and of all visitors, in dollars, while only the sandbox is there.
pub const SANDBOX_USD: [u32; 3] = [20, 100, 1_000];
/// The same with real providers: a few images for everybody.
pub const REAL_USD: [u32; 3] = [1, 2, 10];

impl Default for Visitors {
    fn default() -> Self {
        Self {
            access: VisitorAccess::Auto,
            session_usd: None,
            address_day_usd: None,
            day_usd: None,
            requests_per_minute: 60,
            concurrent: 8,
            address_concurrent: 64,
            address_sessions: 300,
            arena_prompts: true,
        }
    }
}

impl Visitors {
    /// What holds for visitors; `None`: they may not make images. `any_real` says whether some provider is real.
    #[must_use]
    pub fn rules(&self, any_real: bool) -> Option<VisitorRules> {
        let may = match self.access {
            VisitorAccess::Auto => !any_real,
            VisitorAccess::On => true,
            VisitorAccess::Off => false,
        };
        if !may {
            return None;
        }
        let [session, address, all] = if any_real { REAL_USD } else { SANDBOX_USD };
        let micros = |set: Option<Decimal>, usual: u32| {
            let dollars = set.unwrap_or_else(|| Decimal::from(usual));
            // Rounded down: a budget is never more than what was set.
            (dollars * Decimal::from(1_000_000)).trunc().to_i64()
        };
        Some(VisitorRules {
            session: KeyLimits {
                total_micros: micros(self.session_usd, session),
                concurrent: Some(self.concurrent.into()),
                requests_per_minute: Some(self.requests_per_minute.max(1).into()),
                ..KeyLimits::default()
            },
            address: PoolLimits {
                day_micros: micros(self.address_day_usd, address),
                concurrent: Some(self.address_concurrent.into()),
            },
            all: PoolLimits {
                day_micros: micros(self.day_usd, all),
                concurrent: None,
            },
            address_sessions: self.address_sessions,
        })
    }

    /// The same in words, for start-up and `pictor doctor`.
    #[must_use]
    pub fn told(&self, any_real: bool) -> String {
        let Some(rules) = self.rules(any_real) else {
            return match self.access {
                VisitorAccess::Off => "off: the playground takes sign-in or a key (visitors.access)".to_owned(),
                VisitorAccess::Auto | VisitorAccess::On => {
                    "off, as providers are real: the playground takes sign-in or a key, until visitors.access is \"on\""
                        .to_owned()
                }
            };
        };
        let dollars = |micros: Option<i64>| planner::money::Micros(micros.unwrap_or(0)).to_string();
        format!(
            "may use the playground without a key: {} a session, {} a day from one address, {} a day in all{}",
            dollars(rules.session.total_micros),
            dollars(rules.address.day_micros),
            dollars(rules.all.day_micros),
            if any_real {
                ", at real providers"
            } else {
                " (sandbox: nothing is charged)"
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_providers_are_off_for_visitors_until_they_are_turned_on() {
        let mut visitors = Visitors::default();
        assert_eq!(visitors.rules(true), None);
        assert!(visitors.told(true).contains("visitors.access"));
        let sandbox = visitors.rules(false).expect("the sandbox is free");
        assert_eq!(sandbox.session.total_micros, Some(20_000_000));
        visitors.access = VisitorAccess::On;
        visitors.session_usd = Some(Decimal::new(25, 2));
        let real = visitors.rules(true).expect("turned on");
        assert_eq!(
            (real.session.total_micros, real.all.day_micros),
            (Some(250_000), Some(10_000_000))
        );
        visitors.access = VisitorAccess::Off;
        assert_eq!(visitors.rules(false), None);
    }
}
