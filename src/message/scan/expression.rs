//! Reads expressions token by token, and resolves the paths in them.

use super::{ANY, Bound, Call, Scan, unknown_value};
use crate::message::filters;
use crate::message::lexer::{Kind, Token};
use crate::message::names::Node;
use crate::message::problem::nearest;

impl<'t> Scan<'_, 't> {
    /// Reads an expression; when it is nothing but a path, also says what the path holds.
    pub(super) fn value_of(&mut self, tokens: &[Token]) -> Bound<'t> {
        let called = tokens.get(1).is_some_and(|next| next.is("("));
        match tokens.first() {
            Some(first) if first.kind == Kind::Ident && !is_keyword(first.text) && !called => {
                let (bound, end) = self.path(tokens, 0);
                if end == tokens.len() {
                    return bound.unwrap_or_else(unknown_value);
                }
                self.walk_from(tokens, end);
            }
            _ => self.walk(tokens),
        }
        unknown_value()
    }

    pub(super) fn walk(&mut self, tokens: &[Token]) {
        self.walk_from(tokens, 0);
    }

    /// Reads an expression token by token; what stands before a token says what it is.
    fn walk_from(&mut self, tokens: &[Token], mut at: usize) {
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            let next_is = |mark: &str| tokens.get(at + 1).is_some_and(|next| next.is(mark));
            if token.kind == Kind::Ident {
                if before.is_some_and(|before| before.is("|")) {
                    self.filter(token);
                } else if token.is_word("is") {
                    // The name of a test follows, perhaps behind `not`.
                    at += 1 + usize::from(tokens.get(at + 1).is_some_and(|next| next.is_word("not")));
                } else if next_is("(") && !is_keyword(token.text) {
                    self.function(token);
                } else if !is_keyword(token.text) && !is_argument(before, tokens.get(at + 1)) {
                    let (_, end) = self.path(tokens, at);
                    self.joined(tokens, at, end);
                    at = end;
                    continue;
                }
            } else if token.is("<") && !before.is_some_and(ends_value) {
                at = self.call(tokens, at);
                continue;
            } else if token.is("[") && !before.is_some_and(ends_value) {
                at = self.list(tokens, at);
                continue;
            }
            at += 1;
        }
    }

    /// A path such as `a.b?.c["d"][0]` that begins at a token: what it holds, and the token behind it.
    fn path(&mut self, tokens: &[Token], start: usize) -> (Option<Bound<'t>>, usize) {
        let Some(root) = tokens.get(start) else { return (None, start) };
        let mut bound = self.root(root);
        let mut at = start + 1;
        while let Some(mark) = tokens.get(at) {
            let next = tokens.get(at + 1);
            if mark.is(".") || mark.is("?.") {
                let Some(name) = next.filter(|next| next.kind == Kind::Ident) else { break };
                bound = bound.and_then(|bound| self.step(&bound, name));
                at += 2;
            } else if mark.is("[") || mark.is("?[") {
                let end = matching(tokens, at);
                let inside = tokens.get(at + 1..end).unwrap_or_default();
                bound = match inside {
                    [name] if name.kind == Kind::Text => bound.and_then(|bound| self.step(&bound, name)),
                    _ => {
                        self.walk(inside);
                        bound.map(|bound| match bound.node {
                            Node::List(each) if !inside.iter().any(|token| token.is(":")) => Bound { node: each, path: bound.path },
                            Node::List(_) => bound,
                            _ => {
                                // What is picked is not known, so all of it is used.
                                self.uses(&bound);
                                unknown_value()
                            }
                        })
                    }
                };
                at = end + 1;
            } else {
                break;
            }
        }
        if let Some(bound) = &bound {
            self.uses(bound);
        }
        (bound, at)
    }

    fn uses(&mut self, bound: &Bound) {
        if !bound.path.is_empty() {
            self.found.paths.push(bound.path.clone());
        }
    }

    /// What the first name of a path is; `None` after a problem.
    fn root(&mut self, token: &Token) -> Option<Bound<'t>> {
        let mut in_component = false;
        for scope in self.scopes.iter().rev() {
            if let Some(bound) = scope.names.get(token.text) {
                return Some(bound.clone());
            }
            if scope.component {
                in_component = true;
                break;
            }
        }
        if token.text == "loop" {
            return Some(unknown_value());
        }
        let known = self.tree.get(token.text);
        if let Some(node) = known.filter(|_| !in_component) {
            return Some(Bound { node, path: token.text.to_owned() });
        }
        if in_component {
            let help = match known {
                Some(_) => format!("a component sees only its arguments; write `@{0}` among them to get `{0}` from the mail", token.text),
                None => "a component sees only its arguments".to_owned(),
            };
            self.problem(&token.span, format!("`{}` is no argument of this component", token.text), Some(help));
        } else {
            let local: Vec<String> = self.scopes.iter().flat_map(|scope| scope.names.keys().cloned()).collect();
            let help = suggest(token.text, "", self.tree, &local);
            self.problem(&token.span, format!("unknown name `{}`", token.text), help);
        }
        None
    }

    /// One name below another; `None` after a problem.
    fn step(&mut self, above: &Bound<'t>, name: &Token) -> Option<Bound<'t>> {
        let path = if above.path.is_empty() { String::new() } else { format!("{}.{}", above.path, name.text) };
        match above.node {
            Node::Any => Some(Bound { node: &ANY, path }),
            Node::Record(_) => {
                if let Some(node) = above.node.get(name.text) {
                    return Some(Bound { node, path });
                }
                // As it is written: a loop variable keeps its own name.
                let before = self.written_before(name).to_owned();
                let help = suggest(name.text, &before, above.node, &[]);
                self.problem(&name.span, format!("unknown name `{before}{}`", name.text), help);
                None
            }
            Node::Leaf => {
                self.problem(&name.span, format!("`{}` has no parts, so there is no `.{}` in it", above.path, name.text), None);
                None
            }
            Node::List(_) => {
                let help = format!("go through it with `{{% for one in {} %}}`", above.path);
                self.problem(&name.span, format!("`{}` is a list, so there is no `.{}` in it", above.path, name.text), Some(help));
                None
            }
        }
    }

    /// The path in front of a name, with its dot; empty before a name in quotes.
    fn written_before(&self, name: &Token) -> &str {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.?".contains(byte);
        let before = self.source.as_bytes().get(..name.span.start).unwrap_or_default();
        let length = before.iter().rev().take_while(|byte| part(byte)).count();
        self.source.get(name.span.start - length..name.span.start).unwrap_or_default()
    }

    /// `~` writes a missing value as nothing, which would be a hole in the mail.
    fn joined(&mut self, tokens: &[Token], start: usize, end: usize) {
        let before = start.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| token.is("~"));
        let after = tokens.get(end);
        let joined = after.is_some_and(|token| token.is("~")) || before && !after.is_some_and(|token| token.is("|"));
        let root = tokens.get(start).filter(|root| joined && self.tree.get(root.text).is_some());
        if let (Some(root), Some(last)) = (root, tokens.get(end - 1)) {
            let span = root.span.start..last.span.end;
            let path = self.source.get(span.clone()).unwrap_or_default().to_owned();
            let help = format!("write `{{{{ {path} }}}}` on its own beside the text; a missing value is then noticed");
            self.problem(&span, format!("`~` would join a missing `{path}` as nothing"), Some(help));
        }
    }

    /// `[a, b]` or `[a.name for a in list if …]`; the token behind it.
    fn list(&mut self, tokens: &[Token], open: usize) -> usize {
        let end = matching(tokens, open);
        let inside = tokens.get(open + 1..end).unwrap_or_default();
        match inside.iter().position(|token| token.is_word("for")) {
            Some(at) => {
                let (value, rest) = inside.split_at(at);
                let rest = rest.get(1..).unwrap_or_default();
                let condition = rest.iter().position(|token| token.is_word("if")).unwrap_or(rest.len());
                let (head, condition) = rest.split_at(condition);
                self.open_loop(head);
                self.walk(value);
                self.walk(condition.get(1..).unwrap_or_default());
                self.close();
            }
            None => self.walk(inside),
        }
        end + 1
    }

    /// `<button url={shop.url} text="…" wide {...more}/>`, from its `<`; the token behind it.
    pub(super) fn call(&mut self, tokens: &[Token], start: usize) -> usize {
        let mut at = start + 1;
        let mut call = Call { name: String::new(), span: 0..0, arguments: Vec::new(), spread: false };
        while let Some(token) = tokens.get(at).filter(|token| token.kind == Kind::Ident || token.is(".")) {
            let dot = token.is(".");
            if call.name.is_empty() {
                call.span = token.span.clone();
            } else if !dot && !call.name.ends_with('.') {
                break;
            }
            call.name.push_str(token.text);
            call.span.end = token.span.end;
            at += 1;
        }
        while let Some(token) = tokens.get(at).filter(|token| !token.is("/") && !token.is(">")) {
            if token.is("{") {
                let end = matching(tokens, at);
                self.walk(tokens.get(at + 1..end).unwrap_or_default());
                call.spread |= tokens.get(at + 1).is_some_and(|token| token.is("..."));
                at = end + 1;
            } else if token.kind == Kind::Ident {
                call.arguments.push(token.text.to_owned());
                if tokens.get(at + 1).is_some_and(|next| next.is("=")) {
                    at += 1;
                } else {
                    self.path(tokens.get(at..=at).unwrap_or_default(), 0);
                }
                at += 1;
            } else {
                at += 1;
            }
        }
        self.found.calls.push(call);
        at + 1
    }

    /// The filters behind `{% filter a | b(c=d) %}` and `{% set x | a %}`.
    pub(super) fn filters_of(&mut self, tokens: &[Token]) {
        if let Some(first) = tokens.first().filter(|first| first.kind == Kind::Ident) {
            self.filter(first);
        }
        self.walk_from(tokens, 1);
    }

    fn filter(&mut self, token: &Token) {
        if token.text == "safe" {
            let help = "leave it out; text from the customer list must not become HTML".to_owned();
            self.problem(&token.span, "the filter `safe` is not for mails".into(), Some(help));
        } else if !filters::NAMES.contains(&token.text) {
            let help = nearest(token.text, filters::NAMES.iter().copied().filter(|name| *name != "safe"));
            let help = help.map(|meant| format!("did you mean `{meant}`?"));
            self.problem(&token.span, format!("unknown filter `{}`", token.text), help);
        }
    }

    fn function(&mut self, token: &Token) {
        const FUNCTIONS: [&str; 3] = ["range", "super", "throw"];
        if !FUNCTIONS.contains(&token.text) {
            let help = match nearest(token.text, FUNCTIONS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if filters::NAMES.contains(&token.text) => format!("`{0}` is a filter: write `value | {0}`", token.text),
                None => "components are called like this: `{{ <name argument={value} /> }}`".to_owned(),
            };
            self.problem(&token.span, format!("unknown function `{}`", token.text), Some(help));
        }
    }
}

/// Words that are never a name of the mail's.
fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "in", "is", "if", "else", "for", "true", "false", "True", "False", "none", "None", "null"].contains(&word)
}

/// `name=` within the brackets of a filter, test or function.
fn is_argument(before: Option<&Token>, after: Option<&Token>) -> bool {
    after.is_some_and(|after| after.is("=")) && before.is_some_and(|before| before.is("(") || before.is(","))
}

/// Whether a value may end with this token, so that `<` behind it compares and `[` behind it picks.
fn ends_value(token: &Token) -> bool {
    match token.kind {
        Kind::Ident => !["and", "or", "not", "in", "is", "if", "else"].contains(&token.text),
        Kind::Text | Kind::Number => true,
        Kind::Mark => token.is(")") || token.is("]") || token.is("}"),
    }
}

/// The token that closes the bracket at `open`; the end when none does.
fn matching(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open).filter(|(_, token)| token.kind == Kind::Mark) {
        match token.text {
            "[" | "?[" | "(" | "{" => depth += 1,
            "]" | ")" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// What may have been meant: a near name here, the same name one step below, or what there is. `before` stands in front of it.
fn suggest(wrong: &str, before: &str, here: &Node, local: &[String]) -> Option<String> {
    let Node::Record(fields) = here else { return None };
    let known = || fields.iter().map(|(name, _)| name.as_str());
    if let Some(meant) = nearest(wrong, known().chain(local.iter().map(String::as_str))) {
        return Some(format!("did you mean `{before}{meant}`?"));
    }
    if let Some((above, _)) = fields.iter().find(|(_, node)| node.get(wrong).is_some()) {
        return Some(format!("did you mean `{before}{above}.{wrong}`?"));
    }
    let names: Vec<&str> = known().take(30).collect();
    Some(format!("there are: {}", names.join(", ")))
}
