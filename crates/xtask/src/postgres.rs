//! Throw-away PostgreSQL clusters: each with its own folder and port, gone when dropped.

mod figures;
mod folder;
mod programs;

use crate::{Outcome, console, environment, steps};
use folder::Folder;
use programs::Programs;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The superuser of every cluster.
const USER: &str = "pictor";
/// The database that every new cluster has.
const DATABASE: &str = "postgres";
/// Seconds until the server must be ready; it needs one, and a busy machine some more.
const START_TIMEOUT_S: &str = "60";
/// A free port may be taken by another program before the server has it.
const PORT_TRIES: usize = 3;
/// Connections for a test on each processor: two pools of eight for each of two gateways on one database, and some to spare.
const CONNECTIONS_PER_PROCESSOR: usize = 40;
/// Enough for machines with few processors.
const CONNECTIONS_MIN: usize = 200;
/// Lines of the server's log in an error.
const LOG_LINES: usize = 20;

/// Waits for the end of its input, which is also the end of whoever holds the other side; then nothing is left behind.
const KEEPER: &str = r#"read -r _; exec >/dev/null 2>&1; "$1" stop -D "$2" -m immediate; rm -rf "$3""#;

/// Whether commits survive the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// They need not: for tests.
    None,
    /// They do, as in production: for benchmarks.
    Full,
}

/// A running cluster. Dropped, it is stopped and its folder removed; this also happens when this process is killed.
pub(crate) struct Cluster {
    keeper: Child,
    port: u16,
    durability: Durability,
    folder: PathBuf,
    /// Tells later runs that the folder is in use.
    _lock: File,
}

impl Cluster {
    /// Makes and starts a cluster, and waits until it is ready. It trusts whoever connects from this machine.
    ///
    /// # Errors
    /// The programs are missing, or the server does not start; with the end of its log.
    pub(crate) fn start(durability: Durability) -> Outcome<Self> {
        let programs = Programs::find().ok_or("there is no PostgreSQL here: please install it")?;
        let parent = folder::parent()?;
        for stale in folder::stale(&parent) {
            clean(&programs, &stale)?;
        }
        let Folder { path, lock } = Folder::create(&parent)?;
        let mut keeper = keeper(&programs, &path);
        let keeper = keeper
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", keeper.get_program().display()))?;
        let mut cluster = Self {
            keeper,
            port: 0,
            durability,
            folder: path,
            _lock: lock,
        };
        init(&programs, &cluster.folder)?;
        cluster.port = serve(&programs, &cluster.folder, durability)?;
        Ok(cluster)
    }

    /// The address of the cluster's database.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Stops the server at once, as a crash does.
    ///
    /// # Errors
    /// It does not stop.
    pub(crate) fn stop(&self) -> Outcome {
        self.control(&["stop", "-s", "-w", "-m", "immediate"])
    }

    /// Starts a stopped server where it was, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn start_again(&self) -> Outcome {
        let log = folder::log(&self.folder);
        let options = options(self.port, self.durability, processors());
        self.control(&[
            "start",
            "-s",
            "-w",
            "-t",
            START_TIMEOUT_S,
            "-l",
            &log.to_string_lossy(),
            "-o",
            &options,
        ])
    }

    /// The processes of the running server.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn processes(&self) -> Outcome<Vec<u32>> {
        let file = folder::data(&self.folder).join("postmaster.pid");
        let text =
            std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let first = text.lines().next().and_then(|line| line.trim().parse().ok());
        let parent: u32 = first.ok_or_else(|| format!("{} names no process", file.display()))?;
        let output = Command::new("pgrep").args(["-P", &parent.to_string()]).output();
        let output = output.map_err(|error| format!("cannot start pgrep: {error}"))?;
        let children = String::from_utf8_lossy(&output.stdout);
        let children = children.lines().filter_map(|line| line.trim().parse().ok());
        Ok(std::iter::once(parent).chain(children).collect())
    }

    fn control(&self, arguments: &[&str]) -> Outcome {
        let programs = Programs::find().ok_or("PostgreSQL is gone")?;
        let mut command = programs.command("pg_ctl");
        command.args(arguments).arg("-D").arg(folder::data(&self.folder));
        steps::run_quietly(environment::clear(&mut command).current_dir(&self.folder))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Waiting closes its input first. How it ends need not be known: the next run cleans up what it may have left.
        let _ = self.keeper.wait();
        // As another user than this one it may be able to empty the folder only.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The Debian package to install where PostgreSQL is missing.
pub(crate) fn missing() -> Option<&'static str> {
    Programs::find().is_none().then_some("postgresql")
}

fn url(port: u16) -> String {
    format!("postgres://{USER}@{}:{port}/{DATABASE}", Ipv4Addr::LOCALHOST)
}

/// What ends the cluster in `folder` and removes the folder as soon as its input ends.
fn keeper(programs: &Programs, folder: &Path) -> Command {
    let mut command = programs.command_of("sh".as_ref());
    command
        .args(["-c", KEEPER, "sh"])
        .arg(programs.path("pg_ctl"))
        .arg(folder::data(folder))
        .arg(folder);
    // Keys that end this process from a terminal must not end the keeper before its work.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    environment::clear(&mut command).current_dir("/");
    command
}

/// Ends and removes what a run left that could not do so itself.
fn clean(programs: &Programs, folder: &Path) -> Outcome {
    steps::run_quietly(&mut keeper(programs, folder))
}

/// Makes the files of a cluster. Its order of texts is that of a language, as on most servers, and not that of bytes as
/// in SQLite: a statement that depends on it shows itself.
fn init(programs: &Programs, folder: &Path) -> Outcome {
    let of = |locale: &[&str]| {
        let mut command = programs.command("initdb");
        command
            .args(["--auth=trust", "--encoding=UTF8", "--no-sync", "--username", USER])
            .args(locale)
            .arg("-D")
            .arg(folder::data(folder));
        steps::run_quietly(environment::clear(&mut command).current_dir(folder))
    };
    // Locales of the system may not be there; those of ICU come with PostgreSQL, from version 15 on.
    if of(&["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]).is_ok() {
        return Ok(());
    }
    of(&["--locale=C"])?;
    console::line("    this PostgreSQL has no ICU locales: texts are in the order of their bytes");
    Ok(())
}

/// Starts the server on a free port, and returns the port.
fn serve(programs: &Programs, folder: &Path, durability: Durability) -> Outcome<u16> {
    let log = folder::log(folder);
    let mut why = String::new();
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        let mut command = programs.command("pg_ctl");
        command
            .args(["start", "-s", "-w", "-t", START_TIMEOUT_S, "-D"])
            .arg(folder::data(folder))
            .arg("-l")
            .arg(&log)
            .args(["-o", &options(port, durability, processors())]);
        match steps::run_quietly(environment::clear(&mut command).current_dir(folder)) {
            Ok(()) => return Ok(port),
            Err(told) => why = told,
        }
    }
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
    Err(format!("PostgreSQL does not start: {why}\n{end}"))
}

/// The server's settings. No socket in a folder: the path of one must be short, and folders of builds often are not.
fn options(port: u16, durability: Durability, processors: usize) -> String {
    let fsync = match durability {
        Durability::None => "off",
        Durability::Full => "on",
    };
    let connections = CONNECTIONS_MIN.max(CONNECTIONS_PER_PROCESSOR * processors);
    let settings = [
        format!("port={port}"),
        format!("listen_addresses={}", Ipv4Addr::LOCALHOST),
        "unix_socket_directories=".to_owned(),
        format!("fsync={fsync}"),
        format!("max_connections={connections}"),
        "shared_buffers=64MB".to_owned(),
    ];
    settings.map(|setting| format!("-c {setting}")).join(" ")
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn free_port() -> Outcome<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_user_port_and_database() {
        assert_eq!(url(5433), "postgres://pictor@127.0.0.1:5433/postgres");
    }

    #[test]
    fn only_benchmarks_wait_for_the_disk() {
        assert!(options(1, Durability::None, 1).contains("-c fsync=off"));
        assert!(options(1, Durability::Full, 1).contains("-c fsync=on"));
    }

    #[test]
    fn many_processors_have_many_connections() {
        assert!(options(1, Durability::None, 2).contains("-c max_connections=200"));
        assert!(options(1, Durability::None, 32).contains("-c max_connections=1280"));
    }
}
