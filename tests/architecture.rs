//! The rules of the house (CONTRIBUTING.md): dependencies point one way, simulators are pure, reports know no cloud.

use iam_why::providers;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What may stand under the contract: nothing that does I/O.
const UNDER_THE_CONTRACT: &[&str] =
    &["serde", "serde_json", "thiserror", "json-patch", "aho-corasick", "memchr", "percent-encoding", "strsim"];

/// What may not stand under a simulator, whatever brings it.
const NOT_UNDER_A_SIMULATOR: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "h2",
    "ureq",
    "rustls",
    "openssl",
    "native-tls",
    "aws-config",
    "aws-smithy-runtime",
    "azure_core",
    "azure_identity",
    "google-cloud-auth",
    "google-cloud-gax",
    "clap",
    "anstream",
    "tracing-subscriber",
    "mio",
    "socket2",
];

/// What no simulator calls: its arguments are all it knows.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::env",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "println!",
    "eprintln!",
];

/// The files that every provider has, so that who knows one knows all.
const FILES: &[&str] = &["lib", "request", "world", "decide", "layers", "language", "documents", "cases", "findings", "fixes"];

/// Words that a report and the asking may not know: clouds, and fields of policies.
const FOREIGN: &[&str] =
    &["\"Statement\"", "\"Effect\"", "\"Sid\"", "\"bindings\"", "\"roleDefinitionId\"", "\"Condition\"", "\"condition\""];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the crates in a dependency tree without development dependencies.
fn tree(package: &str, more: &[&str]) -> BTreeSet<String> {
    let arguments = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", package];
    let listed = cargo(&[arguments.as_slice(), more].concat());
    listed.lines().filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The lines of a source file before its tests, without comments, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate();
    let lines = before_tests.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default().to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

fn crates() -> Vec<String> {
    providers::all().iter().map(|provider| format!("iam-why-{}", provider.id())).collect()
}

#[test]
fn the_contract_stands_on_almost_nothing() {
    let direct = tree("iam-why-contract", &["--depth", "1"]);
    let more: Vec<&String> =
        direct.iter().filter(|name| *name != "iam-why-contract" && !UNDER_THE_CONTRACT.contains(&name.as_str())).collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn a_simulator_brings_no_network_no_runtime_and_no_sdk() {
    for simulator in crates() {
        let under = tree(&simulator, &["--no-default-features"]);
        let bad: Vec<&&str> = NOT_UNDER_A_SIMULATOR.iter().filter(|name| under.contains(**name)).collect();
        assert!(bad.is_empty(), "{simulator} brings {bad:?}");
    }
}

#[test]
fn providers_do_not_know_each_other() {
    for simulator in crates() {
        let ours: Vec<String> = tree(&simulator, &["--all-features"]).into_iter().filter(|name| name.starts_with("iam-why")).collect();
        assert!(ours.iter().all(|name| *name == simulator || name == "iam-why-contract"), "{simulator} knows {ours:?}");
    }
}

#[test]
fn a_simulator_reads_only_its_arguments() {
    for provider in ["contract", "aws", "azure", "gcp", "elsewhere"] {
        let folder = root().join("providers").join(provider).join("src");
        for path in sources(&folder).into_iter().filter(|path| !path.starts_with(folder.join("collect"))) {
            for (number, line) in code(&path) {
                let bad = IMPURE.iter().find(|word| line.contains(**word));
                assert_eq!(bad, None, "{}:{number}: {line}", path.display());
            }
        }
    }
}

#[test]
fn reports_and_asking_know_no_cloud_and_no_policy_field() {
    let mut files = sources(&root().join("src/report"));
    files.push(root().join("src/ask.rs"));
    let ids: Vec<String> = providers::all().iter().map(|provider| provider.id().to_owned()).collect();
    for path in files.iter().filter(|path| !path.ends_with("sample.rs")) {
        for (number, line) in code(path) {
            let words: Vec<String> = line.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
            let cloud = ids.iter().find(|id| words.contains(id));
            let field = FOREIGN.iter().find(|field| line.contains(**field));
            assert_eq!((cloud, field), (None, None), "{}:{number}: {line}", path.display());
        }
    }
}

#[test]
fn who_knows_one_provider_knows_all() {
    for provider in providers::all() {
        let folder = root().join("providers").join(provider.id()).join("src");
        let there = |name: &&&str| folder.join(format!("{name}.rs")).exists() || folder.join(name).join("mod.rs").exists();
        let missing: Vec<&&str> = FILES.iter().filter(|name| !there(name)).collect();
        assert!(missing.is_empty(), "{} has no {missing:?}", provider.id());
    }
}

#[test]
fn every_finding_layer_and_document_kind_has_a_name_of_its_own() {
    let mut codes = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for provider in providers::all() {
        for code in provider.codes() {
            assert!(codes.insert(code.id), "two findings are called {}", code.id);
            assert!(code.doc.starts_with("https://"), "{} has no page", code.id);
            assert!(!code.title.is_empty(), "{} has no title", code.id);
        }
        for kind in provider.kinds() {
            assert!(kinds.insert(kind.id), "two kinds of document are called {}", kind.id);
            assert!(kind.id.starts_with(&format!("{}:", provider.id())), "{} does not say whose it is", kind.id);
        }
        let layers: BTreeSet<&str> = provider.layers().iter().map(|layer| layer.id).collect();
        assert_eq!(layers.len(), provider.layers().len(), "{} has two layers of one name", provider.id());
    }
}
