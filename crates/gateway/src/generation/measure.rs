//! What monitoring is told of a generation.

use std::time::Duration;

use super::{Generated, Generator, Order};
use crate::metrics::GenerationEnd;
use crate::outcome::GenerationError;
use crate::problem::Problem;

impl Generator {
    /// Counts a generation that ended with `result`, and what was charged for it.
    pub(super) fn measure(&self, order: &Order, result: &Result<Generated, GenerationError>, lasted: Duration) {
        let end = match result {
            Ok(generated) => {
                for attempt in &generated.attempts {
                    if let Some(cost) = attempt.cost {
                        self.metrics.charged(&attempt.provider, cost);
                    }
                }
                GenerationEnd {
                    model: Some(&generated.model),
                    code: None,
                    lasted: Some(lasted),
                }
            }
            // It is the generation before it that ends, or another process that ends it.
            Err(GenerationError::Claimed | GenerationError::TakenOver) => return,
            Err(error) => GenerationEnd {
                model: self.known_model(&order.request.model),
                code: Some(Problem::of_generation(error).code),
                lasted: matches!(error, GenerationError::Attempts { .. }).then_some(lasted),
            },
        };
        self.metrics.generation_ended(&end);
    }

    /// The id of the model that a request names. Whatever else it names is nobody's label.
    fn known_model(&self, name: &str) -> Option<&str> {
        let behind_provider = || name.split_once('/').and_then(|(_, rest)| self.catalog.model(rest));
        let found = self.catalog.model(name).or_else(behind_provider);
        found.map(|model| model.id.as_str())
    }
}
