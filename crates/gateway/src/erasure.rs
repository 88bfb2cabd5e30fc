//! Forgetting: what one request asked and got, or all of an end user's.

use jiff::Timestamp;
use planner::fault::{Fault, echo};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::db::audit::{Action, AuditRow};
use crate::db::generations::{Cursor, EVERY_ACCOUNT, Filter, GenerationRow};
use crate::db::keys::KeyFilter;
use crate::db::{Database, DatabaseError};
use crate::media::store::MediaStore;
use crate::operator::fields::Fields;
use crate::operator::witness::Witness;
use crate::operator::{Refusal, is_id};

/// Requests, and keys, that are looked for at a time.
const PIECE: i64 = 200;
/// Longest end user that is looked for.
pub(crate) const USER_CHARS_MAX: usize = 1_000;
/// Bytes of a user's hash by which the audit, and votes, know one.
const HASH_BYTES: usize = 12;

/// Where things are forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The database.
    pub(crate) database: &'a Database,
    /// Where images are.
    pub(crate) store: &'a MediaStore,
    /// The time.
    pub(crate) now: Timestamp,
}

/// What was forgotten of an end user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Requests.
    pub(crate) requests: u64,
    /// Stored images.
    pub(crate) media: u64,
    /// Pictures that were on show.
    pub(crate) exhibits: u64,
    /// Votes.
    pub(crate) votes: u64,
    /// Requests under way, which are left: the same once more when they have ended.
    pub(crate) under_way: u64,
}

/// What is kept of a name: enough to see that it is the same.
pub(crate) fn hash(name: &str) -> String {
    hex::encode(&Sha256::digest(name.as_bytes())[..HASH_BYTES])
}

/// Forgets what a request asked and got, its images included. Returns whether it is the first time, and how many images
/// there were.
///
/// # Errors
/// The store's and the database's.
pub(crate) async fn forget(places: Places<'_>, id: &str, told: Option<&AuditRow>) -> Result<(bool, u64), Refusal> {
    let database = places.database;
    let mut deleted = 0;
    for media in database.media_of(id).await? {
        // The file first: a row without a file is found again, a file without a row never.
        remove(places, &media.path).await?;
        database.delete_media(&media.id).await?;
        deleted += 1;
    }
    let first = database.purge_payloads(id, places.now, told).await?;
    Ok((first, deleted))
}

async fn remove(places: Places<'_>, path: &str) -> Result<(), Refusal> {
    let removed = places.store.delete(path).await;
    removed.map_err(|error| Refusal::Failed(format!("an image could not be removed: {error}")))
}

/// Forgets all that an end user's requests asked and got, their pictures on show and the user's votes. What they cost and
/// how they went stays, without the user's name. `account_id` is the one that is meant where none is named.
///
/// # Errors
/// All faults; `faults` are those known before. What was forgotten by then stays so, and the same may be sent again.
pub(crate) async fn erase(
    places: Places<'_>,
    given: &Map<String, Value>,
    account_id: &str,
    mut faults: Vec<Fault>,
    witness: &Witness,
) -> Result<Erased, Refusal> {
    let mut fields = Fields::new(given);
    let user = fields.text("user", USER_CHARS_MAX);
    let user = fields.required("user", user, "must be the end user as requests name it");
    let named = fields.read("account_id", |value| {
        let id = value.as_str().filter(|id| is_id(id) || *id == EVERY_ACCOUNT);
        id.map(ToOwned::to_owned)
            .ok_or_else(|| "must be the id of an account, or * for all of them".to_owned())
    });
    let account_id = named.value().unwrap_or_else(|| account_id.to_owned());
    if account_id != EVERY_ACCOUNT && places.database.account(&account_id).await?.is_none() {
        let wrong = format!("names no account: there is no {}", echo(&account_id));
        fields.wrong("account_id", &wrong);
    }
    faults.extend(fields.finish());
    let Some(user) = user.filter(|_| faults.is_empty()) else {
        return Err(Refusal::Faults(faults));
    };
    let mut erased = requests(places, &account_id, &user).await?;
    erased.votes = votes(places, &account_id, &user).await?;
    let details = json!({
        "requests": erased.requests,
        "media": erased.media,
        "exhibits": erased.exhibits,
        "votes": erased.votes,
    });
    let account = Some(account_id.as_str()).filter(|id| *id != EVERY_ACCOUNT);
    // The name itself is what was to be forgotten.
    let line = witness.line(Action::UserErase, account, &format!("user-{}", hash(&user)), details);
    places.database.tell_audit(&line).await?;
    Ok(erased)
}

async fn requests(places: Places<'_>, account_id: &str, user: &str) -> Result<Erased, Refusal> {
    let database = places.database;
    let mut erased = Erased::default();
    let mut filter = Filter::of("user", user);
    loop {
        let rows = database.generations(account_id, &filter, PIECE).await?;
        for row in &rows {
            one(places, row, &mut erased).await?;
        }
        if i64::try_from(rows.len()).unwrap_or(PIECE) < PIECE {
            return Ok(erased);
        }
        filter.starting_after = rows.last().map(Cursor::at);
    }
}

async fn one(places: Places<'_>, row: &GenerationRow, erased: &mut Erased) -> Result<(), Refusal> {
    let id = &row.start.id;
    if row.finished_at.is_none() {
        erased.under_way += 1;
        return Ok(());
    }
    for path in places.database.take_down_of(id).await? {
        remove(places, &path).await?;
        erased.exhibits += 1;
    }
    let (_, media) = forget(places, id, None).await?;
    // The name goes last: as long as it is there, what failed on the way is found again.
    places.database.forget_user_of(id).await?;
    erased.media += media;
    erased.requests += 1;
    Ok(())
}

/// Removes the votes that keys of an account cast for the user: all of its keys, however many there are.
async fn votes(places: Places<'_>, account_id: &str, user: &str) -> Result<u64, DatabaseError> {
    let mut filter = KeyFilter {
        account_id: (account_id != EVERY_ACCOUNT).then(|| account_id.to_owned()),
        ..KeyFilter::default()
    };
    let mut removed = 0;
    loop {
        let keys = places.database.keys(&filter, PIECE).await?;
        for used in &keys {
            let voter = voter_of(&used.key.id, user);
            removed += places.database.forget_voter(&voter).await?;
        }
        if i64::try_from(keys.len()).unwrap_or(PIECE) < PIECE {
            return Ok(removed);
        }
        filter.starting_after = keys.last().map(|used| used.key.id.clone());
    }
}

/// The voter that a key names.
pub(crate) fn voter_of(key_id: &str, named: &str) -> String {
    format!("key-{key_id}-{}", hash(named))
}
