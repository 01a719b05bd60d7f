//! Session policies (*Policies and permissions: session policies*): they limit a session and cannot be read back (E-40, E-41).

use crate::documents::SESSION;
use crate::language::policy::Grammar;
use crate::language::principal::{Caller, CallerKind};
use crate::layers::Level;
use crate::layers::identity::managed_policy;
use crate::library::Read;
use crate::world::Reader;
use iam_why_contract::json::Json;

/// What limits the session.
#[derive(Debug, Clone)]
pub enum Session {
    /// Nothing: no session, or one that was made without a session policy.
    Unlimited,
    /// A federated user without a session policy has no permissions of its own (E-40).
    Nothing(Level),
    /// These policies.
    Limited(Level),
}

/// The session policies of the caller.
///
/// **Where nothing is known of a session policy.** It cannot be read back (E-41). A question about a *role* is answered for a session
/// that was made without one, and a note says so. A question about a *session* is about one that exists and may have been made with
/// one: where all else allows, that is what is left to be the cause, and the answer is undetermined.
#[must_use]
pub fn read(reader: &mut Reader<'_>, caller: &Caller, root_session: bool) -> Session {
    let mut level = Level::new("session", &caller.text);
    let sessions = matches!(caller.kind, CallerKind::Session | CallerKind::Federated) || root_session;
    if caller.kind == CallerKind::Role {
        reader.notes.push(format!("asked for a session of role {} that was made without a session policy", caller.name));
    }
    if !sessions {
        return Session::Unlimited;
    }
    match reader.library.read(SESSION, &caller.text) {
        Read::Found(document, json) => {
            if let Some(policy) = json.get("PolicyDocument").filter(|policy| **policy != Json::Null) {
                level.add(reader, document, ("/PolicyDocument", policy), Grammar::Session);
            }
            for arn in json.get("PolicyArns").map(Json::elements).unwrap_or_default() {
                let arn = arn.get("arn").or(Some(arn)).and_then(Json::as_str).unwrap_or_default();
                managed_policy(reader, &mut level, arn, Grammar::Session);
            }
        }
        Read::Absent => {}
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
    match (level.is_empty(), caller.kind) {
        (true, CallerKind::Federated) => {
            level.note = "a federated user without a session policy has no permissions of its own".to_owned();
            Session::Nothing(level)
        }
        // E-43: a root session is made with one of AWS's task policies.
        (true, CallerKind::Root) => Session::Nothing(level),
        (true, _) => Session::Unlimited,
        (false, _) => Session::Limited(level),
    }
}
