//! What the ratings say of votes whose truth is known: worked by hand, by another solver, by the program `arena-rank`, and by
//! simulated voters.

mod by_arena_rank;
mod calibration;
mod crowd;
mod exact;
mod voters;
