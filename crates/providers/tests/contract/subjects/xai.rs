//! xAI: one call, and a price in its answer.

use planner::failure::Spent::Yes;

use super::{Subject, none, plain};

const NO_JOBS: &str = "it keeps no jobs";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "xai",
    base_path: "/xai/v1",
    options: none,
    model: |_| "grok-imagine-image-2.0",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| false,
    // A picture that is held back was made, and the answer names its price.
    spent: &[("foreign_address", Yes), ("refused_output", Yes)],
    absent: &[
        ("failed_job", NO_JOBS),
        ("lost_job", NO_JOBS),
        ("poll_hiccups", NO_JOBS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};
