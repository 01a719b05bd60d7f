//! What is kept between runs: texts that a cloud lets nobody read often, in the user's own directory for such.
//!
//! Whoever reads a cloud decides whether a text that was kept is still the one that the cloud has; here it is only kept. Nothing in it is
//! secret, and still it is for its owner's eyes only: the directory has mode 0700, its files have mode 0600. A directory that belongs to
//! somebody else, or that others may look into or write to, is not used; a file that is not as it was written is not there. Where nothing
//! can be kept, everything is read: no run fails for it.

use iam_why_contract::collect::Cache;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::{self, DirBuilder, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// What nobody wrote anew for so long is dropped: the directory does not grow for ever.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// No policy is as large as this.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A directory with one file a text.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Looked at once, and only where there is something to keep.
    usable: OnceLock<bool>,
}

#[derive(Serialize, Deserialize)]
struct Entry<'t> {
    #[serde(borrow)]
    key: Cow<'t, str>,
    #[serde(borrow)]
    text: Cow<'t, str>,
}

impl Folder {
    /// The user's own, where the platform has its caches: `$XDG_CACHE_HOME/iam-why`, `~/.cache/iam-why`, `~/Library/Caches/iam-why`,
    /// `%LOCALAPPDATA%\iam-why`. `None` for a user without a home.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
        choose_native_strategy().ok().map(|platform| Self::new(platform.cache_dir().join("iam-why")))
    }

    /// The one at `path`, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, usable: OnceLock::new() }
    }

    fn usable(&self) -> bool {
        *self.usable.get_or_init(|| {
            let usable = prepare(&self.path).is_ok_and(|found| is_ours_alone(&found));
            if usable {
                sweep(&self.path);
            }
            usable
        })
    }

    /// The file of a key. Another version of Rust may name it otherwise, and two keys may have one name: then it is read anew.
    fn file(&self, key: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.path.join(format!("{:016x}.json", hasher.finish()))
    }

    fn write(&self, key: &str, text: &str) -> Result<(), Error> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        serde_json::to_writer(&mut file, &Entry { key: key.into(), text: text.into() })?;
        file.flush()?;
        file.persist(self.file(key)).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Cache for Folder {
    fn get(&self, key: &str) -> Option<String> {
        let text = read(&self.file(key)).filter(|_| self.usable())?;
        let entry: Entry<'_> = serde_json::from_str(&text).ok()?;
        (entry.key == key).then(|| entry.text.into_owned())
    }

    fn put(&self, key: &str, text: &str) {
        if self.usable() && text.len() as u64 <= LARGEST / 2 {
            // What cannot be kept is read again.
            let _ = self.write(key, text);
        }
    }
}

/// Makes the directory where it is not there, and says what it is: not what a link leads to.
fn prepare(path: &Path) -> Result<Metadata, Error> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)?;
    fs::symlink_metadata(path)
}

#[cfg(unix)]
fn is_ours_alone(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0
}

/// What lies in a user's profile is the user's alone.
#[cfg(not(unix))]
fn is_ours_alone(found: &Metadata) -> bool {
    found.is_dir()
}

/// Removes what is too old; what cannot be removed stays and is not read.
fn sweep(path: &Path) {
    let old = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|found| found.is_file() && !is_fresh(&found));
    for entry in fs::read_dir(path).into_iter().flatten().flatten().filter(old) {
        let _ = fs::remove_file(entry.path());
    }
}

fn is_fresh(found: &Metadata) -> bool {
    found.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age < OLDEST))
}

/// A whole file: no pipe, which would be waited for, and none without end.
fn read(path: &Path) -> Option<String> {
    let found = fs::symlink_metadata(path).ok()?;
    if !found.is_file() || !is_fresh(&found) {
        return None;
    }
    let mut text = String::new();
    fs::File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use iam_why_contract::collect::Cache;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, SystemTime};

    fn folder(parent: &Path) -> Folder {
        Folder::new(parent.join("caches/iam-why"))
    }

    fn only_file(folder: &Folder) -> PathBuf {
        let mut files: Vec<PathBuf> = fs::read_dir(&folder.path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    #[test]
    fn the_next_run_finds_what_was_kept_last_and_nothing_under_other_names() {
        let parent = tempfile::tempdir().unwrap();
        assert_eq!(folder(parent.path()).get("policy"), None);
        folder(parent.path()).put("policy", "older");
        folder(parent.path()).put("policy", r#"{"rules": ["\u0000 é"]}"#);
        let next = folder(parent.path());
        assert_eq!(next.get("policy").as_deref(), Some(r#"{"rules": ["\u0000 é"]}"#));
        assert_eq!(next.get("another"), None);
        only_file(&next);
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_not_there() {
        let parent = tempfile::tempdir().unwrap();
        let kept = folder(parent.path());
        kept.put("policy", "text");
        let file = only_file(&kept);
        let whole = fs::read_to_string(&file).unwrap();
        for spoilt in ["", "{", "[]", "\u{feff}x", whole.trim_end_matches('}'), &whole.replace("policy", "police")] {
            fs::write(&file, spoilt).unwrap();
            assert_eq!(kept.get("policy"), None, "{spoilt}");
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(kept.get("policy"), None);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(kept.get("policy"), None);
        kept.put("policy", "text");
        assert_eq!(kept.get("policy"), None, "there is no room for it, and nothing fails");
    }

    #[test]
    fn what_is_old_is_not_read_and_goes() {
        let parent = tempfile::tempdir().unwrap();
        let kept = folder(parent.path());
        kept.put("policy", "text");
        let file = only_file(&kept);
        let month_ago = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
        fs::File::options().write(true).open(&file).unwrap().set_modified(month_ago).unwrap();
        assert_eq!(kept.get("policy"), None);
        folder(parent.path()).put("another", "text");
        assert!(!file.exists());
    }

    #[test]
    fn a_place_where_nothing_can_be_kept_is_no_failure() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("caches"), "a file").unwrap();
        let kept = folder(parent.path());
        kept.put("policy", "text");
        assert_eq!(kept.get("policy"), None);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_s_eyes_only_and_a_directory_that_is_not_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let kept = folder(parent.path());
        kept.put("policy", "text");
        assert_eq!((mode(&kept.path), mode(&only_file(&kept))), (0o700, 0o600));
        for open in [0o750, 0o702, 0o777] {
            fs::set_permissions(&kept.path, fs::Permissions::from_mode(open)).unwrap();
            assert_eq!(folder(parent.path()).get("policy"), None, "{open:o}");
        }
        fs::set_permissions(&kept.path, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(folder(parent.path()).get("policy").as_deref(), Some("text"));
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&kept.path, &link).unwrap();
        assert_eq!(Folder::new(link).get("policy"), None);
    }
}
