//! Reads conditions: the documented grammar with the loose forms that built-in roles have (C-3).

use crate::language::action::ActionPattern;
use crate::language::condition::{
    Attribute, Base, Comparison, Condition, DEPTH, Expression, LENGTH, Operand, Operator, Quantifier, Source, Span, Unreadable,
};
use serde_json::Value;
use std::ops::Range;
use winnow::combinator::{alt, cut_err, delimited, eof, not, opt, preceded, separated, terminated};
use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::stream::Location;
use winnow::token::{any, take_till, take_while};
use winnow::{LocatingSlice, ModalResult, Parser};

type Input<'t> = LocatingSlice<&'t str>;

impl Condition {
    /// Reads a condition. What cannot be read is kept as such: it is unknown, never true (C-9).
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), parsed: parse(text) }
    }

    /// Reads a condition of the version that is stated beside it. 2.0 is the only one that can be written, 1.0 is in old data (C-1); what
    /// another one would mean nobody says.
    pub(crate) fn of_version(text: &str, version: Option<&Value>) -> Self {
        let version = version.and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let mut condition = Self::new(text);
        if !matches!(version, "" | "1.0" | "2.0") {
            condition.parsed = Err(Unreadable { at: 0, expected: format!("version 1.0 or 2.0 instead of {version}") });
        }
        condition
    }
}

fn parse(text: &str) -> Result<Expression, Unreadable> {
    if text.len() > LENGTH {
        return Err(Unreadable { at: LENGTH, expected: format!("at most {LENGTH} bytes") });
    }
    let mut whole = terminated(preceded(blank, |input: &mut Input<'_>| chain(input, 0)), eof.context(expected("AND, OR or the end")));
    whole.parse(LocatingSlice::new(text)).map_err(|error| Unreadable { at: error.offset(), expected: words(error.inner()) })
}

fn words(error: &ContextError) -> String {
    let mut expected = error.context().filter_map(|context| match context {
        StrContext::Expected(StrContextValue::Description(words)) => Some(*words),
        _ => None,
    });
    expected.next().unwrap_or("a condition").to_owned()
}

fn expected(words: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(words))
}

fn blank(input: &mut Input<'_>) -> ModalResult<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// `inner`, the blanks behind it dropped, with its place.
fn placed<'t, O>(
    inner: impl Parser<Input<'t>, O, ErrMode<ContextError>>,
) -> impl Parser<Input<'t>, (O, Range<usize>), ErrMode<ContextError>> {
    terminated(inner.with_span(), blank)
}

fn symbol<'t>(text: &'static str) -> impl Parser<Input<'t>, (), ErrMode<ContextError>> {
    terminated(text, blank).void()
}

/// A word in whatever case, not followed by more of a word.
fn keyword<'t>(word: &'static str) -> impl Parser<Input<'t>, (), ErrMode<ContextError>> {
    let whole = take_while(1.., |character: char| character.is_ascii_alphanumeric() || character == '_');
    terminated(whole.verify(move |found: &str| found.eq_ignore_ascii_case(word)), blank).void()
}

/// `AND` is true, `OR` is false.
fn connective(input: &mut Input<'_>) -> ModalResult<bool> {
    let and = alt((symbol("&&"), keyword("AND"))).value(true);
    let or = alt((symbol("||"), keyword("OR"))).value(false);
    alt((and, or)).parse_next(input)
}

fn chain(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    if depth > DEPTH {
        return Err(ErrMode::Cut(refused("less nesting")));
    }
    let mut items = vec![unary(input, depth)?];
    let mut ands = Vec::new();
    while let Some(and) = opt(connective).parse_next(input)? {
        ands.push(and);
        items.push(cut_err(|input: &mut Input<'_>| unary(input, depth)).parse_next(input)?);
    }
    Ok(joined(items, ands))
}

fn refused(words: &'static str) -> ContextError {
    let mut error = ContextError::new();
    error.push(expected(words));
    error
}

fn joined(mut items: Vec<Expression>, ands: Vec<bool>) -> Expression {
    let span = hull(&items);
    match ands.first() {
        None => items.pop().unwrap_or(Expression::All(items, span)),
        Some(true) if ands.iter().all(|and| *and) => Expression::All(items, span),
        Some(false) if ands.iter().all(|and| !*and) => Expression::Any(items, span),
        Some(_) => Expression::Ambiguous(items, ands, span),
    }
}

fn hull(items: &[Expression]) -> Span {
    let start = items.first().map_or(0, |item| item.span().0);
    (start, items.last().map_or(start, |item| item.span().1))
}

fn unary(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    let start = input.current_token_start();
    let negations: usize = {
        let mut count = 0;
        while opt(alt((symbol("!"), keyword("NOT")))).parse_next(input)?.is_some() {
            count += 1;
        }
        count
    };
    let inner =
        if negations > 0 { cut_err(|input: &mut Input<'_>| primary(input, depth)).parse_next(input)? } else { primary(input, depth)? };
    let end = inner.span().1;
    // Two negations are none; the tree stays flat however many there are.
    Ok(if negations % 2 == 1 { Expression::Not(Box::new(inner), (start, end)) } else { inner })
}

fn primary(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    alt((
        |input: &mut Input<'_>| group(input, depth),
        preceded(keyword("ActionMatches"), cut_err(patterns))
            .with_span()
            .map(|(patterns, span)| Expression::ActionMatches(patterns.0, (span.start, patterns.1))),
        preceded(keyword("SubOperationMatches"), cut_err(patterns))
            .with_span()
            .map(|(patterns, span)| Expression::SubOperationMatches(patterns.0, (span.start, patterns.1))),
        preceded(keyword("Exists"), cut_err(placed(attribute)))
            .with_span()
            .map(|((attribute, inner), span)| Expression::Exists(attribute, (span.start, inner.end))),
        comparison,
    ))
    .context(expected("`(`, ActionMatches, SubOperationMatches, Exists or a comparison"))
    .parse_next(input)
}

fn group(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    let inner = |input: &mut Input<'_>| chain(input, depth + 1);
    delimited(symbol("("), cut_err(inner), cut_err(symbol(")")).context(expected("AND, OR or `)`"))).parse_next(input)
}

/// `{'…', '…'}`, and where it ends.
fn patterns(input: &mut Input<'_>) -> ModalResult<(Vec<ActionPattern>, usize)> {
    let list = separated(1.., terminated(quoted, blank), symbol(","));
    let (patterns, span): (Vec<String>, _) = placed(delimited(symbol("{"), list, "}")).context(expected("`{'…'}`")).parse_next(input)?;
    Ok((patterns.iter().map(|pattern| ActionPattern::new(pattern)).collect(), span.end))
}

fn comparison(input: &mut Input<'_>) -> ModalResult<Expression> {
    let (left, left_span) = placed(operand).parse_next(input)?;
    let operator = cut_err(terminated(operator, blank)).context(expected("an operator")).parse_next(input)?;
    let (right, right_span) = cut_err(placed(operand)).context(expected("a value or an attribute")).parse_next(input)?;
    Ok(Expression::Compare(Box::new(Comparison { left, operator, right, span: (left_span.start, right_span.end) })))
}

fn operator(input: &mut Input<'_>) -> ModalResult<Operator> {
    let quantifier = opt(terminated(word, (blank, ':', blank)).verify_map(Quantifier::read)).parse_next(input)?;
    let base = word.verify_map(Base::read).parse_next(input)?;
    Ok(Operator { quantifier, base })
}

fn word<'t>(input: &mut Input<'t>) -> ModalResult<&'t str> {
    take_while(1.., |character: char| character.is_ascii_alphabetic()).parse_next(input)
}

fn operand(input: &mut Input<'_>) -> ModalResult<Operand> {
    let set = delimited(symbol("{"), separated(1.., terminated(value, blank), symbol(",")), "}");
    alt((attribute.map(Operand::Attribute), set.map(Operand::Literals), value.map(|value| Operand::Literals(vec![value]))))
        .parse_next(input)
}

fn attribute(input: &mut Input<'_>) -> ModalResult<Attribute> {
    let source = preceded('@', take_while(1.., |character: char| character.is_ascii_alphabetic()).verify_map(Source::read));
    let inside = delimited((blank, '['), take_till(1.., ']'), ']');
    (source, inside).map(|(source, inside)| Attribute::new(source, inside)).context(expected("an attribute")).parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<String> {
    alt((quoted, bare)).context(expected("a value")).parse_next(input)
}

/// Text between single quotes. A quote inside is not documented (C-7): where one might be meant, nothing is read.
fn quoted(input: &mut Input<'_>) -> ModalResult<String> {
    terminated(delimited('\'', take_till(0.., '\''), '\''), not('\'')).map(str::to_owned).parse_next(input)
}

/// A number, `true`, `false`, or a GUID with or without dashes.
fn bare(input: &mut Input<'_>) -> ModalResult<String> {
    let text = take_while(1.., |character: char| character.is_ascii_alphanumeric() || character == '-');
    terminated(text.verify(is_bare_value), not(any.verify(|next: &char| next.is_alphanumeric()))).map(str::to_owned).parse_next(input)
}

fn is_bare_value(text: &str) -> bool {
    let truth = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    truth || text.parse::<i64>().is_ok() || crate::world::guid(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::language::condition::{Condition, Expression, Source};

    fn reads(text: &str) -> Expression {
        parse(text).unwrap_or_else(|error| panic!("`{text}`: {error:?}"))
    }

    #[test]
    fn the_loose_forms_of_built_in_roles_are_read() {
        let guid = "acdd72a7338548efbd42f606fba81ae7";
        reads(&format!("@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{{{guid}}}"));
        reads("@Resource[HasObotoken] boolequals true && !(ActionMatches{'a/b'}) || NOT Exists @request[x:y]");
        reads(
            "((!(ActionMatches{'A/read'} AND NOT SubOperationMatches{'Blob.List'})) OR (@Environment[UtcNow] DateTimeGreaterThan '2026-01-01T00:00:00Z'))",
        );
        reads("{10, 20} ForAllOfAllValues:NumericLessThan {25,30}");
        reads(
            "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Set_Name] StringEquals\n@Resource[T/tags:Project<$key_case_sensitive$>]",
        );
    }

    #[test]
    fn a_comparison_knows_its_place() {
        let text = "(!(ActionMatches{'A/read'}) OR (@Resource[T:name] StringEquals 'x'))";
        let comparisons = reads(text);
        let comparison = comparisons.comparisons()[0].clone();
        assert_eq!(text.get(comparison.span.0..comparison.span.1), Some("@Resource[T:name] StringEquals 'x'"));
    }

    #[test]
    fn the_marker_of_a_key_is_no_part_of_its_name() {
        let Expression::Exists(attribute, _) = reads("Exists @Resource[T/tags:Project<$key_case_sensitive$>]") else { panic!() };
        assert_eq!((attribute.source, attribute.name.as_str(), attribute.exact_key), (Source::Resource, "T/tags:Project", true));
        let Expression::Exists(attribute, _) = reads("Exists @Resource[T/tags:Project<`$key_case_sensitive`$>]") else { panic!() };
        assert!(attribute.garbled, "a shell's escape was saved with it");
    }

    #[test]
    fn what_is_not_a_condition_says_where_it_stops() {
        for (text, at) in [
            ("((!(ActionMatches{'A/read'}) OR (@Resource[T:name] StringEquals 'x'", 67),
            ("@Resource[T:name] StringSame 'x'", 18),
            ("@Resource[T:name] StringEquals 'it''s'", 31),
            ("", 0),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.at, at, "`{text}`: {error:?}");
        }
    }

    #[test]
    fn hostile_text_is_refused_quickly() {
        for text in ["(".repeat(50_000), "!".repeat(60_000), format!("{}x", "NOT ".repeat(10_000)), "(!".repeat(20_000)] {
            assert!(Condition::new(&text).parsed.is_err());
        }
        let long = vec!["Exists @Resource[a:b]"; 2000].join(" AND ");
        assert!(Condition::new(&long).parsed.is_ok());
        let mixed = vec!["Exists @Resource[a:b]"; 2000].join(" AND Exists @Resource[c:d] OR ");
        drop(Condition::new(&mixed));
    }
}
