//! Runs a function's `bootstrap`, as built by `sam build`, in Amazon's runtime interface emulator, which comes with
//! SAM.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::NamedTempFile;

/// The root folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Attempts to reach a starting emulator, and the pause between them: 30 s in all.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// A running function.
pub struct Emulator {
    process: Child,
    url: String,
    log: NamedTempFile,
}

impl Emulator {
    /// Starts `bootstrap` with only `variables` in its environment.
    pub fn start(bootstrap: &Path, variables: &BTreeMap<String, String>) -> Self {
        let [front, back] = ports();
        let log = NamedTempFile::new().unwrap();
        let process = Command::new(program())
            .args(["--runtime-interface-emulator-address", &front, "--runtime-api-address", &back])
            .arg(bootstrap)
            .env_clear()
            .envs(variables)
            .stdout(log.reopen().unwrap())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        Self { process, url: format!("http://{front}/2015-03-31/functions/function/invocations"), log }
    }

    /// Invokes the function as Lambda does and returns its response.
    pub async fn invoke(&self, event: &str) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..ATTEMPTS {
            match client.post(&self.url).body(event.to_owned()).send().await {
                Ok(response) => return serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
                Err(error) if error.is_connect() => tokio::time::sleep(PAUSE).await,
                Err(error) => panic!("{error}: {}", self.log()),
            }
        }
        panic!("the emulator did not start: {}", self.log());
    }

    /// The output of the emulator and the function.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

impl Drop for Emulator {
    /// Terminates the emulator, which then stops the function. If it were killed, the function would keep running.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).stderr(Stdio::null()).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ = self.process.wait();
        }
    }
}

/// Two free addresses.
fn ports() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

/// The emulator, as installed by pip.
fn program() -> PathBuf {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let python =
        root().join(".venv/lib").read_dir().expect(".venv is created by .ci/run").next().unwrap().unwrap();
    python.path().join(format!("site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
}
