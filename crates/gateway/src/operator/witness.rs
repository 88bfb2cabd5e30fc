//! The line that tells of what an operator does: made before it is done, and written with it.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;

use crate::db::audit::{Action, Actor, AuditRow};
use crate::ids::audit_id;

/// Who does something now.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    actor: Actor,
    now: Timestamp,
}

impl Witness {
    /// Of somebody with an API key, if one was recognized.
    pub(crate) fn of_key(key: Option<(&str, &str)>, address: Option<IpAddr>, request_id: &str, now: Timestamp) -> Self {
        let actor = Actor::Key {
            id: key.map(|(id, _)| id.to_owned()),
            account_id: key.map(|(_, account_id)| account_id.to_owned()),
            address: address.map(|address| address.to_string()),
            request_id: request_id.to_owned(),
        };
        Self { actor, now }
    }

    /// Of the user of this machine who runs the command line.
    pub(crate) fn of_command_line(now: Timestamp) -> Self {
        let named = ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let actor = Actor::CommandLine {
            user: named.filter(|name| !name.is_empty()),
        };
        Self { actor, now }
    }

    /// The line about somebody who was not let in; `target` is the key that was named, if one was.
    pub(crate) fn refusal(&self, target: Option<&str>, why: &str) -> AuditRow {
        AuditRow {
            target: target.map(ToOwned::to_owned),
            ..self.line(Action::SignInRefused, None, "", serde_json::json!({ "why": why }))
        }
    }

    /// The line about what is done to `target` of an account.
    pub(crate) fn line(&self, action: Action, account_id: Option<&str>, target: &str, details: Value) -> AuditRow {
        AuditRow {
            id: audit_id(self.now),
            created_at: self.now,
            action,
            actor: self.actor.clone(),
            account_id: account_id.map(ToOwned::to_owned),
            target: Some(target.to_owned()),
            details,
        }
    }
}
