//! A finished generation on its way to its caller: if it does not arrive, its images are kept.

use tokio::runtime::Handle;

use super::state::AppState;
use crate::generation::{Generated, Order};
use crate::outcome::GenerationError;

/// How a generation ended.
pub(super) type Outcome = (Order, Result<Generated, GenerationError>);

/// An outcome that has not reached its caller. Wherever it is dropped, what is paid for is kept.
pub(super) struct Undelivered {
    state: AppState,
    outcome: Option<Outcome>,
}

impl Undelivered {
    pub(super) fn new(state: AppState, outcome: Outcome) -> Self {
        Self {
            state,
            outcome: Some(outcome),
        }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Ends the watch: the caller has it.
    pub(super) fn delivered(mut self) -> Option<Outcome> {
        self.outcome.take()
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let Some((order, Ok(mut generated))) = self.outcome.take() else {
            return;
        };
        // Outside of a runtime the process ends.
        if let Ok(runtime) = Handle::try_current() {
            let generator = self.state.generator.clone();
            let keep = async move { generator.keep(&order, &mut generated).await };
            self.state.tasks.spawn_on(keep, &runtime);
        }
    }
}
