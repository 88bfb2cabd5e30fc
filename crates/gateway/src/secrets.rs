//! The secrets by which links and webhooks are known: reading them, and putting others in their place while the former count on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::db::audit::Action;
use crate::db::secrets::{FORMER_MAX, OwnSecrets, Rotated};
use crate::db::{Database, DatabaseError};
use crate::generation::Generator;
use crate::ids::random_text;
use crate::operator::Refusal;
use crate::operator::witness::Witness;
use crate::signing::PREFIX;

/// Random bytes of one: as many as HMAC-SHA256 has use for; the convention asks for 24 to 64.
const WEBHOOK_BYTES: usize = 32;
/// Letters of the secret that signs links: 43 base-62 characters are 256 bits.
const LINK_CHARS: usize = 43;
/// Name of the secret of links.
const LINKS: &str = "media-links";
/// How long a former secret of webhooks signs beside the new one where nothing is said: a day to tell receivers.
pub(crate) const WEBHOOK_OVERLAP_S: i64 = 24 * 60 * 60;
/// Longest overlap: a year.
pub(crate) const OVERLAP_S_MAX: i64 = 366 * 24 * 60 * 60;
/// Other replicas sign links with the former secret for so long, as they look for another only now and then.
const UNHEARD: SignedDuration = SignedDuration::from_secs(60);

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose<'a> {
    /// Of links to images.
    Links,
    /// Of the webhooks of an account.
    Webhooks(&'a str),
}

impl Whose<'_> {
    fn name(self) -> String {
        match self {
            Self::Links => LINKS.to_owned(),
            Self::Webhooks(account_id) => format!("webhooks/{account_id}"),
        }
    }

    fn fresh(self) -> String {
        match self {
            Self::Links => random_text(LINK_CHARS),
            Self::Webhooks(_) => format!("{PREFIX}{}", STANDARD.encode(rand::random::<[u8; WEBHOOK_BYTES]>())),
        }
    }
}

/// The secret that is in force, and what still counts beside it. It is made when it is first asked for.
///
/// # Errors
/// [`DatabaseError`].
pub(crate) async fn read(database: &Database, whose: Whose<'_>, now: Timestamp) -> Result<OwnSecrets, DatabaseError> {
    database.own_secrets(&whose.name(), &whose.fresh(), now).await
}

/// Puts another secret in the place of the one that is in force. That one counts for `overlap_s` more seconds: where nothing is
/// said, a day for webhooks, and for links until the last of those that it signed has ended.
///
/// # Errors
/// [`Refusal::Conflict`] where too many count already; the database's.
pub(crate) async fn rotate(
    generator: &Generator,
    whose: Whose<'_>,
    overlap_s: Option<i64>,
    witness: &Witness,
) -> Result<OwnSecrets, Refusal> {
    let (database, now) = (&generator.database, generator.clock.now());
    // One that was never asked for has nothing to overlap with, but it may be asked for meanwhile.
    read(database, whose, now).await?;
    let after = |seconds: i64| {
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX)
    };
    let ends_at = match (overlap_s, whose) {
        (Some(seconds), _) => after(seconds),
        (None, Whose::Webhooks(_)) => after(WEBHOOK_OVERLAP_S),
        (None, Whose::Links) => {
            let (last, longest) = database.ends_of_links().await?;
            let for_all = i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4);
            let next = after(longest.map_or(for_all, |longest| longest.max(for_all)));
            let end = last.map_or(next, |last| last.max(next));
            end.checked_add(UNHEARD).unwrap_or(end)
        }
    };
    let (target, account_id) = match whose {
        Whose::Links => ("links", None),
        Whose::Webhooks(account_id) => ("webhooks", Some(account_id)),
    };
    let details = json!({ "former_ends_at": (ends_at > now).then(|| ends_at.to_string()) });
    let line = witness.line(Action::SecretRotate, account_id, target, details);
    let rotated = database
        .rotate_secret(&whose.name(), &whose.fresh(), (ends_at, now), &line)
        .await?;
    if rotated == Rotated::TooMany {
        return Err(Refusal::Conflict(format!(
            "{FORMER_MAX} former secrets still count. Wait until one has ended, or end all of them at once with overlap_s 0."
        )));
    }
    let secrets = read(database, whose, now).await?;
    if whose == Whose::Links {
        generator.links.set(secrets.clone());
    }
    Ok(secrets)
}

/// Reads the secret of links again: another replica may have put another in its place.
///
/// # Errors
/// [`DatabaseError`].
pub(crate) async fn refresh_links(generator: &Generator) -> Result<(), DatabaseError> {
    let secrets = read(&generator.database, Whose::Links, generator.clock.now()).await?;
    generator.links.set(secrets);
    Ok(())
}

/// Whether a link is ours and has not ended. What does not fit may be signed by a secret that only another replica has heard of
/// yet: so it is looked once more, not more often than once a second.
pub(crate) async fn opens(generator: &Generator, id: &str, expires: i64, signature: &str) -> bool {
    let now = generator.clock.now();
    let links = &generator.links;
    if links.verify(id, expires, signature, now) {
        return true;
    }
    if expires <= now.as_second() || !links.may_look_again() {
        return false;
    }
    if let Err(error) = refresh_links(generator).await {
        tracing::warn!(error = %error, "the secret of links could not be read again");
        return false;
    }
    links.verify(id, expires, signature, now)
}
