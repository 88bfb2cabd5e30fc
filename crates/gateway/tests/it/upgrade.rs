//! A data folder of an older version is taken over as it is.

use std::path::Path;

use gateway::db::Database;
use gateway::ledger::REPORTED_COST_FACTOR;
use gateway::settings::Settings;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;

use super::harness::{GENERATIONS, Site, TestClock, catalog, client, install, send, until};

/// Made by version 0.1.0: finished requests, a refusal, two accounts with keys, and a request that was cut off by a kill
/// while money was held for it.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/data-folder-0.1.0");
/// A minute after it was made.
const NOW: &str = "2026-11-30T13:31:00Z";
const CUT_OFF: &str = "req_3MpRDfJquA5NBCPzL0ySp06PzCn";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_of_version_0_1_0_works() {
    install();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    copy(Path::new(OLD), &data_dir);
    let clock = TestClock::new();
    clock.set(NOW);
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: data_dir.clone(),
        ..Settings::default()
    };
    let url = gateway::database_url(&settings);
    let running = gateway::start(settings, catalog(), clock.clock())
        .await
        .expect("it starts");
    assert!(running.first_key.is_none(), "the old key goes on");
    let key = std::fs::read_to_string(data_dir.join("first-key")).expect("the first key");
    let (client, base) = (client(), format!("http://{}", running.address));
    let request = |method: Method, path: &str| client.request(method, format!("{base}{path}")).bearer_auth(key.trim());

    // What was answered under a key of the caller's own is answered again, image and all.
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "url" });
    let again = request(Method::POST, GENERATIONS)
        .header("idempotency-key", "kept")
        .json(&body);
    let again = send(again).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let answer = again.ok();
    let link = answer["data"][0]["url"].as_str().expect("a link");
    assert_eq!(send(client.get(link)).await.body.len(), 6_484);
    // New requests are served.
    send(request(Method::POST, GENERATIONS).json(&body)).await.ok();

    let database = Database::open(&url, NOW.parse::<Timestamp>().expect("a time"))
        .await
        .expect("it opens");
    clock.advance_s(60);
    let team = until("the end of what was cut off", async || {
        let team = database.account("team").await.expect("it reads").expect("the account");
        (team.held_micros == 0).then_some(team)
    })
    .await;
    assert_eq!(team.available_micros, 10_000_000 - 2_180);
    let cut_off = database
        .generation("team", CUT_OFF)
        .await
        .expect("it reads")
        .expect("on record");
    assert_eq!(cut_off.error_code.as_deref(), Some("OUTCOME_UNKNOWN"));
    running.shutdown().await;
    let verified = database
        .verify_ledger(clock.now(), REPORTED_COST_FACTOR)
        .await
        .expect("it reads");
    assert_eq!(verified.discrepancies, []);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tables_lack_is_told_without_a_change_and_newer_tables_are_served() {
    let site = Site::new().await;
    if site.is_embedded() {
        copy(Path::new(OLD), &site.data_dir());
    }
    for _ in 0..2 {
        let looked = site.pictor(&["migrate", "--check"]).await;
        assert!(looked.failed().starts_with("pending steps: "), "{looked:?}");
        assert!(looked.wrote().contains("pending: 0020_search"), "{looked:?}");
    }
    site.pictor(&["migrate"]).await.ok();
    assert_eq!(
        site.pictor(&["migrate", "--check"]).await.ok(),
        "the tables are up to date"
    );
    // A replica of the next version has come before.
    site.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', true, '', 0)",
    )
    .await;
    let looked = site.pictor(&["migrate", "--check"]).await;
    assert_eq!(looked.ok(), "taken by a newer version: 9999\nthe tables are up to date");
    let process = site.serve(&[]).await;
    process.get("/readyz").await.ok();
    process.stop().await;
    site.abandon().await;
}
