//! The operator's policy in the life of a generation: asked once before money is held, and once before images are handed out.

use planner::plan::RoutePlan;
use serde_json::{Value, json};
use tracing::Instrument as _;

use super::keeping::{Keeping, Moment as Time, store};
use super::stages::Stage;
use super::{Generated, Generator, Order};
use crate::outcome::{Denial, GenerationError, Moment, Why};
use crate::policy::hook::Hook;
use crate::problem::Problem;

/// Whose generation it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    pub(super) account_id: &'a str,
    pub(super) key_id: &'a str,
}

impl<'a> Subject<'a> {
    fn of(order: &'a Order) -> Self {
        Self {
            id: &order.id,
            account_id: &order.caller.account_id,
            key_id: &order.caller.key_id,
        }
    }

    fn data(self) -> Value {
        json!({ "id": self.id, "account_id": self.account_id, "key_id": self.key_id })
    }
}

impl Generator {
    /// Whether an order may be done at all. Nothing has been spent.
    ///
    /// # Errors
    /// [`GenerationError::Denied`].
    pub(super) async fn judge(&self, order: &Order, plan: &RoutePlan<'_>) -> Result<(), GenerationError> {
        let policy = &self.operator_policy;
        if !policy.judges_requests() {
            return Ok(());
        }
        let prompt = order.request.prompt.as_deref().unwrap_or_default();
        let asked = async {
            if let Some(term) = policy.terms.find(prompt) {
                return Some(Why::Term(term.to_owned()));
            }
            let hook = policy.before.as_ref()?;
            let data = asked_for(order, plan);
            self.ask(hook, Moment::Before, &order.id, data).await
        };
        let Some(why) = order.stopwatch.time(Stage::Policy, asked).await else {
            return Ok(());
        };
        Err(denied(Denial {
            moment: Moment::Before,
            why,
            attempts: Vec::new(),
        }))
    }

    /// Whether what was made may be handed out. Where links are told for it, the images are stored first.
    ///
    /// # Errors
    /// [`GenerationError::Denied`], with all that was done and paid for.
    pub(super) async fn review(&self, order: &Order, generated: &mut Generated) -> Result<(), GenerationError> {
        if self.operator_policy.after.is_none() {
            return Ok(());
        }
        let links = self.operator_policy.after_links && !order.caller.keeps_no_images();
        let keeping = order.keeping(self, Time::BeforeEnd);
        let reviewed = self.look_at(Subject::of(order), links.then_some(keeping), generated);
        order.stopwatch.time(Stage::Policy, reviewed).await
    }

    /// The same for whatever process does it.
    pub(super) async fn look_at(
        &self,
        subject: Subject<'_>,
        keeping: Option<Keeping<'_>>,
        generated: &mut Generated,
    ) -> Result<(), GenerationError> {
        let Some(hook) = &self.operator_policy.after else {
            return Ok(());
        };
        if let Some(keeping) = keeping
            && !generated.kept
            && let Err(error) = store(self, &keeping, generated).await
        {
            tracing::warn!(error = %error, "images could not be stored for the operator's policy to look at");
        }
        let data = made(subject, generated);
        let Some(why) = self.ask(hook, Moment::After, subject.id, data).await else {
            return Ok(());
        };
        for attempt in &generated.attempts {
            if let Some(cost) = attempt.cost {
                self.metrics.undelivered(&attempt.provider, cost);
            }
        }
        Err(denied(Denial {
            moment: Moment::After,
            why,
            attempts: generated.attempts.clone(),
        }))
    }

    /// Asks. What cannot be asked about goes on where the operator wants that.
    async fn ask(&self, hook: &Hook, moment: Moment, id: &str, data: Value) -> Option<Why> {
        let why = hook.ask(moment, id, data, self.clock.now()).await?;
        if let Why::Unanswered(cause) = &why {
            let goes_on = self.operator_policy.is_open;
            tracing::warn!(
                policy.moment = moment.as_str(),
                policy.goes_on = goes_on,
                cause,
                "the operator's policy could not be asked"
            );
            if goes_on {
                return None;
            }
        }
        Some(why)
    }

    /// Tells of a generation that gave no image, while its caller is answered.
    pub(super) fn tell_failure(&self, order: &Order, model: &str, error: &GenerationError) {
        if self.operator_policy.after.is_none() {
            return;
        }
        let problem = Problem::of_generation(error);
        let mut data = Subject::of(order).data();
        data["model"] = Value::from(model);
        data["outcome"] = Value::from("failed");
        data["error_code"] = Value::from(problem.code);
        let (generator, id) = (self.clone(), order.id.clone());
        let told = async move {
            if let Some(hook) = &generator.operator_policy.after {
                // Nothing is handed out, so there is nothing to say to it.
                generator.ask(hook, Moment::After, &id, data).await;
            }
        };
        self.tasks.spawn(told.in_current_span());
    }
}

fn denied(denial: Denial) -> GenerationError {
    tracing::warn!(
        policy.moment = denial.moment.as_str(),
        policy.why = denial.word(),
        "the operator's policy denied a generation"
    );
    GenerationError::Denied(Box::new(denial))
}

/// What is asked for, as it is told before it is done.
fn asked_for(order: &Order, plan: &RoutePlan<'_>) -> Value {
    let request = &order.request;
    let first = plan.candidates.first().map(|candidate| &candidate.resolved);
    let mut providers: Vec<&str> = Vec::new();
    for candidate in &plan.candidates {
        let provider = candidate.resolved.offer.provider.as_str();
        if !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    let mut data = Subject::of(order).data();
    data["endpoint"] = Value::from(order.endpoint);
    data["mode"] = json!(request.mode);
    data["model"] = Value::from(plan.model.id.as_str());
    data["providers"] = json!(providers);
    data["prompt"] = json!(request.prompt);
    data["negative_prompt"] = json!(request.arguments.get("negative_prompt").map(|value| &**value));
    data["size"] = json!(first.and_then(|first| first.work.size).map(|size| size.to_string()));
    data["quality"] = json!(first.and_then(|first| first.work.quality.as_deref()));
    data["n"] = json!(request.n);
    data["input_images"] = json!(order.images.len());
    data["has_mask"] = json!(order.mask.is_some());
    data["user"] = json!(request.arguments.get("user").map(|value| &**value));
    data["estimate_usd"] = json!(first.map(|first| first.estimate.total.as_json_dollars()));
    data
}

/// What was made, as it is told before it is handed out.
fn made(subject: Subject<'_>, generated: &Generated) -> Value {
    let image = |one: &super::Delivered| {
        let info = &one.image.info;
        json!({
            "size": format!("{}x{}", info.width_px, info.height_px),
            "output_format": info.format.to_string(),
            "bytes": one.image.blob.len(),
            "url": one.url,
        })
    };
    let mut data = subject.data();
    data["model"] = Value::from(generated.model.as_str());
    data["provider"] = Value::from(generated.provider.as_str());
    data["native_model"] = Value::from(generated.native_model.as_str());
    data["outcome"] = Value::from("completed");
    data["error_code"] = Value::Null;
    data["cost_usd"] = json!(generated.cost.as_json_dollars());
    data["sandbox"] = json!(generated.sandbox);
    data["images"] = generated.images.iter().map(image).collect();
    data
}
