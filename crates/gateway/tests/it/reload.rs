//! Other settings while the gateway serves: taken over whole or not at all, and told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;

use super::harness::{GENERATIONS, Process, Site, send, until};
use super::own_catalog::ADDED;

const MODEL: &str = "openai/gpt-image-1-mini";

fn body() -> Value {
    json!({ "model": MODEL, "prompt": "dunes", "quality": "low", "size": "1024x1024" })
}

async fn price(process: &Process) -> i64 {
    let asked = process.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    let estimate = send(asked.json(&body())).await.ok();
    estimate["total_cost_micros"].as_i64().expect("an amount")
}

/// Changes the settings file.
fn change(site: &Site, change: impl FnOnce(&mut Table)) {
    let file = site.settings_file();
    let text = std::fs::read_to_string(&file).expect("the file");
    let mut table: Table = text.parse().expect("TOML");
    change(&mut table);
    std::fs::write(&file, table.to_string()).expect("it is written");
}

fn set(site: &Site, name: &str, value: impl Into<toml::Value>) {
    change(site, |table| {
        table.insert(name.to_owned(), value.into());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_taken_over_whole_or_not_at_all() {
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    let before = price(&process).await;
    set(&site, "markup_percent", 100);
    let doubled = until("the mark-up", async || {
        let now = price(&process).await;
        (now != before).then_some(now)
    })
    .await;
    assert!(doubled >= 2 * before - 1, "{doubled} after {before}");
    // One mistake, and nothing of the file is in force.
    change(&site, |table| {
        table.insert("markup_percent".to_owned(), 0.into());
        table.insert("strategi".to_owned(), "cheapest".into());
    });
    process.until_says("the settings in force stay").await;
    assert!(
        process
            .log()
            .await
            .iter()
            .any(|line| line.contains("did you mean 'strategy'"))
    );
    assert_eq!(price(&process).await, doubled);
    change(&site, |table| {
        table.remove("strategi");
    });
    until("the file without the mistake", async || {
        (price(&process).await == before).then_some(())
    })
    .await;
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_has_the_settings_read_again_and_what_cannot_be_taken_over_is_told() {
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    process.reload();
    process.until_says("settings and catalogue were read again").await;
    change(&site, |table| {
        table.insert("site".to_owned(), false.into());
        table.insert("default_model".to_owned(), MODEL.into());
    });
    process.reload();
    process.until_says("these wait for the next start").await;
    let log = process.log().await;
    assert!(log.iter().any(|line| line.contains("settings=site")), "{log:#?}");
    assert!(
        log.iter().any(|line| line.contains("taken_over=default_model")),
        "{log:#?}"
    );
    let page = send(process.client.get(&process.base).header("accept", "text/html")).await;
    assert_eq!(page.status, StatusCode::OK);
    let unnamed = json!({ "prompt": "dunes", "quality": "low" });
    send(process.request(Method::POST, GENERATIONS).json(&unnamed))
        .await
        .ok();
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_changed_in_its_file_alone() {
    let site = Site::new().await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("openai");
    let mut right = String::new();
    change(&site, |table| {
        let own = table["providers"]["openai"].as_table_mut().expect("a table");
        right = own["credential"].as_str().expect("a credential").to_owned();
        own.remove("credential");
        own.insert("credential_file".to_owned(), file.display().to_string().into());
    });
    std::fs::write(&file, "sk-revoked").expect("a file");
    let process = site.serve(&[]).await;
    let ask = async || send(process.request(Method::POST, GENERATIONS).json(&body())).await;
    assert_eq!(ask().await.status, StatusCode::BAD_GATEWAY);
    std::fs::write(&file, format!("{right}\n")).expect("a file");
    until("the new credential", async || {
        (ask().await.status == StatusCode::OK).then_some(())
    })
    .await;
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_come_and_go_with_their_files() {
    let site = Site::new().await;
    let folder = TempDir::new().expect("a folder");
    let models = folder.path().join("models/house");
    std::fs::create_dir_all(&models).expect("a folder");
    set(&site, "catalog_dir", folder.path().display().to_string());
    let process = site.serve(&[]).await;
    let status = async || process.get("/openai/v1/models/house-schnell").await.status;
    assert_eq!(status().await, StatusCode::NOT_FOUND);
    let file = models.join("house-schnell.toml");
    std::fs::write(&file, ADDED).expect("a file");
    until("the model", async || (status().await == StatusCode::OK).then_some(())).await;
    std::fs::remove_file(&file).expect("it was there");
    until("its end", async || {
        (status().await == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_real_provider_waits_for_the_next_start() {
    let site = Site::new().await;
    let mut real = Table::new();
    change(&site, |table| {
        real = table
            .remove("providers")
            .expect("a table")
            .as_table()
            .cloned()
            .expect("a table");
    });
    let mut process = site.serve(&[]).await;
    change(&site, |table| {
        table.insert("providers".to_owned(), real.into());
    });
    process.until_says("these wait for the next start").await;
    let log = process.log().await;
    assert!(log.iter().any(|line| line.contains("settings=providers")), "{log:#?}");
    // The emulators go on, and nobody is charged for real.
    send(process.request(Method::POST, GENERATIONS).json(&body()))
        .await
        .ok();
    assert_eq!(site.submits().await, 0);
    process.stop().await;
    site.abandon().await;
}
