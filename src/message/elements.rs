//! The elements that mails are made of, and what each does to the page of a text part.

use super::tags::Attributes;

/// What an element does to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, and it is nothing as long as it holds nothing.
    Group,
    /// Nothing, but it is there also when it holds nothing.
    Mark,
    Struck,
    Link,
    Paragraph,
    Division,
    /// Which stands before its lines.
    Heading(&'static str),
    Quote,
    Bullets,
    Numbers,
    Item,
    Table,
    Rows,
    Row,
    Cell,
}

/// What an element is; `None` for those that have no end tag and no others in them, and for all that this reader does not know.
pub(super) fn kind(name: &str, attributes: &Attributes) -> Option<Kind> {
    Some(match name {
        name if is_section(name) || is_plain(name) => Kind::Group,
        "a" if attributes.href.is_some() => Kind::Link,
        "b" | "strong" | "em" | "i" | "ins" | "code" | "a" => Kind::Mark,
        "s" | "del" => Kind::Struck,
        "p" => Kind::Paragraph,
        "div" => Kind::Division,
        "h1" => Kind::Heading("■ "),
        "h2" | "h3" | "h4" | "h5" | "h6" => Kind::Heading("◆ "),
        "blockquote" => Kind::Quote,
        "ul" => Kind::Bullets,
        "ol" if attributes.start.is_none() => Kind::Numbers,
        "li" => Kind::Item,
        "table" => Kind::Table,
        "thead" | "tbody" => Kind::Rows,
        "tr" => Kind::Row,
        "th" | "td" => Kind::Cell,
        _ => return None,
    })
}

/// Elements without a look of their own that still end a paragraph.
pub(super) fn is_section(name: &str) -> bool {
    matches!(name, "center" | "section" | "article" | "header" | "footer" | "main" | "nav" | "address")
}

/// Elements that change how words look and nothing else.
fn is_plain(name: &str) -> bool {
    matches!(name, "span" | "font" | "u" | "small" | "big" | "tt" | "sub" | "abbr" | "time" | "cite" | "q" | "mark" | "label")
}
