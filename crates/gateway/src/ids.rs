//! Ids and secrets that the gateway makes.

use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString};
use svix_ksuid::KsuidMs;

/// The id of a generation and of the HTTP request that asks for it: `req_` and 27 base-62 characters, sorted by time.
#[must_use]
pub fn request_id(now: Timestamp) -> String {
    format!("req_{}", KsuidMs::from_millis(Some(now.as_millisecond()), None))
}

/// A random text of letters and digits.
#[must_use]
pub fn random_text(chars: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), chars)
}
