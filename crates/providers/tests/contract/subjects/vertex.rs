//! Google's Vertex AI: Gemini models, and Imagen by `predict`. The credential of these cases is an access token.

use indexmap::IndexMap;

use super::{Subject, gemini::ABSENT, plain};

pub(super) const SUBJECT: Subject = Subject {
    protocol: "vertex",
    base_path: "/vertex/v1",
    options: |_| IndexMap::from([("project".to_owned(), "test-project".to_owned())]),
    model: |_| "gemini-3.1-flash-image",
    adjust: plain,
    credential: ("authorization", "Bearer "),
    is_job: |_| false,
    spent: &[],
    absent: ABSENT,
};

pub(super) const IMAGEN: Subject = Subject {
    protocol: "vertex-imagen",
    model: |_| "imagen-4.0-generate-001",
    ..SUBJECT
};
