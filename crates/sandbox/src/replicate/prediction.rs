//! A prediction: its states, what it says of itself, and the task that carries it out.

use super::Replicate;
use super::models::Model;
use super::webhook::{Event, Hook};
use super::work::{Ending, Request, perform};
use crate::work::Work;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where a prediction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Starting,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    /// The deadline passed before the start; never charged.
    Aborted,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
        }
    }

    /// Whether nothing more will happen.
    pub(super) fn is_final(self) -> bool {
        !matches!(self, Self::Starting | Self::Processing)
    }
}

/// What changes while a prediction runs.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) status: Status,
    /// Links to the pictures; None while there are none.
    pub(super) output: Option<Vec<String>>,
    pub(super) error: Option<String>,
    pub(super) logs: String,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    metrics: Map<String, Value>,
}

/// One prediction.
#[derive(Debug)]
pub(super) struct Prediction {
    pub(super) work: Work<Request>,
    /// As the caller gave it, secrets taken out.
    echo: Value,
    /// The version it was asked for by; official models hide theirs.
    version: String,
    created_at: Timestamp,
    deadline: Option<Timestamp>,
    deadline_in: Option<Duration>,
    begun: Instant,
    progress: watch::Sender<Progress>,
    cancel: CancellationToken,
}

/// What is needed for a prediction beside its work.
pub(super) struct Terms {
    pub(super) echo: Value,
    pub(super) version: String,
    pub(super) deadline_in: Option<Duration>,
    pub(super) hook: Option<Hook>,
}

impl Prediction {
    /// What is known now.
    pub(super) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) {
        let mut changes = self.progress.subscribe();
        // The sender lives as long as `self`, so that waiting can only end well.
        changes.wait_for(|progress| progress.status.is_final()).await.ok();
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn cancel(&self) {
        self.cancel.cancel();
        self.ended().await;
    }

    /// The prediction as the API tells it; `as_status` tells another status than the real one.
    pub(super) fn body(&self, base_url: &str, as_status: Option<Status>) -> Value {
        let progress = self.progress();
        let (id, model): (&str, &Model) = (&self.work.id, self.work.ask.model);
        let output = match &progress.output {
            Some(links) if !model.lists => json!(links.first()),
            links => json!(links),
        };
        let mut body = json!({
            "id": id,
            "model": model.id,
            "version": self.version,
            "input": self.echo,
            "logs": progress.logs,
            "output": output,
            "data_removed": false,
            "error": progress.error,
            "source": "api",
            "status": as_status.unwrap_or(progress.status).name(),
            "created_at": self.created_at,
        });
        let times = [
            ("started_at", progress.started_at),
            ("completed_at", progress.completed_at),
            ("deadline", self.deadline),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                body[name] = json!(time);
            }
        }
        if progress.status.is_final() {
            body["metrics"] = Value::Object(progress.metrics);
        }
        let api = format!("{base_url}/replicate/v1");
        body["urls"] = json!({
            "get": format!("{api}/predictions/{id}"),
            "cancel": format!("{api}/predictions/{id}/cancel"),
            "stream": format!("{api}/streams/{id}"),
            "web": format!("https://replicate.com/p/{id}"),
        });
        body
    }

    async fn run(&self, replicate: &Replicate, hook: Option<&Hook>) {
        let core = &replicate.core;
        let tell = |event| {
            if let Some(hook) = hook {
                hook.tell(event, &self.body(&self.work.base_url, None));
            }
        };
        let mut started = None;
        let work = async {
            tokio::time::sleep(self.work.in_queue(core)).await;
            let now = core.now();
            started = Some(Instant::now());
            self.progress.send_modify(|progress| {
                progress.status = Status::Processing;
                progress.started_at = Some(now);
            });
            tell(Event::Start);
            perform(core, &self.work).await
        };
        let deadline = async {
            match self.deadline_in {
                Some(deadline_in) => tokio::time::sleep(deadline_in).await,
                None => std::future::pending().await,
            }
        };
        let (status, made) = tokio::select! {
            biased;
            () = self.cancel.cancelled() => (Status::Canceled, Ending::default()),
            made = work => match made.error {
                None => (Status::Succeeded, made),
                Some(_) => (Status::Failed, made),
            },
            () = deadline => match self.progress.borrow().status {
                Status::Starting => (Status::Aborted, Ending::default()),
                _ => (Status::Canceled, Ending::default()),
            },
        };
        self.end(status, made, started, core.now(), tell);
    }

    fn end(&self, status: Status, made: Ending, started: Option<Instant>, now: Timestamp, tell: impl Fn(Event)) {
        if !made.logs.is_empty() {
            self.progress.send_modify(|progress| progress.logs.push_str(&made.logs));
            tell(Event::Logs);
        }
        if made.output.as_ref().is_some_and(|output| !output.is_empty()) {
            let output = made.output.clone();
            // Not announced to pollers before the end: they would find a half-finished success.
            self.progress.send_if_modified(|progress| {
                progress.output = output;
                false
            });
            tell(Event::Output);
        }
        let mut metrics = Map::new();
        metrics.insert("total_time".to_owned(), json!(self.begun.elapsed().as_secs_f64()));
        if let Some(started) = started {
            let predict_s = started.elapsed().as_secs_f64();
            metrics.insert("predict_time".to_owned(), json!(predict_s));
        }
        if let Some(output) = &made.output {
            metrics.insert("image_count".to_owned(), json!(output.len()));
        }
        self.progress.send_modify(|progress| {
            progress.status = status;
            progress.output = made.output;
            progress.error = made.error;
            progress.completed_at = Some(now);
            progress.metrics = metrics;
        });
        tell(Event::Completed);
    }
}

/// Begins a prediction; it goes on whether or not anybody asks for it again.
pub(super) fn start(replicate: &Arc<Replicate>, work: Work<Request>, terms: Terms) -> Arc<Prediction> {
    let created_at = replicate.core.now();
    let deadline = terms
        .deadline_in
        .and_then(|deadline_in| created_at.checked_add(SignedDuration::try_from(deadline_in).ok()?).ok());
    let prediction = Arc::new(Prediction {
        echo: terms.echo,
        version: terms.version,
        created_at,
        deadline,
        deadline_in: terms.deadline_in,
        begun: Instant::now(),
        progress: watch::Sender::new(Progress {
            status: Status::Starting,
            output: None,
            error: None,
            logs: String::new(),
            started_at: None,
            completed_at: None,
            metrics: Map::new(),
        }),
        cancel: CancellationToken::new(),
        work,
    });
    let id = prediction.work.id.clone();
    replicate.jobs.insert(id, Arc::clone(&prediction));
    let (replicate_of_task, running) = (Arc::clone(replicate), Arc::clone(&prediction));
    replicate.core.tasks.spawn(async move {
        running.run(&replicate_of_task, terms.hook.as_ref()).await;
    });
    prediction
}
