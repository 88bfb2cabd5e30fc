//! The table of cases: what each must lead to, for every protocol.

use planner::failure::{FailureKind, Spent};

use crate::script::{HUGE_BYTES, IMAGE_BYTES, SMALL_BYTES};

/// What a case must lead to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// So many images of so many bytes.
    Images(usize, usize),
    /// A failure, and what was spent unless the protocol's own entry says otherwise.
    Fails(FailureKind, Spent),
}

use Expected::{Fails, Images};
pub(crate) use planner::failure::FailureKind as Kind;
pub(crate) use planner::failure::Spent::No;
use planner::failure::Spent::{Unknown, Yes};

/// Every case by the name of its fixture.
pub(crate) const CASES: &[(&str, Expected)] = &[
    ("success", Images(1, IMAGE_BYTES)),
    ("success_small", Images(1, SMALL_BYTES)),
    ("success_by_url", Images(1, IMAGE_BYTES)),
    ("several_images", Images(3, IMAGE_BYTES)),
    ("huge", Images(1, HUGE_BYTES)),
    ("huge_by_url", Images(1, HUGE_BYTES)),
    ("too_large", Fails(Kind::LimitReached, Unknown)),
    ("too_large_by_url", Fails(Kind::LimitReached, Yes)),
    ("refused_input", Fails(Kind::ContentPolicy, No)),
    ("refused_output", Fails(Kind::ContentPolicy, No)),
    ("rate_limited", Fails(Kind::RateLimited, No)),
    ("rate_limited_no_header", Fails(Kind::RateLimited, No)),
    ("overloaded", Fails(Kind::Overloaded, No)),
    ("quota", Fails(Kind::QuotaExhausted, No)),
    ("bad_credential", Fails(Kind::BadCredential, No)),
    ("forbidden", Fails(Kind::NotPermitted, No)),
    ("model_gone", Fails(Kind::ModelGone, No)),
    ("invalid_argument", Fails(Kind::InvalidArgument, No)),
    ("malformed", Fails(Kind::UnreadableAnswer, Unknown)),
    ("broken_image", Fails(Kind::UnreadableAnswer, Unknown)),
    ("foreign_address", Fails(Kind::UnreadableAnswer, Unknown)),
    ("private_file", Fails(Kind::UnreadableAnswer, Yes)),
    ("empty", Fails(Kind::EmptyAnswer, Unknown)),
    ("slow", Fails(Kind::TimedOut, Unknown)),
    ("cut", Fails(Kind::Interrupted, Unknown)),
    ("closed", Fails(Kind::Interrupted, Unknown)),
    ("server_error", Fails(Kind::ServerError, Unknown)),
    ("html_502", Fails(Kind::ServerError, Unknown)),
    ("file_gone", Fails(Kind::JobLost, Yes)),
    ("file_hiccup", Images(1, IMAGE_BYTES)),
    ("failed_job", Fails(Kind::JobFailed, Unknown)),
    ("lost_job", Fails(Kind::JobLost, Unknown)),
    ("poll_hiccups", Images(1, IMAGE_BYTES)),
    ("upload", Images(1, IMAGE_BYTES)),
    ("upload_refused", Fails(Kind::InvalidArgument, No)),
];
