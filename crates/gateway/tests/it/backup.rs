//! A copy of everything while a gateway works, and a gateway on the copy.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::harness::{GENERATIONS, Site, send};

/// A quick request whose image is stored.
fn body(prompt: &str) -> serde_json::Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low", "response_format": "url" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_gateway_that_works_is_whole() {
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    let first = send(process.request(Method::POST, GENERATIONS).json(&body("dunes")))
        .await
        .ok();
    let id = first["id"].as_str().expect("an id").to_owned();
    // Others go on all the time.
    let asked: Vec<_> = (0..12)
        .map(|number| {
            process
                .request(Method::POST, GENERATIONS)
                .json(&body(&format!("dune {number}")))
        })
        .collect();
    let busy = tokio::spawn(async move {
        for request in asked {
            assert_eq!(send(request).await.status, StatusCode::OK);
        }
    });
    let copy = site.data_dir().with_file_name("copy");
    let copied = site.pictor(&["backup", copy.to_str().expect("text")]).await;
    assert!(copied.ok().starts_with("copied the database ("), "{}", copied.ok());
    busy.await.expect("all are served");
    // A backup is never written over.
    let again = site.pictor(&["backup", copy.to_str().expect("text")]).await;
    assert!(again.failed().contains("is there already"), "{}", again.failed());
    process.until_settled().await;
    process.kill();

    // The machine is lost: what is left is the copy.
    let there = site.pictor(&["restore", copy.to_str().expect("text")]).await;
    if site.is_embedded() {
        assert!(there.failed().contains("move the file away"), "{}", there.failed());
        std::fs::rename(site.data_dir(), site.data_dir().with_file_name("lost")).expect("it is there");
        let restored = site.pictor(&["restore", copy.to_str().expect("text")]).await;
        assert!(restored.ok().ends_with("books are right"), "{}", restored.ok());
        site.verify().await;
        let key = std::fs::read_to_string(site.data_dir().with_file_name("lost").join("first-key"));
        std::fs::write(site.data_dir().join("first-key"), key.expect("the first key")).expect("a file");
        let process = site.serve(&[]).await;
        process.until_settled().await;
        let known = process.get(&format!("/v1/requests/{id}")).await.ok();
        assert_eq!(known["status"], "completed");
        assert_eq!(process.images(&known["result"]).await, 1);
        let more = send(process.request(Method::POST, GENERATIONS).json(&body("more dunes"))).await;
        assert_eq!(more.status, StatusCode::OK, "{}", more.text());
        process.stop().await;
        site.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_is_not_restored() {
    let site = Site::new().await;
    let process = site.serve(&[]).await;
    let made = send(process.request(Method::POST, GENERATIONS).json(&body("dunes"))).await;
    assert_eq!(made.status, StatusCode::OK);
    process.stop().await;
    let copy = site.data_dir().with_file_name("copy");
    site.pictor(&["backup", copy.to_str().expect("text")]).await.ok();
    let list: serde_json::Value =
        serde_json::from_slice(&std::fs::read(copy.join("backup.json")).expect("a list")).expect("JSON");
    let files = list["files"].as_object().expect("files");
    let image = files.keys().find(|name| name.starts_with("media/")).expect("an image");
    std::fs::write(copy.join(image), "another").expect("a file");
    std::fs::rename(site.data_dir(), site.data_dir().with_file_name("lost")).expect("it is there");
    let refused = site.pictor(&["restore", copy.to_str().expect("text")]).await;
    assert!(refused.failed().contains(image.as_str()), "{}", refused.failed());
    assert!(!site.data_dir().join("pictor.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_by_the_code_of_the_exit() {
    let site = Site::new().await;
    let process = site.serve(&[]).await;
    let address = process.base.strip_prefix("http://").expect("an address").to_owned();
    assert_eq!(
        site.pictor_with(&[("PICTOR_LISTEN", &address)], &["health"]).await.ok(),
        "ok"
    );
    let live = site
        .pictor_with(&[("PICTOR_LISTEN", &address)], &["health", "--live"])
        .await;
    assert_eq!(live.ok(), "ok");
    process.stop().await;
    let gone = site.pictor_with(&[("PICTOR_LISTEN", &address)], &["health"]).await;
    assert!(gone.failed().contains("no gateway answers"), "{}", gone.failed());
    site.finish().await;
}
