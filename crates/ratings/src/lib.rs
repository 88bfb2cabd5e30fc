//! Ratings from blind votes on pairs: Bradley-Terry strengths with honest intervals, rank ranges, which pair to show next,
//! and how far votes can be trusted. Pure: no clock, no I/O; random numbers come from seeds that are arguments.
//!
//! **Model.** The chance that model `i` is preferred to `j` is `1 / (1 + 10^((r_j - r_i) / 400))`, with ratings on the Elo
//! scale whose mean over the rated models is [`ANCHOR`]. A vote for neither (as good, or both bad) counts as half a win for
//! each. That is the estimate that maximizes the Bradley-Terry likelihood with half outcomes: it needs no parameter for how
//! readily people call a tie, and stays consistent whatever that is; what ties do to the spread of outcomes is measured by
//! the robust ("sandwich") covariance instead of being assumed. Davidson's and Rao and Kupper's models, the alternatives,
//! are efficient only when every voter draws by the same rule, which visitors of a page do not.
//!
//! Source: Bradley and Terry 1952; Hunter 2004 (existence and uniqueness); White 1982 and Huber 1967 (sandwich);
//! Mogstad, Romano, Shaikh and Wilhelm 2024 (simultaneous confidence sets of ranks).

mod chance;
mod fit;
mod interval;
mod intervals;
mod matrix;
mod pairing;
mod ranks;
mod suspects;
mod tally;
mod trust;

pub use chance::{binomial_tail, normal_quantile, poisson_binomial_tail};
pub use fit::{ANCHOR, ELO_PER_NAT, Fit, NotConnected, Options, expected_score, fit};
pub use interval::Interval;
pub use intervals::bootstrap;
pub use pairing::{Offer, Pairing, choose, left_first};
pub use ranks::{RankRange, rank_ranges};
pub use suspects::{Ballot, Finding, Reason, Rules, Session, suspects, trusted};
pub use tally::{Outcome, Record, Tally};
pub use trust::{Circles, Sides, circles, sides};
