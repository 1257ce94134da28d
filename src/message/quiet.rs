//! The copy of a mail's HTML that may be shown in a browser: without what makes a browser call somebody before anybody has clicked, which
//! a policy for its contents does not hold back. A connection tells that the mail is being looked at, even where nothing is asked on it.

use super::looks::{self, LEADS};
use html5ever::Attribute;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// Elements that open, or have opened for them, another document or a connection. What stands in them stays, as programs that do not know
/// them show it.
const CALLING: [&str; 11] = ["applet", "base", "embed", "fencedframe", "frame", "frameset", "iframe", "link", "object", "portal", "param"];
/// Parts of drawings that take something in from the place that they name; whatever else names one is a link, of a formula too.
const TAKING: [&str; 10] =
    ["feimage", "filter", "image", "lineargradient", "marker", "mpath", "pattern", "radialgradient", "textpath", "use"];
/// What a `meta` may say in the place of a header.
const HARMLESS: [&str; 3] = ["content-language", "content-type", "x-ua-compatible"];
/// Elements within which HTML is read otherwise: a `title` in a drawing holds tags.
const FOREIGN: [&str; 2] = ["math", "svg"];
/// Elements whose text is no HTML.
const RAW: [&str; 7] = ["noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// The copy, whose links are none to a browser, whatever they are clicked with, and say in their titles and in [`LEADS`] where those of the mail
/// lead; and the names of the elements that were left out of it, sorted. Where there is neither and nothing could be read in two ways, the HTML
/// itself.
#[must_use]
pub fn quiet(html: &str) -> (Cow<'_, str>, Vec<String>) {
    let tokens = Tokenizer::new(Copying::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(html.into());
    // It stops behind each script, for somebody to run it.
    while let html5ever::TokenizerResult::Script(()) = tokens.feed(&input) {}
    tokens.end();
    tokens.sink.end_style();
    let left_out: Vec<String> = tokens.sink.left_out.take().into_iter().collect();
    // Where comments begin and end is not the same within drawings and elements of text: the copy has none.
    let (sink, comments) = (&tokens.sink, ["<!-", "<![", "<?"]);
    let is_plain = left_out.is_empty()
        && !sink.has_tags_as_text.get()
        && !sink.has_links.get()
        && !comments.iter().any(|begins| html.contains(begins));
    let copy = if is_plain { Cow::Borrowed(html) } else { Cow::Owned(tokens.sink.copy.take()) };
    (copy, left_out)
}

#[derive(Default)]
struct Copying {
    copy: RefCell<String>,
    left_out: RefCell<BTreeSet<String>>,
    has_links: Cell<bool>,
    /// What was read of a style so far.
    style: RefCell<String>,
    /// The element whose text is no HTML, while it is read.
    within: Cell<Option<&'static str>>,
    /// A drawing or a formula has begun.
    is_foreign: Cell<bool>,
    /// A title or a field holds what looks like a tag: text there, as a subject may be.
    has_tags_as_text: Cell<bool>,
}

impl TokenSink for Copying {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) => match self.within.get() {
                Some("style") => self.style.borrow_mut().push_str(&text),
                Some(element) => self.raw(element, &text),
                None => escaped(&text, &mut self.copy.borrow_mut()),
            },
            Token::DoctypeToken(doctype) => {
                let mut copy = self.copy.borrow_mut();
                copy.push_str("<!DOCTYPE ");
                copy.push_str(&doctype.name.unwrap_or_default());
                for (word, id) in [("PUBLIC", doctype.public_id), ("SYSTEM", doctype.system_id)] {
                    // Behind a public name the other stands without its word.
                    let Some(id) = id.filter(|id| !id.contains(['"', '>'])) else { continue };
                    let word = if word == "SYSTEM" && copy.contains(" PUBLIC ") { "" } else { word };
                    for part in [" ", word, " \"", &id, "\""] {
                        copy.push_str(part);
                    }
                }
                copy.push('>');
            }
            // Comments are nobody's text, and what is in those for Outlook is not shown by browsers.
            Token::CommentToken(_) | Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

impl Copying {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let is_start = tag.kind == TagKind::StartTag;
        self.end_style();
        self.within.set(None);
        self.is_foreign.set(self.is_foreign.get() || FOREIGN.contains(&name));
        if calls(tag) {
            self.left_out.borrow_mut().insert(name.to_owned());
            // A browser takes what is in this for text.
            if is_start && name == "iframe" {
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            return TokenSinkResult::Continue;
        }
        let mut copy = self.copy.borrow_mut();
        copy.push_str(if is_start { "<" } else { "</" });
        copy.push_str(name);
        if is_start {
            let target = target(tag);
            self.has_links.set(self.has_links.get() || target.is_some());
            let mut is_said = false;
            for attribute in &tag.attrs {
                let name: &str = &attribute.name.local;
                match target {
                    _ if name == LEADS => {}
                    Some(_) if matches!(name, "ping" | "title") => {}
                    // A drawing may say it twice.
                    Some(_) if is_target(name) && is_said => {}
                    Some(target) if is_target(name) => {
                        write(LEADS, target, &mut copy);
                        is_said = true;
                    }
                    _ => write(name, &attribute.value, &mut copy),
                }
            }
            if let Some(target) = target {
                let own = tag.attrs.iter().find(|attribute| &*attribute.name.local == "title").map(|own| &*own.value);
                let own = own.filter(|own| !own.trim().is_empty());
                write("title", &own.map_or_else(|| target.to_owned(), |own| format!("{own} – {target}")), &mut copy);
            }
        }
        copy.push_str(if tag.self_closing { "/>" } else { ">" });
        let raw = RAW.iter().find(|raw| **raw == name).filter(|_| is_start);
        self.within.set(raw.copied());
        match raw {
            None => TokenSinkResult::Continue,
            Some(&"script") => TokenSinkResult::RawData(RawKind::ScriptData),
            Some(&("textarea" | "title")) => TokenSinkResult::RawData(RawKind::Rcdata),
            Some(_) => TokenSinkResult::RawData(RawKind::Rawtext),
        }
    }

    /// Writes the style that was read.
    fn end_style(&self) {
        let style = self.style.take();
        if !style.is_empty() {
            self.raw("style", &looks::of_links(&style));
        }
    }

    /// Text that is no HTML here, and may be where a browser reads it otherwise, as in a drawing: no tag may come of it. No style has a letter
    /// behind a `<`; of a title and a field, where a subject may well hold one, the copy says the same in references.
    fn raw(&self, element: &'static str, text: &str) {
        let mut copy = self.copy.borrow_mut();
        let is_escaped = matches!(element, "textarea" | "title");
        for character in text.chars() {
            // A text may come in pieces, so that it is looked at in the copy what stands before.
            let is_behind = copy.ends_with(if is_escaped { "&lt;" } else { "<" });
            if is_behind && (character.is_ascii_alphabetic() || matches!(character, '/' | '!' | '?')) {
                self.has_tags_as_text.set(true);
                if !is_escaped || self.is_foreign.get() {
                    self.left_out.borrow_mut().insert(element.to_owned());
                }
                if !is_escaped {
                    copy.push(' ');
                }
            }
            if is_escaped {
                escaped(character.encode_utf8(&mut [0; 4]), &mut copy);
            } else {
                copy.push(character);
            }
        }
    }
}

/// Where a link leads; a picture's places, what is drawn and the parts of a formula may be links too.
fn target(tag: &Tag) -> Option<&str> {
    let attributes = tag.attrs.iter().filter(|_| !TAKING.contains(&&*tag.name));
    attributes.filter(|attribute| is_target(&attribute.name.local)).map(|attribute| &*attribute.value).next()
}

fn is_target(attribute: &str) -> bool {
    matches!(attribute, "href" | "xlink:href")
}

fn write(attribute: &str, value: &str, copy: &mut String) {
    for part in [" ", attribute, "=\""] {
        copy.push_str(part);
    }
    escaped(value, copy);
    copy.push('"');
}

fn calls(tag: &Tag) -> bool {
    let name: &str = &tag.name;
    let instead_of_a_header = || tag.attrs.iter().find(|attribute| &*attribute.name.local == "http-equiv");
    let is_harmful = |what: &str| !HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(what.trim()));
    // What moves in a drawing may give a link its target back.
    let moves = |attribute: &Attribute| &*attribute.name.local == "attributename" && attribute.value.to_ascii_lowercase().contains("href");
    CALLING.contains(&name)
        || tag.attrs.iter().any(moves)
        || (name == "meta" && instead_of_a_header().is_some_and(|what| is_harmful(&what.value)))
}

fn escaped(text: &str, copy: &mut String) {
    for character in text.chars() {
        match character {
            '&' => copy.push_str("&amp;"),
            '<' => copy.push_str("&lt;"),
            '>' => copy.push_str("&gt;"),
            '"' => copy.push_str("&quot;"),
            other => copy.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quiet;

    #[test]
    fn what_calls_nobody_stays_as_it_is() {
        let mail = "<!DOCTYPE html><html><head><meta http-equiv='Content-Type' content='text/html'><style>a > b{}</style><script>1<2</script>\
                    </head><p>1 &lt; 2 &amp; iframe<img src=x></p></html>";
        assert_eq!(quiet(mail), (mail.into(), Vec::new()));
    }

    #[test]
    fn a_title_and_what_somebody_writes_hold_text() {
        for (mail, wanted) in [
            ("<title>Buy &lt;x&gt; &amp; <b></title><p>a", "<title>Buy &lt;x&gt; &amp; &lt;b&gt;</title><p>a"),
            ("<textarea><iframe src=//a></textarea>", "<textarea>&lt;iframe src=//a&gt;</textarea>"),
        ] {
            assert_eq!(quiet(mail), (wanted.into(), Vec::new()));
        }
        // Within a drawing they are read otherwise.
        assert_eq!(quiet("<svg><title><x></title></svg>").1, ["title"]);
    }

    #[test]
    fn what_calls_is_left_out_and_the_rest_reads_the_same() {
        let (copy, left_out) = quiet(
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/x.dtd\"><html><head><LINK rel=preconnect href=//a>\
             <meta name=viewport content='width=1'><meta HTTP-EQUIV=refresh content='0;url=//b'><style>@media (width <600px) { a>b {} }</style>\
             </head><p title='\"<'>a &lt; b &amp;amp; c<iframe src=//c><p>no</iframe> d<object data=//e>In it</object><br/><script>1</script>f</p>",
        );
        assert_eq!(
            copy,
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"  \"http://www.w3.org/x.dtd\"><html><head><meta name=\"viewport\" \
             content=\"width=1\"><style>@media (width <600px) { a>b {} }</style></head><p title=\"&quot;&lt;\">a &lt; b &amp;amp; c&lt;p&gt;no \
             dIn it<br/><script>1</script>f</p>"
        );
        assert_eq!(left_out, ["iframe", "link", "meta", "object"]);
    }

    #[test]
    fn links_lead_nowhere_and_say_where_they_would() {
        let mail = "<a HREF='https://shop.example/u/secret?a=1&amp;b' target=_blank ping=//a class=x>out</a><a name=here>here</a>\
                    <svg><a xlink:href=//b title=Own><set attributeName='href' to='//c'/></a><use href='#d'/></svg><area href=mailto:x>\
                    <math href=//e><mi xlink:href=//f></math>";
        let (copy, left_out) = quiet(mail);
        assert_eq!(
            copy,
            "<a data-leads=\"https://shop.example/u/secret?a=1&amp;b\" target=\"_blank\" class=\"x\" title=\"https://shop.example/u/secret?a=1&amp;b\">out</a>\
             <a name=\"here\">here</a><svg><a data-leads=\"//b\" title=\"Own – //b\"></a><use href=\"#d\"/></svg>\
             <area data-leads=\"mailto:x\" title=\"mailto:x\"><math data-leads=\"//e\" title=\"//e\">\
             <mi data-leads=\"//f\" title=\"//f\"></math>"
        );
        assert_eq!(left_out, ["set"]);
    }

    #[test]
    fn styles_of_links_hold_in_the_copy() {
        for (style, wanted) in [
            ("a[href^=\"https://\"]{}", "a[data-leads^=\"https://\"]{}"),
            (
                "a[ HREF ], a:link, a:any-link:hover, A:-webkit-any-link{}",
                "a[ data-leads ], a[data-leads], a[data-leads]:hover, A[data-leads]{}",
            ),
            ("a[*|href$=x] , a[xlink|href]{}", "a[data-leads$=x] , a[data-leads]{}"),
            ("a::after{content:attr(href) \":link [href]\"}", "a::after{content:attr(data-leads) \":link [href]\"}"),
            (
                "/* a:link [href */ a:link-like [hreflang] [data-href] x:linked{}",
                "/* a:link [href */ a:link-like [hreflang] [data-href] x:linked{}",
            ),
            ("a{background:url(x[href]:link)} あ:link{}", "a{background:url(x[href]:link)} あ[data-leads]{}"),
            ("a[title=':link'] b:not(:link):visited{}", "a[title=':link'] b:not([data-leads]):visited{}"),
        ] {
            let mail = format!("<style>{style}</style><a href=x>");
            let (copy, _) = quiet(&mail);
            assert_eq!(copy, format!("<style>{wanted}</style><a data-leads=\"x\" title=\"x\">"));
        }
    }

    #[test]
    fn a_copy_has_no_comments() {
        for mail in [
            "a<!-- <iframe> -->b",
            "<xmp><!--</xmp>a<iframe src=//a></iframe><!-- -->b",
            "<svg><![CDATA[><!--]]></svg><iframe src=//a></iframe>",
        ] {
            let (copy, _) = quiet(mail);
            assert!(!copy.contains("<!") && !copy.contains("<iframe"), "{mail}: {copy}");
        }
    }

    #[test]
    fn no_tag_comes_of_what_a_browser_reads_otherwise() {
        for mail in [
            "<svg><style><p><iframe src=//a></style></svg>",
            "<svg><title><iframe src=//a></title></svg>",
            "<math><script><embed src=//a></script>",
            "<noembed><iframe src=//a></noembed>",
            "<plaintext><iframe src=//a><link>",
            "<p a='<iframe src=//a>'><link>",
            "<!--><iframe src=//a>--><link>",
            "<textarea></textarea\n><iframe src=//a><link>",
            "<xmp><!--</xmp><iframe src=//a></iframe><!-- --><link>",
            "<svg><![CDATA[><!--]]></svg><iframe src=//a></iframe><!-- --><link>",
        ] {
            let (copy, left_out) = quiet(mail);
            let copy = copy.to_lowercase();
            assert!(!copy.contains("<iframe") && !copy.contains("<embed") && !copy.contains("<link"), "{mail}: {copy}");
            assert!(!left_out.is_empty(), "{mail}");
        }
    }
}
