//! OpenRouter: its Images API, one call with the images in its answer, which also says what they cost.

use planner::failure::Spent::Yes;

use super::{Subject, none, plain};

const NO_JOBS: &str = "it keeps no jobs";
const NO_UPLOADS: &str = "images travel in the request";

pub(super) const SUBJECT: Subject = Subject {
    protocol: "openrouter",
    base_path: "/openrouter/api/v1",
    options: none,
    model: |_| "openai/gpt-image-2",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| false,
    // These answers say what was charged.
    spent: &[("foreign_address", Yes), ("broken_image", Yes), ("empty", Yes)],
    absent: &[
        ("failed_job", NO_JOBS),
        ("lost_job", NO_JOBS),
        ("poll_hiccups", NO_JOBS),
        ("upload", NO_UPLOADS),
        ("upload_refused", NO_UPLOADS),
    ],
};

/// The same by chat completions.
pub(super) const CHAT: Subject = Subject {
    protocol: "openrouter-chat",
    model: |_| "google/gemini-3.1-flash-image",
    adjust: |_, native| {
        let modalities = serde_json::json!(["image", "text"]);
        native
            .fields
            .insert("modalities".to_owned(), planner::native::NativeValue::Json(modalities));
    },
    ..SUBJECT
};
