//! moto and MiniStack, installed by the tests themselves into a virtual environment under `target/`, on free loopback ports.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What is installed, pinned: the tests know what these versions do.
const PACKAGES: [&str; 2] = ["moto[server]==5.2.5", "ministack==1.5.33"];

/// Runs a module until the test that holds its standard input is gone: a server that is kept for all tests is never dropped.
const WATCHED: &str = "
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
";

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server, ended when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts moto.
    pub(crate) fn moto() -> Self {
        Self::start(|port, command| {
            command.args(["moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        })
    }

    /// Starts MiniStack so that it enforces policies, on the loopback interface only and without its message broker.
    pub(crate) fn ministack() -> Self {
        Self::start(|port, command| {
            let port = port.to_string();
            let settings = [("AUTH", "true"), ("BIND_HOST", "127.0.0.1"), ("GATEWAY_PORT", &port), ("IOT_MTLS_ENABLED", "0")];
            command.arg("ministack").envs(settings);
        })
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn start(arguments: impl Fn(u16, &mut Command)) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let mut command = python();
        command.args(["-c", WATCHED]);
        arguments(port, &mut command);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = streams.spawn().expect("the server starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = child.try_wait().expect("the server can be watched") {
                panic!("the server ended: {status}");
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not answer on {address}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one of the scripts in `worlds/` against a server, hands it `input` and reads what it prints.
pub(crate) fn world(script: &str, server: &Server, input: &str) -> serde_json::Value {
    let mut command = python();
    command.arg("-c").arg(script).arg(server.url());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the script starts");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it takes its input");
    let mut printed = String::new();
    let mut complaints = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut printed).expect("UTF-8");
    child.stderr.take().expect("its errors").read_to_string(&mut complaints).expect("UTF-8");
    let status = child.wait().expect("the script ends");
    assert!(status.success(), "the script failed: {complaints}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("the script printed no JSON: {error}\n{complaints}"))
}

/// The Python of the virtual environment, without the user's own AWS settings.
fn python() -> Command {
    static ENVIRONMENT: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(ENVIRONMENT.get_or_init(install));
    for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(name);
    }
    command
}

/// Makes the virtual environment unless it is there. Without Python this fails: a test that did not run has not passed.
fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aws-servers").join(PACKAGES.join("+").replace(['[', ']', '='], "-"));
    let python = folder.join("bin/python");
    if folder.join("complete").exists() {
        return python;
    }
    let run = |command: &mut Command| {
        let output = command.output().unwrap_or_else(|error| panic!("python3 with venv is needed for these tests: {error}"));
        assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES));
    std::fs::write(folder.join("complete"), PACKAGES.join("\n")).expect("the folder is ours");
    python
}
