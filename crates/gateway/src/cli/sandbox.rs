//! `pictor sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use sandbox::SandboxConfig;

use super::Failed;
use super::output::say;
use super::stop::Stop;

/// What the emulators are started with.
#[derive(Debug, clap::Args)]
#[command(after_long_help = sandbox::FAULTS_HELP)]
pub(super) struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8485")]
    listen: SocketAddr,
    /// Serve https with a self-made certificate.
    #[arg(long)]
    tls: bool,
    /// Write that certificate to this file, for clients to trust.
    #[arg(long, requires = "tls")]
    cert_out: Option<PathBuf>,
    /// Take about as long as the real providers do.
    #[arg(long)]
    latency: bool,
    /// Base of links in answers, when callers come through a proxy.
    #[arg(long)]
    public_url: Option<String>,
    /// Refuse models that the emulators do not know, as the real services do, instead of serving one like it.
    #[arg(long)]
    strict: bool,
}

/// Serves the emulators until the process is told to stop.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let Arguments {
        listen,
        tls,
        cert_out,
        latency,
        public_url,
        strict,
    } = arguments;
    let mut stop = Stop::listen();
    let sandbox = sandbox::start(SandboxConfig {
        listen,
        tls,
        latency,
        public_url,
        strict,
        ..SandboxConfig::default()
    })
    .await?;
    if let (Some(path), Some(certificate)) = (cert_out, sandbox.certificate_pem()) {
        std::fs::write(&path, certificate).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let base = sandbox.base_url();
    say(&format!("listening on {base}"));
    for path in sandbox::PATHS {
        say(&format!("  {base}{path}"));
    }
    say(&format!("faults on demand: {base}/_sandbox/help"));
    let _ = stop.asked().await;
    sandbox.shutdown().await;
    Ok(())
}
