//! What the operator's policy refuses, and how that is told.

use serde_json::{Value, json};

use super::Attempt;

/// When it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before anything was spent.
    Before,
    /// Before images were handed out.
    After,
}

impl Moment {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// What was looked at, in the words of providers' safety systems.
    #[must_use]
    pub const fn stage(self) -> &'static str {
        match self {
            Self::Before => "input",
            Self::After => "output",
        }
    }
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The prompt holds this term of the list.
    Term(String),
    /// Whoever was asked said no.
    Said {
        /// What the caller is told of it.
        reason: Option<String>,
        /// In the words of who was asked.
        categories: Vec<String>,
    },
    /// No answer could be had, for this reason.
    Unanswered(String),
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Denial {
    /// When.
    pub moment: Moment,
    /// Why.
    pub why: Why,
    /// The calls that were made by then.
    pub attempts: Vec<Attempt>,
}

impl Denial {
    /// As it stands on record for admins; `without_texts` leaves out what is a part of the prompt.
    #[must_use]
    pub fn record(&self, without_texts: bool) -> String {
        let mut told = json!({ "moment": self.moment.as_str() });
        match &self.why {
            Why::Term(term) => {
                told["by"] = Value::from("terms");
                told["term"] = if without_texts {
                    Value::Null
                } else {
                    Value::from(term.as_str())
                };
            }
            Why::Said { reason, categories } => {
                told["by"] = Value::from("hook");
                told["reason"] = json!(reason);
                told["categories"] = json!(categories);
            }
            Why::Unanswered(cause) => {
                told["by"] = Value::from("hook");
                told["unanswered"] = Value::from(cause.as_str());
            }
        }
        told.to_string()
    }

    /// The word for it in the log, which never holds a part of a prompt.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.why {
            Why::Term(_) => "a term",
            Why::Said { .. } => "the hook said no",
            Why::Unanswered(_) => "no answer",
        }
    }
}
