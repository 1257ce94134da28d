//! How deep a template lies within itself. Whoever reads one goes down a step for each bracket within a bracket and for each branch of an
//! `if`, this program as well as Tera, so that a short text with thousands of them would end the program: that is told before anybody reads.

use super::files::TemplateFile;
use super::lexer::{self, Tag};
use super::problem::Problem;

/// Brackets within each other in one tag, those of a component's arguments among them.
const BRACKETS: usize = 64;
/// `if` and `elif` that are open at one place: an `elif` stands within those before it.
const BRANCHES: usize = 100;

/// What lies too deep, in each file the first place.
pub(super) fn too_deep(files: &[TemplateFile]) -> Vec<Problem> {
    files.iter().filter_map(deep).collect()
}

fn deep(file: &TemplateFile) -> Option<Problem> {
    // For each `if` that is open, its branches so far.
    let mut open: Vec<usize> = Vec::new();
    let mut branches = 0;
    for tag in lexer::tags(&file.text) {
        if let Some(problem) = brackets(file, &tag) {
            return Some(problem);
        }
        let Some(first) = tag.tokens.first().filter(|_| tag.statement) else { continue };
        if first.is_word("if") {
            open.push(1);
            branches += 1;
        } else if first.is_word("elif") {
            if let Some(last) = open.last_mut() {
                *last += 1;
                branches += 1;
            }
        } else if first.is_word("endif") {
            branches -= open.pop().unwrap_or_default();
        }
        if branches > BRANCHES {
            let message = format!("there are more than {BRANCHES} `if` and `elif` within each other");
            let help = "write several `if` after each other, or one for each group of them".to_owned();
            return Some(Problem::at(&file.name, &file.text, first.span.clone(), message, Some(help)));
        }
    }
    None
}

fn brackets(file: &TemplateFile, tag: &Tag) -> Option<Problem> {
    let mut depth = 0_usize;
    for token in &tag.tokens {
        if ["[", "?[", "(", "{"].iter().any(|mark| token.is(mark)) {
            depth += 1;
        } else if ["]", ")", "}"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
        }
        if depth > BRACKETS {
            let message = format!("there are more than {BRACKETS} brackets within each other");
            let help = "keep parts of it with `{% set name = … %}`, and put those together".to_owned();
            return Some(Problem::at(&file.name, &file.text, token.span.clone(), message, Some(help)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::super::{Templates, Working};
    use super::*;
    use crate::domain::Currency;
    use crate::domain::job::Language;
    use std::time::{Duration, Instant};

    fn told(text: &str) -> Option<String> {
        let file = TemplateFile { name: "a/body.html".into(), text: text.to_owned(), digest: String::new() };
        deep(&file).map(|problem| problem.show())
    }

    fn names() -> Names {
        Names {
            customer: None,
            shop: Vec::new(),
            without_mail: Vec::new(),
            elsewhere: Vec::new(),
            variants: Vec::new(),
            currency: Currency { code: "JPY".into(), digits: 0 },
            language: Language::En,
        }
    }

    fn nested(open: &str, inner: &str, close: &str, times: usize) -> String {
        format!("x{{{{ {}{inner}{} }}}}", open.repeat(times), close.repeat(times))
    }

    fn branches(times: usize) -> String {
        format!("x{{% if false %}}{}{{% endif %}}", "{% elif false %}".repeat(times))
    }

    #[test]
    fn what_lies_too_deep_is_told_at_its_place_wherever_templates_are_loaded() {
        let texts = [
            branches(20_000),
            nested("[", "1", "]", 20_000),
            nested("[x for x in ", "[1]", "]", 20_000),
            nested("<a b={", "1", "} />", 20_000),
        ];
        let folder = tempfile::tempdir().unwrap();
        let campaigns = ["a".to_owned()];
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/subject.txt"), "Hello").unwrap();
        for text in texts {
            let began = Instant::now();
            std::fs::write(folder.path().join("a/body.html"), &text).unwrap();
            let whole = Templates::load(folder.path(), &campaigns, &[], &names()).unwrap_err();
            std::fs::write(folder.path().join("a/body.html"), "x").unwrap();
            let working = Working { edited: Some(("a/body.html", &text)) };
            let edited = Templates::load_working(folder.path(), working, &campaigns, &[], &names()).unwrap_err();
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
            for error in [whole, edited] {
                let problem = error.problems().first().unwrap();
                let told = problem.show_within(38);
                assert!(told.contains("a/body.html:1:") && told.contains('^') && told.contains("within each other"), "{told}");
            }
        }
    }

    #[test]
    fn what_is_side_by_side_is_not_deep() {
        assert!(told(&"{% if a %}{% elif b %}{% endif %}{{ [(a)] }}".repeat(500)).is_none());
        assert!(told(&branches(BRANCHES - 1)).is_none());
        assert!(told(&nested("(", "1", ")", BRACKETS)).is_none());
        assert!(told(&branches(BRANCHES)).is_some());
        assert!(told(&nested("(", "1", ")", BRACKETS + 1)).unwrap().contains("a/body.html:1:69"));
    }

    #[test]
    fn the_deepest_that_may_be_is_read_with_a_small_stack() {
        // Thirty-nine `if` within each other, the last one with all branches that are left, and the deepest expression in that.
        let inner = branches(BRANCHES - 40);
        let deep = format!(
            "{}{}{}",
            "{% if 1 %}".repeat(38),
            inner.replace("false", "((((((((((((((((1))))))))))))))))"),
            "{% endif %}".repeat(38)
        );
        let read = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            let sources = [("a/subject.txt".to_owned(), b"Hello".to_vec()), ("a/body.html".to_owned(), deep.into_bytes())];
            Templates::given(&sources, &["a".to_owned()], &[], &names()).map(drop)
        });
        let read = read.unwrap().join().unwrap();
        assert!(read.is_ok(), "{read:?}");
    }
}
