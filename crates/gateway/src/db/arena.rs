//! The arena: pictures on show, pairs, votes, and whose votes do not count.

mod aside;
mod exhibits;
mod opinions;
mod reports;
mod suggestions;
mod votes;

pub use aside::AsideRow;
pub use exhibits::{ExhibitFilter, ExhibitRow, ExhibitState};
pub use opinions::OpinionRow;
pub use reports::{ReportRow, ReportState};
pub use suggestions::{SuggestionRow, SuggestionState};
pub use votes::{BattleRow, CastRow, VoteRow};

/// Whether pictures and votes are those of the sandbox: each of the two worlds has boards of its own.
const fn flag(sandbox: bool) -> i64 {
    if sandbox { 1 } else { 0 }
}
