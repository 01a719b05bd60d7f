//! Resource Manager: the path from a project to its organization, the allow policies on it, what lies below a node, tags.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{
    FOLDER_POLICY, GET_ANCESTRY, GET_FOLDER, GET_ORGANIZATION, GET_PROJECT, LIST_FOLDERS, LIST_PROJECTS, LIST_TAGS, ORGANIZATION_POLICY,
    PROJECT_POLICY, Step,
};
use super::wire::{Call, parts};
use crate::documents::{FOLDER, TAGS};
use crate::language::resources::FullName;
use crate::world::{Project, names, read_ancestry};
use futures_util::future::{join, join_all};
use iam_why_contract::{Document, Outcome};
use serde_json::{Value, json};

/// Folders nest at most ten deep.
const DEEPEST: usize = 16;

/// What lies above a resource, as far as it was readable.
#[derive(Debug, Clone, Default)]
pub(super) struct Above {
    /// Nearest first.
    pub nodes: Vec<FullName>,
    /// Both names of the project that it starts with.
    pub named: Project,
}

impl Above {
    /// The organization, where the path reaches one.
    pub(super) fn top(&self) -> Option<&FullName> {
        self.nodes.iter().find(|node| node.path.starts_with("organizations/"))
    }

    /// What it starts with; a path that was read has at least that.
    pub(super) fn node(&self) -> &FullName {
        static NOTHING: std::sync::LazyLock<FullName> = std::sync::LazyLock::new(|| FullName::new("", ""));
        self.nodes.first().unwrap_or(&NOTHING)
    }

    /// The project that it starts with.
    pub(super) fn project(&self) -> Option<&FullName> {
        self.nodes.first().filter(|node| node.is_project())
    }

    /// `name` as APIs take it that know projects by their number only; `None` where the number is not known.
    pub(super) fn by_number(&self, name: &FullName) -> Option<FullName> {
        let Some(project) = name.project() else { return Some(name.clone()) };
        if is_number(project) {
            return Some(name.clone());
        }
        name.with_project(self.named.number.as_deref().filter(|_| self.starts_with(project))?)
    }

    /// The names of a node: a project goes by its id and by its number.
    pub(super) fn names(&self, node: &FullName) -> Vec<String> {
        let known = [&self.named.id, &self.named.number].into_iter().flatten().filter(|_| node.is_project());
        let mut names = vec![node.to_string()];
        names.extend(known.filter_map(|name| node.with_project(name)).map(|name| name.to_string()));
        names
    }

    /// Is this the project that it starts with, by id or number?
    pub(super) fn starts_with(&self, project: &str) -> bool {
        self.named.is(project) || self.project().and_then(FullName::project) == Some(project)
    }
}

fn is_number(project: &str) -> bool {
    project.chars().all(|character| character.is_ascii_digit())
}

/// Reads `start` and what lies above it: at one go where Google Cloud tells a project's ancestors, else parent by parent.
pub(super) async fn climb(reader: &Reader<'_>, start: FullName) -> Above {
    if !start.is_project() {
        return parent_by_parent(reader, start, None).await;
    }
    let (project, ancestry) = join(describe(reader, &start), ancestry(reader, &start)).await;
    let mut named = project.as_ref().map(names).unwrap_or_default();
    named.number = named.number.or_else(|| start.project().filter(|project| is_number(project)).map(str::to_owned));
    let agreed = ancestry.as_ref().ok().filter(|(_, nodes)| reaches_top(nodes, project.as_ref()));
    if let Some((text, nodes)) = agreed {
        let subject = start.to_string();
        reader.document(&GET_ANCESTRY, &subject, &format!("the path of {}", start.path), text.clone());
        reader.note(GET_ANCESTRY.kind, &subject, Outcome::Found);
        let mut path = vec![start];
        path.extend(nodes.iter().skip(1).cloned());
        return Above { nodes: path, named };
    }
    if let Err(failure) = &ancestry {
        reader.failed(&GET_ANCESTRY, &start.to_string(), failure);
    }
    Above { named, ..parent_by_parent(reader, start, project).await }
}

async fn ancestry(reader: &Reader<'_>, project: &FullName) -> Result<(String, Vec<FullName>), Failure> {
    let subject = project.to_string();
    let call = Call::post(format!("/v1/{}:getAncestry", parts(&project.path)), json!({}));
    let (text, _) = reader.ask(&GET_ANCESTRY, &subject, &call).await?;
    let nodes = read_ancestry(&Document::new(GET_ANCESTRY.kind, &subject, "", text.as_str()));
    let nodes = nodes.filter(|nodes| nodes.first().is_some_and(FullName::is_project));
    nodes
        .map(|nodes| (text, nodes))
        .ok_or_else(|| Failure::Malformed("the answer is no list of ancestors that starts with a project".into()))
}

/// Are these all the nodes there are, as far as the project's own document tells? A project without an organization stands alone; that
/// ancestors might be left out is not documented, and not taken for impossible.
fn reaches_top(nodes: &[FullName], project: Option<&Value>) -> bool {
    let parent = project.map(|project| project.get("parent").and_then(Value::as_str));
    let second = nodes.get(1).map(|node| node.path.as_str());
    match (parent, nodes.last()) {
        (Some(parent), _) if parent != second => false,
        (Some(None), _) => true,
        (_, Some(last)) => last.path.starts_with("organizations/"),
        _ => false,
    }
}

async fn describe(reader: &Reader<'_>, node: &FullName) -> Option<Value> {
    let call = Call::get(format!("/v3/{}", parts(&node.path)));
    reader.read(describing(node), &node.to_string(), &node.path, &call, &["name"]).await
}

/// `first` is the document of `start`, where that is a project.
async fn parent_by_parent(reader: &Reader<'_>, start: FullName, first: Option<Value>) -> Above {
    let mut above = Above::default();
    let mut known = first;
    let mut next = Some(start);
    for _ in 0..DEEPEST {
        let Some(node) = next.take() else { break };
        above.nodes.push(node.clone());
        if node.path.starts_with("organizations/") {
            break;
        }
        let value = if node.is_project() { known.take() } else { describe(reader, &node).await };
        let parent = value.as_ref().and_then(|value| value.get("parent")?.as_str());
        next = parent.and_then(FullName::node).filter(|parent| !above.nodes.contains(parent));
    }
    above
}

/// Reads the organization at the top of a path.
pub(super) async fn organization(reader: &Reader<'_>, above: &Above) -> Option<Value> {
    describe(reader, above.top()?).await
}

/// Reads the allow policies of these nodes.
pub(super) async fn policies(reader: &Reader<'_>, nodes: &[FullName]) -> Vec<Value> {
    join_all(nodes.iter().map(|node| policy(reader, node))).await.into_iter().flatten().collect()
}

async fn policy(reader: &Reader<'_>, node: &FullName) -> Option<Value> {
    let step = match node.path.split('/').next() {
        Some("projects") => &PROJECT_POLICY,
        Some("folders") => &FOLDER_POLICY,
        _ => &ORGANIZATION_POLICY,
    };
    let body = json!({"options": {"requestedPolicyVersion": 3}});
    let call = Call::post(format!("/v3/{}:getIamPolicy", parts(&node.path)), body);
    reader.read(step, &node.to_string(), &format!("allow policy of {}", node.path), &call, POLICY).await
}

/// An allow policy without bindings is an `etag` and nothing else.
pub(super) const POLICY: &[&str] = &["etag", "bindings"];

fn describing(node: &FullName) -> &'static Step {
    match node.path.split('/').next() {
        Some("projects") => &GET_PROJECT,
        Some("folders") => &GET_FOLDER,
        _ => &GET_ORGANIZATION,
    }
}

/// Reads the projects or folders right below a folder or an organization.
pub(super) async fn children(reader: &Reader<'_>, node: &FullName, kind: &str) -> Vec<Above> {
    let (step, items) = if kind == FOLDER { (&LIST_FOLDERS, "folders") } else { (&LIST_PROJECTS, "projects") };
    let call = Call::get(format!("/v3/{items}")).with("parent", &node.path).with("pageSize", "300");
    let subject = format!("{items} below {node}");
    match reader.list(step, &subject, &call, items).await {
        Ok(listed) => {
            reader.note(step.kind, &subject, Outcome::Found);
            listed.into_iter().filter_map(|text| child(reader, step, text)).collect()
        }
        Err(failure) => {
            reader.failed(step, &subject, &failure);
            Vec::new()
        }
    }
}

/// A project goes by its id from here on, as people name it.
fn child(reader: &Reader<'_>, step: &Step, text: String) -> Option<Above> {
    let value: Value = serde_json::from_str(&text).ok()?;
    let named = match value.get("projectId").and_then(Value::as_str) {
        Some(id) => format!("projects/{id}"),
        None => value.get("name")?.as_str()?.to_owned(),
    };
    let node = FullName::node(&named)?;
    reader.document(step, &node.to_string(), &node.path, text);
    reader.note(step.kind, &node.to_string(), Outcome::Found);
    Some(Above { nodes: vec![node], named: names(&value) })
}

/// Reads the tags in effect on a resource, own and inherited (H9). Those of a resource that has a location are kept there.
pub(super) async fn tags(reader: &Reader<'_>, resource: &FullName, location: Option<&str>, above: &Above) {
    let subject = resource.to_string();
    let Some(named) = above.by_number(resource) else {
        let why = "tags are asked for by the number of the project, which is not known".to_owned();
        return reader.note(TAGS, &subject, Outcome::NotTried { why });
    };
    let call = Call::get("/v3/effectiveTags".into()).with("parent", named.to_string()).with("pageSize", "300").at(location);
    match reader.list(&LIST_TAGS, &subject, &call, "effectiveTags").await {
        Ok(listed) => {
            let text = format!("{{\"effectiveTags\": [{}]}}", listed.join(", "));
            reader.document(&LIST_TAGS, &subject, &format!("tags in effect on {}", resource.shown()), text);
            reader.note(TAGS, &subject, Outcome::Found);
        }
        Err(failure) => reader.failed(&LIST_TAGS, &subject, &failure),
    }
}
