//! The built binary as a process of its own.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// What the tests' stacks sign tokens with.
const SECRET: &str = "a secret of the tests alone, 32 bytes and more";

/// A running stack, killed when it is dropped.
pub struct Stack {
    process: Child,
    /// Where it answers.
    pub url: String,
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SIGKILL: nothing is flushed, nothing is finished.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The binary, to be given a command.
fn fleetledger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetledger"));
    command.env("AUTH_HS256_SECRET", SECRET);
    command
}

/// The binary, to run an empty stack on the folder `data`.
fn on(data: &Path, arguments: &[&str]) -> Command {
    let mut command = fleetledger();
    command.args(["--empty", "--port", "0", "--data"]).arg(data).args(arguments);
    command
}

/// What a command of the binary comes to.
pub fn run(arguments: &[&str]) -> Output {
    fleetledger().args(arguments).output().unwrap()
}

/// A token for `org`.
pub fn token(org: &str) -> String {
    String::from_utf8(run(&["token", "--org", org]).stdout).unwrap().trim().to_owned()
}

impl Stack {
    /// Starts the binary on a free port and returns when it says where it answers.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut process = on(data, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            |line: String| line.split(' ').find(|word| word.starts_with("http://")).map(str::to_owned);
        let url = lines.find_map(address).unwrap();
        // Whoever writes to a pipe that nobody reads from is stopped.
        std::thread::spawn(|| lines.for_each(drop));
        Self { process, url }
    }

    /// Starts the binary and kills it after `moment`, wherever it is by then.
    pub fn kill_at_start(data: &Path, arguments: &[&str], moment: Duration) {
        let mut process = on(data, arguments).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// The port in its URL.
    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }
}

/// An event as a sender writes it.
pub fn event(id: &str, kind: &str, time: &str, data: &Value) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "test", "type": kind, "time": time, "data": data })
}
