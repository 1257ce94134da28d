//! The text part: made from the rendered HTML where a campaign has no `body.txt`.

use super::encode::each_line;
use super::markup::hides;
use super::space;
use html2text::render::TextDecorator;
use html2text::{Element, Handle, config};

/// Lines are not broken: a mail program does that better, above all in Japanese, where a break at a fixed width tears words. This is
/// the length at which a paragraph would break after all.
const WIDTH: usize = 4_000;

/// The HTML as text: paragraphs, list items, link targets behind their words, pictures as their alternative text. What an inline style
/// hides is left out.
///
/// # Errors
/// When the HTML cannot be read, in words.
pub(super) fn from_html(html: &str) -> Result<String, String> {
    let config = config::with_decorator(Plain::default()).no_link_wrapping().raw_mode(true);
    let text = || {
        let page = config.parse_html(html.as_bytes())?;
        leave_out_hidden(&page.document);
        config.render_to_string(config.dom_to_render_tree(&page)?, WIDTH)
    };
    text().map_err(|error| format!("no text part can be made from it: {error}; write a `body.txt`"))
}

/// Takes the elements out of a page that an inline style hides.
fn leave_out_hidden(page: &Handle) {
    let mut left = vec![Handle::clone(page)];
    while let Some(node) = left.pop() {
        node.children.borrow_mut().retain(|child| !is_hidden(child));
        left.extend(node.children.borrow().iter().cloned());
    }
}

fn is_hidden(node: &Handle) -> bool {
    let Element { attrs, .. } = &node.data else { return false };
    attrs.borrow().iter().any(|attribute| &*attribute.name.local == "style" && hides(&attribute.value))
}

/// Trims each line's end, keeps at most one empty line in a row, ends with one LF.
pub(super) fn tidy(text: &str) -> String {
    let mut out = space::text();
    out.reserve(text.len());
    let mut empty = true;
    for line in each_line(text) {
        let line = line.trim_end();
        if line.is_empty() {
            if !empty {
                out.push('\n');
            }
            empty = true;
        } else {
            out.push_str(line);
            out.push('\n');
            empty = false;
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// How elements are written: words stay words, a link is followed by its target.
#[derive(Debug, Clone, Default)]
struct Plain {
    /// Targets of the links that are open.
    open: Vec<String>,
}

impl TextDecorator for Plain {
    type Annotation = ();

    fn decorate_link_start(&mut self, url: &str) -> (String, ()) {
        self.open.push(url.to_owned());
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        match self.open.pop() {
            Some(url) => format!(" {} ", url.strip_prefix("mailto:").unwrap_or(&url)),
            None => String::new(),
        }
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn header_prefix(&self, level: usize) -> String {
        if level <= 1 { "■ ".to_owned() } else { "◆ ".to_owned() }
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "・".to_owned()
    }

    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_well_as_text() {
        let html = "<html><head><title>no</title><style>p{}</style></head><body><table><tr><td><h1>題</h1><p>一行目<br>二行目</p></td></tr>\
                    <tr><td><a href=\"https://a.example/x?y=1&amp;z=2\">開く</a></td></tr></table><img src=\"a.png\" alt=\"椿\"></body></html>";
        let text = tidy(&from_html(html).unwrap());
        assert_eq!(text, "■ 題\n\n一行目\n二行目\n開く https://a.example/x?y=1&z=2\n椿\n");
    }

    #[test]
    fn what_is_hidden_is_left_out() {
        let html = "<div style=\"display:none\">a<p>b</div><p>c<span style=' Display : NONE !important; x:y'>d</span><b style=\"display:none;display:inline\">e</b>\
                    <ul><li style='display&#58;none'>f<li>g</ul>";
        assert_eq!(tidy(&from_html(html).unwrap()), "ce\n・g\n");
    }
}
