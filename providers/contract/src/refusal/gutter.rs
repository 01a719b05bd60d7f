//! What tools put before each line of a text: bars, marks of quotation, times, names of programs, pods and steps, line numbers.

use super::view::{colour, escaped_colour, head};

/// How long the repeated beginning of lines may be.
const NAME: usize = 120;

/// Knows the line above, for what only its repetition tells from the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gutters<'a> {
    above: &'a str,
    /// The same of a line that ends with an escaped line feed.
    above_within: &'a str,
}

impl<'a> Gutters<'a> {
    /// The length of what stands before the text of the line that `rest` begins with; 0 where nothing does.
    /// `within` one that was escaped?
    pub(super) fn length(&mut self, rest: &'a str, within: bool) -> usize {
        let known = known(rest);
        let line = rest.get(known..).unwrap_or("");
        let above = if within { &mut self.above_within } else { &mut self.above };
        let again = repeated(line, std::mem::replace(above, line));
        if again == 0 {
            return known;
        }
        let taken = known + again;
        taken + self::known(rest.get(taken..).unwrap_or(""))
    }
}

/// The length of all that is known by its form.
fn known(rest: &str) -> usize {
    let mut taken = 0;
    loop {
        let line = rest.get(taken..).unwrap_or("");
        let bare = line.trim_start_matches([' ', '\t']);
        let length = gutter(bare).max(colour(bare));
        if length == 0 {
            return taken;
        }
        taken += line.len() - bare.len() + length;
    }
}

/// The length of the gutter that `line` begins with; 0 where it has none.
fn gutter(line: &str) -> usize {
    let Some(first) = line.bytes().next() else { return 0 };
    match first {
        b'|' | b'>' => bar_of_ascii(line),
        b'\\' => escaped_bar(line),
        b'#' => workflow_command(line),
        b'S' if line.starts_with("Step #") => {
            let prefix = head(line, 160);
            let end = ["\": ", "&quot;: "].iter().find_map(|mark| Some(prefix.find(mark)? + mark.len()));
            end.unwrap_or(0)
        }
        b'[' => bracketed(line),
        b'<' => priority(line).map_or(0, |length| length + of_syslog(line.get(length..).unwrap_or(""))),
        b'&' => ["&gt; ", "&gt;\n"].iter().find(|mark| line.starts_with(**mark)).map_or(0, |_| 4),
        b'/' => group(line),
        b'0'..=b'9' => moment(line).max(numbered(line)),
        b'A'..=b'Z' => syslog(line).max(klog(line)),
        0x80.. => BARS.iter().find(|bar| line.starts_with(**bar)).map_or(0, |bar| bar.len()),
        _ => 0,
    }
}

/// The bars that boxes are drawn with.
pub(super) const BARS: [&str; 7] = ["│", "╷", "╵", "┃", "║", "┆", "▏"];

fn bar_of_ascii(line: &str) -> usize {
    match line.as_bytes() {
        [_, b' ', ..] => 2,
        [_] | [_, b'\n' | b'\r', ..] => 1,
        _ => 0,
    }
}

/// The bar as JSON writes it, or a colour.
fn escaped_bar(line: &str) -> usize {
    let bare = line.trim_start_matches('\\');
    let colour = escaped_colour(bare);
    if colour > 0 {
        return line.len() - bare.len() + colour;
    }
    if ["u2502", "u2577", "u2575"].iter().any(|bar| bare.starts_with(bar)) { line.len() - bare.len() + 5 } else { 0 }
}

/// `##[error]` of a build service; `#12 3.456 ` of a container build.
fn workflow_command(line: &str) -> usize {
    const COMMANDS: [&str; 7] = ["##[error]", "##[warning]", "##[debug]", "##[section]", "##[command]", "##[group]", "##[notice]"];
    if let Some(command) = COMMANDS.iter().find(|command| line.starts_with(**command)) {
        return command.len();
    }
    let digits = |at: usize| count(line, at, |byte| byte.is_ascii_digit() || byte == b'.');
    let step = digits(1);
    let time = digits(step + 2);
    let spaced = |at: usize| line.as_bytes().get(at) == Some(&b' ');
    if step > 0 && time > 2 && spaced(step + 1) && spaced(step + 2 + time) { step + time + 3 } else { 0 }
}

/// `[2026-01-01T00:00:00.000Z] `, `[2026-01-01 00:00:00,000: ERROR/Main] `, `[pod/web-0/app] `
fn bracketed(line: &str) -> usize {
    let Some(end) = head(line, 160).find("] ") else { return 0 };
    let inner = line.get(1..end).unwrap_or("");
    let pod = inner.strip_prefix("pod/").is_some_and(|name| !name.is_empty() && name.bytes().all(is_name));
    if pod {
        return end + 2;
    }
    if time(inner) == 0 {
        return 0;
    }
    let after = end + 2;
    after + fields(line.get(after..).unwrap_or(""))
}

/// `<14>1 ` before the time of a line of syslog.
fn priority(line: &str) -> Option<usize> {
    let digits = count(line, 1, |byte| byte.is_ascii_digit());
    let rest = line.get(1 + digits..).filter(|_| (1..=3).contains(&digits))?;
    let length = if rest.starts_with(">1 ") { 3 } else { usize::from(rest.starts_with('>')) };
    (length > 0).then_some(1 + digits + length)
}

/// What stands after the priority: a time and what follows, or the fields of RFC 5424 with their nil values.
fn of_syslog(line: &str) -> usize {
    let fields = head(line, 240).split(' ').take(6).collect::<Vec<_>>();
    let nil = fields.last() == Some(&"-") && fields.len() == 6;
    if nil && time(line) > 0 { fields.iter().map(|field| field.len() + 1).sum() } else { moment(line) }
}

/// `/aws/lambda/orders 2026/01/01/[$LATEST]0f0f `: a log group and its stream.
fn group(line: &str) -> usize {
    let mut words = head(line, 240).split(' ');
    match (words.next(), words.next()) {
        (Some(group), Some(stream)) if group.len() > 1 && group.bytes().all(is_name) && is_lambda(stream) => {
            let length = group.len() + stream.len() + 2;
            length + moment(line.get(length..).unwrap_or(""))
        }
        _ => 0,
    }
}

/// A time, and what programs write after it.
fn moment(line: &str) -> usize {
    let length = time(line);
    let Some(mark) = line.as_bytes().get(length).filter(|_| length > 0) else { return 0 };
    match mark {
        b' ' | b'\t' => length + 1 + fields(line.get(length + 1..).unwrap_or("")),
        b'\n' | b'\r' => length,
        _ => 0,
    }
}

/// The length of `2026-01-01T00:00:00.000Z`, with a space or a slash in its places, a comma, an offset or nothing; of
/// `00:00:00.000`.
fn time(line: &str) -> usize {
    const SHAPES: [&[u8]; 4] = [b"0000-00-00T00:00:00", b"0000-00-00 00:00:00", b"0000/00/00 00:00:00", b"00:00:00."];
    let bytes = line.as_bytes();
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let Some(shape) = SHAPES.iter().find(|shape| bytes.len() >= shape.len() && bytes.iter().zip(**shape).all(fits)) else { return 0 };
    let mut length = shape.len();
    length += count(line, length, |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).min(12);
    match bytes.get(length) {
        Some(b'Z') => length + 1,
        Some(b'+' | b'-') => {
            let offset = count(line, length + 1, |byte| byte.is_ascii_digit() || byte == b':');
            if (4..=5).contains(&offset) { length + 1 + offset } else { length }
        }
        _ => length,
    }
}

/// `Jan  1 00:00:00 host program[1]: `
fn syslog(line: &str) -> usize {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const CLOCK: &[u8] = b"00:00:00 ";
    let is_month = line.get(..3).is_some_and(|month| MONTHS.contains(&month));
    let Some(rest) = line.get(6..).filter(|_| is_month) else { return 0 };
    let day = line.as_bytes().get(3..6).is_some_and(|day| matches!(day, [b' ', b' ' | b'0'..=b'9', b'0'..=b'9']));
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let Some(clock) = rest.strip_prefix(' ').filter(|clock| day && clock.len() > CLOCK.len()) else { return 0 };
    if !clock.as_bytes().iter().zip(CLOCK).all(fits) {
        return 0;
    }
    let taken = 7 + CLOCK.len();
    taken + fields(line.get(taken..).unwrap_or(""))
}

/// `E0101 00:00:00.000000       1 server.go:1] `
fn klog(line: &str) -> usize {
    let [level, after @ ..] = line.as_bytes() else { return 0 };
    let dated = matches!(level, b'I' | b'W' | b'E' | b'F') && after.iter().take(4).filter(|byte| byte.is_ascii_digit()).count() == 4;
    if !dated || after.get(4) != Some(&b' ') {
        return 0;
    }
    let prefix = head(line, 120);
    let line_end = prefix.find('\n').unwrap_or(prefix.len());
    prefix.get(..line_end).and_then(|prefix| prefix.find("] ")).map_or(0, |end| end + 2)
}

/// The length of what programs write between the time and the message: host, program, process, thread, level, logger.
fn fields(line: &str) -> usize {
    let mut taken = 0;
    for _ in 0..6 {
        let rest = line.get(taken..).unwrap_or("");
        let bare = rest.trim_start_matches([' ', '\t']);
        let length = field(head(bare, 160));
        if length == 0 {
            break;
        }
        taken += rest.len() - bare.len() + length;
    }
    taken
}

fn field(line: &str) -> usize {
    let end = line.find([' ', '\t', '\n']).unwrap_or(line.len());
    let Some((word, mark)) = line.get(..end).zip(line.as_bytes().get(end)).filter(|(word, mark)| !word.is_empty() && **mark != b'\n')
    else {
        return 0;
    };
    let bare = word.trim_matches(['[', ']', '<', '>']);
    let next = line.get(end + 1..).unwrap_or("");
    // `Error loading` is a sentence, `ERROR loading` and `error   loading` are levels.
    let set_apart = bare != word || *mark == b'\t' || next.starts_with(' ') || bare.bytes().all(|byte| byte.is_ascii_uppercase());
    let own = set_apart && is_level(bare) && !next.starts_with("CODE")
        || is_uuid(bare)
        || is_stream(word)
        || is_container(word)
        || is_process(word)
        || is_lambda(word);
    if own || is_thread(word) {
        return end + 1;
    }
    // `host program[1]: `, `stderr F `, `1 --- `, `logger - `
    let after = next.find([' ', '\t', '\n']).unwrap_or(next.len());
    let second = next.get(..after).unwrap_or("");
    let follows = next.as_bytes().get(after) == Some(&b' ');
    let pair = is_process(second) && word.bytes().all(is_name)
        || matches!(word, "stderr" | "stdout") && matches!(second, "F" | "P")
        || word.bytes().all(|byte| byte.is_ascii_digit()) && second == "---"
        || matches!(second, "-" | ":") && is_logger(word);
    if pair && follows && *mark == b' ' {
        return end + 1 + after + 1;
    }
    // Columns: `c.e.App            : `
    let column = next.trim_start_matches(' ');
    if is_logger(word) && column.len() < next.len() && column.starts_with(": ") { end + 1 + (next.len() - column.len()) + 2 } else { 0 }
}

fn is_level(word: &str) -> bool {
    const LEVELS: [&str; 15] = [
        "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical", "crit", "panic", "severe", "inf", "wrn",
    ];
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().filter(|&byte| byte == b'-').count() == 4
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The mark of GitLab's jobs: `01O`, `00E+`.
fn is_stream(word: &str) -> bool {
    matches!(word.as_bytes(), [b'0'..=b'9', b'0'..=b'9', b'O' | b'E'] | [b'0'..=b'9', b'0'..=b'9', b'O' | b'E', b'+'])
}

/// A log stream of Lambda: `2026/01/01/[$LATEST]0f0f`.
fn is_lambda(word: &str) -> bool {
    word.contains("/[") && word.contains(']') && word.starts_with(|first: char| first.is_ascii_digit())
}

/// `app[web.1]:`, `deploy[2231]:`
fn is_process(word: &str) -> bool {
    let Some((name, rest)) = word.strip_suffix("]:").and_then(|word| word.split_once('[')) else { return false };
    !name.is_empty() && name.bytes().all(is_name) && !rest.is_empty() && rest.bytes().all(is_name)
}

fn is_container(word: &str) -> bool {
    word.strip_prefix("[pod/").is_some_and(|rest| rest.ends_with(']'))
}

/// `[main]`, `[http-nio-8080-exec-1]`; `[INSUFFICIENT_PERMISSIONS]` is a code.
fn is_thread(word: &str) -> bool {
    let inner = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
    let small = |name: &str| name.bytes().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    inner.is_some_and(|name| small(name) && name.bytes().all(is_name))
}

/// `com.example.Orders`
fn is_logger(word: &str) -> bool {
    word.contains('.') && word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.bytes().all(is_name)
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'#')
}

/// `12. {`: the line number of a paste site before a line of JSON.
fn numbered(line: &str) -> usize {
    let digits = count(line, 0, |byte| byte.is_ascii_digit()).min(6);
    let after = line.get(digits..).unwrap_or("");
    let Some(after) = after.strip_prefix(". ").filter(|_| digits > 0) else { return 0 };
    let json = after.trim_start_matches(' ').starts_with(['"', '{', '}', '[', ']']);
    if json { digits + 2 } else { 0 }
}

/// The length of what both lines begin with and no text does: a name and a bar, a mark of a comment, a program's name, a number that
/// counts the lines.
fn repeated(line: &str, above: &str) -> usize {
    let (indent, bare) = split_indent(line);
    let (_, above) = split_indent(above);
    if bare.is_empty() || above.is_empty() {
        return 0;
    }
    let length = counted(bare, above).max(named(bare, above)).max(marked(bare, above)).max(pod(bare, above));
    if length == 0 { 0 } else { indent + length }
}

fn split_indent(line: &str) -> (usize, &str) {
    let bare = line.trim_start_matches([' ', '\t']);
    (line.len() - bare.len(), bare)
}

/// `orders-api-1  | `, `web-0 app | `, `[pod/web-0/app] `, `deploy<tab>Apply<tab>`
fn named(line: &str, above: &str) -> usize {
    let same = same(line, above);
    let line_end = same.find('\n').unwrap_or(same.len());
    let same = same.get(..line_end).unwrap_or("");
    let sentence = |prefix: &str| prefix.contains(['"', '\'', '{', '}', '=', '@']) || prefix.split_whitespace().count() > 4;
    let bar = same.rfind(" | ").map(|end| end + 3).or_else(|| same.rfind("\t").map(|end| end + 1));
    let bar = bar.or_else(|| same.rfind("] ").filter(|_| same.starts_with('[')).map(|end| end + 2));
    bar.filter(|end| same.get(..*end).is_some_and(|prefix| !sentence(prefix))).unwrap_or(0)
}

/// `# `, `// `, `stderr: `
fn marked(line: &str, above: &str) -> usize {
    const MARKS: [&str; 13] =
        ["# ", "// ", "-- ", ";; ", "* ", "stderr: ", "stdout: ", "err: ", "out: ", "log: ", "output: ", "npm ERR! ", "npm error "];
    MARKS.iter().find(|mark| line.starts_with(**mark) && above.starts_with(**mark)).map_or(0, |mark| mark.len())
}

/// `web-7d9f8b6c5-x2x9z app `: the names of a pod and its container, with nothing but a space behind them.
fn pod(line: &str, above: &str) -> usize {
    let end = line.find(' ').unwrap_or(line.len());
    let name = line.get(..end).unwrap_or("");
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'/');
    let generated = name.contains(['-', '/']) && name.bytes().any(|byte| byte.is_ascii_digit()) && name.bytes().all(small);
    if !generated || !above.starts_with(name) || above.as_bytes().get(end) != Some(&b' ') {
        return 0;
    }
    let (second, second_above) = (line.get(end + 1..).unwrap_or(""), above.get(end + 1..).unwrap_or(""));
    let length = second.find([' ', '\n']).unwrap_or(second.len());
    let container = second.get(..length).unwrap_or("");
    // `app-1 is not authorized …`, told twice, begins with who it was.
    if ["is", "does", "has", "cannot", "lacks", "needs"].contains(&container) {
        return 0;
    }
    let same = !container.is_empty() && second.as_bytes().get(length) == Some(&b' ') && container.bytes().all(small);
    let same = same && second_above.starts_with(container) && second_above.as_bytes().get(length) == Some(&b' ');
    end + 1 + if same { length + 1 } else { 0 }
}

/// `12  `, `12 | `, `12: `: a number that is one more than that of the line above.
fn counted(line: &str, above: &str) -> usize {
    let number = |text: &str| {
        let digits = count(text, 0, |byte| byte.is_ascii_digit());
        let value = text.get(..digits).filter(|_| (1..=6).contains(&digits))?.parse::<u32>().ok()?;
        Some((value, digits))
    };
    let (Some((here, digits)), Some((there, _))) = (number(line), number(above)) else { return 0 };
    let after = line.get(digits..).unwrap_or("");
    let mark = [" | ", "  ", "\t", ": ", "| ", " "].iter().find(|mark| after.starts_with(**mark));
    mark.filter(|_| here == there + 1).map_or(0, |mark| digits + mark.len())
}

/// What both begin with.
fn same<'a>(line: &'a str, above: &str) -> &'a str {
    let length = line.bytes().zip(above.bytes()).take(NAME).take_while(|(one, other)| one == other).count();
    head(line, length)
}

/// How many bytes from `at` on are as `counts` says.
fn count(line: &str, at: usize, counts: impl Fn(u8) -> bool) -> usize {
    line.as_bytes().get(at..).unwrap_or(&[]).iter().take(40).take_while(|byte| counts(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::super::View;

    /// The text without what was put before each of its lines.
    fn bare(text: &str) -> String {
        View::new(text).clean().to_owned()
    }

    #[test]
    fn what_programs_log_before_a_line_is_gone() {
        for prefix in [
            "2026-01-01T00:00:00.123Z ",
            "2026-01-01T00:00:00+0100 ",
            "2026-01-01 00:00:00,123 ",
            "2026-01-01 00:00:00.123 ERROR 1 --- [main] c.e.App : ",
            "2026-01-01 00:00:00.123 ERROR 1 --- [main] com.example.App         : ",
            "2026/01/01 00:00:00 [error] ",
            "00:00:00.123 [main] ERROR com.example.App - ",
            "[2026-01-01 00:00:00,123] ERROR ",
            "[2026-01-01 00:00:00,123: ERROR/MainProcess] ",
            "2026-01-01T00:00:00.123Z\t0f0f0f0f-1111-4222-8333-444455556666\tERROR\t",
            "2026-01-01T00:00:00.123+00:00 2026/01/01/[$LATEST]0f0f0f ",
            "2026-01-01T00:00:00.123456789Z stderr F ",
            "2026-01-01T00:00:00.123456Z 01O ",
            "2026-01-01T00:00:00.123456Z ##[error]",
            "##[error]",
            "Jan  1 00:00:00 host-1 deploy[2231]: ",
            "<14>1 2026-01-01T00:00:00Z host-1 deploy[2231]: ",
            "2026-01-01T00:00:00.123456+00:00 app[web.1]: ",
            "E0101 00:00:00.123456       1 controller.go:114] ",
            "#12 3.456 ",
            "[pod/web-7d9f-abcde/app] ",
            "║ ",
        ] {
            assert_eq!(bare(&format!("{prefix}User: a is not\n{prefix}authorized\n")), "User: a is not\nauthorized\n", "{prefix}");
        }
    }

    #[test]
    fn what_every_line_begins_with_is_taken_from_all_but_the_first() {
        for prefix in ["orders-api-1  | ", "web-0 app | ", "web-7d9f8b6c5-x2x9z app ", "# ", "stderr: ", "deploy\tApply\t"] {
            let text = format!("{prefix}User: a is not\n{prefix}authorized to\n{prefix}perform\n");
            let first = prefix.replace('\t', " ").replace("  ", " ");
            assert_eq!(bare(&text), format!("{first}User: a is not\nauthorized to\nperform\n"), "{prefix}");
        }
        assert_eq!(bare("  9  not\n 10  authorized"), "9 not\nauthorized");
    }

    #[test]
    fn a_text_that_only_looks_like_it_stays() {
        for text in [
            "User: a is not authorized\nUser: a is not authorized",
            "ERROR: (gcloud.run.deploy) [nadia@example.com] does not\nhave permission",
            "remote: Permission to a\nremote: denied",
            "app-1 is not authorized\napp-1 is not allowed",
            "[nadia@example.com] does not\n[nadia@example.com] has no",
            "10 items\n20 items",
            "CREATE_FAILED | AWS::S3::Bucket | a\nUPDATE_FAILED | AWS::S3::Bucket | b",
        ] {
            assert_eq!(bare(text), text);
        }
    }
}
