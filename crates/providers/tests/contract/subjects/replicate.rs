//! Replicate: predictions.

use indexmap::IndexMap;

use super::{Subject, plain};

pub(super) const SUBJECT: Subject = Subject {
    protocol: "replicate",
    base_path: "/replicate/v1",
    options: |_| IndexMap::from([("inline_bytes".to_owned(), "6000".to_owned())]),
    model: |_| "openai/gpt-image-2",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| true,
    spent: &[],
    absent: &[],
};
