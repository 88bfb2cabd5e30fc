//! TLS of the gateway's own.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Method, StatusCode, Version};
use serde_json::json;
use tempfile::TempDir;

use super::harness::{GENERATIONS, Process, Site, decoded, install, send, until};

/// A certificate for this machine and its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn self_signed() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    fn write(&self, folder: &Path) -> [PathBuf; 2] {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
        std::fs::write(&certificate, &self.certificate).expect("a file");
        std::fs::write(&key, &self.key).expect("a file");
        [certificate, key]
    }

    /// A client that believes this certificate alone.
    fn client(&self) -> ClientBuilder {
        install();
        let root = Certificate::from_pem(self.certificate.as_bytes()).expect("PEM");
        Client::builder().no_proxy().tls_certs_only([root])
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Somebody who signs clients' certificates.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

fn identity(issuer: &Issuer<'_, KeyPair>) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["caller".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    Identity::from_pem(format!("{}{}", certificate.pem(), key.serialize_pem()).as_bytes()).expect("PEM")
}

async fn serve(site: &Site, [certificate, key]: &[PathBuf; 2], more: &[(&str, &str)]) -> Process {
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let own = [
        ("PICTOR_TLS_CERTIFICATE", certificate.as_ref()),
        ("PICTOR_TLS_KEY", key.as_ref()),
    ];
    site.serve(&[&own, more].concat()).await
}

async fn health(client: &Client, process: &Process) -> Result<StatusCode, reqwest::Error> {
    let answer = client.get(format!("{}/healthz", process.base)).send().await?;
    Ok(answer.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_in_both_versions_of_http_and_links_say_so() {
    let (site, pair, folder) = (Site::new().await, Pair::self_signed(), folder());
    let files = pair.write(folder.path());
    let mut process = serve(&site, &files, &[]).await;
    assert!(process.base.starts_with("https://127.0.0.1:"), "{}", process.base);
    for (client, version) in [
        (pair.client(), Version::HTTP_2),
        (pair.client().http1_only(), Version::HTTP_11),
    ] {
        process.client = client.build().expect("a client");
        let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low",
            "response_format": "url" });
        let answer = process.request(Method::POST, GENERATIONS).json(&body).send().await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, version));
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("strict-transport-security"), Some("max-age=31536000"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        let link = answer["data"][0]["url"].as_str().expect("a link");
        assert!(link.starts_with(&process.base), "{link}");
        decoded(&send(process.client.get(link)).await.body);
    }
    let page = send(process.client.get(&process.base).header("accept", "text/html")).await;
    assert!(page.text().contains(&process.base), "samples have the address as it is");
    let plain = process.base.replace("https:", "http:");
    assert!(
        process.client.get(plain).send().await.is_err(),
        "nothing goes in plain text"
    );
    // The program's own commands find it.
    let [certificate, key] = files.map(|path| path.display().to_string());
    let address = process.base.trim_start_matches("https://").to_owned();
    let own = [
        ("PICTOR_TLS_CERTIFICATE", certificate.as_str()),
        ("PICTOR_TLS_KEY", key.as_str()),
        ("PICTOR_LISTEN", address.as_str()),
    ];
    site.pictor_with(&own, &["health"]).await.ok();
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_taken_once_it_fits_its_key() {
    let (site, folder) = (Site::new().await, folder());
    let (first, second) = (Pair::self_signed(), Pair::self_signed());
    let files = first.write(folder.path());
    let mut process = serve(&site, &files, &[]).await;
    let [old, new] = [&first, &second].map(|pair| pair.client().pool_max_idle_per_host(0).build().expect("a client"));
    assert_eq!(health(&old, &process).await.ok(), Some(StatusCode::OK));
    // The certificate without its key is half a change.
    std::fs::write(&files[0], &second.certificate).expect("a file");
    process.until_says("the certificate in force stays").await;
    assert_eq!(health(&old, &process).await.ok(), Some(StatusCode::OK));
    second.write(folder.path());
    until("the new certificate", async || health(&new, &process).await.ok()).await;
    assert!(health(&old, &process).await.is_err());
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_need_certificates_where_the_operator_says_so() {
    let (site, pair, folder) = (Site::new().await, Pair::self_signed(), folder());
    let authority = authority();
    let files = pair.write(folder.path());
    let roots = folder.path().join("clients.pem");
    std::fs::write(&roots, authority.pem()).expect("a file");
    let process = serve(&site, &files, &[("PICTOR_TLS_CLIENT_CA", &roots.to_string_lossy())]).await;
    let known = pair.client().identity(identity(&authority)).build().expect("a client");
    assert_eq!(health(&known, &process).await.ok(), Some(StatusCode::OK));
    let another = self::authority();
    for client in [pair.client(), pair.client().identity(identity(&another))] {
        let client = client.build().expect("a client");
        assert!(health(&client, &process).await.is_err(), "nobody else comes in");
    }
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tls_lacks_is_told_at_the_start() {
    let (site, pair, folder) = (Site::new().await, Pair::self_signed(), folder());
    let [certificate, key] = pair.write(folder.path()).map(|path| path.display().to_string());
    let (certificate_is, key_is) = ("PICTOR_TLS_CERTIFICATE", "PICTOR_TLS_KEY");
    for (variables, told) in [
        (
            vec![(certificate_is, certificate.as_str())],
            "tls_certificate needs tls_key",
        ),
        (vec![(key_is, key.as_str())], "tls_key needs tls_certificate"),
        (
            vec![(certificate_is, "/nowhere.pem"), (key_is, key.as_str())],
            "tls_certificate: /nowhere.pem",
        ),
        // The two exchanged.
        (
            vec![(certificate_is, key.as_str()), (key_is, certificate.as_str())],
            "tls_certificate: ",
        ),
    ] {
        let complaint = site.refuses(&variables).await;
        assert!(complaint.contains(told), "{complaint}");
    }
    site.abandon().await;
}
