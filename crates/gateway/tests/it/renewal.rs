//! A catalogue that is newer than the program: packed, signed, taken while the gateway serves, refused when it is not to be
//! believed, and kept.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::harness::{GENERATIONS, Process, Site, send, try_send, until};

/// A folder in which catalogues are made.
struct Workshop<'a> {
    site: &'a Site,
    folder: tempfile::TempDir,
}

impl<'a> Workshop<'a> {
    fn at(site: &'a Site) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { site, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of a catalogue that has this model beside the built-in ones.
    async fn with_model(&self, id: &str) -> PathBuf {
        self.with_model_like("mock-image", id).await
    }

    /// The same with a model that is made as another is.
    async fn with_model_like(&self, like: &str, id: &str) -> PathBuf {
        let told = self.site.pictor(&["catalog", "show", like, "--toml"]).await;
        let lines = told.ok().lines().filter(|line| !line.starts_with("aliases"));
        let renamed = lines.map(|line| {
            let is_id = line.starts_with("id = ");
            if is_id {
                format!("id = \"{id}\"\n")
            } else {
                format!("{line}\n")
            }
        });
        let dir = self.path(id);
        std::fs::create_dir_all(dir.join("models")).expect("a folder");
        std::fs::write(dir.join("models/own.toml"), renamed.collect::<String>()).expect("a file");
        dir
    }

    /// Packs a folder, puts the pack where gateways look, and gives the public key.
    async fn publish(&self, dir: &Path, key: &str) -> String {
        let (key, out) = (self.path(key), self.path("new.json"));
        let words = [
            "catalog",
            "pack",
            "--key",
            text(&key),
            "--dir",
            text(dir),
            "--out",
            text(&out),
        ];
        let told = self.site.pictor(&words).await;
        let line = told.ok().lines().find_map(|line| line.strip_prefix("catalog_key = \""));
        let public = line.expect("the public key").trim_end_matches('"').to_owned();
        self.put(&std::fs::read(out).expect("a pack"));
        public
    }

    fn put(&self, file: &[u8]) {
        std::fs::write(self.path("next.json"), file).expect("a file");
        std::fs::rename(self.path("next.json"), self.path("catalog.json")).expect("in one step");
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("catalog.json").display())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A page of the desk as who signed in with the first key sees it.
async fn at_the_desk(process: &Process, path: &str) -> String {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = client.expect("a client");
    let sign_in = client
        .post(format!("{}/app/sign-in", process.base))
        .header("origin", &process.base)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("key={}", process.key));
    let entered = sign_in.send().await.expect("an answer");
    let cookie = entered.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .split(';')
        .next();
    let page = client
        .get(format!("{}{path}", process.base))
        .header("cookie", cookie.expect("a pair"))
        .header("accept", "text/html");
    page.send().await.expect("an answer").text().await.expect("a page")
}

async fn status(process: &Process, model: &str) -> StatusCode {
    process.get(&format!("/openai/v1/models/{model}")).await.status
}

async fn until_known(process: &Process, model: &str) {
    let known = async || (status(process, model).await == StatusCode::OK).then_some(());
    until("the newer catalogue is in force", known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_catalogue_is_taken_whole_or_not_at_all_and_kept() {
    let site = Site::new().await;
    let workshop = Workshop::at(&site);
    let first = workshop.with_model("model-of-spring").await;
    let key = workshop.publish(&first, "key").await;
    let url = workshop.url();
    let variables = [
        ("PICTOR_CATALOG_URL", url.as_str()),
        ("PICTOR_CATALOG_KEY", &key),
        ("PICTOR_CATALOG_REFRESH_S", "1"),
    ];
    let mut process = site.serve(&variables).await;
    assert_eq!(status(&process, "model-of-spring").await, 200, "read at the start");
    let asked = json!({ "model": "model-of-spring", "prompt": "a red barn", "response_format": "b64_json" });
    let made = send(process.request(Method::POST, GENERATIONS).json(&asked)).await.ok();
    assert_eq!(made["metadata"]["model"], "model-of-spring");

    let old = std::fs::read(workshop.path("catalog.json")).expect("the pack");
    let second = workshop.with_model("model-of-summer").await;
    workshop.publish(&second, "key").await;
    until_known(&process, "model-of-summer").await;
    assert_eq!(status(&process, "model-of-spring").await, 404, "whole");
    let page = process.get("/models").await.text();
    assert!(page.contains("model-of-summer") && !page.contains("model-of-spring"));

    workshop.put(&old);
    process.until_says("it was made at").await;
    let third = workshop.with_model("model-of-autumn").await;
    workshop.publish(&third, "stranger").await;
    process.until_says("its signature is not by catalog_key").await;
    std::fs::write(third.join("models/own.toml"), "id = 'model-of-autumn'\n").expect("a file");
    let broken = site
        .pictor(&[
            "catalog",
            "pack",
            "--key",
            text(&workshop.path("key")),
            "--dir",
            text(&third),
            "--out",
            "never.json",
        ])
        .await;
    assert!(broken.failed().contains("models/own.toml"), "{}", broken.failed());
    workshop.put(b"{\"payload\":\"\",\"signature\":\"\"}");
    process.until_says("the catalogue in force stays").await;
    assert_eq!(
        status(&process, "model-of-summer").await,
        200,
        "what is no good changes nothing"
    );
    let told = at_the_desk(&process, "/app/catalog").await;
    for part in [
        "It is the signed one of",
        "catalog.json</code>, made ",
        "The last look",
        "is not taken",
    ] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    let told = site.pictor_with(&variables, &["doctor"]).await;
    assert!(
        told.ok().contains("providers, the signed one of file://"),
        "{}",
        told.ok()
    );
    assert!(told.ok().contains("the last look at catalog_url: "), "{}", told.ok());
    process.stop().await;

    std::fs::remove_file(workshop.path("catalog.json")).expect("it was there");
    let process = site.serve(&variables).await;
    assert_eq!(
        status(&process, "model-of-summer").await,
        200,
        "the last good one was kept"
    );
    process.stop().await;
    let process = site.serve(&[]).await;
    assert_eq!(
        status(&process, "model-of-summer").await,
        404,
        "without the setting the built-in one holds"
    );
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_keep_the_catalogue_that_they_began_with() {
    let site = Site::new().await;
    let workshop = Workshop::at(&site);
    let first = workshop.with_model_like("flux.1-schnell", "model-of-spring").await;
    let key = workshop.publish(&first, "key").await;
    let url = workshop.url();
    let variables = [
        ("PICTOR_CATALOG_URL", url.as_str()),
        ("PICTOR_CATALOG_KEY", &key),
        ("PICTOR_CATALOG_REFRESH_S", "1"),
    ];
    let process = site.serve(&variables).await;
    // Until it is cleared, nobody learns that a job is done.
    site.fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
    let spring = json!({ "model": "fal/model-of-spring", "prompt": "dunes", "size": "512x512" });
    let begin = |name: &str| tokio::spawn(try_send(process.generation(&spring, name)));
    let waiting = ["one", "two", "three"].map(begin);
    let accepted = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("three jobs at the provider", async || {
        (site.number(accepted).await == 3).then_some(())
    })
    .await;
    // Others come and go all the while.
    let is_over = Cell::new(false);
    let coming_and_going = async {
        let asked = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
        let mut served = 0;
        while !is_over.get() {
            let made = send(process.request(Method::POST, GENERATIONS).json(&asked)).await;
            assert_eq!(made.ok()["metadata"]["model"], "mock-image");
            served += 1;
        }
        served
    };
    let renewing = async {
        for id in ["model-of-summer", "model-of-autumn", "model-of-winter"] {
            let next = workshop.with_model(id).await;
            workshop.publish(&next, "key").await;
            until_known(&process, id).await;
        }
        is_over.set(true);
    };
    let (served, ()) = tokio::join!(coming_and_going, renewing);
    assert!(served > 3, "{served} were served");
    let late = send(process.request(Method::POST, GENERATIONS).json(&spring)).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND, "{}", late.text());
    site.clear_faults().await;
    for one in waiting {
        let reply = one.await.expect("it ends").expect("an answer").ok();
        assert_eq!(reply["metadata"]["model"], "model-of-spring");
        assert_eq!(process.images(&reply).await, 1);
    }
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_is_told_at_the_start() {
    let site = Site::new().await;
    let url = ("PICTOR_CATALOG_URL", "https://config.example/catalog.json");
    for (variables, says) in [
        (vec![url], "catalog_url needs catalog_key"),
        (
            vec![url, ("PICTOR_CATALOG_KEY", "ed25519:abc")],
            "catalog_key must be 'ed25519:'",
        ),
        (
            vec![
                ("PICTOR_CATALOG_URL", "http://config.example/catalog.json"),
                ("PICTOR_CATALOG_KEY", "ed25519:abc"),
            ],
            "catalog_url must begin with https://",
        ),
    ] {
        let refused = site.refuses(&variables).await;
        assert!(refused.contains(says), "{says}: {refused}");
    }
    site.serve(&[]).await.stop().await;
    site.finish().await;
}
