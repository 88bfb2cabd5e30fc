//! Signed links to stored images.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::db::secrets::OwnSecrets;

/// The secrets are not read again for links that do not fit more often than this: who makes links up asks for nothing more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Makes and checks links. The signature covers the image's id and the second at which the link ends. Cheap to clone: all
/// copies sign with the secret that was set last.
#[derive(Clone)]
pub struct Links {
    base: String,
    secrets: Arc<RwLock<OwnSecrets>>,
    looked_at: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Links({})", self.base)
    }
}

impl Links {
    /// Links below `base`, signed with the secret that is in force.
    #[must_use]
    pub fn new(base: &str, secrets: OwnSecrets) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            secrets: Arc::new(RwLock::new(secrets)),
            looked_at: Arc::default(),
        }
    }

    /// Signs with other secrets from now on.
    pub fn set(&self, secrets: OwnSecrets) {
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// Whether it is time to read the secrets again for a link that does not fit; then this counts as having done so.
    #[must_use]
    pub fn may_look_again(&self) -> bool {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return false;
        }
        *looked_at = Some(Instant::now());
        true
    }

    /// A link to the image `id` that ends at `expires_at`.
    #[must_use]
    pub fn sign(&self, id: &str, extension: &str, expires_at: Timestamp) -> String {
        let expires = expires_at.as_second();
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let signature = hex::encode(mac(&secrets.current, id, expires).finalize().into_bytes());
        format!(
            "{}/media/{id}.{extension}?expires={expires}&signature={signature}",
            self.base
        )
    }

    /// Whether the signature is ours, by the secret in force or one that still counts, and the link has not ended at `now`.
    #[must_use]
    pub fn verify(&self, id: &str, expires: i64, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = hex::decode(signature) else {
            return false;
        };
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let former = secrets.former.iter().filter(|(_, ends_at)| *ends_at > now);
        let mut counting = former.map(|(secret, _)| secret).chain([&secrets.current]);
        now.as_second() < expires && counting.any(|secret| mac(secret, id, expires).verify_slice(&signature).is_ok())
    }
}

fn mac(secret: &str, id: &str, expires: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{id} {expires}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_with(current: &str, former: &[(&str, Timestamp)]) -> Links {
        let former = former.iter().map(|(secret, end)| ((*secret).to_owned(), *end));
        let secrets = OwnSecrets {
            current: current.to_owned(),
            former: former.collect(),
        };
        Links::new("http://host/", secrets)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_link_works_until_it_ends_and_for_its_image_only() {
        let links = signed_with("secret", &[]);
        let link = links.sign("abc", "png", at(1_000));
        let signature = link.split("signature=").nth(1).expect("a signature");
        assert!(link.starts_with("http://host/media/abc.png?expires=1000&"));
        assert!(links.verify("abc", 1_000, signature, at(999)));
        assert!(!links.verify("abc", 1_000, signature, at(1_000)));
        assert!(!links.verify("abd", 1_000, signature, at(999)));
        assert!(!links.verify("abc", 1_001, signature, at(999)));
        assert!(!signed_with("other", &[]).verify("abc", 1_000, signature, at(999)));
    }

    #[test]
    fn a_former_secret_counts_until_it_ends() {
        let links = signed_with("old", &[]);
        let link = links.sign("abc", "png", at(1_000));
        let signature = link.split("signature=").nth(1).expect("a signature");
        let now = signed_with("new", &[("old", at(500))]);
        assert!(now.verify("abc", 1_000, signature, at(499)));
        assert!(!now.verify("abc", 1_000, signature, at(500)));
        assert!(!now.sign("abc", "png", at(1_000)).ends_with(signature));
        let copy = links.clone();
        links.set(OwnSecrets {
            current: "new".to_owned(),
            former: Vec::new(),
        });
        assert!(!copy.verify("abc", 1_000, signature, at(1)));
    }
}
