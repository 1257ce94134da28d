//! The short way from HTML to text: for well-formed HTML of the elements that mails are made of, read once from its beginning to its
//! end. It gives what the long way by `html2text` gives ([`plain`](super::plain)), or nothing where that is not sure.

use super::elements::Kind;
use super::markup::{Markup, Piece, blank, decoded};
use super::page::Page;
use super::tags::{self, Tag};
use std::rc::Rc;

/// So deep may elements lie in each other.
const DEEPEST: usize = 100;
/// So many cells may the tables have together: side by side they would need room.
const MOST_CELLS: usize = 400;
/// From this item of a list on, what stands before its lines becomes wider.
const FEW_ITEMS: usize = 10;

/// A text, and what it does not show.
#[derive(Debug)]
pub(super) struct Reading {
    /// Not tidied.
    pub text: String,
    /// The text of elements that are hidden.
    pub hidden: String,
    /// The text shows words and link targets of the HTML, and nothing else but the marks of headings.
    pub is_mirror: bool,
}

/// An element that is open.
#[derive(Debug)]
struct Open {
    tag: Rc<Tag>,
    kind: Kind,
    /// White space is held back, for the link may turn out to hold nothing.
    is_spaced: bool,
    /// Items that were begun in a list.
    items: usize,
}

/// How far the document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Before,
    Head,
    BehindHead,
    Body,
    Behind,
}

struct Reader<'h, 't> {
    markup: Markup<'h, 't>,
    page: Page,
    place: Place,
    open: Vec<Open>,
    /// So many of the open elements are on the page; the others come to it with what they hold.
    shown: usize,
    /// From this open element on all are hidden.
    hidden_from: Option<usize>,
    hidden: String,
    cells: usize,
    is_mirror: bool,
}

/// The text of an HTML, where the short way leads to it.
pub(super) fn read(html: &str) -> Option<Reading> {
    tags::with(|tags| read_with(html, tags))
}

pub(super) fn read_with(html: &str, tags: &mut tags::Tags) -> Option<Reading> {
    let mut reader = Reader {
        markup: Markup { rest: html.strip_prefix('\u{feff}').unwrap_or(html), tags },
        page: Page::new(),
        place: Place::Before,
        open: Vec::with_capacity(16),
        shown: 0,
        hidden_from: None,
        hidden: String::new(),
        cells: 0,
        is_mirror: true,
    };
    let mut is_first = true;
    while let Some(piece) = reader.markup.next()? {
        match piece {
            Piece::Text(text) => reader.text(text)?,
            Piece::Open(tag) => reader.start(&tag)?,
            Piece::Close(name) => reader.end(name)?,
            Piece::Doctype if is_first => {}
            Piece::Doctype => return None,
            Piece::Comment => continue,
        }
        is_first = false;
    }
    let Reader { page, open, hidden, is_mirror, .. } = reader;
    if open.is_empty() { Some(Reading { text: page.finish()?, hidden, is_mirror }) } else { None }
}

impl Reader<'_, '_> {
    fn text(&mut self, text: &str) -> Option<()> {
        let is_blank = text.bytes().all(|byte| blank(char::from(byte)));
        match self.place {
            Place::Behind if !is_blank => return None,
            Place::Body => {}
            _ if is_blank => return Some(()),
            _ => self.place = Place::Body,
        }
        match self.open.last().map(|open| open.kind) {
            Some(Kind::Table | Kind::Rows | Kind::Row) => return is_blank.then_some(()),
            Some(Kind::Bullets | Kind::Numbers) if !is_blank => return None,
            _ => {}
        }
        let text = decoded(text, false)?;
        if self.hidden_from.is_some() {
            self.hidden.push_str(&text);
            return Some(());
        }
        match self.open.last().map(|open| open.kind) {
            Some(Kind::Numbers) => return self.show(),
            Some(Kind::Bullets) => {
                self.show()?;
                return self.page.flush();
            }
            _ => {}
        }
        if self.is_undecided_link() && text.chars().all(char::is_whitespace) {
            self.open.last_mut()?.is_spaced = true;
            return is_blank.then_some(());
        }
        self.show()?;
        self.page.text(&text)
    }

    /// Whether the innermost element is a link that holds nothing yet: without anything to see it is none.
    fn is_undecided_link(&self) -> bool {
        self.shown < self.open.len() && self.open.last().is_some_and(|open| open.kind == Kind::Link)
    }

    /// Brings all open elements to the page.
    fn show(&mut self) -> Option<()> {
        while let Some(open) = self.open.get(self.shown) {
            self.shown += 1;
            match open.kind {
                Kind::Group | Kind::Mark | Kind::Bullets | Kind::Numbers | Kind::Rows | Kind::Row => {}
                Kind::Link => {
                    if open.is_spaced {
                        self.page.text(" ")?;
                    }
                }
                Kind::Struck => self.page.is_struck = true,
                Kind::Paragraph | Kind::Table => self.page.block()?,
                Kind::Division => self.page.flush()?,
                Kind::Heading(_) | Kind::Quote => {
                    self.page.block()?;
                    self.page.enter();
                }
                Kind::Item => {
                    self.page.flush()?;
                    self.page.enter();
                }
                Kind::Cell => self.page.enter(),
            }
        }
        Some(())
    }

    fn start(&mut self, tag: &Rc<Tag>) -> Option<()> {
        if tag.is_of_document {
            return if tag.is_hidden { None } else { self.start_head(tag) };
        }
        if self.place == Place::Behind {
            return None;
        }
        self.place = Place::Body;
        let parent = self.open.last().map(|open| open.kind);
        let is_at_place = match (parent, tag.kind) {
            (Some(Kind::Table), kind) => matches!(kind, Some(Kind::Rows | Kind::Row)),
            (Some(Kind::Rows), kind) => kind == Some(Kind::Row),
            (Some(Kind::Row), kind) => kind == Some(Kind::Cell),
            (Some(Kind::Bullets | Kind::Numbers), kind) => kind == Some(Kind::Item),
            (_, kind) => !matches!(kind, Some(Kind::Rows | Kind::Row | Kind::Cell | Kind::Item)),
        };
        if !is_at_place {
            return None;
        }
        match tag.kind {
            None => self.single(tag),
            Some(_) if tag.is_closed => None,
            Some(kind) => self.enter(tag, kind),
        }
    }

    /// A tag that belongs to the document, not to its text.
    fn start_head(&mut self, tag: &Tag) -> Option<()> {
        let is_content = !matches!(&*tag.name, "html" | "head" | "body");
        if tag.is_closed && !matches!(&*tag.name, "meta" | "link") {
            return None;
        }
        self.place = match (&*tag.name, self.place) {
            ("html", Place::Before) => Place::Before,
            ("head", Place::Before) => Place::Head,
            ("body", Place::Before | Place::Head | Place::BehindHead) => Place::Body,
            (_, Place::Before | Place::Head) if is_content => Place::Head,
            ("meta" | "link" | "style", Place::Body) if !tag.has_id => {
                let parent = self.open.last().map(|open| open.kind);
                if matches!(parent, Some(Kind::Table | Kind::Rows | Kind::Row | Kind::Bullets | Kind::Numbers)) {
                    return None;
                }
                Place::Body
            }
            _ => return None,
        };
        if matches!(&*tag.name, "title" | "style") { self.markup.skip_raw(&tag.name) } else { Some(()) }
    }

    /// A tag without an end, or with nothing but text before it.
    fn single(&mut self, tag: &Tag) -> Option<()> {
        let is_hidden = tag.is_hidden || self.hidden_from.is_some();
        if tag.has_id && !is_hidden {
            return None;
        }
        match &*tag.name {
            "br" if is_hidden => Some(()),
            "br" if self.is_undecided_link() => None,
            "br" => {
                self.show()?;
                self.page.line_break()
            }
            "hr" if self.is_in(Kind::Paragraph) => None,
            "hr" => Some(()),
            "img" if is_hidden || !tag.has_source => Some(()),
            "img" => self.picture(&decoded(tag.alt.as_deref().unwrap_or_default(), true)?),
            "sup" if !is_hidden && !tag.is_closed => self.raised(),
            _ => None,
        }
    }

    fn picture(&mut self, alt: &str) -> Option<()> {
        if self.is_undecided_link() && alt.trim().is_empty() {
            return alt.is_empty().then_some(());
        }
        self.show()?;
        if alt.is_empty() {
            return Some(());
        }
        self.is_mirror = false;
        self.page.text(alt)
    }

    fn raised(&mut self) -> Option<()> {
        let text = decoded(self.markup.only_text("sup")?, false)?;
        if self.is_undecided_link() {
            return None;
        }
        self.show()?;
        self.is_mirror = false;
        if text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_digit()) {
            self.page.text("^{")?;
            self.page.text(&text)?;
            return self.page.text("}");
        }
        let small = |digit: char| digit.to_digit(10).and_then(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(usize::try_from(digit).ok()?));
        self.page.text(&text.chars().filter_map(small).collect::<String>())
    }

    fn enter(&mut self, tag: &Rc<Tag>, kind: Kind) -> Option<()> {
        let parent = self.open.last().map(|open| open.kind);
        let is_block = !matches!(kind, Kind::Group | Kind::Mark | Kind::Struck | Kind::Link) || tag.is_section;
        let is_inner = matches!(kind, Kind::Rows | Kind::Row | Kind::Cell | Kind::Item);
        if self.open.len() == DEEPEST
            || is_block && !is_inner && self.is_in(Kind::Paragraph)
            || *tag.name == *"a" && self.open.iter().any(|open| *open.tag.name == *"a")
            || matches!((kind, parent), (Kind::Heading(_), Some(Kind::Heading(_))))
            || (is_block || kind == Kind::Struck) && self.open.iter().any(|open| open.kind == Kind::Struck)
            // Whether a list of nothing makes something of the link around it is not worth knowing.
            || matches!(kind, Kind::Bullets | Kind::Numbers) && self.open.iter().any(|open| open.kind == Kind::Link)
        {
            return None;
        }
        if kind == Kind::Cell {
            self.cells += 1;
            if self.cells > MOST_CELLS || !tag.is_plain_cell {
                return None;
            }
        }
        if tag.is_hidden && self.hidden_from.is_none() {
            self.hidden_from = Some(self.open.len());
            self.hidden.push('\n');
        }
        let is_seen = self.hidden_from.is_none();
        // A name for links to lead to is something by itself.
        if is_seen && (tag.has_id || tag.is_anchor) {
            if self.open.iter().skip(self.shown).any(|open| open.kind == Kind::Link) {
                return None;
            }
            self.show()?;
        }
        if is_seen && kind == Kind::Item {
            self.is_mirror = false;
            let items = &mut self.open.last_mut()?.items;
            *items += 1;
            if *items == FEW_ITEMS && parent == Some(Kind::Numbers) {
                return None;
            }
        }
        self.is_mirror &= !is_seen || !matches!(kind, Kind::Struck | Kind::Quote);
        // What is empty and directly in a link does not make it one.
        let is_direct = self.is_undecided_link();
        self.open.push(Open { tag: Rc::clone(tag), kind, is_spaced: false, items: 0 });
        let is_there = matches!(kind, Kind::Mark | Kind::Struck | Kind::Heading(_) | Kind::Item | Kind::Row | Kind::Cell);
        if is_seen && is_there && !is_direct { self.show() } else { Some(()) }
    }

    /// Whether such an element is open, the cells around it left aside.
    fn is_in(&self, kind: Kind) -> bool {
        self.open.iter().rev().take_while(|open| open.kind != Kind::Cell).any(|open| open.kind == kind)
    }

    fn end(&mut self, name: &str) -> Option<()> {
        match (name, self.place) {
            ("head", Place::Head) => {
                self.place = Place::BehindHead;
                return Some(());
            }
            ("body", Place::Body) | ("html", Place::Body | Place::Behind) => {
                self.place = Place::Behind;
                return self.open.is_empty().then_some(());
            }
            (_, Place::Body) => {}
            _ => return None,
        }
        let open = self.open.pop().filter(|open| *open.tag.name == *name)?;
        let at = self.open.len();
        if let Some(from) = self.hidden_from {
            self.hidden_from = Some(from).filter(|from| *from < at);
            return Some(());
        }
        if self.shown <= at {
            // A heading without anything in it would still end a line, if there were not a link around it that may be none.
            return (!matches!(open.kind, Kind::Heading(_))).then_some(());
        }
        self.shown = at;
        self.leave(&open)
    }

    /// An element that is on the page ends.
    fn leave(&mut self, open: &Open) -> Option<()> {
        match open.kind {
            Kind::Group | Kind::Mark | Kind::Bullets | Kind::Numbers | Kind::Table | Kind::Rows | Kind::Row => {}
            Kind::Link => self.page.text(open.tag.target.as_deref()?)?,
            Kind::Struck => self.page.is_struck = false,
            Kind::Paragraph => self.page.end_block(),
            Kind::Division => self.page.flush()?,
            Kind::Heading(mark) => {
                self.page.leave(mark, mark)?;
                self.page.end_block();
            }
            Kind::Quote => {
                self.page.leave("> ", "> ")?;
                self.page.end_block();
            }
            Kind::Item => {
                let list = self.open.last()?;
                let mark = if list.kind == Kind::Bullets { "・".to_owned() } else { format!("{}. ", list.items) };
                self.page.leave(&mark, "   ")?;
            }
            Kind::Cell => self.page.leave("", "")?,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
