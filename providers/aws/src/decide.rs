//! AWS's decision procedure (*Policy evaluation logic* in the IAM User Guide) for one action on one resource.

use crate::language::open::Suppositions;
use crate::language::principal::{Admission, CallerKind};
use crate::language::{Flag, View};
use crate::layers::organization::{ask_rcps, ask_scps};
use crate::layers::resource::{self, ask_resource};
use crate::layers::service::ask_gates;
use crate::layers::session::Session;
use crate::layers::{Level, Log, Said, Scene, ask, inapplicable};
use crate::request::Request;
use crate::world::{Api, World};
use iam_why_contract::trace::{Off, Tests};
use iam_why_contract::{Decision, Kind, Recorder, Ruling, Truth};

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Whether the request is let through.
    pub decision: Decision,
    /// How it is refused.
    pub kind: Option<Kind>,
    /// The layer that refuses or grants.
    pub decided_by: Option<&'static str>,
}

impl Answer {
    fn allow(by: &'static str) -> Self {
        Self { decision: Decision::Allow, kind: None, decided_by: Some(by) }
    }

    fn deny(kind: Kind, by: &'static str) -> Self {
        Self { decision: Decision::Deny, kind: Some(kind), decided_by: Some(by) }
    }

    const OPEN: Self = Self { decision: Decision::Undetermined, kind: None, decided_by: None };
}

/// Decides, and records nothing. What is open is left open: the answer is `Undetermined` where Kleene's logic does not settle it.
#[must_use]
pub fn decide(request: &Request, world: &World) -> Answer {
    suppose(request, world, NOTHING_SUPPOSED)
}

/// Decides as if open facts were as supposed.
#[must_use]
pub fn suppose(request: &Request, world: &World, supposed: &Suppositions) -> Answer {
    let (view, resource_view) = views(request, world, supposed);
    evaluate::<Off>(request, Scene { world, view: &view, resource_view: &resource_view }, &mut Log::default())
}

/// Decides, and records what was compared with what.
#[must_use]
pub fn record<'w>(request: &'w Request, world: &'w World) -> Recorded<'w> {
    let mut log = Log::default();
    let (view, resource_view) = views(request, world, NOTHING_SUPPOSED);
    let answer = evaluate::<Tests>(request, Scene { world, view: &view, resource_view: &resource_view }, &mut log);
    Recorded { answer, log, flags: view.consulted() | resource_view.consulted() }
}

static NOTHING_SUPPOSED: &Suppositions = &Suppositions::NONE;

/// A decision and what was compared for it.
#[derive(Debug)]
pub struct Recorded<'w> {
    /// The decision.
    pub answer: Answer,
    /// The comparisons.
    pub log: Log<'w>,
    /// The flags that were asked for and are open.
    pub flags: u32,
}

fn views<'v>(request: &'v Request, world: &'v World, supposed: &'v Suppositions) -> (View<'v>, View<'v>) {
    let view = View::new(&request.action, &world.caller_names, &world.caller, &world.facts, (world.flags, supposed));
    let resource_view = view.naming(&world.names);
    (view, resource_view)
}

/// The procedure. Every layer is asked; every matching Deny counts before any Allow.
fn evaluate<'w, R: Recorder>(request: &Request, scene: Scene<'w, '_>, log: &mut Log<'w>) -> Answer {
    let world = scene.world;
    if world.free {
        inapplicable::<R>("none_needed", "this action needs no permission and cannot be denied", log); // E-11
        return Answer::allow("none_needed");
    }
    let (gate, gate_layer) = ask_gates::<R>(&world.gates, scene.resource_view, log);
    let rcp = ask_rcps::<R>(scene, request, log);
    let scp = ask_scps::<R>(scene, log);
    let vpce = level::<R>(world.endpoint.as_ref(), "vpce", scene, log);
    let resource = ask_resource::<R>(scene, log);
    let identity = identity::<R>(scene, log);
    let boundary = level::<R>(world.boundary.as_ref(), "boundary", scene, log);
    let session = session::<R>(scene, log);

    let asked = Asked {
        rcp,
        scp,
        vpce,
        resource,
        identity: identity.allow.any(),
        identity_denies: identity.deny,
        boundary,
        session,
        same: scene.view.flag(Flag::SameAccount),
        must_allow: Truth::from(world.resource.must_allow).or(if world.reads_object {
            scene.resource_view.flag(Flag::ForeignObject)
        } else {
            Truth::No
        }),
        side: Side::of(request, world),
        lets_in: if world.api == Some(Api::Unread) { scene.view.flag(Flag::ApiAuthorization) } else { Truth::Yes },
    };
    let denied = asked.denied();
    let granted = asked.guard().and(asked.granted(world.root_session)).and(!gate);
    if R::KEEPS {
        asked.mark_needed(log);
    }
    // A rule of the service refuses before policies are asked.
    match (gate, denied, granted) {
        (Truth::Yes, _, _) => Answer::deny(Kind::MissingGrant, gate_layer),
        (_, Truth::Yes, _) => Answer::deny(Kind::ExplicitDeny, asked.denier(world)),
        // Something may deny, but even if nothing does nobody grants.
        (_, _, Truth::No) => Answer::deny(Kind::MissingGrant, asked.silent_layer(world)),
        (Truth::No, Truth::No, Truth::Yes) => Answer::allow(asked.granter(world, request)),
        _ => Answer::OPEN,
    }
}

fn level<'w, R: Recorder>(level: Option<&'w Level>, layer: &'static str, scene: Scene<'w, '_>, log: &mut Log<'w>) -> Said {
    if let Some(level) = level {
        return ask::<R>(level, scene.view, log);
    }
    inapplicable::<R>(layer, "there is none", log);
    everything()
}

/// What the caller's own policies say. The root user needs none; a caller without an account has none.
fn identity<'w, R: Recorder>(scene: Scene<'w, '_>, log: &mut Log<'w>) -> Said {
    if scene.world.caller.kind == CallerKind::Root {
        inapplicable::<R>("identity", "the root user is allowed what nothing denies", log);
        return everything();
    }
    if scene.world.identity.is_empty() && !scene.world.caller.has_account_side() {
        inapplicable::<R>("identity", "the caller has no policies of its own", log);
        return Said::NOTHING;
    }
    ask::<R>(&scene.world.identity, scene.view, log)
}

fn session<'w, R: Recorder>(scene: Scene<'w, '_>, log: &mut Log<'w>) -> Said {
    match &scene.world.session {
        Session::Unlimited => level::<R>(None, "session", scene, log),
        // E-40: silence here is the answer, not the absence of a limit.
        Session::Nothing(policy) | Session::Limited(policy) => ask::<R>(policy, scene.view, log),
    }
}

/// What a layer says that limits nothing.
fn everything() -> Said {
    Said { allow: Admission { direct: Truth::Yes, ..Admission::NONE }, deny: Truth::No }
}

/// Which rules say who has to grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A principal of an account.
    Account,
    /// Nobody's principal: services, the anonymous, tokens (E-7, E-8).
    Outside,
    /// An API Gateway method that does not leave it to IAM (APG-1).
    Api(Api, HasPolicy),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HasPolicy(bool);

impl Side {
    fn of(request: &Request, world: &World) -> Self {
        match world.api {
            Some(api @ (Api::Open | Api::Authorizer | Api::Cognito | Api::Unread)) => {
                Self::Api(api, HasPolicy(world.resource.policy.is_some()))
            }
            _ if request.caller.has_account_side() => Self::Account,
            _ => Self::Outside,
        }
    }
}

/// What every layer said.
#[derive(Debug, Clone, Copy)]
struct Asked {
    rcp: Truth,
    scp: Said,
    vpce: Said,
    resource: resource::Answer,
    identity: Truth,
    identity_denies: Truth,
    boundary: Said,
    session: Said,
    /// Does the caller belong to the resource's account?
    same: Truth,
    /// Must the resource allow, whatever else does?
    must_allow: Truth,
    side: Side,
    /// Does the API's own way of authorizing let the caller in?
    lets_in: Truth,
}

impl Asked {
    /// E-9, E-10: any Deny of any layer.
    fn denied(&self) -> Truth {
        Truth::any([
            self.rcp,
            self.scp.deny,
            self.vpce.deny,
            self.resource.deny,
            self.identity_denies,
            self.boundary.deny,
            self.session.deny,
        ])
    }

    /// What has to allow whoever grants: every node of the organization, and the endpoint.
    fn guard(&self) -> Truth {
        self.scp.allow.any().and(self.vpce.allow.any())
    }

    /// Boundary and session policy: the ceiling over what the caller was given.
    fn limits(&self) -> Truth {
        self.boundary.allow.any().and(self.session.allow.any())
    }

    fn granted(&self, root_session: bool) -> Truth {
        let form = self.resource.admission();
        let caller = self.identity.and(self.limits());
        let granted = match self.side {
            // E-7, E-8: nobody but the resource can grant.
            Side::Outside => form.direct,
            Side::Api(api, policy) => self.api(api, policy),
            Side::Account => {
                // E-28: in which form the resource names the caller decides what else has to allow.
                let by_form = form.direct.or(form.limited.and(self.limits())).or(form.account.and(caller));
                let within = by_form.or(caller.and(!self.must_allow));
                // E-5, E-46: across accounts both sides have to allow, in whatever form.
                let across = form.any().and(caller);
                self.same.and(within).or((!self.same).and(across))
            }
        };
        // E-43: a root session can do what its task policy says and nothing else.
        if root_session { granted.and(self.session.allow.any()) } else { granted }
    }

    /// Tables A and B of *How API Gateway resource policies affect authorization workflow* (APG-1).
    fn api(&self, api: Api, HasPolicy(has_policy): HasPolicy) -> Truth {
        let policy = self.resource.admission().any();
        match api {
            Api::Authorizer => self.identity.or(policy),
            Api::Unread => self.lets_in,
            _ if has_policy => policy,
            _ => Truth::Yes,
        }
    }

    /// The layer of the Deny that is reported: in the order in which AWS explains, the caller's side first across accounts (E-49).
    fn denier(&self, world: &World) -> &'static str {
        let own = world.resource.layer;
        let across = self.same.is_no();
        let first = if across { ("identity", self.identity_denies) } else { (own, self.resource.deny) };
        let order = [
            ("rcp", self.rcp),
            ("scp", self.scp.deny),
            ("vpce", self.vpce.deny),
            first,
            (own, self.resource.deny),
            ("identity", self.identity_denies),
            ("boundary", self.boundary.deny),
        ];
        order.into_iter().find(|(_, deny)| deny.is_yes()).map_or("session", |(layer, _)| layer)
    }

    /// The first layer whose grant is missing.
    fn silent_layer(&self, world: &World) -> &'static str {
        let own = world.resource.layer;
        let form = self.resource.admission();
        let unnamed = form.any().is_no();
        let order = [
            ("scp", self.scp.allow.any().is_no()),
            ("vpce", self.vpce.allow.any().is_no()),
            (own, matches!(self.side, Side::Outside | Side::Api(Api::Open | Api::Cognito, _))),
            (own, unnamed && (self.same.is_no() && self.side == Side::Account || self.must_allow.is_yes())),
            ("identity", self.identity.is_no() && !(self.same.is_yes() && form.limited.is_yes())),
            ("boundary", self.boundary.allow.any().is_no()),
            ("session", self.session.allow.any().is_no()),
        ];
        order.into_iter().find(|(_, silent)| *silent).map_or("identity", |(layer, _)| layer)
    }

    /// The layer that grants.
    fn granter(&self, world: &World, request: &Request) -> &'static str {
        if world.resource.root_exempt || (world.caller.kind == CallerKind::Root && self.resource.admission().any().is_no()) {
            return "root";
        }
        let across = self.same.is_no() || self.side != Side::Account;
        let form = |admission: Admission| {
            let own = admission.direct.or(admission.limited.and(self.limits()));
            own.is_yes() || (across || request.caller.kind == CallerKind::Root) && admission.any().is_yes()
        };
        match (form(self.resource.policy), form(self.resource.grant), form(self.resource.acl)) {
            (true, _, _) => world.resource.layer,
            (_, true, _) => "grant",
            (_, _, true) => "acl",
            _ if matches!(self.side, Side::Api(Api::Open | Api::Cognito, _)) => "service",
            _ => "identity",
        }
    }

    /// Notes for every recorded step whether its silence alone refuses the request, given what the other layers say.
    fn mark_needed(&self, log: &mut Log<'_>) {
        let form = self.resource.admission();
        let within = !self.same.is_no();
        let direct = within && form.direct.is_yes();
        let limited = within && form.limited.is_yes();
        let resource = match self.side {
            Side::Account => !self.same.is_yes() || !self.must_allow.is_no(),
            Side::Outside => true,
            Side::Api(_, HasPolicy(has_policy)) => has_policy,
        };
        let account = self.side == Side::Account;
        for step in &mut log.steps {
            step.needed = step.ruling != Ruling::Inapplicable
                && match step.layer {
                    "scp" | "vpce" | "service" | "s3-bpa" => true,
                    "resource" | "trust" => resource,
                    "identity" => (account && !direct && !limited) || matches!(self.side, Side::Api(Api::Authorizer, _)),
                    "boundary" | "session" => account && !direct,
                    _ => false,
                };
        }
    }
}
