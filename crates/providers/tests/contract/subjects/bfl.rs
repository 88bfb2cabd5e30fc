//! Black Forest Labs: tasks, whose one picture is behind a link.

use super::{Subject, none, plain};

const ONE_PICTURE: &str = "a task makes one picture";
const LINKS: &str = "pictures come by link";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "bfl",
    base_path: "/bfl/v1",
    options: none,
    model: |_| "flux-2-pro",
    adjust: plain,
    credential: ("x-key", ""),
    is_job: |_| true,
    spent: &[],
    absent: &[
        ("several_images", ONE_PICTURE),
        ("huge", LINKS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};
