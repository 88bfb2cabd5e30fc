//! Access tokens for a service account: a signed assertion (RFC 7523) is exchanged for a token that lasts about an hour.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use planner::failure::{Failure, FailureKind};
use reqwest::{Method, Url};
use ring::{
    digest::{Digest, SHA256},
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

use super::{
    Call, Reply, Stage,
    verdict::{failed, kind_of_status, text_of, unreadable},
};
use crate::body::{Body, Segment};

/// How long an assertion may be used, in seconds: the longest that Google takes.
const ASSERTION_S: u64 = 3600;
/// How long a token lasts when the answer does not say, in seconds.
const TOKEN_S: u64 = 3600;
/// The kind of grant.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The right of a service account to ask for access tokens.
#[derive(Clone)]
pub struct Grant {
    /// Who asks: the account's address.
    pub issuer: String,
    /// Which of the account's keys signs.
    pub key_id: Option<String>,
    /// The key, PKCS #8 in PEM.
    pub private_key: String,
    /// Where tokens are had, and for whom the assertion is.
    pub token_url: Url,
    /// What the token is for.
    pub scope: &'static str,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({})", self.token_url)
    }
}

/// A token, as the answer gave it.
pub(crate) struct Token {
    /// The token itself.
    pub(crate) secret: String,
    /// How long it lasts from the moment of the answer.
    pub(crate) lasts: Duration,
}

impl Grant {
    /// The same for two grants exactly when they give the same tokens. It tells nothing of the key.
    pub(crate) fn fingerprint(&self) -> Digest {
        let parts = [
            self.token_url.as_str(),
            self.issuer.as_str(),
            self.scope,
            self.private_key.as_str(),
        ];
        ring::digest::digest(&SHA256, parts.join("\n").as_bytes())
    }

    /// The call that asks for a token, at `now_s` seconds of Unix time.
    pub(crate) fn call(&self, now_s: u64) -> Result<Call, Failure> {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", JWT_BEARER)
            .append_pair("assertion", &self.assertion(now_s)?)
            .finish();
        let body = Body::new(vec![Segment::Bytes(form.into())], "application/x-www-form-urlencoded");
        Ok(Call::new(Method::POST, self.token_url.clone(), Stage::Token).body(body))
    }

    fn assertion(&self, now_s: u64) -> Result<String, Failure> {
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let mut head = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            head["kid"] = json!(id);
        }
        let claims = json!({
            "iss": self.issuer, "scope": self.scope, "aud": self.token_url.as_str(),
            "iat": now_s, "exp": now_s.saturating_add(ASSERTION_S),
        });
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = self.sign(signed.as_bytes()).ok_or_else(|| {
            Failure::new(
                FailureKind::BadCredential,
                "the service account's private key cannot be used",
            )
        })?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes()).ok()?;
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .ok()?;
        Some(signature)
    }

    /// The token in the answer to [`Grant::call`].
    pub(crate) fn read(provider: &str, reply: &Reply) -> Result<Token, Failure> {
        let json = reply.document().map_or(&Value::Null, |document| &document.json);
        if !reply.is_success() {
            // `invalid_grant` comes with 400: to us it is the credential, never an argument.
            let kind = match kind_of_status(reply.status, reply.document().is_some()) {
                FailureKind::InvalidArgument | FailureKind::NotPermitted => FailureKind::BadCredential,
                kind => kind,
            };
            let mut failure = failed(provider, kind, reply);
            failure.code = text_of(&json["error"]).map(str::to_owned);
            return Err(failure);
        }
        let secret = text_of(&json["access_token"]).ok_or_else(|| unreadable(provider, reply, "no access token"))?;
        Ok(Token {
            secret: secret.to_owned(),
            lasts: Duration::from_secs(json["expires_in"].as_u64().unwrap_or(TOKEN_S)),
        })
    }
}
