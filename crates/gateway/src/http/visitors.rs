//! The rules of sessions: what visitors may, and what is counted of who comes.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::db::sessions::VisitorRules;
use crate::db::{Database, DatabaseError};
use crate::ids::random_text;
use crate::settings::Settings;

/// The time over which sessions that begin and sign-ins that fail are counted, by address.
pub(super) const COUNTED_FOR: Duration = Duration::from_secs(600);
/// Addresses that are counted at one time.
const ADDRESSES_MAX: u64 = 100_000;
/// Sign-ins that may fail from one address within [`COUNTED_FOR`].
pub(super) const FAILURES_MAX: u32 = 20;
/// Letters of the salt: 43 base-62 characters are 256 bits.
const SALT_CHARS: usize = 43;
/// Bytes of an address's hash that are kept.
const HASH_BYTES: usize = 12;

/// What the routes need for sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) visitors: Option<VisitorRules>,
    /// Whether prompts of one's own may be put to two models in the arena.
    own_prompts: bool,
    pub(super) trusted_proxies: Vec<IpNet>,
    /// Makes the hash of an address one that cannot be tried out.
    salt: String,
    pub(super) visits: Cache<String, Arc<AtomicU32>>,
    pub(super) failures: Cache<String, Arc<AtomicU32>>,
}

impl Deref for Sessions {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Sessions {
    /// The rules that the settings say, put in force for the sessions that there are. Without books nothing binds visitors.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn open(settings: &Settings, database: &Database, any_real: bool) -> Result<Self, DatabaseError> {
        let rules = settings.visitors.rules(any_real);
        let rules = rules.filter(|_| settings.bookkeeping && settings.site);
        if let Some(rules) = &rules {
            database
                .set_visitor_limits(rules.all, rules.address, rules.session)
                .await?;
        }
        let salt = database.own_secret("addresses", &random_text(SALT_CHARS)).await?;
        let own_prompts = settings.visitors.arena_prompts && settings.bookkeeping;
        Ok(Self::new(rules, own_prompts, &settings.trusted_proxies, salt))
    }

    /// Sessions by these rules for visitors; `None`: visitors may not make images.
    fn new(visitors: Option<VisitorRules>, own_prompts: bool, trusted_proxies: &[IpNet], salt: String) -> Self {
        let counts = || {
            Cache::builder()
                .max_capacity(ADDRESSES_MAX)
                .time_to_live(COUNTED_FOR)
                .build()
        };
        Self(Arc::new(Inner {
            visitors,
            own_prompts,
            trusted_proxies: trusted_proxies.to_vec(),
            salt,
            visits: counts(),
            failures: counts(),
        }))
    }

    /// Whether visitors may make images.
    pub(crate) fn has_visitors(&self) -> bool {
        self.visitors.is_some()
    }

    /// Whether prompts of one's own may be put to two models, by whoever may make images.
    pub(crate) fn has_own_prompts(&self) -> bool {
        self.own_prompts
    }

    /// What is kept of an address.
    pub(crate) fn hash(&self, address: IpAddr) -> String {
        let hash = Sha256::digest(format!("{}\n{address}", self.salt));
        hex::encode(&hash[..HASH_BYTES])
    }
}

/// Counts one more for an address. Returns how many there were before.
pub(super) fn count(counts: &Cache<String, Arc<AtomicU32>>, address: &str) -> u32 {
    counts
        .get_with_by_ref(address, Arc::default)
        .fetch_add(1, Ordering::Relaxed)
}
