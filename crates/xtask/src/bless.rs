//! `cargo xtask bless`: tables that tests hold the catalogue against, written anew from it, to be read in the difference.

use crate::{Outcome, environment, steps};

/// The variable by which a test writes its table in place of checking it.
const BLESS: &str = "PICTOR_BLESS";

/// Writes the requests that each offer is sent anew, and a sheet of prices for each offer that has none.
///
/// # Errors
/// The tests do not build, or the catalogue has mistakes.
pub(crate) fn run() -> Outcome {
    let mut cargo = environment::cargo();
    let written = ["typical_requests", "every_offer_has_a_printed_price"];
    cargo
        .args(["test", "-q", "-p", "planner", "--test", "catalog", "--"])
        .args(written);
    steps::run(cargo.env(BLESS, "1"))
}
