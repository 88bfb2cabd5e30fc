//! Stability AI: one image a call as raw bytes, at once or, from the creative upscaler, by a job.

use planner::failure::Spent::{No, Unknown};

use super::{Subject, none, plain};

const NO_LINKS: &str = "its images come in the answer";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "stability",
    base_path: "/stability/v2beta",
    options: none,
    model: |case| {
        if is_job(case) {
            "stable-image/upscale/creative"
        } else {
            "stable-image/generate/core"
        }
    },
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job,
    spent: &[
        // A filtered image counts as made.
        ("refused_output", Unknown),
        // The limit is met while the job is asked for, so that nothing is known of its end.
        ("too_large_by_url", Unknown),
        // Failed work is not charged.
        ("server_error", No),
        ("failed_job", No),
    ],
    absent: &[
        ("several_images", "one call makes one image"),
        ("foreign_address", NO_LINKS),
        ("private_file", NO_LINKS),
        ("file_gone", NO_LINKS),
        ("file_hiccup", NO_LINKS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};

/// The result of a job has an address of its own, at the provider itself.
fn is_job(case: &str) -> bool {
    case.ends_with("_by_url") || matches!(case, "failed_job" | "lost_job" | "poll_hiccups")
}
