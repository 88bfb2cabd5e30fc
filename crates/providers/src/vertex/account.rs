//! The credential: the JSON of a service account's key, or an access token as it is.

use planner::failure::{Failure, FailureKind};
use reqwest::Url;
use serde_json::Value;

use crate::adapter::{Grant, UpstreamAccess, misconfigured, verdict::text_of};

/// What tokens are for: everything that the account may do.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where Google gives out tokens.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// How calls are authorized.
pub(super) enum Access {
    /// By the credential itself.
    Token,
    /// By tokens that the account asks for.
    Account {
        /// Its right to ask.
        grant: Grant,
        /// The project that it belongs to.
        project: Option<String>,
    },
}

impl Access {
    /// Reads the credential.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong, without a word of the credential.
    pub(super) fn read(endpoint: &UpstreamAccess) -> Result<Self, Failure> {
        let text = endpoint.credential.expose().trim();
        if !text.starts_with('{') {
            return Ok(Self::Token);
        }
        let refuse = |what: &str| Failure::new(FailureKind::BadCredential, format!("the credential {what}"));
        let json: Value = serde_json::from_str(text).map_err(|_| refuse("begins like JSON and is none"))?;
        if text_of(&json["type"]) != Some("service_account") {
            return Err(refuse("is neither a service account's key nor an access token"));
        }
        let field = |name: &str| text_of(&json[name]).map(str::to_owned);
        let needed = |name: &str| field(name).ok_or_else(|| refuse(&format!("has no `{name}`")));
        let address = endpoint
            .options
            .get("token_url")
            .cloned()
            .or_else(|| field("token_uri"))
            .unwrap_or_else(|| TOKEN_URL.to_owned());
        let token_url = Url::parse(&address).map_err(|_| misconfigured("the address for access tokens is none"))?;
        Ok(Self::Account {
            grant: Grant {
                issuer: needed("client_email")?,
                key_id: field("private_key_id"),
                private_key: needed("private_key")?,
                token_url,
                scope: SCOPE,
            },
            project: field("project_id"),
        })
    }

    /// The project that the account belongs to.
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Self::Token => None,
            Self::Account { project, .. } => project.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::sample;

    fn read(credential: &str) -> Result<Access, Failure> {
        Access::read(&sample::access("https://a.example/v1", credential, &[]))
    }

    #[test]
    fn keys_and_tokens_are_told_apart() {
        assert!(matches!(read("ya29.abc"), Ok(Access::Token)));
        let key = r#"
            {"type": "service_account", "project_id": "p", "private_key": "-----BEGIN", "client_email": "a@b.example"}
        "#;
        let access = read(key).expect("a key");
        assert_eq!(access.project(), Some("p"));
        let Access::Account { grant, .. } = access else {
            panic!("a key is no token")
        };
        assert_eq!(grant.token_url.as_str(), TOKEN_URL);
        assert!(!format!("{grant:?}").contains("BEGIN"));
        let failure = grant.call(0).expect_err("no key at all");
        assert_eq!(failure.kind, FailureKind::BadCredential);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_credential() {
        for (credential, word) in [
            ("{\"secret", "JSON"),
            (r#"{"type": "authorized_user", "x": "secret"}"#, "neither"),
            (
                r#"{"type": "service_account", "private_key": "secret"}"#,
                "client_email",
            ),
            (
                r#"{"type": "service_account", "client_email": "secret"}"#,
                "private_key",
            ),
        ] {
            let Err(failure) = read(credential) else {
                panic!("{credential}")
            };
            assert_eq!(failure.kind, FailureKind::BadCredential);
            assert!(
                failure.message.contains(word) && !failure.message.contains("secret"),
                "{}",
                failure.message
            );
        }
    }
}
