//! The face of a generation for which no provider made an image.

use axum::http::StatusCode;
use planner::failure::{Blame, Failure, FailureKind, Spent};
use serde_json::{Value, json};

use super::Problem;
use super::codes::{self, Code};
use crate::outcome::{Attempt, code_of};

/// The answer when every attempt failed, or the last failure allowed no other.
pub(super) fn exhausted(attempts: &[Attempt], decisive: &Failure, forced: bool, stopped: bool) -> Problem {
    let spent = attempts.iter().any(|attempt| attempt.spent() != Spent::No);
    let mut problem = match decisive.kind {
        FailureKind::ContentPolicy => content_policy(decisive),
        FailureKind::InvalidArgument if attempts.is_empty() => Problem {
            param: decisive.param.clone(),
            ..Problem::invalid(StatusCode::BAD_REQUEST, decisive.message.clone())
        },
        FailureKind::InvalidArgument => Problem {
            param: decisive.param.clone(),
            status: StatusCode::BAD_REQUEST,
            ..Problem::new(
                codes::UPSTREAM_ERROR,
                format!("The provider refused an argument: {}", decisive.message),
            )
        },
        FailureKind::BadCredential | FailureKind::QuotaExhausted | FailureKind::NotPermitted
            if decisive.blame == Blame::Caller =>
        {
            Problem {
                param: decisive.param.clone(),
                status: StatusCode::BAD_REQUEST,
                ..Problem::new(
                    codes::UPSTREAM_ERROR,
                    format!("The request's own credential was refused: {}", decisive.message),
                )
            }
        }
        FailureKind::LimitReached => upstream(codes::UPSTREAM_ERROR, decisive),
        FailureKind::TimedOut if forced || attempts.len() == 1 => upstream(codes::UPSTREAM_TIMEOUT, decisive),
        _ if stopped && decisive.spent != Spent::No => {
            let message = format!(
                "The outcome of the last attempt is unknown and it may have been billed, so no other was made: {}",
                decisive.message
            );
            Problem::new(codes::OUTCOME_UNKNOWN, message)
        }
        FailureKind::RateLimited if forced => Problem {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: decisive.retry_after,
            ..upstream(codes::UPSTREAM_ERROR, decisive)
        },
        _ if forced => upstream(codes::UPSTREAM_ERROR, decisive),
        _ => upstream(codes::ALL_PROVIDERS_EXHAUSTED, decisive),
    };
    problem.should_retry = match problem.status.as_u16() {
        _ if spent => Some(false),
        429 | 503 => Some(true),
        _ => None,
    };
    let details = json!({ "attempts": attempts.iter().map(attempt_json).collect::<Vec<_>>() });
    problem.metadata = Some(match problem.metadata {
        Some(Value::Object(mut more)) => {
            more.extend(details.as_object().cloned().unwrap_or_default());
            Value::Object(more)
        }
        _ => details,
    });
    problem
}

fn upstream(code: Code, failure: &Failure) -> Problem {
    let message = match failure.kind {
        // What our account at a provider is missing is not the caller's affair.
        FailureKind::BadCredential | FailureKind::QuotaExhausted | FailureKind::NotPermitted => {
            "No provider could serve this request: the gateway's account with the provider needs its operator's attention.".to_owned()
        }
        _ => format!("No provider could serve this request. The last one failed: {}", failure.message),
    };
    Problem::new(code, message)
}

fn content_policy(failure: &Failure) -> Problem {
    let moderation = failure.moderation.clone().unwrap_or_default();
    let mut message = format!("The provider's safety system refused this request: {}", failure.message);
    if !moderation.categories.is_empty() {
        message.push_str(&format!(" (categories: {})", moderation.categories.join(", ")));
    }
    Problem {
        param: Some("prompt".to_owned()),
        metadata: Some(json!({ "source": "provider", "stage": moderation.stage, "categories": moderation.categories })),
        ..Problem::new(codes::CONTENT_POLICY_VIOLATION, message)
    }
}

/// One attempt as answers and errors tell it.
#[must_use]
pub fn attempt_json(attempt: &Attempt) -> Value {
    let mut told = json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "outcome": attempt.outcome().as_str(),
        "spent": attempt.spent().as_str(),
        "started_at": attempt.started_at.to_string(),
        "duration_ms": u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
    });
    if let Some(failure) = &attempt.failure {
        told["code"] = Value::from(code_of(failure.kind));
        told["message"] = Value::from(failure.message.as_str());
        if let Some(status) = failure.status {
            told["http_status"] = Value::from(status);
        }
    }
    told
}
