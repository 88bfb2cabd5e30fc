//! fal: a queue, and errors that say whether work was done.

use indexmap::IndexMap;
use planner::failure::Spent::No;

use super::{Subject, plain};

pub(super) const SUBJECT: Subject = Subject {
    protocol: "fal",
    base_path: "/fal/queue",
    options: |base| {
        IndexMap::from([
            ("rest_url".to_owned(), format!("{base}/fal/rest")),
            ("inline_bytes".to_owned(), "4000".to_owned()),
        ])
    },
    model: |_| "openai/gpt-image-2",
    adjust: plain,
    credential: ("authorization", "Key "),
    is_job: |_| true,
    // It does not charge for its own errors.
    spent: &[("server_error", No), ("failed_job", No)],
    absent: &[],
};
