//! `Principal` and `NotPrincipal` (*IAM JSON policy elements: Principal*), and in which form a policy names a caller.

use crate::language::arn::Arn;
use crate::language::open::Flag;
use crate::language::view::View;
use iam_why_contract::Truth;
use std::sync::Arc;

/// What kind of caller it is (*How IAM works: principals*; one row each of the table in *Policy variables: principal key values*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// The root user of an account, or a root session (`AssumeRoot`).
    Root,
    /// An IAM user.
    User,
    /// A session of a role.
    Session,
    /// A role: some session of it, whose name is not known.
    Role,
    /// A federated user (`GetFederationToken`).
    Federated,
    /// An AWS service that acts itself.
    Service,
    /// Nobody who signed.
    Anonymous,
    /// A CloudFront origin access identity.
    OriginAccessIdentity,
    /// Somebody with a token of an OpenID Connect provider, before there is a session.
    WebIdentity,
    /// Somebody with a SAML assertion, before there is a session.
    Saml,
    /// A user of a Cognito user pool, as API Gateway knows callers.
    CognitoUser,
}

/// The caller, as policies name it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What kind of caller.
    pub kind: CallerKind,
    /// As the question names it: a session keeps its session ARN.
    pub text: Box<str>,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: Box<str>,
    /// The account it belongs to; none for services and the anonymous.
    pub account: Option<Box<str>>,
    /// Name of the user, role, federated user; the token's subject.
    pub name: Box<str>,
    /// Name of the session.
    pub session: Option<Box<str>>,
    /// The ARN with path of the role behind a session, or of the user behind a federated session, where it is known.
    pub parent: Option<Box<str>>,
    /// `AIDA…`, `AROA…`, where it is known.
    pub unique_id: Option<Box<str>>,
    /// The identity provider of a web identity or SAML caller: `token.actions.githubusercontent.com`, or its ARN.
    pub provider: Option<Box<str>>,
    /// Canonical user ids of S3 that are known, with the account or origin access identity each belongs to.
    pub known_ids: Vec<(Box<str>, Box<str>)>,
    /// Whether a permissions boundary limits it.
    pub bounded: Truth,
}

impl Caller {
    /// Is it a principal of an account, with policies of its own?
    #[must_use]
    pub fn has_account_side(&self) -> bool {
        use CallerKind::{Federated, Role, Root, Session, User};
        matches!(self.kind, Root | User | Session | Role | Federated)
    }

    /// Is it a role, in a session?
    #[must_use]
    pub fn is_role(&self) -> bool {
        matches!(self.kind, CallerKind::Session | CallerKind::Role)
    }
}

/// In which form a statement names the caller, strongest last (*Policy evaluation for requests within a single account*, E-28): each
/// says whether at least one principal of that form matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// By its account, which delegates to the account's own policies (E-31).
    pub account: Truth,
    /// By its role, or by the user behind a federated session: boundary and session policy still limit it.
    pub limited: Truth,
    /// As itself: user, session or federated-user ARN, service, or `*`.
    pub direct: Truth,
}

impl Admission {
    /// It is not named.
    pub const NONE: Self = Self { account: Truth::No, limited: Truth::No, direct: Truth::No };

    /// At least one of both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { account: self.account.or(other.account), limited: self.limited.or(other.limited), direct: self.direct.or(other.direct) }
    }

    /// The same forms, if `truth` holds as well.
    #[must_use]
    pub fn and(self, truth: Truth) -> Self {
        Self { account: self.account.and(truth), limited: self.limited.and(truth), direct: self.direct.and(truth) }
    }

    /// Whether the caller is named in any form.
    #[must_use]
    pub fn any(self) -> Truth {
        self.account.or(self.limited).or(self.direct)
    }
}

/// One principal of a statement.
#[derive(Debug, Clone)]
pub struct Named {
    /// As it was written.
    pub text: Arc<str>,
    /// Its pointer below the element: `/AWS/1`.
    pub pointer: Box<str>,
    who: Who,
    /// A grantee: boundary and session policy limit it however it is named (KMS-3).
    grantee: bool,
}

#[derive(Debug, Clone)]
enum Who {
    Everyone,
    Account(Box<str>),
    RootUser(Box<str>),
    User(Box<str>),
    Federated(Box<str>),
    Role(Box<str>),
    Session {
        account: Box<str>,
        role: Box<str>,
        arn: Box<str>,
    },
    Service(Box<str>),
    Provider(Box<str>),
    Canonical(Box<str>),
    UniqueId(Box<str>),
    /// Something that names nobody: a wildcard inside an ARN (E-32), a group.
    Nobody,
}

impl Named {
    /// Reads one value of `Principal`; `kind` is `AWS`, `Service`, `Federated`, `CanonicalUser`, or `*` for `"Principal": "*"`.
    #[must_use]
    pub fn new(kind: &str, text: &str, pointer: String) -> Self {
        let who = match kind {
            "*" | "AWS" if text == "*" => Who::Everyone,
            "AWS" => aws(text),
            "Service" => Who::Service(text.into()),
            "Federated" => Who::Provider(text.into()),
            "CanonicalUser" => Who::Canonical(text.into()),
            _ => Who::Nobody,
        };
        Self { text: text.into(), pointer: pointer.into(), who, grantee: false }
    }

    /// The same principal as a gateway endpoint's policy takes it: an account is its root user, ARNs name nobody (E-25).
    #[must_use]
    pub fn at_gateway(mut self) -> Self {
        self.who = match self.who {
            Who::Account(account) => Who::RootUser(account),
            Who::Everyone => Who::Everyone,
            _ => Who::Nobody,
        };
        self
    }

    /// The same principal as the grantee of a KMS grant.
    #[must_use]
    pub fn as_grantee(mut self) -> Self {
        self.grantee = true;
        self
    }

    /// Is it a unique id, which AWS shows in place of a principal that was deleted (E-33)?
    #[must_use]
    pub fn is_unique_id(&self) -> bool {
        matches!(self.who, Who::UniqueId(_))
    }

    /// Is it everyone?
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        matches!(self.who, Who::Everyone)
    }

    /// In which form it names the caller.
    #[must_use]
    pub fn admits(&self, view: &View<'_>) -> Admission {
        let named = self.names(view);
        if self.grantee { Admission { limited: named.limited.or(named.direct), direct: Truth::No, ..named } } else { named }
    }

    fn names(&self, view: &View<'_>) -> Admission {
        let caller = view.caller;
        let direct = |matches: Truth| Admission { direct: matches, ..Admission::NONE };
        let limited = |matches: Truth| Admission { limited: matches, ..Admission::NONE };
        match &self.who {
            Who::Everyone => direct(Truth::Yes),
            Who::Account(account) => {
                let belongs = caller.has_account_side() && caller.account.as_deref() == Some(account);
                Admission { account: belongs.into(), ..Admission::NONE }
            }
            Who::RootUser(account) => direct((caller.kind == CallerKind::Root && caller.account.as_deref() == Some(account)).into()),
            Who::User(arn) => match caller.kind {
                CallerKind::User | CallerKind::OriginAccessIdentity => direct((**arn == *caller.text).into()),
                CallerKind::Federated => limited(parent(arn, view, Flag::ParentUser)),
                _ => Admission::NONE,
            },
            Who::Federated(arn) => direct((caller.kind == CallerKind::Federated && **arn == *caller.text).into()),
            Who::Role(arn) if caller.is_role() => limited(parent(arn, view, Flag::RolePath)),
            Who::Session { account, role, arn } => match caller.kind {
                CallerKind::Session => direct((**arn == *caller.text).into()),
                CallerKind::Role if caller.account.as_deref() == Some(account) && *role == caller.name => {
                    direct(view.flag(Flag::SessionName))
                }
                _ => Admission::NONE,
            },
            Who::Service(name) => direct((caller.kind == CallerKind::Service && **name == *caller.text).into()),
            Who::Provider(name) => direct(provider(name, view).into()),
            Who::Canonical(id) => canonical(id, view),
            // E-33: an id stands where the principal was deleted; it is nobody else's.
            Who::UniqueId(id) => {
                let same = Truth::from(caller.unique_id.as_deref() == Some(id));
                if caller.kind == CallerKind::User { direct(same) } else { limited(same) }
            }
            Who::Role(_) | Who::Nobody => Admission::NONE,
        }
    }
}

/// Does `arn` name the role or user behind the caller's session?
fn parent(arn: &str, view: &View<'_>, path: Flag) -> Truth {
    let caller = view.caller;
    if let Some(parent) = &caller.parent {
        return (**parent == *arn).into();
    }
    let possible = Arn::parse(arn).is_some_and(|parsed| {
        let name = parsed.resource.rsplit('/').next();
        caller.account.as_deref() == Some(parsed.account) && (caller.kind == CallerKind::Federated || name == Some(&caller.name))
    });
    if possible { view.flag(path) } else { Truth::No }
}

fn provider(named: &str, view: &View<'_>) -> bool {
    let caller = view.caller;
    let Some(provider) = caller.provider.as_deref() else { return false };
    let host = named.split_once(":oidc-provider/").map_or(named, |(_, host)| host);
    match caller.kind {
        CallerKind::WebIdentity => host == provider && own_provider(named, view),
        CallerKind::Saml => named == provider,
        _ => false,
    }
}

/// STS looks for the provider of a token in the account of the role (*AssumeRoleWithWebIdentity*): a trust policy cannot name another
/// account's.
fn own_provider(named: &str, view: &View<'_>) -> bool {
    let account = |arn: &str| Arn::parse(arn).map(|arn| arn.account.to_owned());
    account(named).is_none_or(|provider| view.resources.iter().all(|role| account(role).is_none_or(|role| role == provider)))
}

/// `CanonicalUser` stands for an account, or for an origin access identity (E-34).
#[must_use]
pub fn canonical(id: &str, view: &View<'_>) -> Admission {
    let caller = view.caller;
    let identity = caller.kind == CallerKind::OriginAccessIdentity;
    let own = if identity { Some(&caller.text) } else { caller.account.as_ref() };
    let same = match caller.known_ids.iter().find(|(known, _)| **known == *id) {
        Some((_, owner)) => Truth::from(Some(owner) == own),
        None if caller.has_account_side() || identity => view.flag(Flag::CallerId),
        None => Truth::No,
    };
    if identity { Admission { direct: same, ..Admission::NONE } } else { Admission { account: same, ..Admission::NONE } }
}

fn aws(text: &str) -> Who {
    let is_id = |prefix: &str| text.starts_with(prefix) && text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Who::Account(text.into());
    }
    if ["AIDA", "AROA", "AGPA", "AIPA", "ANPA"].into_iter().any(is_id) {
        return Who::UniqueId(text.into());
    }
    let Some(arn) = Arn::parse(text) else { return Who::Nobody };
    // E-32: there are no partial wildcards.
    if text.contains('*') || text.contains('?') {
        return Who::Nobody;
    }
    match (arn.service, arn.resource.split_once('/')) {
        ("iam", None) if arn.resource == "root" => Who::Account(arn.account.into()),
        ("iam", Some(("user", _))) => Who::User(text.into()),
        ("iam", Some(("role", _))) => Who::Role(text.into()),
        ("sts", Some(("federated-user", _))) => Who::Federated(text.into()),
        ("sts", Some(("assumed-role", session))) => match session.split_once('/') {
            Some((role, _)) => Who::Session { account: arn.account.into(), role: role.into(), arn: text.into() },
            None => Who::Nobody,
        },
        _ => Who::Nobody,
    }
}

/// The principals of `NotPrincipal`.
///
/// Everyone is denied but those who are named in all their layers: a session together with its role and account, a user together with
/// its account (E-36). Whether naming only some of them suffices depends on the service; AWS says that it may deny, so it denies here.
#[must_use]
pub fn spared(named: &[Named], view: &View<'_>) -> Truth {
    let by = |form: fn(Admission) -> Truth| Truth::any(named.iter().map(|named| form(named.admits(view))));
    if named.is_empty() || named.iter().any(Named::is_everyone) {
        return Truth::Yes;
    }
    let (account, limited, direct) = (by(|named| named.account), by(|named| named.limited), by(|named| named.direct));
    match view.caller.kind {
        CallerKind::Root => account,
        CallerKind::User => account.and(direct),
        CallerKind::Session | CallerKind::Role | CallerKind::Federated => account.and(limited).and(direct),
        _ => direct,
    }
}
