//! Whatever comes in, nothing panics, and nothing that a terminal would obey comes out. `PROPTEST_CASES` says how long to try.

use iam_why::contract::Place;
use iam_why::report::{Redactor, clean, json, locate};
use iam_why::{Document, Words, cases, explain, load};
use proptest::prelude::*;

/// Text that is nearly JSON: pieces of it in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"", "\\", "null", "true", "1e999", "-", "\n", "\u{0}", "\"format\":", "\"iam-why/snapshot/1\"",
            "\"documents\":", "\"kind\":", "\"text\":", "\"subject\":", "\"cases\":", "\"expect\":", "\"Statement\":", "\"Effect\":",
            "\"allow\"", "\"principal\":", "\"action\":", "\"identity\":", "\"\\u0000\"", "\"\\ud800\"", "/*", "&a", "*a", "[[case]]",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Text that is nearly a refusal: pieces of wordings, wrappers and escapes in any order.
fn nearly_a_refusal() -> impl Strategy<Value = String> {
    let forms: Vec<&'static str> = explain::dialects().iter().flat_map(|dialect| dialect.forms).map(|form| form.example).collect();
    let torn = prop::sample::select(forms).prop_flat_map(|example| {
        let ends: Vec<usize> = example.char_indices().map(|(at, _)| at).chain([example.len()]).collect();
        (prop::sample::select(ends.clone()), prop::sample::select(ends))
            .prop_map(move |(one, other)| example.get(one.min(other)..one.max(other)).unwrap_or_default().to_owned())
    });
    let piece = prop_oneof![
        4 => torn,
        2 => prop::sample::select(vec![
            "\n", "\n│ ", "\u{1b}[31m", "[0m", "\\\"", "\\n", "\\u003c", "&quot;", "{\"eventName\":\"", "{\"methodName\":\"", "\"auditID\":", "\"explicitDeny\":", "{{{",
            "}]", "'", "\"", "<", ">", "***", "\u{0}", "arn:aws:iam::", " on resource: ", "because ",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_holds_refusals_or_none(text in nearly_a_refusal()) {
        for refusal in explain::text(&text) {
            prop_assert!(refusal.line > 0 && refusal.line <= text.lines().count().max(1));
            prop_assert!(!refusal.provider.is_empty() && !refusal.refused_by.is_empty() && !refusal.says.is_empty());
            let _ = explain::question(&refusal);
        }
    }

    #[test]
    fn a_stream_is_read_the_same_however_it_is_cut(text in nearly_a_refusal(), size in 1_usize..64) {
        let mut reading = explain::Reading::default();
        text.as_bytes().chunks(size).for_each(|piece| reading.push(piece));
        let wide = text.starts_with('\u{feff}');
        prop_assert!(wide || reading.finish().refusals == explain::text(&text));
    }

    #[test]
    fn any_bytes_are_a_stream(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(explain::stream(bytes.as_slice()).is_ok());
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), name in "[a-z./-]{0,12}(json)?") {
        let _ = load::parse(&name, bytes);
    }

    #[test]
    fn any_text_is_a_snapshot_or_an_error(text in nearly_json()) {
        let _ = load::parse("x.json", text.into_bytes());
    }

    #[test]
    fn any_text_is_a_list_of_cases_or_an_error(text in nearly_json(), extension in prop::sample::select(vec!["json", "jsonl", "toml", "yaml"])) {
        let _ = cases::run_text(&format!("x.{extension}"), &text);
    }

    #[test]
    fn any_words_are_a_question_or_an_error(principal in any::<String>(), action in any::<String>(), resource in any::<String>(), fact in any::<String>()) {
        let words = Words { principal, action, resource: Some(resource), context: vec![fact], ..Words::default() };
        let _ = words.question();
    }

    #[test]
    fn any_pointer_leads_to_a_place_in_the_text(text in nearly_json(), pointer in "(/[a-zA-Z0-9~]{0,6}){0,4}", span in any::<Option<(usize, usize)>>()) {
        let range = locate::range(&text, &pointer, span);
        prop_assert!(range.start <= range.end && range.end <= text.len());
        let place = Place { span, ..Place::new("d", pointer) };
        let spot = locate::locate(&Document::new("k", "s", "t", text), &place);
        prop_assert!(spot.line > 0 && spot.column > 0);
    }

    #[test]
    fn a_terminal_gets_nothing_to_obey(text in any::<String>()) {
        prop_assert!(!clean::line(&text).contains(clean::is_harmful));
        prop_assert!(!json::render(&text).unwrap().contains(clean::is_harmful));
    }

    #[test]
    fn what_is_redacted_once_is_redacted_the_same_again(text in "[ -~é]{0,80}", account in "[0-9]{12}") {
        let redactor = Redactor::default();
        let text = format!("{text} {account} arn:aws:s3:::acme-reports/{account}.csv");
        let first = redactor.text(&text);
        prop_assert_eq!(&first, &redactor.text(&text));
        prop_assert!(!first.contains(&account) || account.starts_with("0000"));
    }
}
