//! Serves a sandbox until it is stopped: `serve [host:port] [file for the certificate; makes it TLS]`.

use sandbox::SandboxConfig;
use std::io::Write;
use std::net::SocketAddr;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:8485".to_owned())
        .parse()?;
    let certificate_file = arguments.next();
    let sandbox = sandbox::start(SandboxConfig {
        listen,
        tls: certificate_file.is_some(),
        ..SandboxConfig::default()
    })
    .await?;
    if let (Some(file), Some(pem)) = (certificate_file, sandbox.certificate_pem()) {
        std::fs::write(file, pem)?;
    }
    writeln!(std::io::stdout(), "{}", sandbox.base_url())?;
    std::future::pending::<()>().await;
    Ok(())
}
