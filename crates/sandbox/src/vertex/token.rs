//! Access tokens: a service account's signed assertion (RFC 7523) is exchanged for a token that lasts an hour.

use super::Vertex;
use crate::core::Core;
use crate::google::errors;
use crate::names::random_hex;
use crate::refused::Refused;
use crate::wire::{self, read_body};
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where tokens are had, below the emulator's own path.
pub(super) const PATH: &str = "/oauth2/token";
/// The same, below the sandbox's address.
const OWN_PATH: &str = "/vertex/oauth2/token";
/// Whom assertions may also be for: some clients always name Google's own address.
const GOOGLE_AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// The sandbox's account. Nothing anywhere else knows it or its key.
const ACCOUNT: &str = "painter@sandbox-project.iam.gserviceaccount.com";
const PROJECT: &str = "sandbox-project";
const KEY_ID: &str = "5a9db0c5";
const KEY: &[u8] = include_bytes!("../../data/service_account.pk8");
/// What tokens must be for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long tokens last and assertions may, in seconds.
const LIFE_S: i64 = 3_600;
/// How far a client's clock may be ahead, in seconds.
const SKEW_S: i64 = 300;
/// A form with an assertion has about a thousand bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// Tokens remembered; all are forgotten past it, and clients ask anew.
const MAX_TOKENS: usize = 10_000;

/// The tokens given out, and until when they hold.
#[derive(Default)]
pub(super) struct Tokens {
    until: Mutex<HashMap<String, Timestamp>>,
}

impl Tokens {
    /// Whether a token was given out here and still holds. The sandbox's fixed one always does.
    pub(super) fn check(&self, token: &str, now: Timestamp) -> Result<(), Refused> {
        if token == crate::VERTEX_CREDENTIAL {
            return Ok(());
        }
        let tokens = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(token) {
            Some(until) if *until > now => Ok(()),
            Some(_) => Err(errors::unauthenticated("ACCESS_TOKEN_EXPIRED")),
            None => Err(errors::unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")),
        }
    }

    fn give(&self, now: Timestamp) -> String {
        let token = format!("ya29.{}", random_hex(32));
        let mut tokens = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == MAX_TOKENS {
            tokens.clear();
        }
        let until = now
            .checked_add(SignedDuration::from_secs(LIFE_S))
            .unwrap_or(Timestamp::MAX);
        tokens.insert(token.clone(), until);
        token
    }
}

/// The sandbox's service account as the JSON file that Google gives out; tokens are had at `token_url`.
fn service_account(token_url: &str) -> Value {
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(KEY)
    );
    json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": pem,
        "client_email": ACCOUNT, "client_id": "100000000000000000001", "token_uri": token_url,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "universe_domain": "googleapis.com",
    })
}

/// The account's file, for clients to try.
pub(super) async fn account(
    State(emulator): State<Arc<Vertex>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let base = emulator.core.base_url_for(&uri, &headers);
    wire::json(StatusCode::OK, &service_account(&format!("{base}{OWN_PATH}")))
}

/// Gives a token for a good assertion.
pub(super) async fn give(State(emulator): State<Arc<Vertex>>, body: Body) -> Response {
    let Ok(form) = read_body(body, MAX_FORM_BYTES).await else {
        return refuse("invalid_request", "The request cannot be read.");
    };
    let fields: HashMap<String, String> = url::form_urlencoded::parse(&form).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != GRANT {
        return refuse("unsupported_grant_type", "Invalid grant_type.");
    }
    match check_assertion(&emulator.core, field("assertion")) {
        Ok(()) => {
            let token = emulator.tokens.give(emulator.core.now());
            let answer = json!({"access_token": token, "expires_in": LIFE_S - 1, "token_type": "Bearer"});
            wire::json(StatusCode::OK, &answer)
        }
        Err(why) => refuse("invalid_grant", why),
    }
}

fn refuse(error: &str, why: &str) -> Response {
    let answer = json!({"error": error, "error_description": why});
    wire::json(StatusCode::BAD_REQUEST, &answer)
}

fn check_assertion(core: &Core, assertion: &str) -> Result<(), &'static str> {
    let malformed = "Invalid JWT: the assertion is malformed.";
    let (signed, signature) = assertion.rsplit_once('.').ok_or(malformed)?;
    let (head, claims) = signed.split_once('.').ok_or(malformed)?;
    let part = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
    let (head, claims) = part(head).zip(part(claims)).ok_or(malformed)?;
    if head["alg"] != "RS256" {
        return Err("Invalid JWT: the algorithm must be RS256.");
    }
    if claims["iss"] != ACCOUNT {
        return Err("Invalid grant: account not found");
    }
    let pair = RsaKeyPair::from_pkcs8(KEY).map_err(|_| malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "Invalid JWT Signature.")?;
    let audience = claims["aud"].as_str().unwrap_or_default();
    if audience != GOOGLE_AUDIENCE && core.own_path(audience) != Some(OWN_PATH) {
        return Err("Invalid JWT: the audience is another one.");
    }
    let now = core.now().as_second();
    let (issued, ends) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    let in_time = issued
        .zip(ends)
        .is_some_and(|(issued, ends)| issued <= now + SKEW_S && ends > now && ends > issued && ends - issued <= LIFE_S);
    if !in_time {
        return Err("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
    }
    let scopes = claims["scope"].as_str().unwrap_or_default();
    if !scopes.split(' ').any(|scope| scope == SCOPE) {
        return Err("Invalid OAuth scope or ID token audience provided.");
    }
    Ok(())
}
