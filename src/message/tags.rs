//! Start tags of HTML: what each says that matters to a text part. The mails of a campaign have most of theirs in common, so a thread
//! keeps those that it has read.

use super::elements::{Kind, is_section, kind};
use super::markup::{cut, decoded, hides, unspaced};
use foldhash::fast::FixedState;
use memchr::memchr;
use std::cell::Cell;
use std::hash::BuildHasher;
use std::rc::Rc;

/// A thread keeps no more tags than this, in a quarter of a kilobyte each.
const KEPT: usize = 256;
/// No longer ones, in bytes.
const LONGEST: usize = 384;

/// A start tag.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub(super) struct Tag {
    /// As it is written, from its name to its end.
    source: Box<str>,
    pub name: Box<str>,
    /// `None` for what has no end tag, belongs to the document or is unknown.
    pub kind: Option<Kind>,
    /// It belongs to the document, not to its text.
    pub is_of_document: bool,
    /// An element without a look of its own that still ends a paragraph.
    pub is_section: bool,
    /// It ends in `/>`.
    pub is_closed: bool,
    /// An inline style hides it.
    pub is_hidden: bool,
    pub has_id: bool,
    /// `name` makes it a target of links.
    pub is_anchor: bool,
    /// It has a source, as a picture needs.
    pub has_source: bool,
    /// It spans few columns and one row.
    pub is_plain_cell: bool,
    /// What stands for a picture, as it is written.
    pub alt: Option<Box<str>>,
    /// Where a link leads, as it stands behind its words; `None` also where that cannot be read.
    pub target: Option<Box<str>>,
}

/// Attributes as they are written; of two the first counts.
#[derive(Default)]
pub(super) struct Attributes<'h> {
    pub href: Option<&'h str>,
    src: Option<&'h str>,
    alt: Option<&'h str>,
    style: Option<&'h str>,
    id: Option<&'h str>,
    /// The target of links that `name` makes.
    anchor: Option<&'h str>,
    colspan: Option<&'h str>,
    rowspan: Option<&'h str>,
    pub start: Option<&'h str>,
}

thread_local! {
    static KNOWN: Cell<Tags> = const { Cell::new(Tags(Vec::new())) };
}

/// Tags that were read before, each at the place that its source says.
#[derive(Default)]
pub(super) struct Tags(Vec<Option<Rc<Tag>>>);

/// Gives the tags that this thread knows for a while.
pub(super) fn with<T>(read: impl FnOnce(&mut Tags) -> T) -> T {
    let mut tags = KNOWN.take();
    let read = read(&mut tags);
    KNOWN.set(tags);
    read
}

impl Tags {
    /// The start tag whose name stands at the beginning, and what stands behind it.
    pub fn first<'h>(&mut self, html: &'h str) -> Option<(Rc<Tag>, &'h str)> {
        let (source, rest) = html.split_at_checked(memchr(b'>', html.as_bytes())? + 1)?;
        if source.len() > LONGEST {
            let (tag, rest) = read(html)?;
            return Some((Rc::new(tag), rest));
        }
        self.0.resize(KEPT, None);
        // A known tag ends where it ended, for nothing behind its end was ever looked at. Two have their place together, and the one that
        // was asked for longest ago makes room.
        let [first, second] = self.0.as_chunks_mut().0.get_mut(place(source))?;
        let is_it = |known: &Option<Rc<Tag>>| known.as_ref().is_some_and(|tag| *tag.source == *source);
        if !is_it(first) {
            std::mem::swap(first, second);
        }
        if let Some(tag) = first.as_ref().filter(|tag| *tag.source == *source) {
            return Some((Rc::clone(tag), rest));
        }
        let (tag, rest) = read(html)?;
        let tag = Rc::new(tag);
        // One whose quotes hold a `>` has no known end, and may be as long as the mail.
        if *tag.source == *source {
            *first = Some(Rc::clone(&tag));
        }
        Some((tag, rest))
    }
}

/// Where a tag is kept. All of it tells: tags of one letter, or of rows in two colours, are not to drive each other out.
fn place(source: &str) -> usize {
    usize::try_from(FixedState::default().hash_one(source) % (KEPT as u64 / 2)).unwrap_or(0)
}

/// Reads a start tag from its name on; `None` where a browser would have to mend it, or where its style cannot be read.
fn read(html: &str) -> Option<(Tag, &str)> {
    let end = html.bytes().position(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit())?;
    let (name, mut rest) = html.split_at(end);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let mut attributes = Attributes::default();
    let (is_closed, rest) = loop {
        let spaced = unspaced(rest);
        if let Some(behind) = spaced.strip_prefix('>') {
            break (false, behind);
        }
        if let Some(behind) = spaced.strip_prefix("/>") {
            break (true, behind);
        }
        // Attributes stand apart.
        if spaced.len() == rest.len() {
            return None;
        }
        rest = attribute(spaced, &mut attributes)?;
    };
    let source = html.get(..html.len() - rest.len())?;
    Some((Tag::of(source, name, &attributes, is_closed)?, rest))
}

impl Tag {
    fn of(source: &str, name: &str, attributes: &Attributes, is_closed: bool) -> Option<Self> {
        let is_hidden = match attributes.style {
            Some(style) => hides(&decoded(style, true)?),
            None => false,
        };
        let is_of_document = matches!(name, "html" | "head" | "body" | "title" | "meta" | "link" | "style");
        let few = |span: &str| matches!(span.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']);
        let target = attributes.href.and_then(|href| decoded(href, true));
        Some(Self {
            kind: kind(name, attributes),
            is_of_document,
            is_section: is_section(name),
            is_closed,
            is_hidden,
            has_id: attributes.id.is_some(),
            is_anchor: name == "a" && attributes.anchor.is_some(),
            has_source: attributes.src.is_some_and(|src| !src.is_empty()),
            is_plain_cell: attributes.colspan.is_none_or(few) && attributes.rowspan.is_none_or(|span| span == "1"),
            alt: attributes.alt.map(Box::from),
            target: target.map(|target| format!(" {} ", target.strip_prefix("mailto:").unwrap_or(&target)).into_boxed_str()),
            source: source.into(),
            name: name.into(),
        })
    }
}

/// Reads one attribute, and gives what stands behind it.
fn attribute<'h>(written: &'h str, attributes: &mut Attributes<'h>) -> Option<&'h str> {
    let part =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_uppercase() || matches!(byte, b'-'..=b'.' | b'0'..=b':' | b'@' | b'_');
    let end = written.as_bytes().iter().position(|byte| !part(byte)).filter(|end| *end > 0)?;
    let (name, behind) = written.split_at(end);
    let (value, rest) = match behind.strip_prefix('=') {
        None => ("", behind),
        Some(value) => match value.as_bytes().first()? {
            b'"' => cut(value.get(1..)?, b'"')?,
            b'\'' => cut(value.get(1..)?, b'\'')?,
            _ => {
                let bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.#%".contains(byte);
                let end = value.as_bytes().iter().position(|byte| !bare(byte)).filter(|end| *end > 0)?;
                // A stroke would belong to it.
                value.split_at_checked(end).filter(|(_, behind)| !behind.starts_with('/'))?
            }
        },
    };
    let place = match name.len() {
        2 if name.eq_ignore_ascii_case("id") => &mut attributes.id,
        3 if name.eq_ignore_ascii_case("src") => &mut attributes.src,
        3 if name.eq_ignore_ascii_case("alt") => &mut attributes.alt,
        4 if name.eq_ignore_ascii_case("href") => &mut attributes.href,
        4 if name.eq_ignore_ascii_case("name") => &mut attributes.anchor,
        5 if name.eq_ignore_ascii_case("style") => &mut attributes.style,
        5 if name.eq_ignore_ascii_case("start") => &mut attributes.start,
        7 if name.eq_ignore_ascii_case("colspan") => &mut attributes.colspan,
        7 if name.eq_ignore_ascii_case("rowspan") => &mut attributes.rowspan,
        _ => return Some(rest),
    };
    place.get_or_insert(value);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_given_again_and_another_is_read() {
        let mut tags = Tags::default();
        let mut first = |html: &str| tags.first(html).map(|(tag, rest)| (tag, rest.to_owned()));
        let html = "a style=\"display:none\" href='mailto:a&amp;b@x.example' id=i>words";
        let (tag, rest) = first(html).unwrap();
        assert!(tag.is_hidden && tag.has_id && !tag.is_closed && tag.kind == Some(Kind::Link) && rest == "words");
        assert_eq!(tag.target.as_deref(), Some(" a&b@x.example "));
        let (again, rest) = first(&html.replace("words", "others")).unwrap();
        assert!(Rc::ptr_eq(&tag, &again) && rest == "others");
        let (other, _) = first(&html.replace("id=i", "title=\"i\"")).unwrap();
        assert!(!other.has_id && other.is_hidden);
        // Whatever comes to the same place, each tag stays what it is.
        for round in 0..2 * KEPT {
            for (name, kind) in [("p", Kind::Paragraph), ("div", Kind::Division)] {
                let (tag, rest) = first(&format!("{name} class=\"{:03}\" title=\"sixteen bytes\">", round % KEPT)).unwrap();
                assert!(*tag.name == *name && tag.kind == Some(kind) && rest.is_empty());
            }
        }
    }

    #[test]
    fn tags_that_are_much_alike_are_kept_beside_each_other() {
        let mut tags = Tags::default();
        let alike = [
            "tr>",
            "td>",
            "th>",
            "h1>",
            "h2>",
            "td style=\"background:#ffffff; padding:4px\">",
            "td style=\"background:#eeeeee; padding:4px\">",
        ];
        let read = alike.map(|html| tags.first(html).unwrap().0);
        for (html, tag) in alike.iter().zip(&read) {
            assert!(Rc::ptr_eq(tag, &tags.first(html).unwrap().0), "{html}");
        }
    }

    #[test]
    fn a_tag_ends_where_no_quote_is_open() {
        let mut tags = Tags::default();
        for _ in 0..2 {
            let (tag, rest) = tags.first("img src=\"x>y\" alt='>'>z").unwrap();
            assert!(tag.has_source && tag.alt.as_deref() == Some(">") && rest == "z");
            assert!(
                tags.first("img src=\"x>").is_none() && tags.first("p style='display:&never;'>").is_none() && tags.first("p").is_none()
            );
            let long = format!("p title=\"{}\">rest", "t".repeat(LONGEST));
            assert_eq!(tags.first(&long).unwrap().1, "rest");
        }
        assert_eq!(tags.0.iter().flatten().count(), 0, "none of them can be found again");
    }
}
