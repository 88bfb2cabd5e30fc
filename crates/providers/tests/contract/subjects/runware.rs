//! Runware: a list of one task, answered at once or asked for.

use planner::{
    failure::Spent::Yes,
    native::{NativeRequest, NativeValue},
};

use super::{Subject, none};

const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "runware",
    base_path: "/runware/v1",
    options: none,
    model: |_| "runware:101@1",
    adjust: asynchronously,
    credential: ("authorization", "Bearer "),
    is_job,
    // The address is that of a finished image.
    spent: &[("foreign_address", Yes)],
    absent: &[("upload", NO_UPLOADS), ("upload_refused", NO_UPLOADS)],
};

fn is_job(case: &str) -> bool {
    matches!(case, "success_by_url" | "failed_job" | "lost_job" | "poll_hiccups")
}

fn asynchronously(case: &str, native: &mut NativeRequest) {
    if is_job(case) {
        let method = NativeValue::Json("async".into());
        native.fields.insert("deliveryMethod".to_owned(), method);
    }
}
