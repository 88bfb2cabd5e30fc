//! The operator's own policy: a list of terms, and somebody who is asked, before anything is spent and before images are handed
//! out.

pub mod hook;
pub mod terms;

use std::sync::Arc;
use std::time::Duration;

use providers::{DriverConfig, GuardConfig, GuardedClient};
use url::Url;

use crate::settings::Settings;
use crate::settings::policy::WhenUnanswered;
use hook::Hook;
use terms::Terms;

/// What the operator lets be made and handed out. Where nothing is set, everything.
#[derive(Debug, Default)]
pub struct Policy {
    /// What no prompt may hold.
    pub terms: Terms,
    /// Who is asked before anything is spent.
    pub before: Option<Hook>,
    /// Who is asked before images are handed out.
    pub after: Option<Hook>,
    /// Whether that one gets links to them.
    pub after_links: bool,
    /// Whether what cannot be asked about goes on.
    pub is_open: bool,
}

impl Policy {
    /// That of the settings.
    ///
    /// # Errors
    /// When the TLS or DNS set-up of this machine fails.
    pub fn of(settings: &Settings) -> Result<Self, reqwest::Error> {
        let own = &settings.policy;
        let client = if own.before_url.is_some() || own.after_url.is_some() {
            Some(Arc::new(GuardedClient::new(GuardConfig {
                allowed_hosts: own.hosts(),
                connect_timeout: Some(Duration::from_secs(settings.limits.connect_timeout_s)),
                user_agent: DriverConfig::default().user_agent,
                proxy: settings.outbound_proxy.clone(),
            })?))
        } else {
            None
        };
        let hook = |url: Option<&str>| {
            Some(Hook {
                url: Url::parse(url?).ok()?,
                client: Arc::clone(client.as_ref()?),
                secret: own.secret.clone(),
                timeout: Duration::from_millis(own.timeout_ms),
            })
        };
        Ok(Self {
            terms: Terms::new(&own.terms),
            before: hook(own.before_url.as_deref()),
            after: hook(own.after_url.as_deref()),
            after_links: own.after_links,
            is_open: own.when_unanswered == WhenUnanswered::Allow,
        })
    }

    /// Whether something may be denied before it is made.
    #[must_use]
    pub fn judges_requests(&self) -> bool {
        self.before.is_some() || !self.terms.is_empty()
    }
}
