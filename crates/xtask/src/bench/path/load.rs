//! Load by wrk, and what it tells.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long one measurement takes, in seconds.
const MEASURED_S: u32 = 4;
/// How long it is warmed up before, in seconds.
const WARM_UP_S: u32 = 1;
/// Slow gateways load for some time.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const START_LOOK: Duration = Duration::from_millis(50);

/// What a measurement gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) requests_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Answers that were no success.
    pub(super) failed: u64,
}

impl Load {
    /// Posts `body` over so many connections, each as soon as its last answer is there.
    pub(super) fn run(url: &str, headers: &[(String, String)], body: &[u8], connections: u16) -> Outcome<Self> {
        let script = tempfile::NamedTempFile::with_suffix(".lua").map_err(|error| error.to_string())?;
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("wrk.headers[{name:?}] = {value:?}\n"))
            .collect();
        let sent = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(sent.path(), body).map_err(|error| error.to_string())?;
        let text = format!(
            "wrk.method = \"POST\"\nlocal sent = io.open({:?}, \"rb\")\nwrk.body = sent:read(\"*a\")\nsent:close()\n{headers}",
            sent.path()
        );
        std::fs::write(script.path(), text).map_err(|error| error.to_string())?;
        let wrk = |seconds: u32| {
            let output = Command::new("wrk")
                .args(["--latency", "-t", if connections > 1 { "2" } else { "1" }])
                .args(["-c", &connections.to_string(), "-d", &format!("{seconds}s")])
                .args(["--timeout", "60s", "-s"])
                .arg(script.path())
                .arg(url)
                .output()
                .map_err(|error| format!("wrk does not run: {error}"))?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            read(&text).ok_or_else(|| format!("wrk says:\n{text}{}", String::from_utf8_lossy(&output.stderr)))
        };
        wrk(WARM_UP_S)?;
        wrk(MEASURED_S)
    }
}

/// Waits until somebody listens on `port`.
pub(super) fn wait_for(port: u16) -> Outcome {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START_TIMEOUT {
            return Err(format!("nothing listens on port {port} after {START_TIMEOUT:?}"));
        }
        std::thread::park_timeout(START_LOOK);
    }
    Ok(())
}

fn read(text: &str) -> Option<Load> {
    let line = |word: &str| text.lines().map(str::trim).find(|line| line.starts_with(word));
    let last = |word: &str| line(word)?.split_whitespace().next_back();
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "))?.0;
    let refused = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Non-2xx or 3xx responses: "));
    Some(Load {
        requests: requests.parse().ok()?,
        requests_per_s: last("Requests/sec:")?.parse().ok()?,
        p50_ms: milliseconds(last("50%")?)?,
        p99_ms: milliseconds(last("99%")?)?,
        failed: refused.map_or(Some(0), |refused| refused.trim().parse().ok())?,
    })
}

/// A duration as wrk writes it: `812.00us`, `2.60ms`, `1.20s`, `1.10m`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("m", 60_000.0), ("s", 1000.0)];
    units
        .into_iter()
        .find_map(|(unit, times)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_wrk_is_read() {
        let text = "Running 4s test @ http://127.0.0.1:1\n  Latency Distribution\n     50%  812.00us\n     75%    1.00ms\n     90%    2.00ms\n     99%    2.60ms\n  5577 requests in 4.00s, 21.79GB read\n  Non-2xx or 3xx responses: 12\nRequests/sec:   1394.25\nTransfer/sec:      5.45GB\n";
        let load = read(text).expect("a report");
        assert_eq!(
            load,
            Load {
                requests: 5577,
                requests_per_s: 1394.25,
                p50_ms: 0.812,
                p99_ms: 2.6,
                failed: 12
            }
        );
        assert_eq!(milliseconds("1.50s"), Some(1500.0));
        assert_eq!(milliseconds("1.00m"), Some(60_000.0));
        assert!(read("unable to connect").is_none());
    }
}
