//! The styles of a copy whose links are none any more: what is said of links there holds for what they have become.

/// Where a link of the mail leads, in an attribute that browsers do not follow.
pub const LEADS: &str = "data-leads";
/// What an `a` with a target is to a style.
const LINKS: [&str; 3] = ["any-link", "-webkit-any-link", "link"];

/// A style sheet in which whatever asks for links, or for their targets, asks for [`LEADS`]. Names with escapes in them are passed over.
pub(super) fn of_links(style: &str) -> String {
    let mut copy = String::with_capacity(style.len());
    let mut rest = style;
    while let Some(letter) = rest.chars().next() {
        let (taken, written) = match letter {
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), None),
            '"' | '\'' => (quoted(rest, letter), None),
            '\\' => (rest.chars().take(2).map(char::len_utf8).sum(), None),
            '[' => target(rest, 1),
            ':' => link(rest),
            'u' | 'U' if begins(rest, "url(", &copy) => (rest.find(')').map_or(rest.len(), |end| end + 1), None),
            'a' | 'A' if begins(rest, "attr(", &copy) => target(rest, "attr(".len()),
            _ => (letter.len_utf8(), None),
        };
        let (head, behind) = rest.split_at(taken);
        copy.push_str(written.as_deref().unwrap_or(head));
        rest = behind;
    }
    copy
}

/// Whether a function of this name begins here, and not in the middle of a longer name.
fn begins(rest: &str, name: &str, before: &str) -> bool {
    rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) && !before.ends_with(is_of_name)
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '\\') || !letter.is_ascii()
}

/// How much a text in quotes takes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// What is taken, and what is written in its place, where a target's name stands behind so many bytes, in any namespace.
fn target(rest: &str, open: usize) -> (usize, Option<String>) {
    let (head, inner) = rest.split_at(open);
    let name = inner.trim_start();
    let blank = inner.get(..inner.len() - name.len()).unwrap_or_default();
    let prefix =
        name.find(|letter| !is_of_name(letter) && letter != '*').filter(|at| name.get(*at..).is_some_and(|rest| rest.starts_with('|')));
    let own = name.get(prefix.map_or(0, |at| at + 1)..).unwrap_or_default();
    let end = own.find(|letter| !is_of_name(letter)).unwrap_or(own.len());
    let is_target =
        own.get(..end).is_some_and(|own| own.eq_ignore_ascii_case("href")) && !own.get(end..).unwrap_or_default().starts_with('|');
    if is_target { (rest.len() - own.len() + end, Some(format!("{head}{blank}{LEADS}"))) } else { (open, None) }
}

/// The same where a class of links begins.
fn link(rest: &str) -> (usize, Option<String>) {
    let name = rest.get(1..).unwrap_or_default();
    let end = name.find(|letter| !is_of_name(letter)).unwrap_or(name.len());
    let is_link = name.get(..end).is_some_and(|name| LINKS.iter().any(|link| link.eq_ignore_ascii_case(name)));
    if is_link { (1 + end, Some(format!("[{LEADS}]"))) } else { (1, None) }
}
