//! Ark: one call, and errors image by image.

use planner::failure::Spent::{No, Yes};

use super::{Subject, none, plain};

const NO_JOBS: &str = "it keeps no jobs";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "ark",
    base_path: "/ark/api/v3",
    options: none,
    model: |_| "seedream-4-5-251128",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| false,
    // It bills by the images that came out.
    spent: &[("foreign_address", Yes), ("failed_job", No)],
    absent: &[
        ("lost_job", NO_JOBS),
        ("poll_hiccups", NO_JOBS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};
