//! Ids and secrets that the gateway makes.

use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString};
use svix_ksuid::{KsuidLike, KsuidMs};

/// The id of a generation and of the HTTP request that asks for it: `req_` and 27 base-62 characters, sorted by time.
#[must_use]
pub fn request_id(now: Timestamp) -> String {
    format!("req_{}", KsuidMs::from_millis(Some(now.as_millisecond()), None))
}

/// The id of a vote, sorted by time.
#[must_use]
pub fn vote_id(now: Timestamp) -> String {
    format!("vote_{}", KsuidMs::from_millis(Some(now.as_millisecond()), None))
}

/// The id of a line about what an operator did, sorted by time.
#[must_use]
pub fn audit_id(now: Timestamp) -> String {
    format!("aud_{}", KsuidMs::from_millis(Some(now.as_millisecond()), None))
}

/// When an id was made, to four milliseconds; `None` for what is no such id.
#[must_use]
pub fn request_time(id: &str) -> Option<Timestamp> {
    let ksuid = KsuidMs::from_base62(id.strip_prefix("req_")?).ok()?;
    Timestamp::from_millisecond(ksuid.timestamp_millis()).ok()
}

/// A random text of letters and digits.
#[must_use]
pub fn random_text(chars: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_made() {
        let time: Timestamp = "2026-08-15T12:00:00.123Z".parse().expect("a time");
        let told = request_time(&request_id(time)).expect("an id of ours");
        assert!(
            (0..4).contains(&(time.as_millisecond() - told.as_millisecond())),
            "{told}"
        );
        let oldest = request_time("req_000000000000000000000000000");
        assert!(oldest.is_some_and(|oldest| oldest < time), "{oldest:?}");
        for other in [
            "",
            "req_",
            "req_x",
            "mine-1",
            "req_\u{e9}0000000000000000000000000",
            "req_!00000000000000000000000000",
        ] {
            assert_eq!(request_time(other), None, "{other}");
        }
    }
}
