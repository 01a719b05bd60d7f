//! The layers of AWS's authorization, one file each: how a layer is read from documents, and how it is asked.
//!
//! Their order is that of *Policy evaluation logic* and of AWS's own explanation API: resource control policies, service control
//! policies, VPC endpoint policy, resource policy, identity policies, permissions boundary, session policy.

pub mod acl;
pub mod boundary;
pub mod endpoint;
pub mod grants;
pub mod identity;
pub mod organization;
pub mod resource;
pub mod service;
pub mod session;

use crate::language::open::Unread;
use crate::language::policy::{Grammar, Policy};
use crate::language::principal::Admission;
use crate::language::statement::Statement;
use crate::language::view::View;
use crate::world::{Reader, World};
use iam_why_contract::json::Json;
use iam_why_contract::{Document, Doubt, Effect, Layer, Recorder, Ruling, Step, Truth, trace};
use std::sync::Arc;

/// The layers, in the order in which AWS asks them.
pub const LAYERS: &[Layer] = &[
    Layer { id: "none_needed", title: "no permission needed" },
    Layer { id: "service", title: "rule of the service" },
    Layer { id: "s3-bpa", title: "S3 Block Public Access" },
    Layer { id: "rcp", title: "resource control policy" },
    Layer { id: "scp", title: "service control policy" },
    Layer { id: "vpce", title: "VPC endpoint policy" },
    Layer { id: "resource", title: "resource policy" },
    Layer { id: "trust", title: "role trust policy" },
    Layer { id: "acl", title: "access control list" },
    Layer { id: "grant", title: "KMS grant" },
    Layer { id: "root", title: "root user" },
    Layer { id: "identity", title: "identity policies" },
    Layer { id: "boundary", title: "permissions boundary" },
    Layer { id: "session", title: "session policy" },
];

/// Policies of which one Allow suffices: an identity's policies, one node of an organization, a bucket's policy.
#[derive(Debug, Clone)]
pub struct Level {
    /// The layer's id.
    pub layer: &'static str,
    /// Which instance of the layer.
    pub subject: String,
    /// The policies.
    pub policies: Vec<Arc<Policy>>,
    /// Ids of the documents read for it.
    pub documents: Vec<String>,
    /// The number of the text that was not read for it, in the world.
    pub unread: Option<usize>,
    /// A remark.
    pub note: String,
}

impl Level {
    /// A level without policies.
    #[must_use]
    pub fn new(layer: &'static str, subject: &str) -> Self {
        Self { layer, subject: subject.to_owned(), policies: Vec::new(), documents: Vec::new(), unread: None, note: String::new() }
    }

    /// Is there nothing in it, and nothing that was not read?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.unread.is_none()
    }

    /// Takes in the policy that stands at `pointer` of `document`. One that cannot be read is open, never skipped (G-6).
    pub fn add(&mut self, reader: &mut Reader<'_>, document: &Document, policy: (&str, &Json), grammar: Grammar) {
        let (pointer, json) = policy;
        self.documents.push(document.id.to_string());
        match reader.library.policy(document, pointer, json, grammar) {
            Ok(policy) => self.policies.push(policy),
            Err(error) => {
                let about = format!("what `{}` says: {error}", document.title_or_id());
                self.not_read(reader, Doubt { about, needs: "the policy as AWS accepts it".to_owned() });
            }
        }
    }

    /// Notes that something of it was not read.
    pub fn not_read(&mut self, reader: &mut Reader<'_>, doubt: Doubt) {
        match self.unread.and_then(|at| reader.gaps.get_mut(at)) {
            Some(gap) => gap.doubts.push(doubt),
            None => {
                self.unread = Some(reader.gaps.len());
                let ways = match self.layer {
                    "resource" | "trust" => vec![Unread::Silent, Unread::Account, Unread::Limited, Unread::Direct, Unread::Deny],
                    "grant" => vec![Unread::Silent, Unread::Account, Unread::Limited],
                    // A list may be open to everybody.
                    "acl" => vec![Unread::Silent, Unread::Account, Unread::Limited, Unread::Direct],
                    // E-19: RCPFullAWSAccess is attached everywhere.
                    "rcp" => vec![Unread::Direct, Unread::Deny],
                    _ => vec![Unread::Silent, Unread::Direct, Unread::Deny],
                };
                reader.gaps.push(Gap { layer: self.layer, doubts: vec![doubt], ways });
            }
        }
    }
}

/// How a document is called.
pub trait Called {
    /// Its title, or its id where it has none.
    fn title_or_id(&self) -> &str;
}

impl Called for Document {
    fn title_or_id(&self) -> &str {
        if self.title.is_empty() { &self.id } else { &self.title }
    }
}

/// Texts of one level that were not read.
#[derive(Debug, Clone)]
pub struct Gap {
    /// The layer they belong to.
    pub layer: &'static str,
    /// What was not read.
    pub doubts: Vec<Doubt>,
    /// What they could say.
    pub ways: Vec<Unread>,
}

/// What a level says.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// Whether some Allow applies, and in which form.
    pub allow: Admission,
    /// Whether some Deny applies.
    pub deny: Truth,
}

impl Said {
    /// Nothing of this request.
    pub const NOTHING: Self = Self { allow: Admission::NONE, deny: Truth::No };

    /// Both together, as a union.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { allow: self.allow.or(other.allow), deny: self.deny.or(other.deny) }
    }

    /// What a supposed text says.
    fn supposed(unread: Unread) -> Self {
        let allow = |allow| Self { allow, deny: Truth::No };
        let none = Admission::NONE;
        match unread {
            Unread::Open => {
                Self { allow: Admission { account: Truth::Unknown, limited: Truth::Unknown, direct: Truth::Unknown }, deny: Truth::Unknown }
            }
            Unread::Silent => Self::NOTHING,
            Unread::Account => allow(Admission { account: Truth::Yes, ..none }),
            Unread::Limited => allow(Admission { limited: Truth::Yes, ..none }),
            Unread::Direct => allow(Admission { direct: Truth::Yes, ..none }),
            Unread::Deny => Self { allow: none, deny: Truth::Yes },
        }
    }
}

/// The request and its world, as layers see them.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'w, 'v> {
    /// What bears on the request.
    pub world: &'w World,
    /// The request as the caller's own policies see it.
    pub view: &'v View<'v>,
    /// The request as the resource's policies see it.
    pub resource_view: &'v View<'v>,
}

/// What a recording pass keeps.
#[derive(Debug, Default)]
pub struct Log<'w> {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The statements of which it is not known whether they apply.
    pub open: Vec<&'w Statement>,
}

/// How many statements of a level that allow something of other services are recorded: they show what the level is about, and none of
/// them came near.
const ELSEWHERE: usize = 2;

/// Asks one level. Denies of a level count whatever else it says.
pub fn ask<'w, R: Recorder>(level: &'w Level, view: &View<'_>, log: &mut Log<'w>) -> Said {
    let mut said = level.unread.map_or(Said::NOTHING, |number| match (Said::supposed(view.supposed.text(number)), level.layer) {
        // Grants and access control lists deny nothing.
        (said, "grant" | "acl") => Said { deny: Truth::No, ..said },
        (said, _) => said,
    });
    let kept = if R::KEEPS { level.policies.iter().map(|policy| policy.statements.len()).sum() } else { 0 };
    let mut statements = Vec::with_capacity(kept);
    let mut elsewhere = 0;
    for statement in level.policies.iter().flat_map(|policy| &policy.statements) {
        if !statement.services.meet(view.action.services) {
            elsewhere += usize::from(statement.effect == Effect::Allow);
            if !R::KEEPS || elsewhere > ELSEWHERE || statement.effect == Effect::Deny {
                continue;
            }
        }
        let mut tests = R::default();
        let matched = statement.matches(view, &mut tests);
        if R::KEEPS {
            if matched.applies.is_unknown() {
                log.open.push(statement);
            }
            statements.push(recorded(statement, matched.applies, tests));
        }
        said = match statement.effect {
            Effect::Allow => Said { allow: said.allow.or(matched.admission), ..said },
            Effect::Deny => Said { deny: said.deny.or(matched.applies), ..said },
        };
    }
    if R::KEEPS {
        log.steps.push(Step {
            layer: level.layer,
            subject: level.subject.clone(),
            ruling: ruling(said),
            needed: false,
            documents: level.documents.clone(),
            statements,
            note: level.note.clone(),
        });
    }
    said
}

fn recorded<R: Recorder>(statement: &Statement, applies: Truth, tests: R) -> trace::Statement {
    trace::Statement {
        place: statement.place.clone(),
        label: std::sync::Arc::clone(&statement.sid),
        effect: statement.effect,
        applies,
        tests: tests.into_tests(),
    }
}

/// What a level's answer comes to.
#[must_use]
pub fn ruling(said: Said) -> Ruling {
    match (said.deny, said.allow.any()) {
        (Truth::Yes, _) => Ruling::Deny,
        (Truth::Unknown, _) | (_, Truth::Unknown) => Ruling::Unknown,
        (Truth::No, Truth::Yes) => Ruling::Allow,
        (Truth::No, Truth::No) => Ruling::Silent,
    }
}

/// Records a layer that does not bind this request, and why.
pub fn inapplicable<R: Recorder>(layer: &'static str, why: &str, log: &mut Log<'_>) {
    if R::KEEPS {
        log.steps.push(Step {
            layer,
            subject: String::new(),
            ruling: Ruling::Inapplicable,
            needed: false,
            documents: Vec::new(),
            statements: Vec::new(),
            note: why.to_owned(),
        });
    }
}
