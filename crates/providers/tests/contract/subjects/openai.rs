//! OpenAI: one call, the images in its answer.

use planner::failure::Spent::Yes;

use super::{Subject, none, plain};

const NO_JOBS: &str = "it keeps no jobs";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "openai",
    base_path: "/openai/v1",
    options: none,
    model: |_| "gpt-image-2",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| false,
    // The address is that of a finished image.
    spent: &[("foreign_address", Yes)],
    absent: &[
        ("failed_job", NO_JOBS),
        ("lost_job", NO_JOBS),
        ("poll_hiccups", NO_JOBS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};
