//! What a run stands on: a folder, a disk of its own, the providers' emulators, a database, and the gateways' settings.

use super::options::{Options, Store};
use crate::postgres::{Cluster, Durability};
use crate::{Outcome, environment, steps};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Says that the mounts and processes of this run are seen by nobody else, and end with it.
pub(super) const ALONE: &str = "PICTOR_FAULTS_ALONE";
/// The size of the disk: the pictures of some thousand generations.
const DISK_BYTES: u64 = 2 << 30;
/// Longest generation, in seconds: longer than anything is taken away, and than one attempt may take.
pub(super) const DEADLINE_S: u64 = 100;
/// The time limit of one attempt, in seconds: the least that a gateway would learn.
const ATTEMPT_S: i64 = 60;
/// How a program says that it serves.
pub(super) const LISTENING: &str = "listening on ";

/// Files of the catalogue that the gateways add to their own.
const CATALOG: [(&str, &str); 3] = [
    ("providers/vllm.toml", include_str!("catalog/providers/vllm.toml")),
    ("models/tiny.toml", include_str!("catalog/models/tiny.toml")),
    ("models/queued.toml", include_str!("catalog/models/queued.toml")),
];

/// Providers that are used, the credential that their emulators take, and where those are below the sandbox's address.
const PROVIDERS: [(&str, &str, &str); 5] = [
    ("openai", "sk-sandbox", "/openai/v1"),
    ("fal", "sandbox:sandbox", "/fal/queue"),
    ("replicate", "r8_sandbox", "/replicate/v1"),
    ("runware", "sandbox-key", "/runware/v1"),
    ("vllm", "", "/vllm/v1"),
];

/// What all parts of a run share. Dropped, it is gone, but for the folder where that was asked for.
pub(super) struct Site {
    pub(super) options: Options,
    folder: Option<tempfile::TempDir>,
    /// On a disk of its own, where there is one: data folders, images, temporary files.
    pub(super) disk: PathBuf,
    /// Whether that disk can be filled up.
    pub(super) has_disk: bool,
    sandbox: Child,
    /// `http://127.0.0.1:PORT`.
    pub(super) sandbox_url: String,
    pub(super) cluster: Option<Cluster>,
    /// A port for each gateway.
    pub(super) ports: Vec<u16>,
}

impl Site {
    /// Prepares everything but the gateways.
    ///
    /// # Errors
    /// A program is missing or does not start.
    pub(super) fn prepare(options: &Options) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pictor-faults-")
            .tempdir()
            .map_err(|error| format!("no temporary folder: {error}"))?;
        let disk = folder.path().join("disk");
        make(&disk)?;
        let has_disk = options.disk && std::env::var_os(ALONE).is_some() && mount(&disk);
        let cluster = match options.store {
            Store::Sqlite => None,
            Store::Postgres => Some(Cluster::start(Durability::None)?),
        };
        let (sandbox, sandbox_url) = start_sandbox(&options.program, folder.path())?;
        let count = if cluster.is_some() { 2 } else { 1 };
        let site = Self {
            options: options.clone(),
            folder: Some(folder),
            disk,
            has_disk,
            sandbox,
            sandbox_url,
            cluster,
            ports: free_ports(count)?,
        };
        site.write()?;
        Ok(site)
    }

    /// The folder of the run.
    pub(super) fn folder(&self) -> &Path {
        self.folder.as_ref().expect("it is there until the end").path()
    }

    /// A gateway's own folder.
    pub(super) fn data_dir(&self, gateway: usize) -> PathBuf {
        self.disk.join(format!("data-{gateway}"))
    }

    /// Where all gateways keep images.
    pub(super) fn media_dir(&self) -> PathBuf {
        self.disk.join("media")
    }

    /// The file of the database, where it is one.
    pub(super) fn database_file(&self) -> PathBuf {
        self.data_dir(0).join("pictor.db")
    }

    /// A gateway's base address.
    pub(super) fn base(&self, gateway: usize) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.ports[gateway])
    }

    /// The program with a gateway's settings.
    pub(super) fn command(&self, gateway: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.options.program);
        environment::clear(&mut command)
            .args(arguments)
            .current_dir(self.folder())
            .env("PICTOR_DATA_DIR", self.data_dir(gateway))
            .env("PICTOR_MEDIA_URL", format!("file://{}", self.media_dir().display()))
            .env(
                "PICTOR_LISTEN",
                format!("{}:{}", Ipv4Addr::LOCALHOST, self.ports[gateway]),
            )
            .env("TMPDIR", self.disk.join("tmp"))
            // Enough of it that a pipe that nobody reads is soon full.
            .env("PICTOR_LOG", "info,gateway=debug,providers=debug");
        if let Some(cluster) = &self.cluster {
            command.env("PICTOR_DATABASE_URL", cluster.url());
        }
        command.stdin(Stdio::null());
        command
    }

    fn write(&self) -> Outcome {
        for (name, text) in CATALOG {
            let file = self.folder().join("catalog").join(name);
            make(file.parent().expect("it stands in a folder"))?;
            write(&file, text)?;
        }
        make(&self.disk.join("tmp"))?;
        make(&self.media_dir())?;
        for gateway in 0..self.ports.len() {
            make(&self.data_dir(gateway))?;
        }
        write(&self.folder().join("pictor.toml"), &self.settings().to_string())
    }

    fn settings(&self) -> toml::Table {
        let mut providers = toml::Table::new();
        for (id, credential, path) in PROVIDERS {
            let mut own = toml::Table::new();
            own.insert("base_url".to_owned(), format!("{}{path}", self.sandbox_url).into());
            if !credential.is_empty() {
                own.insert("credential".to_owned(), credential.into());
            }
            if id == "fal" {
                let rest = format!("{}/fal/rest", self.sandbox_url);
                own.insert(
                    "options".to_owned(),
                    toml::Table::from_iter([("rest_url".to_owned(), rest.into())]).into(),
                );
            }
            providers.insert(id.to_owned(), own.into());
        }
        let deadline = i64::try_from(DEADLINE_S).expect("a few minutes");
        // What a gateway learns of a provider's pace takes longer than one lives here.
        let limits = toml::Table::from_iter([
            ("generation_deadline_s".to_owned(), deadline.into()),
            ("attempt_s".to_owned(), ATTEMPT_S.into()),
        ]);
        let all: [(&str, toml::Value); 5] = [
            ("sandbox", "never".into()),
            (
                "catalog_dir",
                self.folder().join("catalog").display().to_string().into(),
            ),
            ("when_maybe_billed", self.options.when_maybe_billed.as_str().into()),
            ("limits", limits.into()),
            ("providers", providers.into()),
        ];
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Each may be gone already; nothing is left behind either way.
        let _ = self.sandbox.kill();
        let _ = self.sandbox.wait();
        if self.options.keep {
            if self.has_disk {
                keep(&self.disk);
            }
            if let Some(folder) = self.folder.take() {
                crate::console::line(&format!("kept: {}", folder.keep().display()));
            }
        } else if self.has_disk {
            let _ = Command::new("umount").arg("-l").arg(&self.disk).status();
        }
    }
}

/// Copies what stands on the disk of the run to the folder that it hides, as the disk goes with the run.
fn keep(disk: &Path) {
    let beside = disk.with_extension("kept");
    let _ = Command::new("cp").arg("-a").arg(disk).arg(&beside).status();
}

fn make(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

fn write(file: &Path, text: &str) -> Outcome {
    std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Puts a disk of its own there; false where that is not allowed.
fn mount(folder: &Path) -> bool {
    let size = format!("size={DISK_BYTES}");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder);
    steps::run_quietly(&mut command).is_ok()
}

/// Ports that nobody listens on now. They are taken all at once, so that they differ.
fn free_ports(count: usize) -> Outcome<Vec<u16>> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("no free port: {error}"))?;
    let ports = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()));
    ports
        .collect::<Result<_, _>>()
        .map_err(|error| format!("no free port: {error}"))
}

/// Starts the emulators, which go on until the end of the run.
fn start_sandbox(program: &Path, folder: &Path) -> Outcome<(Child, String)> {
    let log = folder.join("sandbox.log");
    let log = std::fs::File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let mut command = Command::new(program);
    environment::clear(&mut command)
        .args(["sandbox", "--strict", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let mut lines = BufReader::new(child.stdout.take().expect("piped above"))
        .lines()
        .map_while(Result::ok);
    let told = lines.find_map(|line| line.strip_prefix(LISTENING).map(|url| url.trim().to_owned()));
    std::thread::spawn(move || lines.for_each(drop));
    match told {
        Some(url) => Ok((child, url)),
        None => Err(format!("`{} sandbox` does not start", program.display())),
    }
}
