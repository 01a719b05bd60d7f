//! Access levels: does the request meet one? Perimeters and context-aware access both ask.
//!
//! google/identity/accesscontextmanager/v1/access_level.proto (V9).

use super::storage;
use crate::documents;
use crate::facts::Facts;
use crate::language::principals::Member;
use crate::world::{World, elements, json, member, text, texts};
use iam_why_contract::{Lookup, Truth};
use serde_json::Value;
use std::net::IpAddr;

/// How deep levels are followed into levels that they require.
const NESTED: usize = 8;

/// Does the request meet the level `accessPolicies/N/accessLevels/NAME`?
pub(crate) fn holds(world: &World<'_>, level: &str, facts: &Facts) -> Truth {
    Levels { world, facts }.holds(level, NESTED)
}

struct Levels<'l> {
    world: &'l World<'l>,
    facts: &'l Facts,
}

impl Levels<'_> {
    fn holds(&self, level: &str, deep: usize) -> Truth {
        let given = self.world.request.context.get("source.access_levels");
        if let Lookup::Known(held) = given {
            return yes(held.iter().any(|name| name == level));
        }
        let stated = self.world.request.context.entries.contains_key("source.access_levels");
        let known = self.definition(level);
        // Levels that nobody mentioned follow from their definition; without one, absent is absent.
        if given == Lookup::Absent && (stated || (known.is_none() && !self.world.was_refused(documents::ACCESS_LEVELS))) {
            return Truth::No;
        }
        let holds = known.filter(|_| deep > 0).map_or(Truth::Unknown, |level| self.basic(&level, deep - 1));
        if holds.is_unknown() {
            return self.world.ask(
                self.facts,
                &format!("access level {level}"),
                format!("whether the request meets the access level {level}"),
                "--context source.access_levels=…",
            );
        }
        holds
    }

    /// An organization may have several access policies, each with levels of its own; their names tell them apart.
    fn definition(&self, level: &str) -> Option<Value> {
        self.world.snapshot.all_of(documents::ACCESS_LEVELS).filter_map(json).find_map(|value| {
            let levels = elements(&value, &["accessLevels"])?;
            levels.iter().find(|entry| text(entry, "name").as_deref() == Some(level)).cloned()
        })
    }

    /// Levels written in CEL are not evaluated.
    fn basic(&self, level: &Value, deep: usize) -> Truth {
        let Some(basic) = level.get("basic") else { return Truth::Unknown };
        let any = member(basic, "combiningFunction").and_then(Value::as_str) == Some("OR");
        let conditions = basic.get("conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let each = conditions.iter().map(|condition| self.condition(condition, deep));
        if any { Truth::any(each) } else { Truth::all(each) }
    }

    /// All of its fields that are not empty; `negate` turns the whole around.
    fn condition(&self, condition: &Value, deep: usize) -> Truth {
        let list = |name: &str| texts(condition, name).filter(|list| !list.is_empty());
        let ip = self.world.context("source.ip").and_then(|ip| ip.parse::<IpAddr>().ok());
        let mut all = Truth::Yes;
        if let Some(ranges) = list("ipSubnetworks") {
            all = all.and(ip.map_or(Truth::Unknown, |ip| yes(ranges.iter().any(|range| storage::contains(range, ip)))));
        }
        if let Some(people) = list("members") {
            all = all.and(Truth::any(people.iter().map(|written| self.world.covers(&Member::v1(written), self.facts))));
        }
        if let Some(regions) = list("regions") {
            all = all.and(self.world.context("source.region").map_or(Truth::Unknown, |mine| yes(regions.iter().any(|name| name == mine))));
        }
        all = all.and(Truth::all(list("requiredAccessLevels").iter().flatten().map(|other| self.holds(other, deep))));
        let unmodelled =
            ["devicePolicy", "vpcNetworkSources"].iter().any(|name| member(condition, name).is_some_and(|value| !value.is_null()));
        let all = if unmodelled { all.and(Truth::Unknown) } else { all };
        if condition.get("negate").and_then(Value::as_bool) == Some(true) { !all } else { all }
    }
}

fn yes(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}
