//! The codes of errors: one table, of which errors are made and of which the reference tells.

use axum::http::StatusCode;

/// Whether it is worth asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same would be refused again.
    No,
    /// Later, as the answer says.
    Yes,
    /// As far as nothing was spent.
    WhenUnspent,
}

impl Again {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::WhenUnspent => "when nothing was spent",
        }
    }
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Its name, which stays.
    pub name: &'static str,
    /// The status that it comes with, unless another says more.
    pub status: StatusCode,
    /// OpenAI's error type.
    pub kind: &'static str,
    /// When it comes.
    pub when: &'static str,
    /// Whether it is worth asking again.
    pub again: Again,
}

const INVALID: &str = "invalid_request_error";
const QUOTA: &str = "insufficient_quota";
const UPSTREAM: &str = "upstream_error";
const SERVER: &str = "server_error";

/// Key missing, malformed, unknown or revoked.
pub const AUTHENTICATION_FAILED: Code = Code {
    name: "AUTHENTICATION_FAILED",
    status: StatusCode::UNAUTHORIZED,
    kind: "authentication_error",
    when: "Key missing, malformed, unknown or revoked",
    again: Again::No,
};
/// The key lacks the scope, or what is asked for breaks a rule of it.
pub const PERMISSION_DENIED: Code = Code {
    name: "PERMISSION_DENIED",
    status: StatusCode::FORBIDDEN,
    kind: "permission_error",
    when: "The key lacks the scope, or what is asked for breaks a rule of it; error.metadata tells the rule and what it allows",
    again: Again::No,
};
/// A value that no offer takes; the message lists what is legal, and all faults are told together.
pub const INVALID_REQUEST: Code = Code {
    name: "INVALID_REQUEST",
    status: StatusCode::BAD_REQUEST,
    kind: INVALID,
    when: "A value that no offer takes; the message lists what is legal, and all faults are told together",
    again: Again::No,
};
/// No such model; names the nearest.
pub const MODEL_NOT_FOUND: Code = Code {
    name: "MODEL_NOT_FOUND",
    status: StatusCode::NOT_FOUND,
    kind: INVALID,
    when: "No such model; names the nearest",
    again: Again::No,
};
/// No offer is left; names the successor.
pub const MODEL_DISABLED: Code = Code {
    name: "MODEL_DISABLED",
    status: StatusCode::NOT_FOUND,
    kind: INVALID,
    when: "No offer is left; names the successor",
    again: Again::No,
};
/// No provider of the model has a credential here.
pub const MODEL_UNAVAILABLE: Code = Code {
    name: "MODEL_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    kind: INVALID,
    when: "No provider of the model has a credential here",
    again: Again::Yes,
};
/// Less on the account than the request may cost.
pub const INSUFFICIENT_BALANCE: Code = Code {
    name: "INSUFFICIENT_BALANCE",
    status: StatusCode::PAYMENT_REQUIRED,
    kind: QUOTA,
    when: "Less on the account than the request may cost",
    again: Again::No,
};
/// The key’s own budget is used up.
pub const BUDGET_EXCEEDED: Code = Code {
    name: "BUDGET_EXCEEDED",
    status: StatusCode::PAYMENT_REQUIRED,
    kind: QUOTA,
    when: "The key’s own budget is used up",
    again: Again::No,
};
/// A provider’s safety system refused, or this gateway’s own policy.
pub const CONTENT_POLICY_VIOLATION: Code = Code {
    name: "CONTENT_POLICY_VIOLATION",
    status: StatusCode::BAD_REQUEST,
    kind: "image_generation_user_error",
    when: "A provider’s safety system refused, or this gateway’s own policy; error.metadata.source tells which",
    again: Again::No,
};
/// This gateway’s policy could not be asked, and nothing goes without it.
pub const POLICY_UNAVAILABLE: Code = Code {
    name: "POLICY_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    kind: SERVER,
    when: "This gateway’s policy could not be asked, and nothing goes without it",
    again: Again::WhenUnspent,
};
/// The key’s own limit; see retry-after.
pub const RATE_LIMITED: Code = Code {
    name: "RATE_LIMITED",
    status: StatusCode::TOO_MANY_REQUESTS,
    kind: "rate_limit_error",
    when: "The key’s own limit; see retry-after",
    again: Again::Yes,
};
/// The Idempotency-Key came before with another body.
pub const IDEMPOTENCY_CONFLICT: Code = Code {
    name: "IDEMPOTENCY_CONFLICT",
    status: StatusCode::CONFLICT,
    kind: INVALID,
    when: "The Idempotency-Key came before with another body",
    again: Again::No,
};
/// Cut off after sending, and the policy forbids another try.
pub const OUTCOME_UNKNOWN: Code = Code {
    name: "OUTCOME_UNKNOWN",
    status: StatusCode::BAD_GATEWAY,
    kind: UPSTREAM,
    when: "Cut off after sending, and the policy forbids another try",
    again: Again::No,
};
/// Every offer failed; error.metadata has the attempts.
pub const ALL_PROVIDERS_EXHAUSTED: Code = Code {
    name: "ALL_PROVIDERS_EXHAUSTED",
    status: StatusCode::BAD_GATEWAY,
    kind: UPSTREAM,
    when: "Every offer failed; error.metadata has the attempts",
    again: Again::WhenUnspent,
};
/// A forced provider failed, or a failure not to be retried.
pub const UPSTREAM_ERROR: Code = Code {
    name: "UPSTREAM_ERROR",
    status: StatusCode::BAD_GATEWAY,
    kind: UPSTREAM,
    when: "A forced provider failed, or a failure not to be retried",
    again: Again::WhenUnspent,
};
/// The provider took too long.
pub const UPSTREAM_TIMEOUT: Code = Code {
    name: "UPSTREAM_TIMEOUT",
    status: StatusCode::GATEWAY_TIMEOUT,
    kind: UPSTREAM,
    when: "The provider took too long",
    again: Again::WhenUnspent,
};
/// More work than is taken on; see retry-after.
pub const OVERLOADED: Code = Code {
    name: "OVERLOADED",
    status: StatusCode::SERVICE_UNAVAILABLE,
    kind: SERVER,
    when: "More work than is taken on; see retry-after",
    again: Again::Yes,
};
/// A fault of Pictor; the request’s id finds it in the log.
pub const INTERNAL_ERROR: Code = Code {
    name: "INTERNAL_ERROR",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    kind: SERVER,
    when: "A fault of Pictor; the request’s id finds it in the log",
    again: Again::WhenUnspent,
};

/// All of them, in the order in which the reference tells them.
pub const ALL: [Code; 18] = [
    AUTHENTICATION_FAILED,
    PERMISSION_DENIED,
    INVALID_REQUEST,
    MODEL_NOT_FOUND,
    MODEL_DISABLED,
    MODEL_UNAVAILABLE,
    INSUFFICIENT_BALANCE,
    BUDGET_EXCEEDED,
    CONTENT_POLICY_VIOLATION,
    POLICY_UNAVAILABLE,
    RATE_LIMITED,
    IDEMPOTENCY_CONFLICT,
    OUTCOME_UNKNOWN,
    ALL_PROVIDERS_EXHAUSTED,
    UPSTREAM_ERROR,
    UPSTREAM_TIMEOUT,
    OVERLOADED,
    INTERNAL_ERROR,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_lists_them_all() {
        let guide = include_str!("../../../../docs/errors.md");
        for code in ALL {
            let row = guide
                .lines()
                .find(|line| line.starts_with(&format!("| `{}` |", code.name)));
            let row = row.unwrap_or_else(|| panic!("docs/errors.md lacks {}", code.name));
            let status = row.split('|').nth(2).map(str::trim).unwrap_or_default();
            assert!(
                status == code.status.as_str() || status == "varies",
                "{}: {status}",
                code.name
            );
        }
    }
}
