//! The developer's commands: `cargo xtask test`, `tidy`, `lines`, `bless`, `bench` and `faults`.

mod bench;
mod bless;
mod console;
mod debian;
mod environment;
mod faults;
mod fuzz;
mod lines;
mod mutants;
mod postgres;
mod repository;
mod sbom;
mod steps;
mod suite;
mod tidy;

use std::process::ExitCode;

/// Why a command stopped, as shown to the developer.
type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "\
usage: cargo xtask <command>

  test                              everything: tidy, Rust tests, the gateway's tests on PostgreSQL, official SDKs
                                    end to end, the site in a browser; installs what is missing
  test --only <part>                one part: rust, postgres, python, node, site, faults or tidy;
                                    or pages: the page of every model, and every sample on it;
                                    or clients: LiteLLM, LangChain, Haystack, llm and requests as others send them;
                                    or deploy: what stands in deploy/, with a Prometheus and an S3 server of others;
                                    or later: the gateway's tests with the clock 3 and 90 days ahead
  tidy                              the rules of style and structure
  lines                             lines of Rust by crate, code and tests
  bless                             writes the requests of the tests' tables anew, and sheets of prices for new offers
  sbom [file]                       what the program is made of, as CycloneDX
  bench                             all of these, one after the other
  bench memory                      growth of memory while a 32 MiB answer passes through
  bench render                      time of one sandbox picture of 1024x1024
  bench ledger                      speed of the books on SQLite and PostgreSQL
  bench log                         every list of the desk with a million requests
  bench pages                       time and size of the heaviest pages of the site
  bench ratings                     ratings of a million votes, and their board from the databases
  bench attack                      a normal caller while thousands attack; `bench attack debug`: on the debug build
  bench path [gateway ...]          a picture's way through gateways, or through these alone
  fuzz [target] [--seconds <n>]     bytes of every kind for what reads bytes of strangers, a minute for each target
  mutants [module] [--shard <k>/<n>]
                                    faults put into the planner, one at a time: do its tests notice?
  faults                            failing providers, kills and outages, and the books afterwards;
                                    `faults --help` tells what can be chosen";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test"] => suite::run(None),
        ["test", "--only", part] => suite::Part::named(part).and_then(|part| suite::run(Some(part))),
        ["tidy"] => tidy::run(&repository::root()),
        ["lines"] => lines::run(&repository::root()),
        ["bless"] => bless::run(),
        ["sbom"] => sbom::run(None),
        ["sbom", file] => sbom::run(Some(file)),
        ["bench"] => bench::run_all(),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["mutants", rest @ ..] => mutants::run(rest),
        ["faults", rest @ ..] => faults::run(rest),
        ["bench", "attack", "debug"] => bench::attack_debug(),
        ["bench", "path", gateways @ ..] => bench::path(gateways),
        ["bench", name] => bench::Bench::named(name).and_then(bench::run),
        [] | ["help" | "--help" | "-h"] => {
            console::line(USAGE);
            Ok(())
        }
        other => Err(format!("unknown command: {}\n\n{USAGE}", other.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            console::line(&format!("\nfailed: {why}"));
            ExitCode::FAILURE
        }
    }
}
