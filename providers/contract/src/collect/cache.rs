//! What readers keep between runs.

/// Keeps texts that a cloud lets nobody read often, from one run to the next. It is the reader's to make sure that what was kept is what
/// the cloud has now: a text whose like may have changed without anybody noticing is not kept.
pub trait Cache: std::fmt::Debug + Send + Sync {
    /// What was kept under `key` last.
    fn get(&self, key: &str) -> Option<String>;

    /// Keeps `text` under `key`, where that is possible.
    fn put(&self, key: &str, text: &str);
}
