//! The face of every error: one exhaustive match from outcomes to status, code and public text.

mod attempts;
pub mod codes;
mod database;
mod policy;

use std::time::Duration;

use axum::http::StatusCode;
use planner::catalog::lookup::NotFound;
use planner::fault::{Fault, echo};
use planner::money::Micros;
use planner::plan::{Filter, NoRoute};
use planner::rules::Breach;
use serde_json::{Value, json};

use crate::db::ledger::{Budget, Shortage};
use crate::outcome::GenerationError;
pub use attempts::attempt_json;
use attempts::exhausted;
use codes::Code;

/// An error as the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// OpenAI's error type.
    pub kind: &'static str,
    /// What was wrong and what would be right.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
    /// Whether an SDK should try again by itself; absent where its own rule is right.
    pub should_retry: Option<bool>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// More facts, as an object.
    pub metadata: Option<Value>,
}

impl Problem {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: code.status,
            code: code.name,
            kind: code.kind,
            message: message.into(),
            param: None,
            should_retry: None,
            retry_after: None,
            metadata: None,
        }
    }

    /// 401.
    #[must_use]
    pub fn authentication(message: &str) -> Self {
        Self::new(codes::AUTHENTICATION_FAILED, message)
    }

    /// 403.
    #[must_use]
    pub fn permission(message: &str) -> Self {
        Self::new(codes::PERMISSION_DENIED, message)
    }

    /// 403: a rule of the key, with what it would allow.
    #[must_use]
    pub fn against_rule(rule: &str, allowed: &Value, param: Option<&str>, message: &str) -> Self {
        Self {
            param: param.map(ToOwned::to_owned),
            metadata: Some(json!({ "rule": rule, "allowed": allowed })),
            ..Self::permission(message)
        }
    }

    fn breach(breach: &Breach) -> Self {
        Self::against_rule(breach.rule, &breach.allowed, breach.param, &breach.message)
    }

    /// A request that is wrong as a whole.
    #[must_use]
    pub fn invalid(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            ..Self::new(codes::INVALID_REQUEST, message)
        }
    }

    /// A request with faults. `param` is the first one's field; the message tells all.
    #[must_use]
    pub fn faults(faults: &[Fault]) -> Self {
        let message = faults
            .iter()
            .map(|fault| fault.message.as_str())
            .collect::<Vec<_>>()
            .join("; ");
        let mut problem = Self::invalid(StatusCode::BAD_REQUEST, message);
        problem.param = faults.first().map(|fault| fault.param.clone());
        if faults.len() > 1 {
            let all: Vec<Value> = faults
                .iter()
                .map(|fault| json!({ "param": fault.param, "message": fault.message }))
                .collect();
            problem.metadata = Some(json!({ "faults": all }));
        }
        problem
    }

    /// 429: the key's own limit.
    #[must_use]
    pub fn rate_limited(message: &str, retry_after: Duration) -> Self {
        let mut problem = Self::new(codes::RATE_LIMITED, message);
        problem.should_retry = Some(true);
        problem.retry_after = Some(retry_after);
        problem
    }

    /// 429: the key has asked as often as it may in a minute.
    #[must_use]
    pub fn out_of_turn(per_minute: i64, due_in: Duration) -> Self {
        let message = format!("This API key may make {per_minute} requests a minute.");
        Self::rate_limited(&message, due_in)
    }

    /// 409: one key for two requests.
    #[must_use]
    pub fn conflict(message: &str) -> Self {
        let mut problem = Self::new(codes::IDEMPOTENCY_CONFLICT, message);
        problem.should_retry = Some(false);
        problem
    }

    /// 409: a repeat of a request that is still under way, by a caller who does not wait any longer.
    #[must_use]
    pub fn under_way(id: &str) -> Self {
        /// Generations take seconds; who asks again waits once more.
        const RETRY_AFTER: Duration = Duration::from_secs(5);
        let path = format!("/v1/requests/{id}");
        let message = format!(
            "The request that this Idempotency-Key belongs to is still under way, longer than 'Prefer: wait' allows. Send it again with the same key, or ask GET {path}."
        );
        Self {
            retry_after: Some(RETRY_AFTER),
            metadata: Some(json!({ "request_id": id, "url": path })),
            ..Self::conflict(&message)
        }
    }

    /// 502: a request that may have been paid for, and of which nothing is known.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        let message = "The gateway stopped while a provider worked on this request. Its outcome is unknown and it may have been billed, so no other try is made.";
        Self {
            should_retry: Some(false),
            ..Self::new(codes::OUTCOME_UNKNOWN, message)
        }
    }

    /// 410: an answer whose images were removed.
    #[must_use]
    pub fn images_gone() -> Self {
        let message = "The images of this request are not kept any more.";
        Self {
            should_retry: Some(false),
            ..Self::invalid(StatusCode::GONE, message)
        }
    }

    /// 402: whoever tries again unasked would meet the same lack.
    fn unaffordable(code: Code, message: String) -> Self {
        let mut problem = Self::new(code, message);
        problem.should_retry = Some(false);
        problem
    }

    /// 503: more work than is taken on.
    #[must_use]
    pub fn overloaded(message: &str) -> Self {
        /// Generations take seconds, so a place is free soon.
        const RETRY_AFTER: Duration = Duration::from_secs(2);
        let mut problem = Self::new(codes::OVERLOADED, message);
        problem.should_retry = Some(true);
        problem.retry_after = Some(RETRY_AFTER);
        problem
    }

    /// 500. What happened is in the log, under the request's id.
    #[must_use]
    pub fn internal() -> Self {
        let message = "Something went wrong here. The request id in x-request-id finds it in the log.";
        Self::new(codes::INTERNAL_ERROR, message)
    }

    /// A generation that broke off: it may have cost money, so nobody shall repeat it unasked.
    #[must_use]
    pub fn lost() -> Self {
        Self {
            should_retry: Some(false),
            ..Self::internal()
        }
    }

    /// The face of a generation that gave no image.
    #[must_use]
    pub fn of_generation(error: &GenerationError) -> Self {
        match error {
            GenerationError::Request(faults) => Self::faults(faults),
            GenerationError::Model { name, cause } => model(name, cause),
            GenerationError::NoRoute { model, cause } => no_route(model, cause),
            GenerationError::Attempts {
                model: _,
                attempts,
                decisive,
                forced,
                stopped,
            } => exhausted(attempts, decisive, *forced, *stopped),
            GenerationError::Forbidden(breach) => Self::breach(breach),
            GenerationError::Denied(denial) => policy::denied(denial),
            GenerationError::NoRoom(_) => Self::overloaded("No room for more images (spool_bytes). Try again shortly."),
            GenerationError::Shortage(shortage) => short(shortage),
            GenerationError::Claimed => Self::conflict("Another request with this Idempotency-Key is under way."),
            // Its record has the answer; where that has none, nobody knows.
            GenerationError::TakenOver => Self::outcome_unknown(),
            GenerationError::Database(error) if error.is_away() => Self::of_database(error),
            GenerationError::Database(_) => Self::lost(),
        }
    }

    /// The object below `error`.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({ "message": self.message, "type": self.kind, "param": self.param, "code": self.code });
        if let Some(metadata) = &self.metadata {
            error["metadata"] = metadata.clone();
        }
        json!({ "error": error })
    }
}

/// Why a name leads to no usable model, in words.
#[must_use]
pub fn model_message(name: &str, cause: &NotFound) -> String {
    model(name, cause).message
}

fn model(name: &str, cause: &NotFound) -> Problem {
    let (code, message) = match cause {
        NotFound::Unknown { suggestion: Some(id) } => (
            codes::MODEL_NOT_FOUND,
            format!("Model {} not found. Did you mean '{id}'?", echo(name)),
        ),
        NotFound::Unknown { suggestion: None } => (
            codes::MODEL_NOT_FOUND,
            format!(
                "Model {} not found. GET /openai/v1/models lists all models.",
                echo(name)
            ),
        ),
        NotFound::NotAtProvider { model, providers } => (
            codes::MODEL_NOT_FOUND,
            format!(
                "Model '{model}' is not offered by the provider in {}. Its providers: {}",
                echo(name),
                providers.join(", ")
            ),
        ),
        NotFound::Disabled {
            model,
            successor,
            switched_off,
        } => {
            let instead = successor
                .as_ref()
                .map_or_else(String::new, |id| format!(" Use '{id}' instead."));
            (
                codes::MODEL_DISABLED,
                if *switched_off {
                    format!("Model '{model}' is switched off on this gateway.{instead}")
                } else {
                    format!("Model '{model}' is retired: no provider runs it any more.{instead}")
                },
            )
        }
    };
    Problem {
        param: Some("model".to_owned()),
        ..Problem::new(code, message)
    }
}

/// Money or a limit of the key is too short for even the cheapest candidate.
fn short(shortage: &Shortage) -> Problem {
    /// Generations take seconds, so one soon ends.
    const RETRY_AFTER: Duration = Duration::from_secs(1);
    let dollars = |micros: i64| Micros(micros).to_string();
    match *shortage {
        Shortage::Balance {
            required_micros,
            available_micros,
        } => Problem::unaffordable(
            codes::INSUFFICIENT_BALANCE,
            format!(
                "Insufficient balance: {} required, {} available",
                dollars(required_micros),
                dollars(available_micros)
            ),
        ),
        Shortage::Budget {
            budget,
            required_micros,
            left_micros,
        } => {
            let whose = match budget {
                Budget::Total => "this API key (total_usd)",
                Budget::Day => "this API key (day_usd)",
                Budget::Month => "this API key (month_usd)",
                Budget::Address => "visitors from this address (address_day_usd)",
                Budget::Visitors => "all visitors (day_usd)",
            };
            Problem::unaffordable(
                codes::BUDGET_EXCEEDED,
                format!(
                    "The budget of {whose} is exceeded: {} required, {} available",
                    dollars(required_micros),
                    dollars(left_micros)
                ),
            )
        }
        Shortage::Turn { limit, due_in } => Problem::out_of_turn(limit, due_in),
        Shortage::Concurrent { limit } => {
            let message = format!("This API key may have {limit} generations under way at one time.");
            Problem::rate_limited(&message, RETRY_AFTER)
        }
        Shortage::ConcurrentVisitors { limit } => {
            let message = format!("Visitors may have {limit} generations under way at one time from one address.");
            Problem::rate_limited(&message, RETRY_AFTER)
        }
    }
}

fn no_route(model: &str, cause: &NoRoute) -> Problem {
    let unroutable = || format!("Model '{model}' cannot be called: {cause}");
    let refused = |param: &str| Problem {
        param: Some(param.to_owned()),
        ..Problem::invalid(StatusCode::BAD_REQUEST, unroutable())
    };
    match cause {
        NoRoute::NoCredential { providers, .. } => {
            let message = format!(
                "Model '{model}' has no provider with a credential here. Providers that offer it: {}",
                providers.join(", ")
            );
            Problem {
                should_retry: Some(true),
                param: Some("model".to_owned()),
                ..Problem::new(codes::MODEL_UNAVAILABLE, message)
            }
        }
        NoRoute::ForcedProviderCannot {
            provider,
            param,
            reason,
        } => {
            let message = format!("Provider '{provider}' cannot serve this request for model '{model}': it {reason}");
            Problem {
                param: Some(param.clone()),
                ..Problem::invalid(StatusCode::BAD_REQUEST, message)
            }
        }
        NoRoute::NotAllowed { allowed, .. } => {
            Problem::against_rule("providers", &json!(allowed), Some("model"), &unroutable())
        }
        NoRoute::AgainstRules { breach, .. } => Problem::breach(breach),
        NoRoute::Excluded { removed } if removed.iter().any(|one| one.filter == Filter::Region) => {
            refused("route.regions")
        }
        NoRoute::Excluded { .. } => refused("route"),
        NoRoute::WouldChange { .. } => refused("route.fit"),
        NoRoute::TooDear { .. } => refused("route.max_price_usd"),
    }
}
