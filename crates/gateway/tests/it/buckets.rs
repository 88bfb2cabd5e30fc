//! Images in a bucket: an S3 API that others wrote, over a folder that the test sees into.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use gateway::media::store::MediaStore;
use gateway::settings::Settings;
use providers::{Spool, SpoolLimits};
use reqwest::{Method, StatusCode};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::harness::{GENERATIONS, Process, Site, decoded, send};

const KEY: &str = "a-key";
const SECRET: &str = "a-secret";

/// A server of buckets. Dropped, it is gone.
struct Buckets {
    address: SocketAddr,
    /// Calls that are refused before one is served.
    failing: Arc<AtomicUsize>,
    /// Method and query of each call.
    calls: Arc<std::sync::Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Buckets {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Buckets {
    /// Serves the folders in `root` as buckets.
    async fn start(root: &Path) -> Self {
        std::fs::create_dir_all(root.join("media")).expect("a folder");
        let files = s3s_fs::FileSystem::new(root).expect("a folder");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let failing = Arc::new(AtomicUsize::new(0));
        let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (refused, noted) = (Arc::clone(&failing), Arc::clone(&calls));
        let serve = move |request: Request| {
            let (service, refused, noted) = (service.clone(), Arc::clone(&refused), Arc::clone(&noted));
            async move {
                let call = format!("{} {}", request.method(), request.uri().query().unwrap_or_default());
                noted.lock().expect("nothing panics").push(call);
                let one_less = |left: usize| left.checked_sub(1);
                if refused
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                    .is_ok()
                {
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                match service.oneshot(request).await {
                    Ok(answer) => answer.map(Body::new),
                    Err(error) => panic!("the buckets' server failed: {error:?}"),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(serve);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self {
            address,
            failing,
            calls,
            task,
        }
    }

    fn options(&self) -> BTreeMap<String, String> {
        let endpoint = format!("http://{}", self.address);
        let pairs = [
            ("endpoint", endpoint.as_str()),
            ("region", "us-east-1"),
            ("allow_http", "true"),
            ("access_key_id", KEY),
            ("secret_access_key", SECRET),
        ];
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn store(&self, url: &str) -> MediaStore {
        MediaStore::of(&Settings {
            media_url: Some(url.to_owned()),
            media_options: self.options(),
            ..Settings::default()
        })
        .expect("a legal address")
    }

    /// A gateway whose images lie in a bucket, as the environment of S3's own tools says.
    async fn serve(&self, site: &Site, variables: &[(&str, &str)]) -> Process {
        let endpoint = format!("http://{}", self.address);
        let own = [
            ("PICTOR_MEDIA_URL", "s3://media"),
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        site.serve(&[&own, variables].concat()).await
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("nothing panics"))
    }
}

fn body(prompt: &str) -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low", "output_format": "webp",
            "response_format": "url" })
}

async fn link(process: &Process, prompt: &str) -> String {
    let answer = send(process.request(Method::POST, GENERATIONS).json(&body(prompt)))
        .await
        .ok();
    answer["data"][0]["url"].as_str().expect("a link").to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn images_lie_in_a_bucket_and_are_served_from_it() {
    let site = Site::new().await;
    // The bucket is the folder in which the books look for images.
    let buckets = Buckets::start(&site.data_dir()).await;
    let process = buckets.serve(&site, &[]).await;
    let link = link(&process, "dunes").await;
    let whole = send(process.client.get(&link)).await;
    assert_eq!(whole.status, StatusCode::OK);
    decoded(&whole.body);
    let part = send(process.client.get(&link).header("range", "bytes=4-11")).await;
    assert_eq!(
        (part.status, &part.body[..]),
        (StatusCode::PARTIAL_CONTENT, &whole.body[4..12])
    );
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_may_be_sent_to_the_bucket_itself() {
    let site = Site::new().await;
    let buckets = Buckets::start(&site.data_dir()).await;
    let process = buckets.serve(&site, &[("PICTOR_MEDIA_REDIRECT", "true")]).await;
    let link = link(&process, "dunes").await;
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let sent = plain.get(&link).send().await.expect("an answer");
    assert_eq!(sent.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(text(sent.headers(), "cache-control"), Some("private, no-store"));
    let there = text(sent.headers(), "location").expect("where to").to_owned();
    assert!(
        there.starts_with(&format!("http://{}/media/", buckets.address)),
        "{there}"
    );
    let image = plain.get(&there).send().await.expect("the bucket answers");
    assert_eq!(image.status(), StatusCode::OK);
    assert_eq!(text(image.headers(), "content-type"), Some("image/webp"));
    assert_eq!(
        text(image.headers(), "cache-control"),
        Some("private, max-age=3600, immutable")
    );
    decoded(&image.bytes().await.expect("the image"));
    // Without the signature the bucket gives nothing.
    let bare = there.split('?').next().expect("an address");
    assert_eq!(
        plain.get(bare).send().await.expect("an answer").status(),
        StatusCode::FORBIDDEN
    );
    // Pages of this site show it from here.
    let own = plain.get(&link).header("sec-fetch-site", "same-origin");
    assert_eq!(own.send().await.expect("an answer").status(), StatusCode::OK);
    // Where the link has ended there is no way to the bucket either.
    let forged = link.replace("signature=", "signature=x");
    assert_eq!(
        plain.get(&forged).send().await.expect("an answer").status(),
        StatusCode::NOT_FOUND
    );
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_falters_is_asked_again() {
    let site = Site::new().await;
    let buckets = Buckets::start(&site.data_dir()).await;
    let process = buckets.serve(&site, &[]).await;
    buckets.failing.store(2, Ordering::SeqCst);
    let link = link(&process, "dunes").await;
    assert_eq!(buckets.failing.load(Ordering::SeqCst), 0);
    assert_eq!(send(process.client.get(&link)).await.status, StatusCode::OK);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_goes_in_parts_and_what_is_small_in_one_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let buckets = Buckets::start(folder.path()).await;
    let store = buckets.store("s3://media/some/where");
    let spool = Spool::new(SpoolLimits::default());
    let scope = spool.scope();
    for (name, length, puts) in [
        ("2026/11/30/small.png", 3_000_000, 1),
        ("2026/11/30/large.png", 12_000_001, 3),
    ] {
        let bytes: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        let blob = scope.store(&bytes).expect("there is room");
        buckets.calls();
        store.put(name, &blob).await.expect("it is stored");
        let calls = buckets.calls();
        let found = calls.iter().filter(|call| call.starts_with("PUT")).count();
        assert_eq!(found, puts, "{calls:?}");
        let back = store.load(name, &scope).await.expect("it is there");
        assert_eq!(back.read_all().expect("bytes"), bytes);
        assert!(folder.path().join("media/some/where").join(name).is_file());
    }
    assert_eq!(store.days().await.expect("a listing"), ["2026/11/30"]);
    let mut files = store.files_of("2026/11/30").await.expect("a listing");
    files.sort();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["2026/11/30/large.png", "2026/11/30/small.png"]);
    store.delete("2026/11/30/large.png").await.expect("it is removed");
    store.delete("2026/11/30/large.png").await.expect("it is gone already");
    let gone = store
        .load("2026/11/30/large.png", &scope)
        .await
        .expect_err("it is gone");
    assert!(gone.is_absent(), "{gone}");
}
