//! Other settings and another catalogue in a running gateway: what can be taken over is, whole or not at all.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use planner::catalog::Catalog;

use crate::assembly;
use crate::generation::Generator;
use crate::http::state::{AppState, Current};
use crate::policy::Policy;
use crate::renewal;
use crate::settings::{SandboxUse, Settings, in_force};
use crate::start_error::StartError;
use crate::upstreams::{self, Upstreams};

/// Settings that a running gateway takes over. What stands in the catalogue's folder and the credentials are taken over too; all
/// else waits for the next start.
const TAKEN_OVER: [&str; 18] = [
    "cors_origins",
    "default_model",
    "failover_on_content_policy",
    "known_clients",
    "markup_percent",
    "priorities",
    "response_format",
    "strategy",
    "successors",
    "when_maybe_billed",
    "providers",
    "policy.terms",
    "policy.before_url",
    "policy.after_url",
    "policy.after_links",
    "policy.secret",
    "policy.timeout_ms",
    "policy.when_unanswered",
];

/// Changes the settings of a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    current: Current,
    settings: Arc<Mutex<Known>>,
    /// The root of the embedded sandbox, if it runs.
    played: Option<Arc<str>>,
}

struct Known {
    /// As they were read.
    asked: Settings,
    /// As they are in force.
    in_force: Settings,
}

/// What came of other settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// Settings that were taken over.
    pub taken_over: Vec<String>,
    /// Settings that wait for the next start.
    pub at_next_start: Vec<String>,
}

impl Reloader {
    /// Of a gateway that serves by `current`, with these settings as they were read and as they are in force.
    pub(crate) fn new(current: Current, asked: Settings, in_force: Settings, played: Option<&str>) -> Self {
        Self {
            current,
            settings: Arc::new(Mutex::new(Known { asked, in_force })),
            played: played.map(Arc::from),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A change that panics has changed nothing yet.
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another catalogue in force.
    ///
    /// # Errors
    /// When a competition does not fit it.
    pub(crate) fn take_catalog(&self, catalog: Catalog) -> Result<(), StartError> {
        let known = self.known();
        self.current
            .set(assembly::renewed(self.current.get(), catalog, &known.in_force)?);
        Ok(())
    }

    /// Puts other settings in force, with the catalogue that they name. Requests under way go on as they began. Looks up names
    /// of hosts, so not on a thread that others wait for.
    ///
    /// # Errors
    /// [`StartError`]: then all stays as it is.
    pub fn take(&self, asked: Settings, catalog: Catalog) -> Result<Reloaded, StartError> {
        let mut known = self.known();
        let mut changed: BTreeSet<String> = in_force::changed(&known.asked, &asked).into_iter().collect();
        if known.asked.providers != asked.providers {
            changed.insert("providers".to_owned());
        }
        // Two lists of one length, and two secrets, are told alike.
        if known.asked.policy != asked.policy && !changed.iter().any(|name| name.starts_with("policy.")) {
            changed.insert("policy.terms".to_owned());
        }
        let mut settings = taken_over(&known.in_force, &asked);
        // Another folder waits for the next start, and what stands in this one does not.
        let catalog = if asked.catalog_dir == settings.catalog_dir {
            catalog
        } else {
            renewal::known_catalog(&settings)?
        };
        let (mut taken_over, mut at_next_start): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|name| TAKEN_OVER.contains(&name.as_str()));
        if changes_sandbox(&catalog, &known.in_force, &settings) {
            settings.providers.clone_from(&known.in_force.providers);
            taken_over.retain(|name| name != "providers");
            at_next_start.push("providers".to_owned());
        }
        self.current.set(self.reassembled(catalog, &settings)?);
        *known = Known {
            asked,
            in_force: settings,
        };
        Ok(Reloaded {
            taken_over,
            at_next_start,
        })
    }

    fn reassembled(&self, catalog: Catalog, settings: &Settings) -> Result<AppState, StartError> {
        // What may fail comes first: with another catalogue what runs in the background has it at once.
        let upstreams = Upstreams::new(&catalog, settings, self.played.as_deref())?;
        let choices = assembly::choices(settings)?;
        let operator_policy = Policy::of(settings)?;
        let state = assembly::renewed(self.current.get(), catalog, settings)?;
        let generator = state.generator.reaching(Arc::new(upstreams));
        let routing = generator.routing.by(settings.strategy, settings.priorities.clone());
        Ok(AppState {
            choices: Arc::new(choices),
            generator: Generator {
                routing: Arc::new(routing),
                policy: assembly::policy(settings),
                operator_policy: Arc::new(operator_policy),
                successors: Arc::new(settings.successors.clone()),
                ..generator
            },
            ..state
        })
    }
}

/// The settings in force with those in their place that a running gateway takes over.
fn taken_over(in_force: &Settings, asked: &Settings) -> Settings {
    let asked = asked.clone();
    Settings {
        cors_origins: asked.cors_origins,
        default_model: asked.default_model,
        failover_on_content_policy: asked.failover_on_content_policy,
        known_clients: asked.known_clients,
        markup_percent: asked.markup_percent,
        priorities: asked.priorities,
        response_format: asked.response_format,
        strategy: asked.strategy,
        successors: asked.successors,
        when_maybe_billed: asked.when_maybe_billed,
        providers: asked.providers,
        policy: asked.policy,
        origins: asked.origins,
        ..in_force.clone()
    }
}

/// Whether the first provider becomes real, or none is any more. Emulators and what visitors may spend follow from that at the
/// start.
fn changes_sandbox(catalog: &Catalog, before: &Settings, after: &Settings) -> bool {
    let [was_real, is_real] = [before, after].map(|settings| upstreams::any_is_real(catalog, settings));
    before.sandbox == SandboxUse::Auto && was_real != is_real
}
