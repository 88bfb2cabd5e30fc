//! The protocols under test: what the one table of cases has to know of each.

mod ark;
mod bfl;
mod dashscope;
mod fal;
mod fireworks;
mod gemini;
mod openai;
mod openrouter;
mod replicate;
mod runware;
mod stability;
mod vertex;
mod xai;

use indexmap::IndexMap;
use planner::{failure::Spent, native::NativeRequest};

/// What is special about one protocol.
pub(crate) struct Subject {
    /// Its name in the catalogue.
    pub(crate) protocol: &'static str,
    /// Where its API begins at the scripted server.
    pub(crate) base_path: &'static str,
    /// Its endpoint options, given the scripted server's address.
    pub(crate) options: fn(&str) -> IndexMap<String, String>,
    /// The native model that a case is played with.
    pub(crate) model: fn(&str) -> &'static str,
    /// What else is special about the request of a case; [`plain`] for nothing.
    pub(crate) adjust: fn(&str, &mut NativeRequest),
    /// The header that carries the credential, and what stands before it there.
    pub(crate) credential: (&'static str, &'static str),
    /// Whether a case is about a job, whose handle must then be told.
    pub(crate) is_job: fn(&str) -> bool,
    /// Where this protocol knows more, or less, about money than the table says.
    pub(crate) spent: &'static [(&'static str, Spent)],
    /// Cases that it cannot have, and why.
    pub(crate) absent: &'static [(&'static str, &'static str)],
}

/// Every protocol, one file each.
const SUBJECTS: &[&Subject] = &[
    &gemini::SUBJECT,
    &vertex::SUBJECT,
    &vertex::IMAGEN,
    &openai::SUBJECT,
    &fal::SUBJECT,
    &bfl::SUBJECT,
    &ark::SUBJECT,
    &xai::SUBJECT,
    &replicate::SUBJECT,
    &openrouter::SUBJECT,
    &openrouter::CHAT,
    &dashscope::SUBJECT,
    &runware::SUBJECT,
    &stability::SUBJECT,
    &fireworks::SUBJECT,
];

/// What is special about this protocol.
pub(crate) fn subject(protocol: &str) -> &'static Subject {
    SUBJECTS
        .iter()
        .find(|subject| subject.protocol == protocol)
        .unwrap_or_else(|| panic!("{protocol} has no contract"))
}

/// No options.
fn none(_base: &str) -> IndexMap<String, String> {
    IndexMap::new()
}

/// The request as it is for every protocol.
fn plain(_case: &str, _native: &mut NativeRequest) {}
