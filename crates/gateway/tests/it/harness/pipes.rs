//! Callers whose connections are pipes in memory.

use std::net::Ipv4Addr;

use tokio::io::DuplexStream;

use super::TestGateway;

impl TestGateway {
    /// A connection from this machine over a pipe that holds so many bytes: no buffer of the system reads ahead.
    pub(crate) fn piped(&self, bytes: usize) -> DuplexStream {
        let (near, far) = tokio::io::duplex(bytes);
        let running = self.running.as_ref().expect("the gateway runs");
        running.take(far, Ipv4Addr::LOCALHOST.into());
        near
    }
}
