//! What a call gave: images, once they are looked at, and what is said of their cost.

use imaging::Ending;
use planner::failure::{Failure, FailureKind, Spent};
use planner::money::Micros;
use planner::size::Size;
use planner::usage::Usage;
use providers::FinishedAttempt;

use crate::media::process::{Inspected, Processor};

/// An image that a call gave.
pub(in crate::generation) struct CallImage {
    pub(in crate::generation) image: Inspected,
    pub(in crate::generation) revised_prompt: Option<String>,
    /// How its file ends.
    pub(in crate::generation) ending: Ending,
    /// Its place among the generation's images in the store, when it is there already.
    pub(in crate::generation) stored: Option<i64>,
}

/// What a call gave.
#[derive(Default)]
pub(in crate::generation) struct Success {
    pub(in crate::generation) images: Vec<CallImage>,
    /// Why some that were made are missing.
    pub(super) lost: Vec<Failure>,
    pub(in crate::generation) usage: Option<Usage>,
    pub(in crate::generation) reported: Option<Micros>,
    /// What the images measured as they came, when they have been converted since.
    pub(in crate::generation) sizes: Option<Vec<Size>>,
}

impl Success {
    /// Leaves out what was not asked for: nobody pays for it.
    pub(in crate::generation) fn truncate(&mut self, asked: u32) {
        self.images.truncate(asked as usize);
    }

    /// Leaves out what came too late. What the provider says of the whole says nothing of the rest.
    pub(super) fn keep_first(&mut self, wanted: usize) {
        if wanted < self.images.len() {
            self.images.truncate(wanted);
            self.usage = None;
            self.reported = None;
        }
    }
}

/// The readable images of a finished call, and the provider's own id of it.
pub(in crate::generation) async fn read(
    processor: &Processor,
    finished: FinishedAttempt,
) -> Result<(Option<String>, Success), Failure> {
    let (mut images, mut lost) = (Vec::new(), finished.lost);
    for image in finished.images {
        match processor.examine(&image.blob).await {
            Ok((_, Ending::Cut)) => lost.push(Failure {
                spent: Spent::Yes,
                ..unreadable("its last bytes are missing")
            }),
            Ok((info, ending)) => images.push(CallImage {
                image: Inspected { blob: image.blob, info },
                revised_prompt: image.revised_prompt,
                ending,
                stored: None,
            }),
            Err(error) => lost.push(unreadable(error)),
        }
    }
    // Readable images are paid for; those that are missing are asked for again.
    if images.is_empty()
        && let Some(failure) = lost.pop()
    {
        return Err(Failure {
            upstream_request_id: failure.upstream_request_id.clone().or(finished.upstream_id),
            ..failure
        });
    }
    let success = Success {
        images,
        lost,
        usage: finished.usage,
        reported: finished.reported_cost_micros.map(Micros),
        sizes: None,
    };
    Ok((finished.upstream_id, success))
}

fn unreadable(why: impl std::fmt::Display) -> Failure {
    let message = format!("the provider's image cannot be read: {why}");
    Failure::new(FailureKind::UnreadableAnswer, message)
}
