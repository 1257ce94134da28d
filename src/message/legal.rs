//! Checks that a mail shows what the law asks of it.

use super::Content;
use memchr::memmem::Finder;

/// What the law asks of a shop's mails: its name, postal address and contact, and the opt-out link of each mail.
#[derive(Debug)]
pub struct Law<'s> {
    shop: [Shown<'s>; 3],
}

/// What each mail must show of a shop.
#[derive(Debug)]
struct Shown<'s> {
    key: &'static str,
    words: Words<'s>,
}

impl<'s> Law<'s> {
    /// For mails of this shop; `shop` is the job's `[shop]`.
    #[must_use]
    pub fn of(shop: &'s [(String, String)]) -> Self {
        let value = |key: &str| shop.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value);
        Self { shop: ["name", "address", "contact"].map(|key| Shown { key, words: Words::of(value(key)) }) }
    }

    /// Whether the text part and the HTML part each hold all of it. White space plays no part in the comparison; in the HTML, tags do
    /// not count but the targets of links do.
    ///
    /// # Errors
    /// Says what is missing and in which part.
    pub fn holds(&self, content: &Content, unsubscribe: &str) -> Result<(), String> {
        if let Some(Shown { key, .. }) = self.shop.iter().find(|shown| shown.words.first.is_none()) {
            return Err(format!("the law asks for the shop's {key} in each mail; set `{key}` in [shop]"));
        }
        let link = Words::of(unsubscribe);
        let all = || self.shop.iter().map(|shown| &shown.words).chain([&link]);
        let is_in_both = |words: &Words| !words.has_mark && words.are_in(&content.text);
        if content.is_mirror && all().all(is_in_both) {
            return Ok(());
        }
        let visible = visible(&content.html);
        for (part, seen) in [("text part", &content.text), ("HTML part", &visible)] {
            if all().all(|words| words.are_in(seen)) {
                continue;
            }
            let seen = squeeze(seen);
            for Shown { key, words } in &self.shop {
                if !seen.contains(&squeeze(words.all)) {
                    return Err(format!(
                        "the {part} does not show `shop.{key}`, which the law asks for; write `{{{{ shop.{key} }}}}` into the layout"
                    ));
                }
            }
            if unsubscribe.is_empty() || !seen.contains(&squeeze(unsubscribe)) {
                return Err(format!(
                    "the {part} has no opt-out link, which the law asks for; write `{{{{ links.unsubscribe }}}}` into the layout"
                ));
            }
        }
        Ok(())
    }
}

/// The end of a word that is looked for, in bytes: what a search has to know beforehand grows with what it looks for, and a link's end tells
/// it from all others.
const END: usize = 16;

/// Words in a row that are looked for.
#[derive(Debug)]
struct Words<'w> {
    all: &'w str,
    /// The first of them, and what looks for its end; `None` where there is none.
    first: Option<(&'w str, Finder<'w>)>,
    /// One of the marks is in them that headings have in a text part and not in HTML.
    has_mark: bool,
}

impl<'w> Words<'w> {
    fn of(all: &'w str) -> Self {
        let end = |word: &'w str| Finder::new(&word.as_bytes()[word.len().saturating_sub(END)..]);
        let first = all.split_whitespace().next().map(|word| (word, end(word)));
        Self { all, first, has_mark: !all.is_ascii() && all.contains(['■', '◆']) }
    }

    /// Whether a text has them, whatever white space is between them. Where it has not, they may still be torn.
    fn are_in(&self, text: &str) -> bool {
        let Some((first, end)) = &self.first else { return false };
        end.find_iter(text.as_bytes()).any(|at| {
            // Where a word ends, a character ends.
            let Some((before, behind)) = text.split_at_checked(at + end.needle().len()) else { return false };
            let mut others = self.all.split_whitespace().skip(1);
            before.ends_with(first) && others.try_fold(behind, |rest, word| rest.trim_start().strip_prefix(word)).is_some()
        })
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// What a reader can see of the HTML, roughly: text outside tags, comments, styles and scripts, and the targets of links.
fn visible(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (text, tag) = rest.split_at(open);
        decode(text, &mut out);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.find("-->").and_then(|end| comment.get(end + 3..)).unwrap_or_default();
            continue;
        }
        let end = tag_end(tag);
        let (inside, behind) = tag.split_at(end);
        link_target(inside, &mut out);
        rest = behind;
        for hidden in ["style", "script", "title"] {
            if inside.get(1..=hidden.len()).is_some_and(|name| name.eq_ignore_ascii_case(hidden)) && !inside.ends_with("/>") {
                rest = closing(rest, hidden);
            }
        }
    }
    decode(rest, &mut out);
    out
}

/// The byte behind the `>` of a tag; one within quotes does not end it.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// What follows the closing tag of an element whose content nobody sees.
fn closing<'h>(html: &'h str, element: &str) -> &'h str {
    let at = html
        .match_indices("</")
        .find(|(at, _)| html.get(at + 2..at + 2 + element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element)));
    at.and_then(|(at, _)| html.get(at..)).unwrap_or_default()
}

fn link_target(tag: &str, out: &mut String) {
    let is_link = tag.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<a ") || start.eq_ignore_ascii_case("<a\n"));
    let target = tag.split_once("href=").filter(|_| is_link).and_then(|(_, value)| {
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        value.get(1..)?.split(quote).next()
    });
    if let Some(target) = target {
        out.push(' ');
        decode(target, out);
        out.push(' ');
    }
}

/// Text with its character references resolved, as far as Tera's escaping and common writing need it.
fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        let end = reference.bytes().take(12).position(|byte| byte == b';');
        let character = end.and_then(|end| reference.get(1..end)).and_then(|name| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            "copy" => Some('©'),
            _ => {
                let digits = name.strip_prefix('#')?;
                let hex = digits.strip_prefix('x').or_else(|| digits.strip_prefix('X'));
                let code = hex.map_or_else(|| digits.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
                char::from_u32(code?)
            }
        });
        if let (Some(character), Some(end)) = (character, end) {
            out.push(character);
            rest = reference.get(end + 1..).unwrap_or_default();
        } else {
            out.push('&');
            rest = reference.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Vec<(String, String)> {
        [("name", "T & Co's"), ("address", "〒604-0000 京都市 中京区"), ("contact", "a@b.example")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec()
    }

    fn judge(html: &str, text: &str) -> Result<(), String> {
        let content = Content { subject: "s".into(), preheader: None, html: html.into(), text: text.into(), is_mirror: false };
        Law::of(&shop()).holds(&content, "https://u.example/t?a=1&b=2")
    }

    const TEXT: &str = "T & Co's\n〒604-0000\n京都市中京区\na@b.example\nhttps://u.example/t?a=1&b=2";
    const HTML: &str = "<p>T &amp; Co&#x27;s</p><br>〒604-0000 京都市\n<b>中京区</b><a href='mailto:a@b.example'>mail</a>\
                        <a style=\"x\" href=\"https://u.example/t?a=1&amp;b=2\">out</a>";

    #[test]
    fn both_parts_must_show_everything() {
        assert_eq!(judge(HTML, TEXT), Ok(()));
        assert!(judge(HTML, &TEXT.replace("京都市", "")).unwrap_err().contains("text part does not show `shop.address`"));
        assert!(judge(&HTML.replace("中京区", ""), TEXT).unwrap_err().contains("HTML part does not show `shop.address`"));
        assert!(judge(&HTML.replace("b=2", "b=3"), TEXT).unwrap_err().contains("HTML part has no opt-out link"));
        assert!(judge(HTML, &TEXT.replace("https", "")).unwrap_err().contains("text part has no opt-out link"));
    }

    #[test]
    fn a_text_made_from_the_html_stands_for_both() {
        let mirror = |html: &str, text: &str, shop: &[(String, String)]| {
            let content = Content { subject: "s".into(), preheader: None, html: html.into(), text: text.into(), is_mirror: true };
            Law::of(shop).holds(&content, "https://u.example/t?a=1&b=2")
        };
        assert_eq!(mirror("", TEXT, &shop()), Ok(()));
        assert_eq!(mirror("", &TEXT.replace("京都市", "京都市\u{3000}\n"), &shop()), Ok(()));
        assert!(mirror("", &TEXT.replace("b=2", "b=3"), &shop()).unwrap_err().contains("text part has no opt-out link"));
        // What is torn is looked for in both parts.
        let torn = TEXT.replace("京都市", "京\n都市");
        assert_eq!(mirror(HTML, &torn, &shop()), Ok(()));
        assert!(mirror(&HTML.replace("T &amp; Co", "T"), &torn, &shop()).unwrap_err().contains("HTML part does not show `shop.name`"));
        let mut marked = shop();
        marked[0].1 = "■ T & Co's".into();
        assert!(mirror(HTML, &format!("■ {TEXT}"), &marked).unwrap_err().contains("HTML part does not show `shop.name`"));
    }

    #[test]
    fn what_nobody_sees_does_not_count() {
        for hidden in [format!("<!-- {HTML} -->"), format!("<style>{}</style>", HTML.replace('<', " ")), "<p title=\"T & Co's\">".into()] {
            assert!(judge(&hidden, TEXT).is_err(), "{hidden}");
        }
    }

    #[test]
    fn broken_html_ends_somewhere() {
        for html in ["<", "<a href=\"", "<!--", "<style>", "&", "&#;", "&#xffffffff;", "<a href='x>", "&#1114112;"] {
            assert!(judge(html, TEXT).is_err());
        }
    }
}
