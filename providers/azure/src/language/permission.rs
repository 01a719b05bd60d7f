//! Permission objects: what a role grants, or a deny assignment refuses.

use crate::language::action::ActionPattern;
use crate::language::condition::Condition;
use iam_why_contract::{Place, Test, Truth};
use serde_json::Value;

/// Whether an operation manages a resource or touches the data in it. The two planes are separate worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Plane {
    /// Answered by `actions` minus `notActions`.
    Control,
    /// Answered by `dataActions` minus `notDataActions`.
    Data,
}

impl Plane {
    /// The members of a permission object that speak of this plane.
    pub(crate) fn members(self) -> (&'static str, &'static str) {
        match self {
            Self::Control => ("actions", "notActions"),
            Self::Data => ("dataActions", "notDataActions"),
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        if self == Self::Control { Self::Data } else { Self::Control }
    }

    /// What an operation of this plane is called.
    pub(crate) fn operation(self) -> &'static str {
        if self == Self::Control { "action" } else { "data action" }
    }
}

/// One object of `permissions`: evaluated on its own, then united with the others.
#[derive(Debug, Clone)]
pub(crate) struct Permission {
    /// Its pointer in the document.
    pub(crate) pointer: String,
    actions: Vec<ActionPattern>,
    not_actions: Vec<ActionPattern>,
    data_actions: Vec<ActionPattern>,
    not_data_actions: Vec<ActionPattern>,
    /// Its own condition.
    pub(crate) condition: Option<Condition>,
}

/// What a permission object says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage<'p> {
    /// The pattern at this index of `actions` covers it, and none of `notActions` does.
    Covered(usize, &'p ActionPattern),
    /// `actions` covers it, and the pattern at this index of `notActions` takes it out again.
    Subtracted(usize, &'p ActionPattern),
    /// `actions` does not cover it.
    NotCovered,
}

impl Permission {
    /// Reads the object at `pointer`.
    pub(crate) fn new(value: &Value, pointer: String) -> Self {
        let patterns = |member: &str| {
            let texts = value.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            texts.map(ActionPattern::new).collect()
        };
        let condition = value.get("condition").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let condition = condition.map(|text| Condition::of_version(text, value.get("conditionVersion")));
        Self {
            pointer,
            actions: patterns("actions"),
            not_actions: patterns("notActions"),
            data_actions: patterns("dataActions"),
            not_data_actions: patterns("notDataActions"),
            condition,
        }
    }

    /// What it says of `action` on `plane`. NotActions subtract inside this object; they are no deny.
    pub(crate) fn coverage(&self, action: &str, plane: Plane) -> Coverage<'_> {
        let (granted, subtracted) = self.lists(plane);
        let first = |patterns: &'_ [ActionPattern]| patterns.iter().position(|pattern| pattern.matches(action));
        let Some(index) = first(granted) else { return Coverage::NotCovered };
        match first(subtracted).and_then(|at| subtracted.get(at).map(|pattern| (at, pattern))) {
            Some((at, pattern)) => Coverage::Subtracted(at, pattern),
            None => granted.get(index).map_or(Coverage::NotCovered, |pattern| Coverage::Covered(index, pattern)),
        }
    }

    /// `actions` and `notActions` of a plane.
    pub(crate) fn lists(&self, plane: Plane) -> (&[ActionPattern], &[ActionPattern]) {
        match plane {
            Plane::Control => (&self.actions, &self.not_actions),
            Plane::Data => (&self.data_actions, &self.not_data_actions),
        }
    }

    /// How much it grants, for comparing roles: patterns with wildcards weigh more.
    pub(crate) fn weight(&self) -> usize {
        let patterns = self.actions.iter().chain(&self.data_actions);
        patterns.map(|pattern| if pattern.text() == "*" { 10_000 } else { 1 + 50 * usize::from(pattern.is_wild()) }).sum()
    }

    /// What was compared, in words.
    pub(crate) fn test(&self, place: &Place, action: &str, plane: Plane) -> Test {
        let (granting, subtracting) = plane.members();
        let place = Place::new(place.document.clone(), self.pointer.clone());
        match self.coverage(action, plane) {
            Coverage::Covered(at, pattern) => Test::new(place.member(granting).element(at), "action", pattern.text(), action, Truth::Yes),
            Coverage::Subtracted(at, pattern) => {
                let wanted = format!("not {} ({subtracting})", pattern.text());
                Test::new(place.member(subtracting).element(at), "action", wanted, action, Truth::No)
            }
            Coverage::NotCovered => Test::new(place.member(granting), "action", self.summary(plane), action, Truth::No),
        }
    }

    /// `actions` of a plane in a few words.
    pub(crate) fn summary(&self, plane: Plane) -> String {
        let (granted, _) = self.lists(plane);
        let shown: Vec<&str> = granted.iter().take(3).map(ActionPattern::text).collect();
        match granted.len() {
            0 => format!("no {}s", plane.operation()),
            count if count > shown.len() => format!("{} and {} more", shown.join(", "), count - shown.len()),
            _ => shown.join(", "),
        }
    }
}

/// The permission objects of a role definition or deny assignment whose own members stand at `pointer`.
pub(crate) fn permissions(body: &Value, pointer: &str) -> Option<Vec<Permission>> {
    let objects = body.get("permissions")?.as_array()?;
    Some(objects.iter().enumerate().map(|(index, object)| Permission::new(object, format!("{pointer}/permissions/{index}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Coverage, Permission, Plane};
    use serde_json::json;

    #[test]
    fn planes_are_separate_and_not_actions_subtract() {
        let contributor = Permission::new(&json!({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}), String::new());
        let covers = |action: &str, plane| matches!(contributor.coverage(action, plane), Coverage::Covered(..));
        assert!(covers("Microsoft.Compute/virtualMachines/write", Plane::Control));
        assert!(!covers("microsoft.authorization/roleAssignments/write", Plane::Control));
        assert!(!covers("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", Plane::Data));
    }
}
