//! Runs the built binary as a separate process.

#![allow(dead_code, reason = "each test file uses only some of these")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const SECRET: &str = "a secret of the tests alone, 32 bytes and more";

/// A running stack, killed when dropped.
pub struct Stack {
    process: Child,
    pub url: String,
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SIGKILL: nothing is flushed or finished.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The binary, without arguments.
fn fleetledger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetledger"));
    command.env("AUTH_HS256_SECRET", SECRET);
    command
}

/// The binary with the arguments for an empty stack on the folder `data`.
fn empty_stack(data: &Path, arguments: &[&str]) -> Command {
    let mut command = fleetledger();
    command.args(["--empty", "--port", "0", "--data"]).arg(data).args(arguments);
    command
}

/// Runs a command of the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    fleetledger().args(arguments).output().unwrap()
}

pub fn token(org: &str) -> String {
    String::from_utf8(run(&["token", "--org", org]).stdout).unwrap().trim().to_owned()
}

impl Stack {
    /// Starts the binary on a free port and returns when it prints its URL.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut process = empty_stack(data, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            |line: String| line.split(' ').find(|word| word.starts_with("http://")).map(str::to_owned);
        let url = lines.find_map(address).unwrap();
        // The process would block on a pipe that nobody reads.
        std::thread::spawn(|| lines.for_each(drop));
        Self { process, url }
    }

    /// Starts the binary and kills it after `delay`, however far it has come.
    pub fn kill_at_start(data: &Path, arguments: &[&str], delay: Duration) {
        let mut process = empty_stack(data, arguments).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }
}

/// An event of the source `test`.
pub fn event(id: &str, kind: &str, time: &str, data: &Value) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "test", "type": kind, "time": time, "data": data })
}
