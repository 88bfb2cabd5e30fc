//! What the real provider would have charged, call by call.

use crate::provider::Provider;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Entries kept; older ones are dropped and counted. About 30 MB at worst.
const MAX_ENTRIES: usize = 100_000;

/// Tokens behind a charge, where the provider counts tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BilledTokens {
    pub(crate) text_in: u64,
    pub(crate) image_in: u64,
    pub(crate) text_out: u64,
    pub(crate) image_out: u64,
}

/// One charge. The prompt itself is never kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BillEntry {
    pub(crate) provider: Provider,
    pub(crate) model: String,
    /// The provider's own id of the call or job.
    pub(crate) call_id: String,
    pub(crate) prompt_sha256: String,
    pub(crate) images: u32,
    pub(crate) quality: Option<String>,
    /// `WxH` in pixels.
    pub(crate) size: Option<String>,
    /// USD 1e-6.
    pub(crate) micros: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<BilledTokens>,
    pub(crate) at: Timestamp,
    /// How the figure came about, in a few words.
    pub(crate) reason: String,
}

/// All charges since the start or the last clearing.
#[derive(Default)]
pub(crate) struct Bill {
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    entries: VecDeque<BillEntry>,
    dropped: u64,
}

impl Bill {
    /// Writes one charge down.
    pub(crate) fn record(&self, entry: BillEntry) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.entries.len() == MAX_ENTRIES {
            ledger.entries.pop_front();
            ledger.dropped += 1;
        }
        ledger.entries.push_back(entry);
    }

    /// The charges in order, of one provider or all.
    pub(crate) fn entries(&self, provider: Option<Provider>) -> (Vec<BillEntry>, u64) {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = ledger
            .entries
            .iter()
            .filter(|entry| provider.is_none_or(|provider| provider == entry.provider))
            .cloned()
            .collect();
        (entries, ledger.dropped)
    }

    /// Forgets all charges.
    pub(crate) fn clear(&self) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = Ledger::default();
    }
}

/// Nano-USD to micro-USD, rounded half-even.
pub(crate) fn micros_from_nanos(nanos: i128) -> i64 {
    let (whole, rest) = (nanos.div_euclid(1_000), nanos.rem_euclid(1_000));
    let up = rest > 500 || (rest == 500 && whole % 2 != 0);
    i64::try_from(whole + i128::from(up)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbor() {
        assert_eq!(micros_from_nanos(1_500), 2);
        assert_eq!(micros_from_nanos(2_500), 2);
        assert_eq!(micros_from_nanos(2_501), 3);
        assert_eq!(micros_from_nanos(-1_500), -2);
    }
}
