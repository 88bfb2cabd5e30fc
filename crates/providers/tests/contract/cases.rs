//! The table of cases: what each must lead to, for every protocol.

use planner::failure::{FailureKind, Spent};

use crate::script::{HUGE_BYTES, IMAGE_BYTES, SMALL_BYTES};

/// What a case must lead to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// So many images of so many bytes.
    Images(usize, usize),
    /// A failure, and what was spent at OpenAI, fal and Replicate.
    Fails(FailureKind, [Spent; 3]),
}

use Expected::{Fails, Images};
pub(crate) use planner::failure::FailureKind as Kind;
pub(crate) use planner::failure::Spent::No;
use planner::failure::Spent::{Unknown, Yes};

/// Every case by the name of its fixture.
pub(crate) const CASES: [(&str, Expected); 35] = [
    ("success", Images(1, IMAGE_BYTES)),
    ("success_small", Images(1, SMALL_BYTES)),
    ("success_by_url", Images(1, IMAGE_BYTES)),
    ("several_images", Images(3, IMAGE_BYTES)),
    ("huge", Images(1, HUGE_BYTES)),
    ("huge_by_url", Images(1, HUGE_BYTES)),
    ("too_large", Fails(Kind::LimitReached, [Unknown, Unknown, Unknown])),
    ("too_large_by_url", Fails(Kind::LimitReached, [Yes, Yes, Yes])),
    ("refused_input", Fails(Kind::ContentPolicy, [No, No, No])),
    ("refused_output", Fails(Kind::ContentPolicy, [No, No, No])),
    ("rate_limited", Fails(Kind::RateLimited, [No, No, No])),
    ("rate_limited_no_header", Fails(Kind::RateLimited, [No, No, No])),
    ("overloaded", Fails(Kind::Overloaded, [No, No, No])),
    ("quota", Fails(Kind::QuotaExhausted, [No, No, No])),
    ("bad_credential", Fails(Kind::BadCredential, [No, No, No])),
    ("forbidden", Fails(Kind::NotPermitted, [No, No, No])),
    ("model_gone", Fails(Kind::ModelGone, [No, No, No])),
    ("invalid_argument", Fails(Kind::InvalidArgument, [No, No, No])),
    ("malformed", Fails(Kind::UnreadableAnswer, [Unknown, Unknown, Unknown])),
    (
        "broken_image",
        Fails(Kind::UnreadableAnswer, [Unknown, Unknown, Unknown]),
    ),
    (
        "foreign_address",
        Fails(Kind::UnreadableAnswer, [Yes, Unknown, Unknown]),
    ),
    ("private_file", Fails(Kind::UnreadableAnswer, [Yes, Yes, Yes])),
    ("empty", Fails(Kind::EmptyAnswer, [Unknown, Unknown, Unknown])),
    ("slow", Fails(Kind::TimedOut, [Unknown, Unknown, Unknown])),
    ("cut", Fails(Kind::Interrupted, [Unknown, Unknown, Unknown])),
    ("closed", Fails(Kind::Interrupted, [Unknown, Unknown, Unknown])),
    ("server_error", Fails(Kind::ServerError, [Unknown, No, Unknown])),
    ("html_502", Fails(Kind::ServerError, [Unknown, Unknown, Unknown])),
    ("file_gone", Fails(Kind::JobLost, [Yes, Yes, Yes])),
    ("file_hiccup", Images(1, IMAGE_BYTES)),
    ("failed_job", Fails(Kind::JobFailed, [Unknown, No, Unknown])),
    ("lost_job", Fails(Kind::JobLost, [Unknown, Unknown, Unknown])),
    ("poll_hiccups", Images(1, IMAGE_BYTES)),
    ("upload", Images(1, IMAGE_BYTES)),
    ("upload_refused", Fails(Kind::InvalidArgument, [No, No, No])),
];

/// Cases that a protocol cannot have, and why.
pub(crate) const ABSENT: [(&str, &str, &str); 5] = [
    ("openai", "failed_job", "it keeps no jobs"),
    ("openai", "lost_job", "it keeps no jobs"),
    ("openai", "poll_hiccups", "it keeps no jobs"),
    ("openai", "upload", "images travel in the request"),
    ("openai", "upload_refused", "images travel in the request"),
];
