//! What a misspelt name was meant to be. A hint is a note; it never changes a decision.

/// How many suggestions are worth reading.
pub const SUGGESTIONS: usize = 5;

/// The distance of two names in edits, where it is small for their length: at most a quarter of it, and three. Case does not count.
#[must_use]
pub fn closeness(one: &str, other: &str) -> Option<usize> {
    let allowed = (one.len() / 4).clamp(1, 3);
    if one.len().abs_diff(other.len()) > allowed {
        return None;
    }
    let distance = strsim::osa_distance(&one.to_ascii_lowercase(), &other.to_ascii_lowercase());
    (distance <= allowed).then_some(distance)
}

/// The names that are close to `name`, the closest first and at most [`SUGGESTIONS`]; only the one that differs in nothing but case,
/// where there is one.
#[must_use]
pub fn close_to<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut close: Vec<(usize, &str)> = names.into_iter().filter_map(|other| Some((closeness(name, other)?, other))).collect();
    close.sort_unstable();
    close.dedup();
    let exact = close.first().is_some_and(|(distance, _)| *distance == 0);
    close.truncate(if exact { 1 } else { SUGGESTIONS });
    close.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::close_to;

    #[test]
    fn what_is_a_slip_away_is_meant_and_nothing_else() {
        let names = ["storage.objects.get", "storage.objects.list", "storage.buckets.get", "pubsub.topics.publish"];
        assert_eq!(close_to("storage.object.get", names), ["storage.objects.get"]);
        assert_eq!(close_to("Storage.Objects.Get", names), ["storage.objects.get"]);
        assert!(close_to("compute.instances.start", names).is_empty());
        assert_eq!(close_to("abc", ["abd", "abe", "xyz"]), ["abd", "abe"]);
    }
}
