//! DashScope: answers at once or tasks, links either way.

use planner::{
    failure::Spent::{No, Yes},
    native::{NativeRequest, NativeValue},
};

use super::{Subject, none};

const LINKS: &str = "results are links";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "dashscope",
    base_path: "/dashscope/api/v1",
    options: none,
    model: |case| {
        if is_task(case) {
            "wan2.7-image"
        } else {
            "qwen-image-2.0"
        }
    },
    adjust: as_task,
    credential: ("authorization", "Bearer "),
    is_job: is_task,
    // It does not bill what failed with a code; the address is that of a finished image.
    spent: &[("server_error", No), ("failed_job", No), ("foreign_address", Yes)],
    absent: &[("huge", LINKS), ("upload", NO_UPLOADS), ("upload_refused", NO_UPLOADS)],
};

fn is_task(case: &str) -> bool {
    matches!(case, "success_by_url" | "failed_job" | "lost_job" | "poll_hiccups")
}

fn as_task(case: &str, native: &mut NativeRequest) {
    if is_task(case) {
        let enable = NativeValue::Json("enable".into());
        native.fields.insert("X-DashScope-Async".to_owned(), enable);
    }
}
