//! What is open: facts of the world that are true or false but were not read, and points on which AWS's documentation is silent or
//! contradicts itself. A [`Flag`] is one of them; [`Suppositions`] says how open things are supposed to turn out while the answer is
//! being settled.

use crate::language::facts::Fact;
use iam_why_contract::{Doubt, Lookup, Truth};

macro_rules! flags {
    ($($name:ident = $about:literal, $needs:literal;)*) => {
        /// Something that holds or does not, and may not be known.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Flag { $(#[doc = $about] $name,)* }

        impl Flag {
            /// Every flag.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What is not known where this flag is open.
            #[must_use]
            pub fn doubt(self) -> Doubt {
                let (about, needs) = match self { $(Self::$name => ($about, $needs),)* };
                Doubt { about: about.to_owned(), needs: needs.to_owned() }
            }
        }
    };
}

flags! {
    // Points of the language that the documentation leaves open.
    NegatedArnOnOther = "whether ArnNotLike and ArnNotEquals match a value that is not an ARN (the documentation does not say)",
        "a request against AWS, or a condition that does not rest on it";
    NegatedOnMany = "whether a negated operator without ForAllValues or ForAnyValue matches a multivalued key (the documentation only says that a set operator is required)",
        "ForAllValues or ForAnyValue in that condition";
    MappedAddress = "whether an IPv4 address in IPv6 notation matches an IPv4 range (the documentation does not say)",
        "the address as AWS sees it, from CloudTrail's sourceIPAddress";
    PartitionWildcard = "whether a wildcard in the partition of an ARN matches (the documentation does not say)",
        "the partition written out in that Resource";
    BoolVariable = "whether a policy variable is replaced in a Bool condition (two pages of the documentation disagree)",
        "a value without a variable in that condition";
    ForAllNegatedAbsent = "whether ForAllValues with a negated operator holds where the request has no such key (one example of the documentation says no, its text says yes)",
        "Null for the same key beside that condition";
    NothingListed = "whether a condition that lists no value holds (the documentation contradicts itself)", "the values of that condition";
    UnknownOperator = "what a condition operator means that iam-why does not know", "the documentation of that operator";
    // Facts of the world.
    SessionName = "the name of the session, which a statement names", "the session ARN as principal instead of the role ARN";
    RolePath = "the path of the role behind the session", "iam:GetRole";
    ParentUser = "which user created the federated session", "sessionIssuer of the CloudTrail record";
    CallerId = "the canonical user id of the caller's account", "aws s3api list-buckets --query Owner, run in that account";
    Resource = "which resource the request names", "the resource's ARN in the question";
    RootAccess = "whether the organization manages root access centrally, and the caller's account may use it", "aws iam list-organizations-features, run in the management account";
    SameAccount = "which account owns the resource", "the account that owns it: --context aws:ResourceAccount=ACCOUNT";
    RcpService = "whether resource control policies bind this service (it is not on the list this version carries)",
        "AWS Organizations User Guide: services that support RCPs";
    RcpNoResource = "whether resource control policies bind an action that has no resource (versions of AWS's page differ)",
        "a request against AWS";
    PolicyIsPublic = "whether S3 calls the bucket policy public", "s3:GetBucketPolicyStatus (aws s3api get-bucket-policy-status)";
    RestrictPublicBuckets = "whether Block Public Access restricts public buckets here", "s3:GetBucketPublicAccessBlock and s3:GetAccountPublicAccessBlock (aws s3api get-public-access-block)";
    IgnorePublicAcls = "whether Block Public Access ignores public ACLs here", "s3:GetBucketPublicAccessBlock and s3:GetAccountPublicAccessBlock (aws s3api get-public-access-block)";
    BlockPublicAcls = "whether Block Public Access refuses public ACLs here", "s3:GetBucketPublicAccessBlock and s3:GetAccountPublicAccessBlock (aws s3api get-public-access-block)";
    ForeignObject = "whether another account than the bucket's owns the object", "s3:GetBucketOwnershipControls (aws s3api get-bucket-ownership-controls), s3:GetObjectAcl";
    AclsOff = "whether the bucket's object ownership switches ACLs off", "s3:GetBucketOwnershipControls (aws s3api get-bucket-ownership-controls)";
    RequesterPays = "whether the requester has to agree to pay", "s3:GetBucketRequestPayment (aws s3api get-bucket-request-payment)";
    KeyIsManaged = "whether AWS manages the key", "kms:DescribeKey (aws kms describe-key)";
    OutsideVpc = "whether the request comes from the VPC that the access point serves", "--context aws:SourceVpc=vpc-…, or aws:SourceVpc! if from none";
    ApiAuthorization = "how the API method authorizes its callers", "apigateway:GET (aws apigateway get-method)";
    ApiCached = "whether the API's resource policy was deployed since it was changed", "apigateway:GET (aws apigateway get-deployments)";
}

/// Points on which the documentation contradicts itself, and the reading that is taken. An answer that rests on one says so.
pub const LEANING: &[(Flag, Truth)] = &[(Flag::ForAllNegatedAbsent, Truth::Yes), (Flag::NothingListed, Truth::No)];

/// What is known of each flag. A flag that nobody set is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    yes: u32,
    no: u32,
}

impl Flags {
    /// All of them open.
    pub const OPEN: Self = Self { yes: 0, no: 0 };

    /// What is known before anything was read: how the documentation is taken where it contradicts itself and one reading is better
    /// founded (M-3, B-7).
    #[must_use]
    pub fn start() -> Self {
        LEANING.iter().fold(Self::OPEN, |mut flags, (flag, holds)| {
            flags.set(*flag, *holds);
            flags
        })
    }

    /// Whether `flag` holds.
    #[must_use]
    pub fn get(self, flag: Flag) -> Truth {
        match (self.yes & bit(flag) != 0, self.no & bit(flag) != 0) {
            (true, _) => Truth::Yes,
            (_, true) => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// Notes whether `flag` holds.
    pub fn set(&mut self, flag: Flag, holds: Truth) {
        let bit = bit(flag);
        self.yes = if holds.is_yes() { self.yes | bit } else { self.yes & !bit };
        self.no = if holds.is_no() { self.no | bit } else { self.no & !bit };
    }
}

/// The place of a flag in a set of flags.
#[must_use]
pub fn bit(flag: Flag) -> u32 {
    1 << (flag as u32)
}

/// What a text that was not read is supposed to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unread {
    /// Nothing is supposed.
    #[default]
    Open,
    /// Nothing of this request.
    Silent,
    /// It allows; a resource policy by naming the account, the role, or the caller itself.
    Account,
    /// As a resource policy that names the role does.
    Limited,
    /// As a resource policy that names the caller itself does; for every other policy simply *allows*.
    Direct,
    /// It denies.
    Deny,
}

/// How open things are supposed to turn out. Empty while nothing is supposed.
#[derive(Debug, Clone, Default)]
pub struct Suppositions {
    /// Condition keys, in lower case.
    pub keys: Vec<(Box<str>, Fact)>,
    /// Texts that were not read, by their number in the world.
    pub unread: Vec<Unread>,
    /// Flags.
    pub flags: Option<Flags>,
}

impl Suppositions {
    /// Nothing is supposed.
    pub const NONE: Self = Self { keys: Vec::new(), unread: Vec::new(), flags: None };

    /// What is supposed of `key`.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<Lookup<'_>> {
        self.keys.iter().find(|(name, _)| **name == *key).map(|(_, fact)| fact.lookup())
    }

    /// What is supposed of the text with this number.
    #[must_use]
    pub fn text(&self, number: usize) -> Unread {
        self.unread.get(number).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Flag, Flags};
    use iam_why_contract::Truth;

    #[test]
    fn every_flag_has_a_place_of_its_own() {
        assert!(Flag::ALL.len() <= 32);
        let mut flags = Flags::OPEN;
        flags.set(Flag::SameAccount, Truth::Yes);
        flags.set(Flag::RolePath, Truth::No);
        flags.set(Flag::SameAccount, Truth::No);
        let open = Flag::ALL.iter().filter(|flag| flags.get(**flag).is_unknown()).count();
        assert_eq!(open, Flag::ALL.len() - 2);
        assert_eq!(flags.get(Flag::SameAccount), Truth::No);
    }
}
