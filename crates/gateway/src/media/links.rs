//! Signed links to stored images.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Makes and checks links. The signature covers the image's id and the second at which the link ends.
#[derive(Clone)]
pub struct Links {
    base: String,
    secret: Vec<u8>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Links({})", self.base)
    }
}

impl Links {
    /// Links below `base`, signed with `secret`.
    #[must_use]
    pub fn new(base: &str, secret: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            secret: secret.as_bytes().to_vec(),
        }
    }

    /// A link to the image `id` that ends at `expires_at`.
    #[must_use]
    pub fn sign(&self, id: &str, extension: &str, expires_at: Timestamp) -> String {
        let expires = expires_at.as_second();
        let signature = hex::encode(self.mac(id, expires).finalize().into_bytes());
        format!(
            "{}/media/{id}.{extension}?expires={expires}&signature={signature}",
            self.base
        )
    }

    /// Whether the signature is ours and the link has not ended at `now`.
    #[must_use]
    pub fn verify(&self, id: &str, expires: i64, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = hex::decode(signature) else {
            return false;
        };
        self.mac(id, expires).verify_slice(&signature).is_ok() && now.as_second() < expires
    }

    fn mac(&self, id: &str, expires: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(format!("{id} {expires}").as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_until_it_ends_and_for_its_image_only() {
        let links = Links::new("http://host/", "secret");
        let end = Timestamp::from_second(1_000).expect("a time");
        let before = Timestamp::from_second(999).expect("a time");
        let link = links.sign("abc", "png", end);
        let signature = link.split("signature=").nth(1).expect("a signature");
        assert!(link.starts_with("http://host/media/abc.png?expires=1000&"));
        assert!(links.verify("abc", 1_000, signature, before));
        assert!(!links.verify("abc", 1_000, signature, end));
        assert!(!links.verify("abd", 1_000, signature, before));
        assert!(!links.verify("abc", 1_001, signature, before));
        assert!(!Links::new("http://host", "other").verify("abc", 1_000, signature, before));
    }
}
