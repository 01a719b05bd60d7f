//! From a question to a typed request. Parsed here once; nothing behind it looks at the question's text again.

use crate::language::condition::{Attribute, Source};
use crate::language::operators::date;
use crate::language::permission::Plane;
use crate::scope::Scope;
use crate::world::{World, dashed, guid, last};
use chrono::{DateTime, FixedOffset};
use iam_why_contract::{Context, Lookup, Question, QuestionError};

/// A request to Azure.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The caller, as it was named.
    pub(crate) principal: String,
    /// What the call needs: each of these, the first is the question itself.
    pub(crate) needs: Vec<Need>,
    /// What is known of the attributes that conditions look at.
    pub(crate) attributes: Attributes,
    /// Everything else that was said of the request.
    pub(crate) said: Context,
}

/// Something the call needs. One of several accesses is enough: creating a blob takes `write` or `add/action`.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// Any of these.
    pub(crate) any_of: Vec<Access>,
    /// Why the call needs it; empty for the question itself.
    pub(crate) because: String,
}

/// One action on one target.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// `Microsoft.Compute/virtualMachines/read`
    pub(crate) action: String,
    /// The plane, where the question says it.
    pub(crate) plane: Option<Plane>,
    /// On what.
    pub(crate) target: Target,
}

/// What a request goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A scope.
    Scope(Scope),
    /// Something below a resource that is known by its host name only.
    Below {
        /// `Microsoft.Storage/storageAccounts`
        kind: &'static str,
        /// The globally unique name of the resource.
        name: String,
        /// What follows its resource id: `/blobServices/default/containers/c`.
        path: String,
    },
    /// Nobody said.
    NotSaid,
}

impl Need {
    /// The access it is named after.
    pub(crate) fn first(&self) -> Option<&Access> {
        self.any_of.first()
    }
}

impl Target {
    /// As people write it.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Scope(scope) => Some(scope.text().to_owned()),
            Self::Below { kind, name, path } => Some(format!("{kind}/{name}{path}")),
            Self::NotSaid => None,
        }
    }
}

/// Is this a question for Azure, by the grammar of its action or resource?
pub(crate) fn claims(question: &Question) -> bool {
    let action = is_action(&question.action);
    let resource = question.resource.as_deref().is_some_and(|resource| {
        resource.starts_with("/subscriptions/") || resource.starts_with("/providers/Microsoft.") || host(resource).is_some()
    });
    action || (resource && question.action.contains('/'))
}

/// `Namespace.X/type/verb`
fn is_action(text: &str) -> bool {
    let mut segments = text.split('/');
    let namespace = segments.next().unwrap_or_default();
    let names = namespace.contains('.') && namespace.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    names && segments.clone().count() >= 1 && segments.all(|segment| !segment.is_empty())
}

impl Request {
    /// Reads a question.
    ///
    /// # Errors
    /// Where the action or the resource is not of Azure's grammar.
    pub(crate) fn new(question: &Question) -> Result<Self, QuestionError> {
        let action = action(&question.action)?;
        let target = target(question.resource.as_deref())?;
        let said = with_sub_operation(question.context.clone());
        let attributes = Attributes::new(&said).completed(&said, question.resource.as_deref(), &target);
        let access = Access { action, plane: stated_plane(&said)?, target };
        let mut needs = vec![Need { any_of: alternatives(access, &said), because: String::new() }];
        for linked in values(&said, "linked") {
            needs.push(linked_need(linked)?);
        }
        Ok(Self { principal: question.principal.trim().to_owned(), needs, attributes, said })
    }

    /// The same request, carrying `value` under `key`.
    pub(crate) fn carrying(mut self, key: &str, value: &str) -> Self {
        self.said = self.said.with(key, [value]);
        let (stated, names_a_blob) = (Attributes::new(&self.said), self.attributes.names_a_blob);
        let derived = std::mem::take(&mut self.attributes.entries);
        self.attributes = stated;
        self.attributes.names_a_blob = names_a_blob;
        self.attributes.entries.extend(derived);
        self
    }

    /// The same request, the role that it assigns by its id where it was given by its name.
    pub(crate) fn naming_roles(self, world: &World<'_>) -> Self {
        let role = self.value("role").filter(|role| guid(last(role)).is_none());
        let found = role.and_then(|name| world.roles().into_iter().find(|role| role.name.eq_ignore_ascii_case(name.trim())));
        match found.map(|role| dashed(&role.guid())) {
            Some(id) => self.carrying("role", &id),
            None => self,
        }
    }

    /// What was said under `key`.
    pub(crate) fn said(&self, key: &str) -> Lookup<'_> {
        self.said.get_ignoring_case(key)
    }

    /// The only value said under `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        match self.said(key) {
            Lookup::Known([value]) => Some(value),
            _ => None,
        }
    }

    /// Which of several operations that share an action it is.
    pub(crate) fn sub_operation(&self) -> Lookup<'_> {
        match self.said("subOperation") {
            // A blob's path was given: this is no listing of a container, and the other suboperations are named when they are meant.
            Lookup::NotKnown if self.attributes.names_a_blob => Lookup::Absent,
            other => other,
        }
    }

    /// When the request was made.
    pub(crate) fn now(&self) -> Option<DateTime<FixedOffset>> {
        let clock = Attribute::new(Source::Environment, "UtcNow");
        let attribute = match self.attributes.get(&clock) {
            Lookup::Known([now]) => date::moment(now),
            _ => None,
        };
        attribute.or_else(|| self.value("now").and_then(date::moment))
    }
}

fn values<'c>(context: &'c Context, key: &str) -> &'c [String] {
    match context.get_ignoring_case(key) {
        Lookup::Known(values) => values,
        _ => &[],
    }
}

fn action(text: &str) -> Result<String, QuestionError> {
    let text = text.trim();
    if text.contains('*') {
        let hint = "ask for one action; a role's pattern covers many";
        return Err(error(text, "one action", Some(hint)));
    }
    if !is_action(text) {
        let hint = (!text.contains('/')).then_some("the operation names of a namespace are listed by `az provider operation show`");
        return Err(error(text, "an action such as `Microsoft.Compute/virtualMachines/read`", hint));
    }
    Ok(text.to_owned())
}

fn error(found: &str, expected: &str, hint: Option<&str>) -> QuestionError {
    QuestionError { found: found.to_owned(), expected: expected.to_owned(), hint: hint.map(str::to_owned) }
}

fn stated_plane(context: &Context) -> Result<Option<Plane>, QuestionError> {
    match values(context, "isDataAction") {
        [] => Ok(None),
        [one] if one.eq_ignore_ascii_case("true") => Ok(Some(Plane::Data)),
        [one] if one.eq_ignore_ascii_case("false") => Ok(Some(Plane::Control)),
        [other, ..] => Err(error(other, "`true` or `false` for isDataAction", None)),
    }
}

/// `ACTION@SCOPE`
fn linked_need(text: &str) -> Result<Need, QuestionError> {
    let (wanted, scope) = text.split_once('@').ok_or_else(|| error(text, "`ACTION@SCOPE` for linked", None))?;
    let access = Access { action: action(wanted)?, plane: Some(Plane::Control), target: target(Some(scope))? };
    Ok(Need { any_of: vec![access], because: "the request refers to it (linked scope)".to_owned() })
}

/// Operations that one of two data actions allows ("Authorize with Microsoft Entra ID", permissions for blob service operations): writing a
/// blob that is new.
const WRITE_OR_ADD: [&str; 8] = [
    "Put Blob",
    "Put Blob From URL",
    "Put Block List",
    "Copy Blob",
    "Copy Blob From URL",
    "Append Block",
    "Append Block From URL",
    "Snapshot Blob",
];

/// Operations that are a suboperation, or that are none; of others it depends on what they carry.
const SUBOPERATIONS: [(&str, Option<&str>); 7] = [
    ("List Blobs", Some("Blob.List")),
    ("Set Blob Tier", Some("Blob.Write.Tier")),
    ("Get Blob", None),
    ("Get Blob Properties", None),
    ("Get Blob Metadata", None),
    ("Get Block List", None),
    ("Delete Blob", None),
];

/// The name of an operation, however it is spelled.
fn squeezed(name: &str) -> String {
    name.replace([' ', '-', '_'], "").to_ascii_lowercase()
}

/// The context with the suboperation that the operation says.
fn with_sub_operation(context: Context) -> Context {
    let operation = values(&context, "operation").first().map(|name| squeezed(name)).unwrap_or_default();
    let known = SUBOPERATIONS.iter().find(|(name, _)| squeezed(name) == operation);
    match known.filter(|_| context.get_ignoring_case("subOperation") == Lookup::NotKnown) {
        Some((_, Some(sub))) => context.with("subOperation", [*sub]),
        Some((_, None)) => context.without("subOperation"),
        None => context,
    }
}

fn alternatives(access: Access, context: &Context) -> Vec<Access> {
    const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    let operation = values(context, "operation").first().map(|name| squeezed(name));
    let either = operation.is_some_and(|operation| WRITE_OR_ADD.iter().any(|name| squeezed(name) == operation));
    let [write, add] = [format!("{BLOBS}/write"), format!("{BLOBS}/add/action")];
    let other = match access.action.as_str() {
        action if action.eq_ignore_ascii_case(&write) => add,
        action if action.eq_ignore_ascii_case(&add) => write,
        _ => return vec![access],
    };
    if either { vec![access.clone(), Access { action: other, ..access }] } else { vec![access] }
}

fn target(resource: Option<&str>) -> Result<Target, QuestionError> {
    let Some(text) = resource.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(Target::NotSaid) };
    if let Some(url) = host(text) {
        return url.target(text);
    }
    let path = text.starts_with('/') || text.to_ascii_lowercase().starts_with("subscriptions/");
    if path && !text.contains("//") {
        return Ok(Target::Scope(Scope::new(text)));
    }
    let hint = "a resource id begins with /subscriptions/; `az resource show --ids` prints it";
    Err(error(text, "a scope, a resource id, or the URL of a blob or a vault", Some(hint)))
}

/// A URL of a data plane or of Resource Manager.
struct Url<'t> {
    host: &'t str,
    path: &'t str,
}

fn host(text: &str) -> Option<Url<'_>> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty()).then_some(Url { host, path })
}

impl Url<'_> {
    fn target(&self, text: &str) -> Result<Target, QuestionError> {
        let mut labels = self.host.split('.');
        let (name, service) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
        let mut segments = self.path.split('/').filter(|segment| !segment.is_empty());
        let first = segments.next();
        let storage = |path: String| Target::Below { kind: "Microsoft.Storage/storageAccounts", name: name.to_owned(), path };
        let below = |prefix: &str| first.map(|first| format!("{prefix}/{first}")).unwrap_or_default();
        match service {
            // A role assignment cannot be made below a container, queue, table or share.
            "blob" | "dfs" => Ok(storage(below("/blobServices/default/containers"))),
            "queue" => Ok(storage(below("/queueServices/default/queues"))),
            "table" => Ok(storage(below("/tableServices/default/tables"))),
            "file" => Ok(storage(below("/fileServices/default/fileshares"))),
            "vault" => {
                let object = first.zip(segments.next()).map(|(collection, object)| format!("/{collection}/{object}"));
                Ok(Target::Below { kind: "Microsoft.KeyVault/vaults", name: name.to_owned(), path: object.unwrap_or_default() })
            }
            _ if self.host.starts_with("management.") => Ok(Target::Scope(Scope::new(self.path))),
            _ => Err(error(text, "the URL of a blob, queue, table, share or vault", Some("give the resource id"))),
        }
    }
}

/// What is known of the attributes that conditions look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    entries: Vec<(Source, String, Option<Vec<String>>)>,
    complete: Vec<Source>,
    names_a_blob: bool,
}

impl Attributes {
    /// Reads the keys `@Source[name]` of a context; the `@` may be left out.
    fn new(context: &Context) -> Self {
        let mut entries: Vec<_> = context.entries.iter().filter_map(|(key, values)| entry(key, values.as_ref())).collect();
        entries.extend(context.entries.iter().filter_map(|(key, values)| shorthand(key, values.as_ref())));
        let all = |source: &Source| {
            let prefix = format!("@{}[", source.name());
            context.complete.iter().any(|complete| prefix.starts_with(complete.as_str()))
        };
        Self { entries, complete: Source::ALL.into_iter().filter(all).collect(), names_a_blob: false }
    }

    /// What is known of an attribute. The key behind `tags:` keeps its case where the condition marks it (C-6).
    pub(crate) fn get(&self, attribute: &Attribute) -> Lookup<'_> {
        let same = |name: &str| match (attribute.exact_key, attribute.name.rsplit_once(':'), name.rsplit_once(':')) {
            (true, Some((kind, key)), Some((other_kind, other_key))) => kind.eq_ignore_ascii_case(other_kind) && key == other_key,
            _ => name.eq_ignore_ascii_case(&attribute.name),
        };
        let found = self.entries.iter().find(|(source, name, _)| *source == attribute.source && same(name));
        match found {
            Some((_, _, Some(values))) => Lookup::Known(values),
            Some((_, _, None)) => Lookup::Absent,
            None if self.complete.contains(&attribute.source) => Lookup::Absent,
            None => Lookup::NotKnown,
        }
    }

    /// Whether more may follow from the question than what it says of attributes.
    pub(crate) fn may_be_derived(&self) -> bool {
        !self.entries.iter().any(|(_, name, _)| name == AS_GIVEN)
    }

    /// The same, with what the resource's own name says (account, container and path of a blob), and what was said of the surroundings.
    fn completed(mut self, said: &Context, resource: Option<&str>, target: &Target) -> Self {
        if !self.may_be_derived() {
            return self;
        }
        for (name, value) in named_by(resource, target) {
            self.names_a_blob |= name.ends_with("blobs:path");
            let attribute = Attribute::new(Source::Resource, name);
            if self.get(&attribute) == Lookup::NotKnown {
                self.entries.push((Source::Resource, name.to_owned(), Some(vec![value])));
            }
        }
        for (key, name) in SURROUNDINGS {
            let [value] = values(said, key) else { continue };
            if self.get(&Attribute::new(Source::Environment, name)) == Lookup::NotKnown {
                self.entries.push((Source::Environment, name.to_owned(), Some(vec![value.clone()])));
            }
        }
        self
    }
}

/// Facts about the surroundings, and the attributes that conditions know them by.
const SURROUNDINGS: [(&str, &str); 3] =
    [("now", "UtcNow"), ("subnet", "Microsoft.Network/virtualNetworks/subnets"), ("privateEndpoint", "Microsoft.Network/privateEndpoints")];

/// A key of the context that says: nothing is to be read off the resource's name.
pub(crate) const AS_GIVEN: &str = "attributes as given";

fn entry(key: &str, values: Option<&Vec<String>>) -> Option<(Source, String, Option<Vec<String>>)> {
    let key = key.trim();
    if key == AS_GIVEN {
        return Some((Source::Request, AS_GIVEN.to_owned(), None));
    }
    let (source, rest) = key.strip_prefix('@').unwrap_or(key).split_once('[')?;
    let attribute = Attribute::new(Source::read(source)?, rest.strip_suffix(']')?);
    Some((attribute.source, attribute.name, values.cloned()))
}

/// C-24: what a role assignment request carries, in the words of `az role assignment create`.
fn shorthand(key: &str, values: Option<&Vec<String>>) -> Option<(Source, String, Option<Vec<String>>)> {
    let name = match key.to_ascii_lowercase().as_str() {
        "role" => "RoleDefinitionId",
        "assignee" => "PrincipalId",
        "principal-type" | "principaltype" => "PrincipalType",
        _ => return None,
    };
    Some((Source::Request, format!("Microsoft.Authorization/roleAssignments:{name}"), values.cloned()))
}

fn named_by(resource: Option<&str>, target: &Target) -> Vec<(&'static str, String)> {
    const ACCOUNT: &str = "Microsoft.Storage/storageAccounts";
    let (account, path) = match target {
        Target::Below { kind, name, path } if *kind == ACCOUNT => (name.clone(), path.clone()),
        Target::Scope(scope) => match scope.resource(ACCOUNT) {
            Some(account) => (account.name().to_owned(), scope.text().get(account.text().len()..).unwrap_or_default().to_owned()),
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut found = vec![("Microsoft.Storage/storageAccounts:name", account)];
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [service, _, _, name, ..] if service.eq_ignore_ascii_case("blobServices") => {
            found.push(("Microsoft.Storage/storageAccounts/blobServices/containers:name", (*name).to_owned()));
        }
        [service, _, _, name, ..] if service.eq_ignore_ascii_case("queueServices") => {
            found.push(("Microsoft.Storage/storageAccounts/queueServices/queues:name", (*name).to_owned()));
        }
        _ => {}
    }
    let blob = resource.and_then(host).filter(|url| url.host.contains(".blob.") || url.host.contains(".dfs."));
    if let Some((_, blob)) = blob.and_then(|url| url.path.split_once('/')).filter(|(_, blob)| !blob.is_empty()) {
        // The attribute is not URL-encoded, and has neither a leading slash nor the container's name (C-20).
        found.push(("Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path", decoded(blob)));
    }
    found
}

/// Undoes `%20`; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Attributes, Request, Target, claims};
    use crate::language::condition::{Attribute, Source};
    use iam_why_contract::{Context, Lookup, Question};

    fn question(action: &str, resource: &str) -> Question {
        Question { action: action.into(), resource: Some(resource.into()), principal: "p".into(), ..Question::default() }
    }

    #[test]
    fn a_blob_url_tells_account_container_and_path() {
        let read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        let request = Request::new(&question(read, "https://acct.blob.core.windows.net/c/dir/a%20b.txt?sv=1")).unwrap();
        let target = &request.needs[0].any_of[0].target;
        assert_eq!(target.text().unwrap(), "Microsoft.Storage/storageAccounts/acct/blobServices/default/containers/c");
        let path = Attribute::new(Source::Resource, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path");
        assert_eq!(request.attributes.get(&path), Lookup::Known(&["dir/a b.txt".to_owned()]));
        assert_eq!(request.sub_operation(), Lookup::Absent, "a path was given: this is no listing");
    }

    #[test]
    fn a_vault_url_names_the_object() {
        let action = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
        let request = Request::new(&question(action, "https://kv.vault.azure.net/secrets/db/0123")).unwrap();
        let wanted = Target::Below { kind: "Microsoft.KeyVault/vaults", name: "kv".into(), path: "/secrets/db".into() };
        assert_eq!(request.needs[0].any_of[0].target, wanted);
    }

    #[test]
    fn the_key_of_a_tag_keeps_its_case_where_the_condition_says_so() {
        let context = Context::default().with("@Resource[T/tags:Project]", ["x"]);
        let attributes = Attributes::new(&context);
        let get = |inside: &str| attributes.get(&Attribute::new(Source::Resource, inside));
        assert_eq!(get("t/TAGS:Project<$key_case_sensitive$>"), Lookup::Known(&["x".to_owned()]));
        assert_eq!(get("T/tags:project<$key_case_sensitive$>"), Lookup::NotKnown);
        assert_eq!(get("T/tags:project"), Lookup::Known(&["x".to_owned()]));
    }

    #[test]
    fn creating_a_blob_takes_write_or_add() {
        let write = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
        let mut question = question(write, "/subscriptions/s/resourceGroups/g");
        question.context = Context::default().with("operation", ["PutBlob"]);
        assert_eq!(Request::new(&question).unwrap().needs[0].any_of.len(), 2);
    }

    #[test]
    fn other_clouds_are_not_claimed_and_nonsense_is_refused() {
        assert!(claims(&question("Microsoft.Compute/virtualMachines/read", "/")));
        assert!(!claims(&question("s3:GetObject", "arn:aws:s3:::b/k")));
        assert!(!claims(&question("storage.objects.get", "//storage.googleapis.com/b")));
        assert!(Request::new(&question("Microsoft.Compute/*", "/")).is_err());
        assert!(Request::new(&question("Microsoft.Compute/disks/read", "mydisk")).is_err());
    }
}
