//! What the name of a file says: which command printed it, of what.

use percent_encoding::percent_decode_str;

/// The start of a subject that is yet to be put together with other files: `unresolved:ACCOUNT:role/app`, where ACCOUNT may be empty.
pub(super) const UNRESOLVED: &str = "unresolved:";

/// A file's name, read.
#[derive(Debug, Default, Clone)]
pub(super) struct FileName {
    /// The command that printed the file, or what a bare policy is, without its verb: `bucket-policy`.
    pub(super) command: Option<&'static str>,
    /// What it was printed of, decoded; as it stands in the name, words parted by `--`.
    pub(super) of: Option<String>,
    /// The nearest folder that is named by an account id.
    pub(super) account: Option<String>,
    /// The nearest folder that is named by a region.
    pub(super) region: Option<String>,
    /// The partition other than `aws` that a folder is named by.
    pub(super) partition: Option<&'static str>,
}

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// A bucket, by name.
    Bucket,
    /// An object, by `BUCKET/KEY`.
    Object,
    /// A bucket by name, or an account by id.
    BucketOrAccount,
    /// An account by id.
    Account,
    /// A root, OU or account by id, or a policy of the organization by its id.
    Id,
    /// A role, user or group by name.
    Identity(&'static str),
    /// A customer managed policy by name.
    Policy,
    /// A key by id.
    Key,
    /// Anything, by its ARN alone.
    Arn,
    /// Something of a region: its service, and what stands before its name in an ARN.
    Regional(&'static str, &'static str),
}

impl Nature {
    /// How the subject is called in a hint.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bucket => "BUCKET",
            Self::Object => "BUCKET%2FKEY",
            Self::BucketOrAccount => "BUCKET-OR-ACCOUNT-ID",
            Self::Account => "ACCOUNT-ID",
            Self::Id => "ID",
            Self::Identity(_) | Self::Policy => "NAME",
            Self::Key => "KEY-ID",
            Self::Arn | Self::Regional(..) => "ARN (percent-encoded)",
        }
    }
}

impl FileName {
    /// Reads a path. `commands` are the names that are known, without their verbs.
    pub(super) fn read(path: &str, commands: impl Iterator<Item = &'static str>) -> Self {
        let path = path.replace('\\', "/");
        let mut folders: Vec<&str> = path.split('/').collect();
        let file = folders.pop().unwrap_or_default();
        let stem = [".json", ".txt", ".out"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        let known = commands.filter_map(|command| Some((command, behind(stem, command)?)));
        let (command, rest) = known.max_by_key(|(command, _)| command.len()).unzip();
        let near = |is: fn(&str) -> bool| folders.iter().rev().find(|folder| is(folder)).map(|folder| (*folder).to_owned());
        let of = rest.filter(|rest| !rest.is_empty()).or_else(|| command.and(folder_of(&folders)));
        Self {
            command,
            of: of.map(|of| percent_decode_str(of).decode_utf8_lossy().into_owned()),
            account: near(is_account),
            region: near(is_region),
            partition: ["aws-cn", "aws-us-gov"].into_iter().find(|partition| folders.contains(partition)),
        }
    }

    /// The subject as documents have it; one that other files must complete begins with [`UNRESOLVED`]. `None` where the name does not
    /// say it.
    pub(super) fn subject(&self, nature: Nature) -> Option<String> {
        let of = self.of.as_deref();
        if let Some(arn) = of.filter(|of| of.starts_with("arn:")) {
            return Some(arn.to_owned());
        }
        let partition = self.partition.unwrap_or("aws");
        let account = self.account.as_deref();
        Some(match nature {
            Nature::Bucket | Nature::Object => format!("arn:{partition}:s3:::{}", of?),
            Nature::BucketOrAccount if of.or(account).is_some_and(is_account) => of.or(account)?.to_owned(),
            Nature::BucketOrAccount => format!("arn:{partition}:s3:::{}", of?),
            Nature::Account => match of.filter(|of| is_account(of)).or(account) {
                Some(account) => account.to_owned(),
                None => format!("{UNRESOLVED}:account"),
            },
            Nature::Id => of?.split("--").next()?.to_owned(),
            Nature::Identity(kind) => unresolved(account, kind, of?.split("--").next()?),
            Nature::Policy => unresolved(account, "policy", of?),
            Nature::Key => unresolved(account, "key", of?),
            Nature::Arn => return None,
            Nature::Regional(service, before) => {
                format!("arn:{partition}:{service}:{}:{}:{before}{}", self.region.as_deref()?, account?, of?)
            }
        })
    }
}

/// A subject that other files must complete.
pub(super) fn unresolved(account: Option<&str>, kind: &str, name: &str) -> String {
    format!("{UNRESOLVED}{}:{kind}/{name}", account.unwrap_or_default())
}

/// What stands behind `command`, with or without its verb, at the start of a file name.
fn behind<'n>(stem: &'n str, command: &str) -> Option<&'n str> {
    let verbless = ["get-", "list-", "describe-"].iter().find_map(|verb| stem.strip_prefix(verb)).unwrap_or(stem);
    let rest = verbless.strip_prefix(command).or_else(|| stem.strip_prefix(command))?;
    if rest.is_empty() {
        return Some(rest);
    }
    ["--", ".", "_"].iter().find_map(|separator| rest.strip_prefix(separator))
}

/// The innermost folder, where the one around it names a service: `s3/acme-reports/`.
fn folder_of<'f>(folders: &[&'f str]) -> Option<&'f str> {
    const SERVICES: [&str; 14] =
        ["s3", "s3api", "kms", "sqs", "sns", "lambda", "dynamodb", "ecr", "organizations", "role", "roles", "user", "users", "group"];
    match folders {
        [.., service, folder] if SERVICES.contains(service) => Some(folder),
        _ => None,
    }
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `eu-west-1`, `us-gov-east-1`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some(area), Some(number)) = (parts.first(), parts.last()) else { return false };
    let words = parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default();
    let lower = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase()) && !word.is_empty();
    area.len() == 2
        && lower(area)
        && !words.is_empty()
        && words.iter().all(lower)
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{FileName, Nature};

    fn read(path: &str) -> FileName {
        FileName::read(path, ["bucket-policy", "bucket-policy-status", "role-policies", "head-object", "key-policy"].into_iter())
    }

    #[test]
    fn the_subject_stands_behind_the_command() {
        for path in [
            "get-bucket-policy.acme.reports.json",
            "x/bucket-policy--acme.reports.json",
            "get-bucket-policy_acme.reports.json",
            "s3/acme.reports/get-bucket-policy.json",
            "s3\\acme.reports\\bucket-policy.json",
        ] {
            assert_eq!(read(path).subject(Nature::Bucket).as_deref(), Some("arn:aws:s3:::acme.reports"), "{path}");
        }
        assert_eq!(read("get-bucket-policy-status.b.json").command, Some("bucket-policy-status"));
        assert_eq!(read("dump/get-bucket-policy.json").subject(Nature::Bucket), None, "any folder is no bucket");
        assert_eq!(read("head-object.b%2Fa%20b.csv.json").subject(Nature::Object).as_deref(), Some("arn:aws:s3:::b/a b.csv"));
        let arn = "get-key-policy.arn%3Aaws%3Akms%3Aeu-west-1%3A111122223333%3Akey%2F1.json";
        assert_eq!(read(arn).subject(Nature::Key).as_deref(), Some("arn:aws:kms:eu-west-1:111122223333:key/1"));
    }

    #[test]
    fn folders_say_account_region_and_partition() {
        let name = read("aws-cn/111122223333/cn-north-1/list-role-policies.app.json");
        assert_eq!(name.subject(Nature::Identity("role")).as_deref(), Some("unresolved:111122223333:role/app"));
        let function = Nature::Regional("lambda", "function:");
        assert_eq!(name.subject(function).as_deref(), Some("arn:aws-cn:lambda:cn-north-1:111122223333:function:app"));
    }
}
