//! The program itself as processes of their own, which a test can stop where it likes, kill, or tell to stop.

mod site;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{GENERATIONS, Reply, decoded, send};
pub(crate) use site::Site;

/// Longer than a lease lasts and any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Looks until there is a value. `what` says what is waited for.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(LOOK);
    let found = async {
        loop {
            ticks.tick().await;
            if let Some(value) = look().await {
                return value;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The lines of a pipe as they come.
fn lines(pipe: impl Read + Send + 'static) -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // The pipe is read on when nobody listens, so that the process never waits for that.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// A `pictor serve` that runs. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    /// `http://host:port`.
    pub(crate) base: String,
    /// A key with the scope `admin`.
    pub(crate) key: String,
    /// The client of most calls.
    pub(crate) client: Client,
    out: UnboundedReceiver<String>,
    errors: UnboundedReceiver<String>,
    log: Vec<String>,
}

impl Process {
    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    async fn address(&mut self) -> String {
        let told = async {
            loop {
                let line = self.out.recv().await?;
                if let Some(base) = line.strip_prefix("listening on ") {
                    return Some(base.to_owned());
                }
            }
        };
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Some(base)) => base,
            _ => panic!("it does not listen: {:?}", self.log().await),
        }
    }

    /// Waits until it writes a line with `text` to standard error.
    pub(crate) async fn until_says(&mut self, text: &str) {
        let says = async {
            loop {
                let Some(line) = self.errors.recv().await else {
                    return false;
                };
                let found = line.contains(text);
                self.log.push(line);
                if found {
                    return true;
                }
            }
        };
        let said = tokio::time::timeout(PATIENCE, says).await;
        assert!(said == Ok(true), "it does not say '{text}': {:#?}", self.log);
    }

    /// What it has written to standard error. Of a process that has ended that is all.
    pub(crate) async fn log(&mut self) -> &[String] {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            while let Some(line) = self.errors.recv().await {
                self.log.push(line);
            }
        }
        while let Ok(line) = self.errors.try_recv() {
            self.log.push(line);
        }
        &self.log
    }

    /// Whether it has ended by itself, or is about to: a connection breaks before its process is gone.
    pub(crate) async fn has_ended(&mut self) -> bool {
        const SOON: Duration = Duration::from_secs(2);
        let child = &mut self.child;
        let ended = until("the end of the process", async || {
            child.try_wait().expect("a child of ours").map(drop)
        });
        tokio::time::timeout(SOON, ended).await.is_ok()
    }

    /// Ends it at once, whatever it is doing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Lets no file of it grow past so many bytes from now on.
    pub(crate) fn limit_files(&self, bytes: &str) {
        let pid = self.child.id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(limited.expect("the program prlimit").success());
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Asks it to read its settings again.
    pub(crate) fn reload(&self) {
        self.signal("-HUP");
    }

    /// Stops it where it stands.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("the program kill").success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("the end of the process", async || {
            child.try_wait().expect("a child of ours")
        })
        .await
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.terminate();
        let status = self.ended().await;
        let log = self.log().await;
        assert!(status.success(), "{status}: {log:#?}");
    }

    /// A request with the key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// `GET` with the key.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// A generation under a key of the caller's own.
    pub(crate) fn generation(&self, body: &Value, idempotency_key: &str) -> RequestBuilder {
        self.request(Method::POST, GENERATIONS)
            .header("idempotency-key", idempotency_key)
            .json(body)
    }

    /// The images of an answer, read from their links.
    pub(crate) async fn images(&self, answer: &Value) -> usize {
        let data = answer["data"].as_array().expect("a list of images");
        for item in data {
            let url = item["url"].as_str().unwrap_or_else(|| panic!("a link: {item}"));
            let image = send(self.client.get(url)).await;
            assert_eq!(image.status, StatusCode::OK, "{}", image.text());
            decoded(&image.body);
        }
        data.len()
    }

    /// Waits until no request is under way any more, here or at a process that is gone.
    pub(crate) async fn until_settled(&self) {
        until("the end of all requests", async || {
            let list = self.get("/v1/requests?status=processing&limit=1").await.ok();
            (list["data"] == json!([])).then_some(())
        })
        .await;
    }

    /// The newest request on record.
    pub(crate) async fn newest(&self) -> Value {
        let list = self.get("/v1/requests?limit=1").await.ok();
        let id = list["data"][0]["id"].as_str().expect("a request is on record");
        self.get(&format!("/v1/requests/{id}")).await.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
