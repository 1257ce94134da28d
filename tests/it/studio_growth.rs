//! A text that grows within one expression fails its own mail, with file and line, and the studio goes on.

use crate::small_shop::Shop;
use crate::studio_pages::Pages;
use std::time::{Duration, Instant};

/// No mail has longer than 2 seconds; a machine that does other things too takes its time.
const PATIENCE: Duration = Duration::from_secs(20);

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &["--memory", "900MB"])
}

fn preview(pages: &Pages, text: &str) -> String {
    let fields = [("file", "letter/body.html"), ("text", text), ("digest", ""), ("customer", "c000"), ("campaign", "letter")];
    let began = Instant::now();
    let body = pages.post("/preview", &fields).body;
    assert!(began.elapsed() < PATIENCE, "{:?}: {}", began.elapsed(), text.chars().take(200).collect::<String>());
    body
}

#[test]
fn a_text_that_doubles_fails_its_mail_and_nothing_else() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    for (text, line) in [
        ("{% set a = 'ab' %}\n{% for i in range(end=60) %}{% set_global a = a ~ a %}{% endfor %}", 2),
        ("{% set_global a = 'ab' %}{% for i in range(end=60) %}\n\n{% set_global a = a ~ a %}{% endfor %}", 3),
        ("{% set_global a = [1] %}{% for i in range(end=60) %}{% set_global a = [...a, ...a] %}{% endfor %}", 1),
        ("{% set_global a = [1] %}{% for i in range(end=60) %}{% set_global a = [a, a] %}{% endfor %}\n{{ a | str }}", 1),
        ("{% set_global a = 'ab' %}{% for i in range(end=60) %}\n{% set_global a %}{{ a }}{{ a }}{% endset %}{% endfor %}", 2),
        (
            "{% set a = 'b' | indent(width=1000, first=true) %}\n{{ [x for x in a] | join(sep=a ~ a) | str | indent(width=1000) | length }}",
            2,
        ),
        ("{% set_global k = [x for x in range(end=90000)] %}{{ k | length }}", 1),
        ("{{ [range(end=90000) for x in range(end=90000)] | length }}", 1),
    ] {
        let told = preview(&pages, text);
        assert!(told.contains(&format!("body.html:{line}:")), "{text}: {told}");
        assert!(told.contains("KiB") || told.contains("takes too"), "{text}: {told}");
    }
    // The studio is still there.
    assert!(preview(&pages, "<p>{{ customer.id }}</p>").contains("which the law asks for"));
}

#[test]
fn a_text_that_is_kept_or_called_again_and_again_has_an_end_too() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    let long = "abcdefgh".repeat(10_000);
    for text in [
        format!("{{% set a %}}{{% for i in range(end=99999) %}}{long}{{% endfor %}}{{% endset %}}"),
        format!(
            "{{% component again(n) %}}{long}{{% if n > 0 %}}{{{{ <again n={{n - 1}}/> ~ <again n={{n - 1}}/> }}}}{{% endif %}}\
             {{% endcomponent again %}}{{% set a %}}{{{{ <again n={{18}}/> }}}}{{% endset %}}"
        ),
        format!("{{% set b = '{long}' %}}{{% set a %}}{}{{% endset %}}", "{{ b ~ b ~ b ~ b ~ b ~ b ~ b ~ b }}".repeat(2_000)),
    ] {
        let told = preview(&pages, &text);
        assert!(told.contains("takes too") || told.contains("KiB"), "{}", told.chars().take(2_000).collect::<String>());
    }
    assert!(preview(&pages, "<p>{{ customer.id }}</p>").contains("which the law asks for"));
}
