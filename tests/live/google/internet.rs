//! Google Cloud under its own names: a proxy that answers for every host of it, with a certificate made for the run.
//!
//! Credentials that nobody named go to Google Cloud and to no stand-in, so this is the one way to see where they go.

use super::server::{Answer, Seen, Server, head, serve};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(super) struct Internet {
    proxy: String,
    folder: TempDir,
    server: Server,
    hosts: Arc<Mutex<BTreeSet<String>>>,
}

impl Internet {
    /// Every host answers by this rule.
    pub(super) fn new(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(certified(folder.path()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let (server, hosts) = (Server::new(rule), Arc::default());
        let (shared, kept) = (Arc::clone(&server.shared), Arc::clone(&hosts));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, shared, kept) = (Arc::clone(&config), Arc::clone(&shared), Arc::clone(&kept));
                std::thread::spawn(move || serve(tunnel(stream, config, &kept)?, &shared));
            }
        });
        Self { proxy, folder, server, hosts }
    }

    /// Lets a program go out through the proxy.
    pub(super) fn surround(&self, command: &mut Command) {
        command.env("HTTPS_PROXY", &self.proxy).env("SSL_CERT_FILE", self.folder.path().join("cert.pem"));
    }

    /// Whom the proxy was asked for.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.hosts.lock().unwrap().iter().cloned().collect()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }

    /// The same answers without a proxy and TLS: a metadata server is asked so.
    pub(super) fn plain(&self) -> &str {
        self.server.url().trim_start_matches("http://")
    }
}

/// Accepts a tunnel to any host (RFC 9110 section 9.3.6), and is that host.
fn tunnel(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    hosts: &Mutex<BTreeSet<String>>,
) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let _ = stream.set_nodelay(true);
    let (line, _) = head(&mut BufReader::new(&stream))?;
    let host = line.strip_prefix("CONNECT ")?.split(':').next()?.to_owned();
    hosts.lock().unwrap().insert(host);
    (&stream).write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    Some(StreamOwned::new(ServerConnection::new(config).ok()?, stream))
}

/// A certificate for the hosts of Google Cloud in `folder`, and what goes with it.
fn certified(folder: &Path) -> ServerConfig {
    let (key, cert) = (folder.join("key.pem"), folder.join("cert.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=of the run",
    ]);
    openssl.args(["-addext", "subjectAltName=DNS:*.googleapis.com", "-addext", "basicConstraints=critical,CA:FALSE"]);
    let output = openssl.arg("-keyout").arg(&key).arg("-out").arg(&cert).output().expect("openssl is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    builder.with_single_cert(vec![CertificateDer::from_pem_file(&cert).unwrap()], PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap()
}
