//! What lies above a resource: its project by both names, the folders, the organization.

use super::fields::{elements, json, text};
use crate::documents;
use crate::language::resources::FullName;
use iam_why_contract::{Document, Snapshot, Truth};
use serde_json::Value;

/// A project by its two names (H8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Project {
    /// `acme-prod`
    pub id: Option<String>,
    /// `300`
    pub number: Option<String>,
}

/// What lies above a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    /// Resources below the project, nearest first, the resource itself included.
    pub resources: Vec<FullName>,
    /// The project, its folders and its organization, nearest first.
    pub nodes: Vec<FullName>,
    /// Do the nodes reach to the top?
    pub complete: bool,
}

impl Project {
    /// Is `name` its id or its number?
    pub(crate) fn is(&self, name: &str) -> bool {
        self.id.as_deref() == Some(name) || self.number.as_deref() == Some(name)
    }
}

/// The project of a resource and what lies above it.
pub(super) fn place(snapshot: &Snapshot, resource: &FullName) -> (Project, Path) {
    let resources = resource.containers();
    let mut nodes = ancestors(snapshot, resource, &resources).unwrap_or_default();
    let mut complete = !nodes.is_empty();
    let named = resource.project().map(str::to_owned).or_else(|| owner(snapshot, resource));
    if nodes.is_empty() {
        let start = if resource.is_node() { Some(resource.clone()) } else { named.as_deref().map(project_node) };
        if let Some(start) = start {
            (nodes, complete) = climb(snapshot, start);
        }
    }
    if resource.is_node() && !nodes.iter().any(|node| node == resource) && !resource.is_project() {
        nodes.insert(0, resource.clone());
    }
    let of_path = nodes.iter().find(|node| node.is_project()).and_then(FullName::project).map(str::to_owned);
    let both = named.clone().zip(of_path.clone()).and_then(|(one, two)| by_id_and_number(one, two));
    let project = both.or_else(|| named.or(of_path).map(|name| project(snapshot, &name))).unwrap_or_default();
    (project, Path { resources, nodes, complete })
}

/// A resource and the path above it may name one project by its two names.
fn by_id_and_number(one: String, two: String) -> Option<Project> {
    let is_number = |name: &str| name.chars().all(|c| c.is_ascii_digit());
    match (is_number(&one), is_number(&two)) {
        (true, false) => Some(Project { id: Some(two), number: Some(one) }),
        (false, true) => Some(Project { id: Some(one), number: Some(two) }),
        _ => None,
    }
}

pub(super) fn project_node(name: &str) -> FullName {
    FullName::new(crate::language::resources::MANAGER, &format!("projects/{name}"))
}

/// The path that a document states for the resource, one of its containers, or its project.
fn ancestors(snapshot: &Snapshot, resource: &FullName, containers: &[FullName]) -> Option<Vec<FullName>> {
    let mut names: Vec<FullName> = vec![resource.clone()];
    names.extend(containers.iter().cloned());
    let owner = resource.project().map(str::to_owned).or_else(|| owner(snapshot, resource));
    for project in owner.map(|name| project(snapshot, &name)).into_iter().flat_map(|project| [project.id, project.number]) {
        names.extend(project.as_deref().map(project_node));
    }
    let found = |name: &FullName| {
        name.spellings().iter().find_map(|spelling| snapshot.of(documents::ANCESTRY, spelling).next()).and_then(read_ancestry)
    };
    names.iter().find_map(found)
}

/// The nodes that a document of the path states, nearest first.
pub(crate) fn read_ancestry(document: &Document) -> Option<Vec<FullName>> {
    let value = json(document)?;
    let list = elements(&value, &["ancestors", "ancestor"])?;
    let node = |entry: &Value| match entry {
        Value::String(text) => FullName::node(text),
        entry => {
            // get-ancestors prints {id, type}; Resource Manager v1 wraps both in resourceId.
            let entry = entry.get("resourceId").unwrap_or(entry);
            let kind = text(entry, "type")?;
            FullName::node(&format!("{kind}s/{}", text(entry, "id")?))
        }
    };
    list.iter().map(node).collect()
}

/// The path as the documents of project and folders state it, parent by parent.
fn climb(snapshot: &Snapshot, start: FullName) -> (Vec<FullName>, bool) {
    let mut nodes = vec![start.clone()];
    let mut at = start;
    // Folders nest at most ten deep.
    for _ in 0..16 {
        if at.path.starts_with("organizations/") {
            return (nodes, true);
        }
        let Some(parent) = parent(snapshot, &at) else { return (nodes, false) };
        let Some(parent) = parent else { return (nodes, true) };
        nodes.push(parent.clone());
        at = parent;
    }
    (nodes, false)
}

/// `Some(None)`: it has no parent.
fn parent(snapshot: &Snapshot, node: &FullName) -> Option<Option<FullName>> {
    let value = if node.is_project() {
        project_document(snapshot, node.path.strip_prefix("projects/")?)?
    } else {
        node.spellings().iter().find_map(|name| snapshot.of(documents::FOLDER, name).next()).and_then(json)?
    };
    match value.get("parent") {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(parent)) => FullName::node(parent).map(Some),
        Some(parent) => FullName::node(&format!("{}s/{}", text(parent, "type")?, text(parent, "id")?)).map(Some),
    }
}

/// The project of a resource whose name does not say it.
fn owner(snapshot: &Snapshot, resource: &FullName) -> Option<String> {
    let bucket = resource.bucket()?;
    let document = bucket.spellings().iter().find_map(|name| snapshot.of(documents::BUCKET, name).next())?;
    text(&json(document)?, "projectNumber")
}

fn project_document(snapshot: &Snapshot, name: &str) -> Option<Value> {
    let node = project_node(name);
    if let Some(document) = node.spellings().iter().find_map(|spelling| snapshot.of(documents::PROJECT, spelling).next()) {
        return json(document);
    }
    let mut others = snapshot.all_of(documents::PROJECT).filter(|document| document.text.contains(name));
    others.find_map(|document| json(document).filter(|value| names(value).is(name)))
}

/// Both names of a project, as its document says them.
pub(crate) fn names(value: &Value) -> Project {
    let number = text(value, "projectNumber").or_else(|| text(value, "name")?.strip_prefix("projects/").map(str::to_owned));
    let number = number.filter(|number| number.chars().all(|c| c.is_ascii_digit()));
    Project { id: text(value, "projectId"), number }
}

/// Both names of a project, as far as a document says.
pub(crate) fn project(snapshot: &Snapshot, name: &str) -> Project {
    if let Some(known) = project_document(snapshot, name).map(|value| names(&value)).filter(|known| known.is(name)) {
        return known;
    }
    let number = name.chars().all(|c| c.is_ascii_digit());
    if number { Project { id: None, number: Some(name.into()) } } else { Project { id: Some(name.into()), number: None } }
}

/// Do both name one project? Open where one is an id, the other a number, and no document says.
pub(crate) fn same_project(snapshot: &Snapshot, one: &str, two: &str) -> Truth {
    if one == two {
        return Truth::Yes;
    }
    let (first, second) = (project(snapshot, one), project(snapshot, two));
    if first.is(two) || second.is(one) {
        return Truth::Yes;
    }
    let comparable = (first.id.is_some() && second.id.is_some()) || (first.number.is_some() && second.number.is_some());
    if comparable { Truth::No } else { Truth::Unknown }
}
