//! Google's Gemini API: one call, the images among the parts of its answer.

use super::{Subject, none, plain};

const NO_JOBS: &str = "it keeps no jobs";
const NO_UPLOADS: &str = "images travel in the request";
const NO_LINKS: &str = "images travel in the answer";

/// What no call of Google's image models can have.
pub(super) const ABSENT: &[(&str, &str)] = &[
    ("failed_job", NO_JOBS),
    ("lost_job", NO_JOBS),
    ("poll_hiccups", NO_JOBS),
    ("upload", NO_UPLOADS),
    ("upload_refused", NO_UPLOADS),
    ("success_by_url", NO_LINKS),
    ("huge_by_url", NO_LINKS),
    ("too_large_by_url", NO_LINKS),
    ("foreign_address", NO_LINKS),
    ("private_file", NO_LINKS),
    ("file_gone", NO_LINKS),
    ("file_hiccup", NO_LINKS),
];

pub(super) const SUBJECT: Subject = Subject {
    protocol: "gemini",
    base_path: "/gemini/v1beta",
    options: none,
    model: |_| "gemini-3.1-flash-image",
    adjust: plain,
    credential: ("x-goog-api-key", ""),
    is_job: |_| false,
    spent: &[],
    absent: ABSENT,
};
