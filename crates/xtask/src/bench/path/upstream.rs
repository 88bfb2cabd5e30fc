//! A provider that answers at once with a fixed picture: nginx and one file.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;

use crate::Outcome;

/// Where OpenAI's clients ask for pictures, below their base URL: for new ones, or with `inputs` for edits.
pub(super) const fn path(inputs: usize) -> &'static str {
    if inputs == 0 {
        "/images/generations"
    } else {
        "/images/edits"
    }
}

/// A running nginx, ended when dropped.
pub(super) struct Upstream {
    child: Child,
    /// What OpenAI's clients call a base URL, without a slash at the end.
    pub(super) base_url: String,
    pub(super) port: u16,
    _folder: tempfile::TempDir,
}

impl Upstream {
    /// Serves `picture` in OpenAI's shape.
    pub(super) fn start(picture: &[u8]) -> Outcome<Self> {
        let told = |error: std::io::Error| format!("the upstream does not start: {error}");
        let folder = tempfile::tempdir().map_err(told)?;
        let b64 = base64::engine::general_purpose::STANDARD.encode(picture);
        let answer = serde_json::json!({
            "created": 1_760_000_000, "data": [{ "b64_json": b64 }],
            "usage": { "input_tokens": 8, "output_tokens": 272, "total_tokens": 280,
                "input_tokens_details": { "text_tokens": 8, "image_tokens": 0 } },
        });
        std::fs::write(folder.path().join("answer.json"), answer.to_string()).map_err(told)?;
        let port = free_port()?;
        std::fs::write(folder.path().join("nginx.conf"), config(folder.path(), port)).map_err(told)?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .arg("-p")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(told)?;
        let upstream = Self {
            child,
            base_url: format!("http://127.0.0.1:{port}/v1"),
            port,
            _folder: folder,
        };
        super::load::wait_for(port)?;
        Ok(upstream)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Its workers end with it when it is asked to stop; killed, it would leave them behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A file is only served to GET, so that a POST's refusal is turned into the file.
fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; client_max_body_size 0; types {{ application/json json; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port}; root {folder}; error_page 405 =200 /answer.json;
    location / {{ rewrite ^ /answer.json break; }}
  }}
}}
"
    )
}

/// A port that nobody listens on.
pub(super) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("no free port: {error}"))?;
    Ok(address.port())
}
