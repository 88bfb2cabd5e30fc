//! Every list of the desk with a million requests in the database, on both databases: each has to answer within 50 ms.

#[path = "shared/databases.rs"]
mod databases;

use std::time::{Duration, Instant};

use gateway::auth::{KeyOrder, Scope, mint};
use gateway::db::audit::AuditFilter;
use gateway::db::generations::{Cursor, EVERY_ACCOUNT, Filter, Search};
use gateway::db::keys::{KeyFilter, KeyTerms};
use gateway::db::ledger::history::PostingFilter;
use gateway::db::{DEFAULT_ACCOUNT, Database};
use jiff::Timestamp;
use sqlx::{AnyPool, AssertSqlSafe, Executor as _};

use databases::{databases, say};

/// Fewer requests, for a try.
const ROWS: &str = "PICTOR_BENCH_ROWS";
const ROWS_DEFAULT: u64 = 1_000_000;
/// The longest that a list may take.
const MOST: Duration = Duration::from_millis(50);
/// Times that each is asked; the median counts.
const TIMES: usize = 5;
/// Requests of a page, and the one that tells of another.
const PAGE: i64 = 26;
/// Between two requests, in microseconds: a million of them are some ninety days.
const STEP_MICROS: u64 = 7_776_000;

/// What benchmarks end with: why they could not be run.
type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let rows = match std::env::var(ROWS) {
        Ok(rows) => rows.parse()?,
        Err(_) => ROWS_DEFAULT,
    };
    let folder = tempfile::tempdir()?;
    let databases = databases(folder.path());
    let mut slow = Vec::new();
    for (name, url) in &databases {
        say(&format!("{name}, {rows} requests: median of {TIMES}"));
        let database = Database::open(url, Timestamp::now()).await?;
        fill(&database, url, rows).await?;
        measure(&database, rows, name, &mut slow).await?;
        database.close().await;
    }
    if slow.is_empty() {
        Ok(())
    } else {
        Err(format!("past {} ms: {}", MOST.as_millis(), slow.join(", ")).into())
    }
}

/// Fills the tables by few statements, which both databases know.
async fn fill(database: &Database, url: &str, rows: u64) -> Result<(), Failed> {
    let now = Timestamp::now();
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "bench".to_owned(),
        scopes: vec![Scope::Read],
        terms: KeyTerms::default(),
    };
    let key = mint(order, now).row;
    database.insert_key(&key, None).await?;
    let began = Instant::now();
    let pool = AnyPool::connect(url).await?;
    let first = now.as_microsecond() - i64::try_from(rows * STEP_MICROS)?;
    // Ids are as long as real ones, and in the order of time.
    let id = "'req_0000000000' || SUBSTR(CAST(100000000000000000 + i AS TEXT), 2)";
    let numbers =
        format!("WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})");
    let at = format!("{first} + i * {STEP_MICROS}");
    let key_id = &key.id;
    for (table, columns, values, of) in [
        (
            "accounts",
            "id, billing_type, created_at",
            "'acct-' || i, 'prepaid', 0".to_owned(),
            "i <= 200",
        ),
        (
            "api_keys",
            "id, account_id, name, secret_hash, last_four, scopes, created_at",
            format!("'key-' || i, '{DEFAULT_ACCOUNT}', 'key ' || i, '-', '0000', 'read', {at}"),
            "i <= 500",
        ),
        ("key_limits", "key_id", "'key-' || i".to_owned(), "i <= 500"),
        (
            "generations",
            "id, account_id, key_id, client_request_id, session_id, end_user, endpoint, model, status, created_at, finished_at, \
             estimate_micros, cost_micros, cost_components, adjustments, error_code, request_size_bytes, provider, idempotency_key",
            format!(
                "{id}, CASE WHEN i % 50 = 0 THEN 'acct-' || (i % 200 + 1) ELSE '{DEFAULT_ACCOUNT}' END, \
                 CASE WHEN i % 7 = 0 THEN 'key-' || (i % 500 + 1) ELSE '{key_id}' END, 'order-' || i, 'session-' || (i / 20), \
                 'user-' || (i % 10000), '/openai/v1/images/generations', \
                 CASE WHEN i % 100000 = 7 THEN 'rare-model' ELSE 'model-' || (i % 40) END, \
                 CASE WHEN i % 100 = 3 THEN 'rejected' WHEN i % 150 = 11 THEN 'upstream_failure' ELSE 'completed' END, {at}, {at} + 9000000, \
                 50000, 40000, '[]', '[]', CASE WHEN i % 100 = 3 THEN 'INVALID_REQUEST' WHEN i % 150 = 11 THEN 'UPSTREAM_TIMEOUT' END, 100, \
                 CASE WHEN i % 100 <> 3 THEN 'provider-' || (i % 12) END, CASE WHEN i % 10 = 0 THEN 'once-' || i END"
            ),
            "i > 0",
        ),
        (
            "attempts",
            "generation_id, position, provider, model, outcome, spent, started_at, duration_ms",
            format!("{id}, 0, 'provider-' || (i % 12), 'm', 'succeeded', 'yes', {at}, 9000"),
            "i > 0",
        ),
        (
            "request_words",
            "word, created_at, generation_id",
            format!("'kite', {at}, {id}"),
            "i % 2 = 0",
        ),
        (
            "request_words",
            "word, created_at, generation_id",
            format!("'word' || (i % 3000), {at}, {id}"),
            "i % 2 = 0",
        ),
        (
            "media",
            "id, generation_id, position, path, format, width_px, height_px, size_bytes, created_at, expires_at",
            format!("'media-' || i, {id}, 0, 'p', 'png', 1024, 1024, 1500000, {at}, {at} + 3600000000"),
            "i % 4 = 0",
        ),
        (
            "postings",
            "id, kind, account_id, generation_id, created_at",
            format!("{id} || '/charge', 'charge', '{DEFAULT_ACCOUNT}', {id}, {at}"),
            "i % 2 = 0",
        ),
        (
            "entries",
            "posting_id, book, amount_micros",
            format!("{id} || '/charge', 'available', -40000"),
            "i % 2 = 0",
        ),
        (
            "audit",
            "id, created_at, action, actor_type, details",
            format!("'aud-' || i, {at}, 'sign_in', 'key', '{{}}'"),
            "i % 10 = 0",
        ),
    ] {
        let sql = format!("{numbers} INSERT INTO {table} ({columns}) SELECT {values} FROM n WHERE {of}");
        // SQLite takes what stands before an INSERT; PostgreSQL too.
        pool.execute(sqlx::query(AssertSqlSafe(sql))).await?;
    }
    if url.starts_with("postgres") {
        // As it does by itself after a while.
        pool.execute("ANALYZE").await?;
    }
    pool.close().await;
    say(&format!("  filled in {:.0} s", began.elapsed().as_secs_f64()));
    Ok(())
}

fn search(text: &str, model: Option<&str>) -> Filter {
    Filter {
        search: Some(Search {
            text: text.to_owned(),
            model: model.map(ToOwned::to_owned),
        }),
        ..Filter::default()
    }
}

async fn measure(database: &Database, rows: u64, name: &str, slow: &mut Vec<String>) -> Result<(), Failed> {
    let of = Filter::of;
    let middle = format!("req_0000000000{:017}", rows / 2);
    let row = database
        .generation(EVERY_ACCOUNT, &middle)
        .await?
        .ok_or("the middle one is there")?;
    let deep = |filter: Filter| Filter {
        starting_after: Some(Cursor::at(&row)),
        ..filter
    };
    let recent = |filter: Filter| Filter {
        created_after: Some(Timestamp::now() - jiff::SignedDuration::from_hours(24 * 30)),
        ..filter
    };
    let two = |mut filter: Filter, name, value: &str| {
        filter.equal.push((name, value.to_owned()));
        filter
    };
    let lists = [
        ("all", EVERY_ACCOUNT, Filter::default()),
        ("all, in the middle", EVERY_ACCOUNT, deep(Filter::default())),
        ("one account", DEFAULT_ACCOUNT, recent(Filter::default())),
        ("one small account", "acct-1", Filter::default()),
        ("a model", EVERY_ACCOUNT, recent(of("model", "model-3"))),
        ("a model, in the middle", EVERY_ACCOUNT, deep(of("model", "model-3"))),
        ("a rare model", EVERY_ACCOUNT, of("model", "rare-model")),
        ("a model of an account", DEFAULT_ACCOUNT, of("model", "model-3")),
        ("no model", EVERY_ACCOUNT, of("model", "none")),
        ("a provider", EVERY_ACCOUNT, recent(of("provider", "provider-3"))),
        ("a key", EVERY_ACCOUNT, of("key_id", "key-8")),
        ("an error code", EVERY_ACCOUNT, of("error_code", "UPSTREAM_TIMEOUT")),
        ("refused", EVERY_ACCOUNT, of("status", "rejected")),
        ("cancelled, none", EVERY_ACCOUNT, of("status", "cancelled")),
        ("under way, none", EVERY_ACCOUNT, of("status", "processing")),
        ("completed", EVERY_ACCOUNT, recent(of("status", "completed"))),
        ("a user", EVERY_ACCOUNT, of("user", "user-77")),
        ("a session", EVERY_ACCOUNT, of("session_id", "session-777")),
        (
            "a model at a provider",
            EVERY_ACCOUNT,
            two(of("model", "model-3"), "provider", "provider-3"),
        ),
        (
            "a user's failures",
            EVERY_ACCOUNT,
            two(of("user", "user-3"), "status", "rejected"),
        ),
        ("search: an id", EVERY_ACCOUNT, search(&middle, None)),
        ("search: beginning of ids", EVERY_ACCOUNT, search(&middle[..24], None)),
        ("search: own id", EVERY_ACCOUNT, search("order-777", None)),
        ("search: beginning of all", EVERY_ACCOUNT, search("order-", None)),
        ("search: a model", EVERY_ACCOUNT, search("model-3", Some("model-3"))),
        ("search: a common word", EVERY_ACCOUNT, search("kite", None)),
        ("search: deep", EVERY_ACCOUNT, deep(search("kite", None))),
        ("search: two words", EVERY_ACCOUNT, search("kite word44", None)),
        (
            "search: words of an account",
            DEFAULT_ACCOUNT,
            search("kite word44", None),
        ),
        ("search: nothing", EVERY_ACCOUNT, search("absent", None)),
    ];
    for (what, account, filter) in &lists {
        let list = timed(async || database.generations(account, filter, PAGE).await.map(|rows| rows.len())).await?;
        told(name, what, list, slow);
    }
    let ids: Vec<String> = (1..PAGE).map(|place| format!("req_0000000000{place:017}")).collect();
    let attempts = timed(async || database.attempts_of_all(&ids).await.map(|rows| rows.len())).await?;
    told(name, "attempts of a page", attempts, slow);
    let media = timed(async || database.kept_media(None, None, PAGE).await.map(|rows| rows.len())).await?;
    told(name, "media", media, slow);
    let audit = AuditFilter::default();
    let audit = timed(async || database.audit(&audit, PAGE).await.map(|rows| rows.len())).await?;
    told(name, "audit", audit, slow);
    let postings = PostingFilter {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        ..PostingFilter::default()
    };
    let postings = timed(async || database.postings_of(&postings, PAGE).await.map(|rows| rows.len())).await?;
    told(name, "a statement", postings, slow);
    let keys = KeyFilter::default();
    let keys = timed(async || database.keys(&keys, PAGE).await.map(|rows| rows.len())).await?;
    told(name, "keys", keys, slow);
    let accounts = timed(async || database.accounts((None, None), PAGE).await.map(|rows| rows.len())).await?;
    told(name, "accounts", accounts, slow);
    // Sums are requests of their own, which no list waits for: told, without a mark.
    let month = recent(Filter::default());
    let began = Instant::now();
    let summary = database.summary(EVERY_ACCOUNT, &month).await?;
    say(&format!(
        "  {:<32} {:>8.1} ms   {} requests (no mark)",
        "sums of 30 days",
        began.elapsed().as_secs_f64() * 1e3,
        summary.count
    ));
    Ok(())
}

/// The median time, and how many were found.
async fn timed<E: std::error::Error + 'static>(
    ask: impl AsyncFn() -> Result<usize, E>,
) -> Result<(Duration, usize), Failed> {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        found = ask().await?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok((times[TIMES / 2], found))
}

fn told(database: &str, what: &str, (time, found): (Duration, usize), slow: &mut Vec<String>) {
    say(&format!(
        "  {what:<32} {:>8.1} ms   {found} found",
        time.as_secs_f64() * 1e3
    ));
    if time > MOST {
        slow.push(format!("{database}: {what}"));
    }
}
