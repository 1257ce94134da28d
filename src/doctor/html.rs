//! What an HTML part is made of: pictures, links, words.

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::cell::RefCell;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub images: usize,
    /// Pictures without `alt`; an empty one is for what only decorates.
    pub without_alt: usize,
    pub links: Vec<String>,
    /// Everything that is read, in one string.
    pub words: String,
}

/// Looks at an HTML text, however broken.
#[must_use]
pub fn look(html: &str) -> Seen {
    let tokens = Tokenizer::new(Looking::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(html.into());
    // It stops at scripts only, which mails do not have; what is behind one is not read by anybody.
    let _ = tokens.feed(&input);
    tokens.end();
    tokens.sink.seen.take()
}

#[derive(Default)]
struct Looking {
    seen: RefCell<Seen>,
    /// The element whose text nobody reads.
    hidden: RefCell<Option<String>>,
}

impl TokenSink for Looking {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) if self.hidden.borrow().is_none() => self.seen.borrow_mut().words.push_str(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Looking {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if tag.kind == TagKind::EndTag {
            let ends = self.hidden.borrow().as_deref() == Some(name);
            if ends {
                self.hidden.take();
            }
            return TokenSinkResult::Continue;
        }
        let attribute = |wanted: &str| tag.attrs.iter().find(|one| &*one.name.local == wanted).map(|one| one.value.trim().to_owned());
        let mut seen = self.seen.borrow_mut();
        match name {
            "img" => {
                seen.images += 1;
                seen.without_alt += usize::from(attribute("alt").is_none());
            }
            "a" => seen.links.extend(attribute("href")),
            "style" | "title" => {
                *self.hidden.borrow_mut() = Some(name.to_owned());
                return TokenSinkResult::RawData(if name == "style" { RawKind::Rawtext } else { RawKind::Rcdata });
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_links_and_words_are_found() {
        let seen = look(
            "<html><head><title>No</title><style>a > b { color: red }</style></head><body><p>Words &amp; more</p><IMG SRC=a.png>\
             <img src='b.png' alt=''/><a href=' http://a.example/?x=1&amp;y=2 '>here</a><!-- <img> --></body>",
        );
        assert_eq!((seen.images, seen.without_alt), (2, 1));
        assert_eq!(seen.links, ["http://a.example/?x=1&y=2"]);
        assert_eq!(seen.words, "Words & morehere");
        assert_eq!(look("<p <img <"), Seen::default());
    }
}
