//! Prompts that visitors suggest; the operator takes or leaves them.

use std::time::Duration;

use jiff::SignedDuration;
use planner::fault::Fault;

use super::battles::Voter;
use crate::db::arena::{SuggestionRow, SuggestionState};
use crate::generation::Generator;
use crate::ids::random_text;
use crate::operator::Refusal;

/// Longest prompt that can be suggested.
pub(crate) const PROMPT_CHARS_MAX: usize = 1_000;
/// Suggestions of one voter on a day.
const DAY_MAX: i64 = 10;
/// Suggestions that wait at one time: nobody reads more.
const WAITING_MAX: i64 = 1_000;
/// Letters of an id.
const ID_CHARS: usize = 20;

/// Notes a suggestion.
///
/// # Errors
/// [`Refusal`] for a prompt that cannot be, and past the limits.
pub(crate) async fn suggest(generator: &Generator, voter: &Voter, prompt: &str) -> Result<SuggestionRow, Refusal> {
    let prompt = prompt.replace('\0', " ").trim().to_owned();
    if !(1..=PROMPT_CHARS_MAX).contains(&prompt.chars().count()) {
        let message = format!("'prompt' must have 1 to {PROMPT_CHARS_MAX} characters");
        return Err(Refusal::Faults(vec![Fault::new("prompt", message)]));
    }
    let now = generator.clock.now();
    let day = now - SignedDuration::from_hours(24);
    let (own, waiting) = generator.database.count_suggestions(&voter.id, day).await?;
    if own >= DAY_MAX || waiting >= WAITING_MAX {
        return Err(Refusal::TooOften {
            message: format!(
                "At most {DAY_MAX} prompts are suggested by one voter on a day, and {WAITING_MAX} wait in all."
            ),
            wait: Duration::from_secs(3_600),
        });
    }
    let row = SuggestionRow {
        id: random_text(ID_CHARS),
        prompt,
        voter: voter.id.clone(),
        state: SuggestionState::Waiting,
        created_at: now,
    };
    generator.database.insert_suggestion(&row).await?;
    Ok(row)
}
