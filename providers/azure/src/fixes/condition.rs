//! Conditions that would let the request through.

use crate::fixes::{Change, edit, quoted};
use crate::language::condition::{Comparison, Condition, Expression, Operand, Quantifier, Relation, Source, listed};
use crate::layers::Asked;
use crate::world::guid;
use iam_why_contract::{Evidence, Finding, Lookup, Place, Snapshot};
use serde_json::{Value, json};

/// The same condition with the request's value among those that the failed comparison accepts.
pub(crate) fn wider(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Option<Change> {
    let Evidence::Place(place) = &finding.evidence else { return None };
    // A built-in role is the same for everybody: nobody can edit it.
    if asked.world.roles().iter().any(|role| role.built_in && *role.document == *place.document) {
        return None;
    }
    let text = at(snapshot, place)?;
    let condition = Condition::new(&text);
    let comparison = condition.parsed.as_ref().ok().and_then(|expression| compared(expression, place.span?))?;
    let value = only_value(asked, comparison)?;
    let replaced = accepting(comparison, &value)?;
    let (start, end) = comparison.span;
    let wider = format!("{}{replaced}{}", text.get(..start)?, text.get(end..)?);
    let says = format!("let the condition accept '{value}' too: {replaced}");
    let operation = json!({"op": "replace", "path": place.pointer, "value": wider});
    let change = Change::new(says, finding.owner.clone(), vec![edit(&place.document, operation)]);
    Some(change.widens(format!("every other request with {} '{value}' that the condition covers", comparison.left)))
}

/// The request with a value that the failed comparison accepts, where it is the request's own to choose.
pub(crate) fn sent(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Option<Change> {
    let Evidence::Place(place) = &finding.evidence else { return None };
    let condition = Condition::new(&at(snapshot, place)?);
    let comparison = condition.parsed.as_ref().ok().and_then(|expression| compared(expression, place.span?))?;
    let (Operand::Attribute(attribute), Operand::Literals(values)) = (&comparison.left, &comparison.right) else { return None };
    let base = comparison.operator.base;
    let plain = !base.negated && matches!(base.relation, Relation::Equals | Relation::StartsWith);
    let first = values.first().filter(|_| plain && attribute.source == Source::Request)?;
    let named = |value: &String| {
        let role = guid(value).and_then(|digits| asked.world.role(&digits));
        role.map_or_else(|| format!("'{value}'"), |role| format!("'{value}' ({})", role.name))
    };
    let shown: Vec<String> = values.iter().take(5).map(named).collect();
    let word = if base.relation == Relation::StartsWith { "beginning with" } else { "as" };
    let says = format!("send {attribute} {word} {}, which the condition takes", shown.join(" or "));
    let mut change = Change::new(says, "the caller: the request".to_owned(), Vec::new());
    let marker = if attribute.exact_key { "<$key_case_sensitive$>" } else { "" };
    change.carries.push((format!("@Request[{}{marker}]", attribute.name), first.clone()));
    Some(change)
}

fn at(snapshot: &Snapshot, place: &Place) -> Option<String> {
    let document = snapshot.document(&place.document)?;
    let value: Value = serde_json::from_str(&document.text).ok()?;
    value.pointer(&place.pointer)?.as_str().map(str::to_owned)
}

fn compared(expression: &Expression, span: (usize, usize)) -> Option<&Comparison> {
    expression.comparisons().into_iter().find(|comparison| comparison.span == span)
}

fn only_value(asked: &Asked<'_>, comparison: &Comparison) -> Option<String> {
    let Operand::Attribute(attribute) = &comparison.left else { return None };
    match asked.request.attributes.get(attribute) {
        Lookup::Known([value]) if !value.contains('\'') => Some(value.clone()),
        _ => None,
    }
}

/// `x StringEquals 'a'` becomes `x ForAnyOfAnyValues:StringEquals {'a', 'b'}`. Only equality is widened so: of patterns and numbers nobody
/// knows what the next request will want.
fn accepting(comparison: &Comparison, value: &str) -> Option<String> {
    let Operand::Literals(values) = &comparison.right else { return None };
    let base = comparison.operator.base;
    let any = matches!(comparison.operator.quantifier, None | Some(Quantifier::AnyOfAny));
    let Operand::Attribute(attribute) = &comparison.left else { return None };
    if base.relation != Relation::Equals || base.negated || !any {
        return None;
    }
    let mut values = values.clone();
    values.push(value.to_owned());
    let marker = if attribute.exact_key { "<$key_case_sensitive$>" } else { "" };
    let list = match base.family {
        crate::language::condition::Family::Guid => format!("{{{}}}", values.join(", ")),
        _ => listed(&values),
    };
    Some(format!("@{}[{}{marker}] ForAnyOfAnyValues:{} {list}", attribute.source.name(), attribute.name, base.name()))
}

/// C-15: the body of a role assignment request must say what kind of principal it is for.
pub(crate) fn principal_types() -> Vec<Change> {
    let one = |kind: &str| {
        let says = format!("send \"principalType\": \"{kind}\" in the body of the request, if the new assignment is for one");
        let mut change = Change::new(says, "the caller".to_owned(), Vec::new());
        change.carries.push(("@Request[Microsoft.Authorization/roleAssignments:PrincipalType]".to_owned(), kind.to_owned()));
        change.command(format!(
            "az role assignment create --assignee-object-id OBJECT-ID --assignee-principal-type {} --role ROLE --scope SCOPE",
            quoted(kind)
        ))
    };
    ["ServicePrincipal", "User", "Group"].into_iter().map(one).collect()
}
