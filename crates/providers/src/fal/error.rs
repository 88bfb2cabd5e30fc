//! fal's two error shapes: a list of details from the model, and one detail with a type from the platform.

use planner::failure::{Failure, FailureKind, Spent};
use serde_json::Value;

use crate::adapter::{
    Reply, Stage,
    verdict::{Said, described, kind_of_status, text_of},
};

/// What an error answer means.
pub(super) fn judge(provider: &str, reply: &Reply, stage: Stage) -> Failure {
    let verdict = Verdict::read(reply);
    let (kind, spent) = verdict.kind(reply, stage);
    let said = Said {
        code: verdict.code,
        message: verdict.message,
        param: verdict.param.as_deref(),
        ..Said::default()
    };
    let mut failure = described(provider, kind, reply, said);
    failure.spent = spent.unwrap_or(failure.spent);
    failure.param = verdict.param;
    failure
}

/// Whether the answer has the shape of an error that a model or the platform gives a job.
pub(super) fn is_verdict(reply: &Reply) -> bool {
    Verdict::read(reply).code.is_some()
}

/// Whether a result is not there yet.
pub(super) fn says_unfinished(reply: &Reply) -> bool {
    let verdict = Verdict::read(reply);
    let text = verdict.message.unwrap_or_default().to_ascii_lowercase();
    verdict.code.is_none()
        && ["progress", "not complete", "in queue", "in_queue"]
            .iter()
            .any(|part| text.contains(part))
}

/// What the body and the headers say, in either shape.
struct Verdict<'a> {
    code: Option<&'a str>,
    message: Option<&'a str>,
    param: Option<String>,
    /// Whether fal's own code wrote the answer, not a proxy.
    is_json: bool,
}

impl<'a> Verdict<'a> {
    fn read(reply: &'a Reply) -> Self {
        let json = reply.document().map_or(&Value::Null, |document| &document.json);
        let header = reply.header("x-fal-error-type");
        let is_json = reply.document().is_some();
        match &json["detail"] {
            Value::Array(details) => {
                let first = details.first().unwrap_or(&Value::Null);
                Self {
                    code: text_of(&first["type"]).or(header),
                    message: text_of(&first["msg"]),
                    param: param(&first["loc"]),
                    is_json,
                }
            }
            detail => Self {
                code: text_of(&json["error_type"]).or(header),
                message: text_of(detail).or_else(|| text_of(&json["error"])),
                param: None,
                is_json,
            },
        }
    }

    fn says(&self, parts: &[&str]) -> bool {
        let text = self.message.unwrap_or_default().to_ascii_lowercase();
        parts.iter().any(|part| text.contains(part))
    }

    /// The kind, and the spending where it differs from what follows of the kind. fal does not charge what ended in a
    /// 5xx of its own; a proxy's page says nothing about that.
    fn kind(&self, reply: &Reply, stage: Stage) -> (FailureKind, Option<Spent>) {
        let free = (self.is_json && reply.status >= 500).then_some(Spent::No);
        if let Some(kind) = self.code.and_then(|code| kind_of_code(code, reply)) {
            let spent = match kind {
                FailureKind::JobFailed | FailureKind::ServerError => free,
                FailureKind::TimedOut => Some(Spent::No),
                _ => None,
            };
            return (kind, spent);
        }
        match reply.status {
            403 if self.says(&["balance", "exhausted", "locked", "billing", "credit"]) => {
                (FailureKind::QuotaExhausted, None)
            }
            404 | 410 if matches!(stage, Stage::Poll | Stage::Fetch) => (FailureKind::JobLost, None),
            400 | 422 if self.says(&["content checker", "content policy", "flagged"]) => {
                (FailureKind::ContentPolicy, None)
            }
            400..500 if reply.header("x-fal-retryable") == Some("true") && reply.status != 429 => {
                (FailureKind::JobFailed, None)
            }
            status => {
                let kind = kind_of_status(status, self.is_json);
                (kind, if kind == FailureKind::ServerError { free } else { None })
            }
        }
    }
}

/// What a code of either shape means; `None` leaves it to the status.
fn kind_of_code(code: &str, reply: &Reply) -> Option<FailureKind> {
    let kind = match code {
        "content_policy_violation" => FailureKind::ContentPolicy,
        "no_media_generated" => FailureKind::EmptyAnswer,
        "internal_server_error"
        | "generation_timeout"
        | "downstream_service_error"
        | "downstream_service_unavailable"
        | "startup_timeout"
        | "client_disconnected"
        | "client_cancelled" => FailureKind::JobFailed,
        // The inputs are links that we made, so a failed download is not the caller's fault.
        "file_download_error" => FailureKind::JobFailed,
        // Our own limit on the wait before the start: nothing began.
        "request_timeout" if reply.header("x-fal-request-timeout-type") == Some("user") => FailureKind::TimedOut,
        "request_timeout" => FailureKind::JobFailed,
        "runner_scheduling_failure"
        | "runner_connection_timeout"
        | "runner_connection_refused"
        | "runner_connection_error" => FailureKind::Overloaded,
        "runner_disconnected" | "runner_incomplete_response" | "runner_server_error" | "internal_error" => {
            FailureKind::ServerError
        }
        "bad_request" => FailureKind::InvalidArgument,
        _ => return None,
    };
    Some(kind)
}

/// The argument at fault: the first name after `body`.
fn param(location: &Value) -> Option<String> {
    let names = location.as_array()?.iter().filter_map(Value::as_str);
    names.skip_while(|name| *name == "body").map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;
    use crate::{
        adapter::ReplyBody,
        splitter::Document,
        spool::{Spool, SpoolLimits},
    };

    fn reply(status: u16, json: Option<Value>, headers: &[(&'static str, &'static str)]) -> Reply {
        let scope = Spool::new(SpoolLimits::default()).scope();
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let body = match json {
            Some(json) => ReplyBody::Document(Document::from_json(json, scope)),
            None => ReplyBody::Text("<html>".to_owned()),
        };
        Reply {
            status,
            headers: headers.collect::<HeaderMap>(),
            retry_after: None,
            body,
        }
    }

    fn model(code: &str) -> Option<Value> {
        Some(json!({"detail": [{"loc": ["body", "image_urls", 0], "msg": "m", "type": code}]}))
    }

    fn platform(code: &str) -> Option<Value> {
        Some(json!({"detail": "d", "error_type": code}))
    }

    #[test]
    fn both_shapes_have_one_meaning() {
        for (status, json, kind, spent) in [
            (
                422,
                model("content_policy_violation"),
                FailureKind::ContentPolicy,
                Spent::No,
            ),
            (
                422,
                model("no_media_generated"),
                FailureKind::EmptyAnswer,
                Spent::Unknown,
            ),
            (500, model("internal_server_error"), FailureKind::JobFailed, Spent::No),
            (504, model("generation_timeout"), FailureKind::JobFailed, Spent::No),
            (
                400,
                model("downstream_service_error"),
                FailureKind::JobFailed,
                Spent::Unknown,
            ),
            (
                500,
                model("downstream_service_unavailable"),
                FailureKind::JobFailed,
                Spent::No,
            ),
            (
                422,
                model("file_download_error"),
                FailureKind::JobFailed,
                Spent::Unknown,
            ),
            (422, model("image_load_error"), FailureKind::InvalidArgument, Spent::No),
            (422, model("less_than_equal"), FailureKind::InvalidArgument, Spent::No),
            (504, platform("request_timeout"), FailureKind::JobFailed, Spent::No),
            (
                503,
                platform("runner_connection_refused"),
                FailureKind::Overloaded,
                Spent::No,
            ),
            (
                503,
                platform("runner_disconnected"),
                FailureKind::ServerError,
                Spent::No,
            ),
            (500, platform("internal_error"), FailureKind::ServerError, Spent::No),
            (
                499,
                platform("client_cancelled"),
                FailureKind::JobFailed,
                Spent::Unknown,
            ),
            (400, platform("bad_request"), FailureKind::InvalidArgument, Spent::No),
            (
                422,
                Some(json!({"detail": "Nope"})),
                FailureKind::InvalidArgument,
                Spent::No,
            ),
            (
                403,
                Some(json!({"detail": "Exhausted balance"})),
                FailureKind::QuotaExhausted,
                Spent::No,
            ),
            (
                403,
                Some(json!({"detail": "Forbidden"})),
                FailureKind::NotPermitted,
                Spent::No,
            ),
            (
                404,
                Some(json!({"detail": "Not found"})),
                FailureKind::ModelGone,
                Spent::No,
            ),
            (502, None, FailureKind::ServerError, Spent::Unknown),
            (503, None, FailureKind::ServerError, Spent::Unknown),
        ] {
            let reply = reply(status, json, &[]);
            let failure = judge("test", &reply, Stage::Submit);
            assert_eq!(
                (failure.kind, failure.spent),
                (kind, spent),
                "{status} {:?}",
                reply.body
            );
        }
    }

    #[test]
    fn headers_and_stages_count() {
        let user = [("x-fal-request-timeout-type", "user")];
        let failure = judge("test", &reply(504, platform("request_timeout"), &user), Stage::Fetch);
        assert_eq!((failure.kind, failure.spent), (FailureKind::TimedOut, Spent::No));
        let only_header = reply(
            503,
            Some(json!({"detail": "d"})),
            &[("x-fal-error-type", "runner_scheduling_failure")],
        );
        assert_eq!(judge("test", &only_header, Stage::Submit).kind, FailureKind::Overloaded);
        let retryable = reply(400, model("odd"), &[("x-fal-retryable", "true")]);
        assert_eq!(judge("test", &retryable, Stage::Fetch).kind, FailureKind::JobFailed);
        let lost = reply(404, Some(json!({"detail": "Not found"})), &[]);
        assert_eq!(judge("test", &lost, Stage::Fetch).kind, FailureKind::JobLost);
        assert!(says_unfinished(&reply(
            400,
            Some(json!({"detail": "Request is still in progress"})),
            &[]
        )));
        assert!(!says_unfinished(&reply(400, platform("bad_request"), &[])));
    }

    #[test]
    fn the_argument_at_fault_is_named() {
        let failure = judge("test", &reply(422, model("image_too_small"), &[]), Stage::Fetch);
        assert_eq!(failure.param.as_deref(), Some("image_urls"));
        assert_eq!(failure.code.as_deref(), Some("image_too_small"));
        assert_eq!(param(&json!(["body"])), None);
        assert_eq!(param(&Value::Null), None);
    }
}
