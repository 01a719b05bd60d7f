//! Scopes: where an assignment is made, and where a request goes.

/// A scope or a resource id. Compared without regard to case, segment by segment (S-2: "Understand scope for Azure RBAC").
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    text: String,
    key: String,
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Scope {}

const MANAGEMENT_GROUPS: &str = "/providers/microsoft.management/managementgroups/";

impl Scope {
    /// Reads a scope: a resource id, or the tenant root `/`.
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim().trim_end_matches('/');
        let text = if text.is_empty() || text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
        let key = text.to_ascii_lowercase();
        // Two spellings of a Kubernetes namespace (S-6: "Use Azure RBAC for Kubernetes authorization").
        let key = key.replace("/providers/microsoft.kubernetesconfiguration/namespaces/", "/namespaces/");
        Self { text, key }
    }

    /// As it was written; `/` for the tenant root.
    pub(crate) fn text(&self) -> &str {
        if self.text.is_empty() { "/" } else { &self.text }
    }

    /// Lower-case, without a slash at the end; empty for the tenant root.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Is it the tenant root?
    pub(crate) fn is_root(&self) -> bool {
        self.key.is_empty()
    }

    /// Is `other` this scope, or below it by its path? Management groups hold subscriptions without being in their path (S-3).
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.key.strip_prefix(self.key.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The name of the management group that this scope is.
    pub(crate) fn management_group(&self) -> Option<&str> {
        self.key.strip_prefix(MANAGEMENT_GROUPS).filter(|name| !name.contains('/'))
    }

    /// The management group that this scope is or lies in by its path.
    pub(crate) fn in_management_group(&self) -> Option<&str> {
        self.key.strip_prefix(MANAGEMENT_GROUPS).and_then(|rest| rest.split('/').next())
    }

    /// The scope of a management group.
    pub(crate) fn of_management_group(name: &str) -> Self {
        Self::new(&format!("/providers/Microsoft.Management/managementGroups/{name}"))
    }

    /// The id of the subscription it lies in, lower-case.
    pub(crate) fn subscription(&self) -> Option<&str> {
        let rest = self.key.strip_prefix("/subscriptions/")?;
        rest.split('/').next().filter(|id| !id.is_empty())
    }

    /// The subscription it lies in.
    pub(crate) fn subscription_scope(&self) -> Option<Self> {
        self.subscription().map(|id| Self::new(&format!("/subscriptions/{id}")))
    }

    /// The resource of this type that the scope is or lies in: `…/providers/{namespace}/{kind}/{name}`.
    pub(crate) fn resource(&self, kind: &str) -> Option<Self> {
        let marker = format!("/providers/{}/", kind.to_ascii_lowercase());
        let start = self.key.find(&marker)? + marker.len();
        let rest = self.text.get(start..)?;
        let name = rest.split('/').next().filter(|name| !name.is_empty())?;
        self.text.get(..start + name.len()).map(Self::new)
    }

    /// The type of the resource: `microsoft.compute/virtualmachines`, with the types of its parents; `None` for a group or above.
    pub(crate) fn resource_type(&self) -> Option<String> {
        let (_, tail) = self.key.rsplit_once("/providers/")?;
        let mut segments = tail.split('/');
        let namespace = segments.next()?;
        let types: Vec<&str> = segments.step_by(2).collect();
        (!types.is_empty()).then(|| format!("{namespace}/{}", types.join("/")))
    }

    /// Where a role can be assigned: the scope itself, or what an assignment, a lock or their like extends.
    pub(crate) fn assignable(&self) -> Self {
        match self.key.rfind("/providers/microsoft.authorization/") {
            Some(at) if at > 0 => Self::new(self.text.get(..at).unwrap_or_default()),
            _ => self.clone(),
        }
    }

    /// The last segment as it was written.
    pub(crate) fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    const GROUP: &str = "/subscriptions/5ab0/resourceGroups/rg-a";

    #[test]
    fn a_scope_ends_at_a_segment_and_case_does_not_count() {
        let group = Scope::new(GROUP);
        assert!(group.holds(&Scope::new("/subscriptions/5AB0/resourcegroups/RG-A/providers/Microsoft.Compute/disks/d")));
        assert!(!group.holds(&Scope::new("/subscriptions/5ab0/resourceGroups/rg-a2")));
        assert!(!group.holds(&Scope::new("/subscriptions/5ab0")));
        assert!(Scope::new("/").holds(&group));
        assert!(Scope::new(&format!("{GROUP}(x)")).holds(&Scope::new(&format!("{GROUP}(x)/"))), "names are literal text");
    }

    #[test]
    fn a_resource_knows_its_type() {
        let subnet = Scope::new(&format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"));
        assert_eq!(subnet.resource_type().unwrap(), "microsoft.network/virtualnetworks/subnets");
        assert_eq!(subnet.resource("Microsoft.Network/virtualNetworks").unwrap().name(), "v");
    }
}
