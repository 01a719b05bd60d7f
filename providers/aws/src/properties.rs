//! What holds in every world, however it came about.

use crate::answer::answer;
use crate::cases;
use crate::decide::{decide, record};
use crate::documents::{INLINE_POLICY, RESOURCE_POLICY};
use crate::fixes::fixes;
use crate::language::action::{ActionName, ActionPattern};
use crate::library::Library;
use crate::request::Request;
use crate::world::World;
use iam_why_contract::{Case, Decision, Document, Question, Search, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Keys of which a world may not know the value, and values that tell every condition below from every other.
const KEYS: [(&str, &[Option<&[&str]>]); 7] = [
    ("s3:prefix", &[None, Some(&[""]), Some(&["a"]), Some(&["ab"]), Some(&["A"]), Some(&["b"]), Some(&["/"]), Some(&["c"])]),
    ("s3:delimiter", &[None, Some(&[""]), Some(&["a"]), Some(&["ab"]), Some(&["A"]), Some(&["b"]), Some(&["/"]), Some(&["c"])]),
    ("aws:MultiFactorAuthPresent", &[None, Some(&["true"]), Some(&["false"])]),
    ("s3:max-keys", &[None, Some(&["3"]), Some(&["5"]), Some(&["6"]), Some(&["7"]), Some(&["10"]), Some(&["11"]), Some(&["many"])]),
    (
        "aws:TagKeys",
        &[None, Some(&["x"]), Some(&["y"]), Some(&["z"]), Some(&["x", "y"]), Some(&["x", "z"]), Some(&["y", "z"]), Some(&["x", "y", "z"])],
    ),
    (
        "aws:SourceIp",
        &[None, Some(&["203.0.113.9"]), Some(&["203.0.114.9"]), Some(&["198.51.100.1"]), Some(&["2001:db8::1"]), Some(&["nowhere"])],
    ),
    (
        "aws:UserAgent",
        &[None, Some(&["arn:aws:iam::1:role/x"]), Some(&["arn:aws:iam::1:user/x"]), Some(&["arn:aws:iam::2:role/y"]), Some(&["curl"])],
    ),
];

fn condition(number: usize) -> Value {
    match number {
        1 => json!({"StringEquals": {"s3:prefix": "a"}}),
        2 => json!({"StringNotEquals": {"s3:prefix": "a"}}),
        3 => json!({"StringLike": {"s3:prefix": ["a*"]}}),
        4 => json!({"StringEqualsIfExists": {"s3:prefix": ["a", "b"]}}),
        5 => json!({"Null": {"s3:prefix": "true"}}),
        6 => json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        7 => json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
        8 => json!({"NumericLessThanEquals": {"s3:max-keys": "10"}}),
        9 => json!({"NumericGreaterThan": {"s3:max-keys": "5"}}),
        10 => json!({"NumericNotEquals": {"s3:max-keys": ["5", "10"]}}),
        11 => json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["x", "y"]}}),
        12 => json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}}),
        13 => json!({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "x"}}),
        14 => json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        15 => json!({"NotIpAddress": {"aws:SourceIp": ["203.0.112.0/22"]}}),
        16 => json!({"StringEquals": {"s3:prefix": "${s3:delimiter}"}}),
        17 => json!({"StringNotEqualsIgnoreCase": {"s3:prefix": "a"}}),
        18 => json!({"StringEquals": {"s3:prefix": "b"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}),
        19 => json!({"Null": {"aws:TagKeys": "false"}, "ForAllValues:StringLike": {"aws:TagKeys": ["x", "z"]}}),
        20 => json!({"ArnLike": {"aws:UserAgent": "arn:aws:iam::*:role/*"}}),
        21 => json!({"ArnEquals": {"aws:UserAgent": "arn:aws:iam::1:*"}}),
        22 => json!({"StringEquals": {"s3:prefix": "${s3:delimiter, 'c'}"}}),
        23 => json!({"Null": {"s3:max-keys": "false"}, "NumericGreaterThanEquals": {"s3:max-keys": "7"}}),
        24 => json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}, "Null": {"aws:SourceIp": "false"}}),
        _ => json!({}),
    }
}

const CONDITIONS: usize = 25;
const LAYERS: [&str; 5] = ["identity", "resource_policy", "boundary", "scps", "rcps"];
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const PRINCIPALS: [&str; 4] = ["*", "111122223333", ALICE, "arn:aws:iam::111122223333:user/bob"];

/// One statement: its layer, whether it allows, its condition, whom it names where it names anybody.
type Line = (usize, bool, usize, usize);

fn line() -> impl Strategy<Value = Line> {
    (0..LAYERS.len(), any::<bool>(), 0..CONDITIONS, 0..PRINCIPALS.len())
}

#[derive(Debug, Clone)]
struct Plan {
    lines: Vec<Line>,
    /// Of each key the value it has, or that nobody knows.
    keys: Vec<Option<prop::sample::Index>>,
    /// Whether identity policy and bucket policy were not read.
    unread: (bool, bool),
    across: bool,
}

fn plan(known: f64) -> impl Strategy<Value = Plan> {
    let keys = prop::collection::vec(prop::option::weighted(known, any::<prop::sample::Index>()), KEYS.len());
    let unread = (prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    (prop::collection::vec(line(), 1..6), keys, unread, prop::bool::weighted(0.2)).prop_map(|(lines, keys, unread, across)| Plan {
        lines,
        keys,
        unread,
        across,
    })
}

/// A question and the world it is asked in.
#[derive(Debug, Clone)]
struct Posed {
    question: Question,
    request: Request,
    snapshot: Snapshot,
}

impl Plan {
    fn policy(&self, layer: usize) -> Value {
        let lines = self.lines.iter().filter(|line| line.0 == layer);
        let statements = lines.map(|(_, allows, number, principal)| {
            let effect = if *allows && LAYERS[layer] != "rcps" { "Allow" } else { "Deny" };
            let mut statement = json!({"Effect": effect, "Action": "s3:ListBucket", "Resource": "*", "Condition": condition(*number)});
            match LAYERS[layer] {
                "resource_policy" => statement["Principal"] = json!({"AWS": PRINCIPALS[*principal]}),
                "rcps" => statement["Principal"] = json!("*"),
                _ => {}
            }
            statement
        });
        json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
    }

    fn bounded(&self, layer: usize) -> bool {
        self.lines.iter().any(|line| line.0 == layer)
    }

    fn value(&self) -> Value {
        let everything = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let mut context = json!({});
        for ((key, ways), chosen) in KEYS.iter().zip(&self.keys) {
            if let Some(index) = chosen {
                context[*key] = json!(index.get(ways));
            }
        }
        json!({
            "id": "random", "expect": "unknown", "principal": ALICE, "action": "s3:ListBucket", "resource": "arn:aws:s3:::acme",
            "resource_account": if self.across { "444455556666" } else { "111122223333" }, "context": context,
            "identity": [self.policy(0)], "resource_policy": self.policy(1),
            "boundary": if self.bounded(2) { self.policy(2) } else { Value::Null },
            "scps": if self.bounded(3) { json!([[everything], [self.policy(3)]]) } else { json!([]) },
            "rcps": if self.bounded(4) { json!([[], [self.policy(4)]]) } else { json!([]) },
        })
    }

    fn case(&self) -> Case {
        cases::read(&self.value()).unwrap().unwrap()
    }

    /// The world as it is known.
    fn posed(&self) -> Posed {
        let mut case = self.case();
        for ((key, _), chosen) in KEYS.iter().zip(&self.keys) {
            if chosen.is_none() {
                case.question.context.entries.remove(*key);
            }
        }
        let known = ["aws:sourcevpc", "aws:sourcevpce", "aws:resourceaccount", "x-amz", "s3:x-amz"];
        case.question.context.complete = known.iter().map(|prefix| (*prefix).to_owned()).collect();
        let gone = |document: &&Document| {
            !((self.unread.0 && &*document.kind == INLINE_POLICY) || (self.unread.1 && &*document.kind == RESOURCE_POLICY))
        };
        let documents: Vec<Document> = case.snapshot.documents().iter().filter(gone).cloned().collect();
        posed(&case, documents)
    }

    /// Every way in which what is not known can turn out, as a world of its own.
    fn completions(&self) -> Vec<(Snapshot, Vec<Request>)> {
        let case = self.case();
        let mut contexts = vec![case.question.context.clone()];
        for ((key, ways), _) in KEYS.iter().zip(&self.keys).filter(|(_, chosen)| chosen.is_none()) {
            let with = |context: &iam_why_contract::Context, way: &Option<&[&str]>| match way {
                Some(values) => context.clone().with(key, values.iter().copied()),
                None => context.clone().without(key),
            };
            contexts = contexts.iter().flat_map(|context| ways.iter().map(|way| with(context, way))).collect();
        }
        let mut worlds = vec![case.snapshot.documents().to_vec()];
        for (kind, texts) in [(INLINE_POLICY, identity_texts()), (RESOURCE_POLICY, bucket_texts())] {
            if (kind == INLINE_POLICY && self.unread.0) || (kind == RESOURCE_POLICY && self.unread.1) {
                worlds = worlds.iter().flat_map(|documents| texts.iter().map(|text| replaced(documents, kind, text))).collect();
            }
        }
        let ask = |context| Request::parse(&Question { context, ..case.question.clone() }).unwrap();
        let requests: Vec<Request> = contexts.into_iter().map(ask).collect();
        worlds.into_iter().map(|documents| (posed(&case, documents).snapshot, requests.clone())).collect()
    }

    /// How many completions there are.
    fn count(&self) -> usize {
        let open = KEYS.iter().zip(&self.keys).filter(|(_, chosen)| chosen.is_none());
        let texts =
            [(self.unread.0, 3), (self.unread.1, 6)].iter().map(|(unread, texts)| if *unread { *texts } else { 1 }).product::<usize>();
        open.map(|((_, ways), _)| ways.len()).product::<usize>() * texts
    }
}

fn posed(case: &Case, documents: Vec<Document>) -> Posed {
    let searches: Vec<Search> = case.snapshot.searches().to_vec();
    Posed {
        question: case.question.clone(),
        request: Request::parse(&case.question).unwrap(),
        snapshot: Snapshot::new(documents, searches),
    }
}

/// What an identity policy can say of the request.
fn identity_texts() -> Vec<Value> {
    ["", "Allow", "Deny"].iter().map(|effect| policy(effect, None)).collect()
}

fn bucket_texts() -> Vec<Value> {
    let mut texts = vec![policy("", None), policy("Deny", Some("*"))];
    texts.extend(PRINCIPALS.iter().map(|principal| policy("Allow", Some(principal))));
    texts
}

fn policy(effect: &str, principal: Option<&str>) -> Value {
    let mut statement = json!({"Effect": effect, "Action": "*", "Resource": "*"});
    if let Some(principal) = principal {
        statement["Principal"] = json!({"AWS": principal});
    }
    json!({"Version": "2012-10-17", "Statement": if effect.is_empty() { json!([]) } else { json!([statement]) }})
}

fn replaced(documents: &[Document], kind: &str, text: &Value) -> Vec<Document> {
    let one = |document: &Document| {
        if &*document.kind == kind { Document::new(kind, &document.subject, &document.title, text.to_string()) } else { document.clone() }
    };
    documents.iter().map(one).collect()
}

impl Posed {
    fn answer(&self) -> iam_why_contract::Verdict {
        answer(&self.request, &Library::new(&self.snapshot))
    }

    fn decision(&self) -> Decision {
        self.answer().decision
    }
}

/// Deny before undetermined before allow.
fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Deny => 0,
        Decision::Undetermined => 1,
        Decision::Allow => 2,
    }
}

/// Whether an Allow under this operator applies where the key has this value.
fn holds(operator: &str, listed: &str, value: &str) -> bool {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"acme:fact": listed}}});
    let plain = json!({
        "id": "", "expect": "allow", "principal": ALICE, "action": "s3:ListBucket", "resource": "arn:aws:s3:::acme",
        "resource_account": "111122223333", "identity": [{"Version": "2012-10-17", "Statement": allow}], "context": {"acme:fact": value},
    });
    let case = cases::read(&plain).unwrap().unwrap();
    let posed = posed(&case, case.snapshot.documents().to_vec());
    decide(&posed.request, &World::of(&posed.request, &Library::new(&posed.snapshot))).decision == Decision::Allow
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 40_000, ..ProptestConfig::default() })]

    /// Undetermined exactly where two completions differ, where all of them can be listed.
    #[test]
    fn undetermined_is_exactly_where_completions_differ(plan in plan(0.75)) {
        prop_assume!(plan.count() <= 60);
        let answered = plan.posed().decision();
        let mut decided = BTreeSet::new();
        'all: for (snapshot, requests) in plan.completions() {
            let library = Library::new(&snapshot);
            for request in &requests {
                decided.insert(rank(decide(request, &World::of(request, &library)).decision));
                if decided.len() > 1 {
                    break 'all;
                }
            }
        }
        let expected = if decided.len() == 1 { decided.first().copied() } else { Some(rank(Decision::Undetermined)) };
        prop_assert_eq!(Some(rank(answered)), expected, "completions: {:?}", decided);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// With more facts open than can be listed a sample of completions must not contradict a determined answer.
    #[test]
    fn no_completion_contradicts_a_determined_answer(plan in plan(0.1), chosen in prop::collection::vec(any::<prop::sample::Index>(), KEYS.len())) {
        let posed = plan.posed();
        let answered = posed.decision();
        let mut whole = plan.clone();
        whole.unread = (false, false);
        for (key, index) in whole.keys.iter_mut().zip(chosen) {
            key.get_or_insert(index);
        }
        let settled = whole.posed().decision();
        prop_assert!(answered == Decision::Undetermined || plan.unread != (false, false) || answered == settled, "{answered:?}, then {settled:?}");
    }

    #[test]
    fn settling_one_key_never_changes_a_determined_answer(plan in plan(0.5), at in 0..KEYS.len(), value in any::<prop::sample::Index>()) {
        let before = plan.posed().decision();
        let mut settled = plan.clone();
        settled.keys[at].get_or_insert(value);
        let after = settled.posed().decision();
        prop_assert!(before == Decision::Undetermined || before == after, "{before:?}, then {after:?}");
    }

    #[test]
    fn deciding_and_tracing_agree(plan in plan(0.7)) {
        let posed = plan.posed();
        let world = World::of(&posed.request, &Library::new(&posed.snapshot));
        prop_assert_eq!(decide(&posed.request, &world), record(&posed.request, &world).answer);
    }

    #[test]
    fn order_never_matters(plan in plan(0.8)) {
        let forwards = plan.posed();
        let mut turned = plan.clone();
        turned.lines.reverse();
        prop_assert_eq!(forwards.decision(), turned.posed().decision());
        let documents = forwards.snapshot.documents().iter().rev().cloned();
        let snapshot = Snapshot::new(documents, forwards.snapshot.searches().iter().rev().cloned());
        let backwards = Posed { snapshot, ..forwards.clone() };
        prop_assert_eq!(forwards.decision(), backwards.decision());
    }

    #[test]
    fn another_deny_never_lets_more_through(plan in plan(0.8), more in line()) {
        // A first boundary or service control policy may take away, so another statement is compared with an existing layer.
        let mut with = plan.clone();
        with.lines.push((more.0, false, more.2, more.3));
        prop_assert!(rank(with.posed().decision()) <= rank(plan.posed().decision()));
    }

    #[test]
    fn another_allow_never_lets_less_through(plan in plan(0.8), more in line()) {
        prop_assume!(LAYERS[more.0] != "rcps" && (more.0 < 2 || plan.bounded(more.0)));
        let mut with = plan.clone();
        with.lines.push((more.0, true, more.2, more.3));
        prop_assert!(rank(with.posed().decision()) >= rank(plan.posed().decision()));
    }

    #[test]
    fn a_saved_snapshot_gives_the_same_answer(plan in plan(0.8)) {
        let posed = plan.posed();
        let mut file = Vec::new();
        posed.snapshot.write(&mut file).unwrap();
        let again = Posed { snapshot: Snapshot::parse(&String::from_utf8(file).unwrap()).unwrap(), ..posed.clone() };
        prop_assert_eq!(posed.answer(), again.answer());
    }

    #[test]
    fn actions_match_as_a_naive_reading_does(pattern in "[a-b:*?]{0,7}", text in "[aAbB:]{0,7}") {
        let naive = naive(&pattern.to_ascii_lowercase().chars().collect::<Vec<_>>(), &text.to_ascii_lowercase().chars().collect::<Vec<_>>());
        prop_assert_eq!(ActionPattern::new(&pattern).matches(&ActionName::new(&text)), naive, "`{}` on `{}`", pattern, text);
    }

    #[test]
    fn texts_and_arns_match_as_a_naive_reading_does(pattern in "[ab:*?]{0,7}", text in "[ab:]{0,7}", head in "(a|b|\\*|\\?|:){0,3}") {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert_eq!(holds("StringLike", &pattern, &text), naive(&chars(&pattern), &chars(&text)), "`{}` on `{}`", pattern, text);
        let (pattern, text) = (format!("arn:aws:{head}:{pattern}"), format!("arn:aws:a:{text}"));
        let fields = |text: &str| text.splitn(6, ':').map(chars).collect::<Vec<_>>();
        let (wanted, got) = (fields(&pattern), fields(&text));
        let fits = wanted.len() == 6 && got.len() == 6 && wanted.iter().zip(&got).all(|(wanted, got)| naive(wanted, got));
        prop_assert_eq!(holds("ArnLike", &pattern, &text), fits, "`{}` on `{}`", pattern, text);
    }

    #[test]
    fn numbers_and_addresses_compare_as_a_naive_reading_does(left in -2_000_i64..2_000, right in -2_000_i64..2_000, address in any::<u32>(), base in any::<u32>(), prefix in 0_u32..=32) {
        let decimal = |hundredths: i64| format!("{}{}.{:02}", if hundredths < 0 { "-" } else { "" }, hundredths.abs() / 100, hundredths.abs() % 100);
        prop_assert_eq!(holds("NumericLessThan", &decimal(right), &decimal(left)), left < right);
        prop_assert_eq!(holds("NumericGreaterThanEquals", &decimal(right), &decimal(left)), left >= right);
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        let range = format!("{}/{prefix}", std::net::Ipv4Addr::from(base));
        prop_assert_eq!(holds("IpAddress", &range, &std::net::Ipv4Addr::from(address).to_string()), address & mask == base & mask);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_fix_flips_the_answer(plan in plan(0.99)) {
        let posed = plan.posed();
        let decision = |snapshot: &Snapshot| Posed { snapshot: snapshot.clone(), ..posed.clone() }.decision();
        for fix in fixes(&posed.question, &posed.snapshot, &posed.answer(), decision) {
            let edited = Posed { snapshot: posed.snapshot.with(fix.edits()).unwrap(), ..posed.clone() };
            prop_assert_eq!(edited.decision(), Decision::Allow, "{}", fix.says());
        }
    }
}

/// `*` and `?` by trying everything.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], text) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        (['?', rest @ ..], [_, behind @ ..]) => naive(rest, behind),
        ([letter, rest @ ..], [first, behind @ ..]) => letter == first && naive(rest, behind),
        _ => false,
    }
}
