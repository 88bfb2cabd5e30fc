//! Fireworks: the bytes of one image, or a job.

use planner::failure::Spent::Yes;

use super::{Subject, none, plain};

const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "fireworks",
    base_path: "/fireworks/inference/v1",
    options: none,
    model: |case| {
        if is_job(case) {
            "workflows/accounts/fireworks/models/flux-kontext-pro"
        } else {
            "accounts/fireworks/models/flux-1-dev-fp8"
        }
    },
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job,
    // The address is that of a finished image.
    spent: &[("foreign_address", Yes)],
    absent: &[
        ("several_images", "one image a call"),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};

fn is_job(case: &str) -> bool {
    case.ends_with("_by_url")
        || case.ends_with("_job")
        || case.starts_with("refused_")
        || case.starts_with("file_")
        || matches!(
            case,
            "poll_hiccups" | "broken_image" | "foreign_address" | "private_file"
        )
}
