//! A queued call: its states, its log lines and its end.

use super::Fal;
use super::errors;
use super::webhook;
use super::work::{Outcome, Task};
use crate::refused::Refused;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where a job stands.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    Queued,
    Running,
    Done(Arc<JobEnd>),
}

/// The end of a job.
#[derive(Debug)]
pub(super) struct JobEnd {
    pub(super) outcome: Outcome,
    inference_s: f64,
}

/// A call in the queue.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) task: Task,
    phase: watch::Sender<Phase>,
    logs: Mutex<Vec<Value>>,
    cancel: CancellationToken,
}

impl Job {
    fn new(task: Task) -> Self {
        Self {
            task,
            phase: watch::Sender::new(Phase::Queued),
            logs: Mutex::default(),
            cancel: CancellationToken::new(),
        }
    }

    /// Where the job stands now.
    pub(super) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Tells of every later change.
    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The lines logged so far.
    pub(super) fn logs(&self) -> Vec<Value> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.clone()
    }

    /// Asks the job to end; false if it has ended already.
    pub(super) fn request_cancel(&self) -> bool {
        if matches!(*self.phase.borrow(), Phase::Done(_)) {
            return false;
        }
        self.cancel.cancel();
        true
    }

    fn log(&self, message: &str, at: Timestamp) {
        let line = json!({"message": message, "level": "INFO", "source": "USER", "timestamp": at.to_string()});
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.push(line);
    }

    async fn perform(&self, fal: &Fal) -> JobEnd {
        let mut started = None;
        let work = async {
            self.task.wait_for_start(&fal.core).await?;
            started = Some(Instant::now());
            self.phase.send_replace(Phase::Running);
            self.log("Generating images.", fal.core.now());
            let outcome = self.task.perform(&fal.core).await;
            let last = outcome.as_ref().map_or("The run ended without a result.", |_| "Done.");
            self.log(last, fal.core.now());
            outcome
        };
        let outcome = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled()),
            outcome = work => outcome,
        };
        JobEnd {
            outcome,
            inference_s: started.map_or(0.0, |started| started.elapsed().as_secs_f64()),
        }
    }
}

impl JobEnd {
    /// The fields that a completed status adds.
    pub(super) fn status_fields(&self) -> Value {
        let mut fields = json!({ "metrics": { "inference_time": self.inference_s } });
        let told = self.outcome.as_ref().err().and_then(errors::status_fields);
        if let Some((error, error_type)) = told {
            fields["error"] = error.clone();
            fields["error_type"] = error_type.clone();
        }
        fields
    }
}

fn cancelled() -> Refused {
    errors::of_platform(499, "client_cancelled", "Request was cancelled by the client")
}

/// Puts a call in the queue and has it worked on, whether or not anybody asks for it again.
pub(super) fn start(fal: &Arc<Fal>, task: Task, webhook_url: Option<String>) -> Arc<Job> {
    let job = Arc::new(Job::new(task));
    fal.jobs.insert(job.task.work.id.clone(), Arc::clone(&job));
    let (fal_of_job, running) = (Arc::clone(fal), Arc::clone(&job));
    fal.core.tasks.spawn(async move {
        let finished = Arc::new(running.perform(&fal_of_job).await);
        let result_bytes = finished.outcome.as_ref().map_or(0, |done| done.body.len());
        fal_of_job.jobs.weigh(&running.task.work.id, result_bytes);
        running.phase.send_replace(Phase::Done(Arc::clone(&finished)));
        if let Some(url) = webhook_url {
            webhook::deliver(&fal_of_job, &running.task.work.id, &finished.outcome, url).await;
        }
    });
    job
}
