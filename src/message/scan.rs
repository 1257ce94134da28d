//! Finds every name that a template uses, at any depth, and says which of them do not exist. Tera itself tells of top-level names
//! only, and takes `{% if customer.nmae %}` for false.

mod expression;

use super::lexer::{self, Kind, Tag, Token};
use super::names::Node;
use super::problem::Problem;
use std::collections::HashMap;
use std::ops::Range;

/// What one file uses and offers.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Known paths, dotted: `last_order.items.name`.
    pub paths: Vec<String>,
    /// Files it extends or includes.
    pub files: Vec<(String, Range<usize>)>,
    pub calls: Vec<Call>,
    /// Components it defines.
    pub defines: Vec<String>,
    pub problems: Vec<Problem>,
}

/// One use of a component.
#[derive(Debug)]
pub(super) struct Call {
    pub name: String,
    pub span: Range<usize>,
    pub arguments: Vec<String>,
    /// `{...map}` is among them, so that they are not all known.
    pub spread: bool,
}

/// A name that a template binds itself, or a part of the tree.
#[derive(Debug, Clone)]
struct Bound<'t> {
    node: &'t Node,
    /// Where in the tree it is from; empty for a value of the template's own.
    path: String,
}

const ANY: Node = Node::Any;

fn unknown_value<'t>() -> Bound<'t> {
    Bound { node: &ANY, path: String::new() }
}

#[derive(Debug, Default)]
struct Scope<'t> {
    names: HashMap<String, Bound<'t>>,
    /// Within a component nothing outside is seen.
    component: bool,
}

/// Reads one file against the tree.
pub(super) fn scan(file: &str, source: &str, tree: &Node) -> Found {
    let mut scan = Scan { file, source, tree, scopes: vec![Scope::default()], found: Found::default() };
    for tag in lexer::tags(source) {
        scan.tag(&tag);
    }
    scan.found
}

struct Scan<'s, 't> {
    file: &'s str,
    source: &'s str,
    tree: &'t Node,
    scopes: Vec<Scope<'t>>,
    found: Found,
}

impl<'t> Scan<'_, 't> {
    fn tag(&mut self, tag: &Tag) {
        let Some(first) = tag.tokens.first().filter(|_| tag.statement) else { return self.walk(&tag.tokens) };
        let rest = tag.tokens.get(1..).unwrap_or_default();
        match first.text {
            "for" if first.kind == Kind::Ident => self.open_loop(rest),
            "endfor" | "endcomponent" => self.close(),
            "set" | "set_global" => self.set(first.text == "set_global", rest),
            "component" => self.open_component(rest),
            "extends" | "include" => {
                if let Some(name) = rest.first().filter(|token| token.kind == Kind::Text) {
                    self.found.files.push((name.text.to_owned(), name.span.clone()));
                }
            }
            "if" | "elif" => self.walk(rest),
            "filter" => self.filters_of(rest),
            "<" => {
                self.call(&tag.tokens, 0);
            }
            _ => {}
        }
    }

    fn close(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
        }
    }

    fn bind(&mut self, name: &str, bound: Bound<'t>) {
        self.shadow(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.to_owned(), bound);
        }
    }

    /// A name of the mail's that the template binds anew may still be the mail's where that is not done, so all of it is used.
    fn shadow(&mut self, name: &str) {
        if self.tree.get(name).is_some() {
            self.found.paths.push(name.to_owned());
        }
    }

    /// `a in list`, `key, value in map`, also within a comprehension: the names and what they stand for.
    fn open_loop(&mut self, tokens: &[Token]) {
        let Some(at) = tokens.iter().position(|token| token.is_word("in")) else { return self.scopes.push(Scope::default()) };
        let (names, list) = tokens.split_at(at);
        let list = list.get(1..).unwrap_or_default();
        let each = match self.value_of(list) {
            Bound { node: Node::List(each), path } => Bound { node: each, path },
            _ => unknown_value(),
        };
        self.scopes.push(Scope::default());
        let words: Vec<&Token> = names.iter().filter(|token| token.kind == Kind::Ident).collect();
        match words.as_slice() {
            [one] => self.bind(one.text, each),
            several => several.iter().for_each(|name| self.bind(name.text, unknown_value())),
        }
    }

    fn set(&mut self, global: bool, tokens: &[Token]) {
        let Some((name, rest)) = tokens.split_first() else { return };
        let bound = match rest.split_first() {
            Some((mark, value)) if mark.is("=") => self.value_of(value),
            _ => {
                self.filters_of(rest);
                unknown_value()
            }
        };
        self.shadow(name.text);
        let scope = if global { self.scopes.first_mut() } else { self.scopes.last_mut() };
        if let Some(scope) = scope {
            scope.names.insert(name.text.to_owned(), bound);
        }
    }

    /// `name(argument: type = "default", @shop, ...rest)`: inside only these are seen.
    fn open_component(&mut self, tokens: &[Token]) {
        let open = tokens.iter().position(|token| token.is("(")).unwrap_or(tokens.len());
        let (name, arguments) = tokens.split_at(open);
        self.found.defines.push(name.iter().map(|token| token.text).collect());
        let mut scope = Scope { component: true, ..Scope::default() };
        scope.names.insert("body".to_owned(), unknown_value());
        for (before, token) in arguments.iter().zip(arguments.iter().skip(1)) {
            let implicit = before.is("@");
            if token.kind == Kind::Ident && (implicit || before.is("(") || before.is(",") || before.is("...")) {
                let bound = match self.tree.get(token.text).filter(|_| implicit) {
                    Some(node) => {
                        self.found.paths.push(token.text.to_owned());
                        Bound { node, path: token.text.to_owned() }
                    }
                    None => unknown_value(),
                };
                scope.names.insert(token.text.to_owned(), bound);
            }
        }
        self.scopes.push(scope);
    }

    fn problem(&mut self, span: &Range<usize>, message: String, help: Option<String>) {
        self.found.problems.push(Problem::at(self.file, self.source, span.clone(), message, help));
    }
}
