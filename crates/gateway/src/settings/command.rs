//! Programs that print a secret, such as the client of a vault.

use std::io::{self, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long one may take where nothing else is said: a vault answers in a second, and a start waits for it.
pub(super) const TIME: Duration = Duration::from_secs(10);
/// Longest output, in bytes. The largest secrets are keys of service accounts, of a few kilobytes.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;
/// How much is told of what it says on standard error, in characters.
const SAID_CHARS_MAX: usize = 300;
/// How much of that is read, in bytes.
const SAID_BYTES_MAX: u64 = 4 << 10;

/// How one ended.
struct Ended {
    output: Vec<u8>,
    said: Vec<u8>,
    status: ExitStatus,
}

/// What a program prints, without the blanks around it. It is started as it stands, by no shell, with the environment of this
/// process and nothing to read; what it started itself ends with it.
///
/// # Errors
/// A sentence that names the program and what went wrong, with what it said of that on standard error, but never its output or
/// its arguments.
pub(super) fn output(command: &[String], limit: Duration) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let wrong = |what: &str| format!("the command '{program}' {what}");
    let child = start(program, arguments).map_err(|error| wrong(&format!("cannot be started: {error}")))?;
    let id = child.id();
    let (tell, told) = mpsc::channel();
    let waiting = thread::Builder::new().spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = tell.send(finish(child));
    });
    waiting.map_err(|error| wrong(&format!("cannot be waited for: {error}")))?;
    let Ok(ended) = told.recv_timeout(limit) else {
        kill(id);
        return Err(wrong(&format!("did not end within {} s (timeout_s)", limit.as_secs())));
    };
    let Ended { output, said, status } = ended.map_err(|error| wrong(&format!("cannot be heard: {error}")))?;
    if output.len() as u64 > OUTPUT_BYTES_MAX {
        return Err(wrong("printed more than 64 KiB"));
    }
    if !status.success() {
        return Err(wrong(&format!("ended with {status}{}", last_words(&said))));
    }
    let text = String::from_utf8(output).map_err(|_| wrong("printed what is no text"))?;
    match text.trim() {
        "" => Err(wrong(&format!("printed nothing{}", last_words(&said)))),
        text => Ok(text.to_owned()),
    }
}

fn start(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Reads both streams to their ends, so that none of them holds the program up.
fn finish(mut child: Child) -> io::Result<Ended> {
    let (errors, texts) = (child.stderr.take(), child.stdout.take());
    let said = thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut errors) = errors {
            let _ = errors.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut said);
            let _ = io::copy(&mut errors, &mut io::sink());
        }
        said
    });
    let mut output = Vec::new();
    if let Some(texts) = texts {
        // Then it is closed, and who goes on writing is ended by that.
        texts.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut output)?;
    }
    let status = child.wait()?;
    Ok(Ended {
        output,
        said: said.join().unwrap_or_default(),
        status,
    })
}

/// The last line of what was said, as people are told.
fn last_words(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let told = line.map(|line| line.chars().filter(|letter| !letter.is_control()).take(SAID_CHARS_MAX));
    told.map_or_else(String::new, |line| format!(": {}", line.collect::<String>()))
}

/// Ends a program with all that it started.
#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(id).ok().and_then(Pid::from_raw);
    // One that is gone meanwhile needs no end.
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
}

#[cfg(not(unix))]
fn kill(_id: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &[&str], limit: Duration) -> Result<String, String> {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        output(&command, limit)
    }

    #[test]
    fn the_output_is_the_secret() {
        assert_eq!(run(&["printf", " sk-1\n\n"], TIME).as_deref(), Ok("sk-1"));
        // No shell reads it.
        assert_eq!(run(&["echo", "$HOME; `id`"], TIME).as_deref(), Ok("$HOME; `id`"));
        assert_eq!(run(&["sh", "-c", "echo $((1 + 1))"], TIME).as_deref(), Ok("2"));
        assert_eq!(
            run(&["cat"], TIME).expect_err("it fails"),
            "the command 'cat' printed nothing"
        );
    }

    #[test]
    fn what_goes_wrong_is_told_without_the_secret() {
        let failed = run(
            &["sh", "-c", "echo sk-secret; echo first >&2; echo no right >&2; exit 3"],
            TIME,
        );
        assert_eq!(
            failed.expect_err("it fails"),
            "the command 'sh' ended with exit status: 3: no right"
        );
        let absent = run(&["/no/such/program", "sk-secret"], TIME).expect_err("it fails");
        assert!(
            absent.starts_with("the command '/no/such/program' cannot be started: "),
            "{absent}"
        );
        assert!(!absent.contains("sk-secret"));
        let odd = run(&["printf", "\\377"], TIME).expect_err("it fails");
        assert_eq!(odd, "the command 'printf' printed what is no text");
        let long = run(&["head", "-c", "70000", "/dev/zero"], TIME).expect_err("it fails");
        assert_eq!(long, "the command 'head' printed more than 64 KiB");
        let endless = run(&["yes"], TIME).expect_err("it fails");
        assert_eq!(endless, "the command 'yes' printed more than 64 KiB");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let begun = std::time::Instant::now();
        let slow = run(&["sh", "-c", "sleep 600 & sleep 600"], Duration::from_secs(1)).expect_err("it fails");
        assert_eq!(slow, "the command 'sh' did not end within 1 s (timeout_s)");
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
