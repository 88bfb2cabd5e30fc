//! The program itself as processes of their own, which a test can stop where it likes, kill, or tell to stop.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use gateway::FIRST_KEY_FILE;
use gateway::db::Database;
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use toml::Table;

use super::command::{Ran, ran};
use super::schema::Schema;
use super::{GENERATIONS, Reply, books, client, decoded, install, providers, send};

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

/// What processes share: a database, a folder, and providers that the test sees into.
pub(crate) struct Site {
    folder: TempDir,
    sandbox: Sandbox,
    schema: Option<Schema>,
    client: Client,
}

impl Site {
    pub(crate) async fn new() -> Self {
        install();
        let sandbox = sandbox::start(SandboxConfig::default())
            .await
            .expect("a free loopback port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("pictor.toml"), settings(&sandbox.base_url())).expect("a file");
        Self {
            folder,
            sandbox,
            schema: Schema::create().await,
            client: client(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database_url(&self) -> String {
        let file = || format!("sqlite://{}?mode=rwc", self.data_dir().join("pictor.db").display());
        self.schema.as_ref().map_or_else(file, Schema::url)
    }

    /// Whether the database is a file of the processes' own.
    pub(crate) fn is_embedded(&self) -> bool {
        self.schema.is_none()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&[], arguments)
    }

    /// The program, started by `launcher` if one is named.
    fn command_by(&self, launcher: &[&str], arguments: &[&str]) -> Command {
        let program = [env!("CARGO_BIN_EXE_pictor")];
        let mut words = launcher.iter().chain(&program).chain(arguments);
        let mut command = Command::new(words.next().expect("a program"));
        // Nothing of the developer's own settings comes in.
        command.args(words).env_clear().current_dir(self.folder.path());
        command.env("PICTOR_DATA_DIR", self.data_dir());
        if let Some(schema) = &self.schema {
            command.env("PICTOR_DATABASE_URL", schema.url());
        }
        command
    }

    /// Starts `pictor serve` with variables of its own.
    pub(crate) async fn serve(&self, variables: &[(&str, &str)]) -> Process {
        self.serve_by(&[], variables).await
    }

    /// The same, started by another program that turns into it.
    pub(crate) async fn serve_by(&self, launcher: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut command = self.command_by(launcher, &["serve"]);
        command
            .env("PICTOR_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = lines(child.stdout.take().expect("a pipe"));
        let errors = lines(child.stderr.take().expect("a pipe"));
        let mut process = Process {
            child,
            base: String::new(),
            key: String::new(),
            client: self.client.clone(),
            out,
            errors,
            log: Vec::new(),
        };
        process.base = process.address().await;
        let key = std::fs::read_to_string(self.data_dir().join(FIRST_KEY_FILE)).expect("the first key");
        key.trim().clone_into(&mut process.key);
        process
    }

    /// What `pictor serve` complains of, where it does not start with these variables.
    pub(crate) async fn refuses(&self, variables: &[(&str, &str)]) -> String {
        let mut command = self.command(&["serve"]);
        command
            .env("PICTOR_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied());
        ran(command).await.complaints().to_owned()
    }

    /// The first number of a query's answer.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.database_url())
            .await
            .expect("the database can be reached");
        let (number,): (i64,) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .expect("a legal query");
        connection.close().await.expect("a connection can be closed");
        number
    }

    /// Changes rows behind the gateway's back.
    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.database_url())
            .await
            .expect("the database can be reached");
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .expect("a legal statement");
        connection.close().await.expect("a connection can be closed");
    }

    /// Calls in which a provider was asked to make images.
    pub(crate) async fn submits(&self) -> usize {
        let calls = self.control("/_sandbox/calls").await;
        let calls = calls["calls"].as_array().expect("a list of calls");
        calls.iter().filter(|call| call["method"] == "POST").count()
    }

    /// Orders a fault of the providers.
    pub(crate) async fn fault(&self, order: Value) {
        let faults = self.client.post(self.faults_url()).json(&order);
        let answer = faults.send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// Ends all faults that were ordered.
    pub(crate) async fn clear_faults(&self) {
        let answer = self.client.delete(self.faults_url()).send().await;
        assert!(answer.expect("the sandbox answers").status().is_success());
    }

    fn faults_url(&self) -> String {
        format!("{}/_sandbox/faults", self.sandbox.base_url())
    }

    /// What the providers would have charged, call by call.
    pub(crate) async fn bill(&self) -> Vec<Value> {
        let bill = self.control("/_sandbox/bill").await;
        bill["entries"].as_array().cloned().expect("a list of charges")
    }

    async fn control(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.base_url());
        let answer = self.client.get(url).send().await.expect("the sandbox answers");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }

    /// Runs `pictor` beside the processes.
    pub(crate) async fn pictor(&self, arguments: &[&str]) -> Ran {
        self.pictor_with(&[], arguments).await
    }

    /// The same with variables of its own.
    pub(crate) async fn pictor_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        ran(command).await
    }

    /// Has the program itself check its ledger.
    pub(crate) async fn verify(&self) {
        let verified = self.pictor(&["ledger", "verify"]).await;
        assert!(verified.ok().ends_with("books are right"), "{}", verified.ok());
    }

    /// Removes everything without a look at the books, where requests are under way still.
    pub(crate) async fn abandon(self) {
        self.sandbox.shutdown().await;
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }

    /// Checks the books and removes everything. All processes have ended.
    pub(crate) async fn finish(self) {
        self.end(true).await;
    }

    /// The same where processes were killed at any moment: files may be left that no row knows.
    pub(crate) async fn finish_after_kills(self) {
        self.end(false).await;
    }

    async fn end(self, knows_all_files: bool) {
        self.verify().await;
        let bill = self.bill().await;
        let database = Database::open(&self.database_url(), Timestamp::now())
            .await
            .expect("the database opens");
        if knows_all_files {
            books::check(&database, &self.data_dir(), Some(&bill)).await;
        } else {
            books::check_rows(&database, &self.data_dir(), Some(&bill)).await;
        }
        database.close().await;
        self.sandbox.shutdown().await;
        if let Some(schema) = self.schema {
            schema.remove().await;
        }
    }
}

/// A settings file that makes every provider real and leads it to a sandbox.
fn settings(sandbox: &str) -> String {
    let own = providers(sandbox).into_iter().map(|(id, own)| {
        let mut table = Table::new();
        for (name, value) in [("credential", own.credential), ("base_url", own.base_url)] {
            table.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let options: Table = own
            .options
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        table.insert("options".to_owned(), options.into());
        (id, table.into())
    });
    let providers: Table = own.collect();
    // A test says which offer is first by their prices.
    let all: [(String, toml::Value); 2] = [
        ("strategy".to_owned(), "cheapest".into()),
        ("providers".to_owned(), providers.into()),
    ];
    Table::from_iter(all).to_string()
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
