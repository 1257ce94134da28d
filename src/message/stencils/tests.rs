//! Whatever was read before, an HTML has the text that it has by itself.

use super::*;
use proptest::prelude::*;

/// The texts of these, one after the other, as one template's; each is compared with the text that it has by itself.
fn told(known: &Known, all: &[String]) -> Vec<Option<String>> {
    all.iter()
        .map(|html| {
            let (one, other) = (known.read(html), whole(html));
            let parts = |reading: &Option<Reading>| reading.as_ref().map(|it| (it.text.clone(), it.hidden.clone(), it.is_mirror));
            assert_eq!(parts(&one), parts(&other), "{html}");
            one.map(|reading| reading.text)
        })
        .collect()
}

/// How many of these mails would be filled in a stencil now.
fn fitting(known: &Known, all: &[String]) -> usize {
    let stencils = known.stencils.read().unwrap();
    let fits = |html: &&String| stencils.iter().any(|known| known.values(html).is_some_and(|values| known.filled(&values).is_some()));
    all.iter().filter(fits).count()
}

const FRAMES: &[&str] = &[
    "<p>{}</p>",
    "<p>\n {} <br>{}</p><h1>{}</h1>",
    "<title>{}</title><style>{}</style><div style=\"display:none\">{}</div><p>x</p>",
    "<p>あと{}回・{}分</p><ul><li>{}<li></ul>",
    "<ul><li>{}</li><li>&{}</li></ul>",
    "<a href=\"{}\">{}</a>",
    "<a href='{}'><img src=\"{}\" alt=\"{}\"></a>",
    "<a href=\"mai{}\">x</a><a href=\"x?a=1&{}\">y</a>",
    "<p style=\"{}\">{}</p>",
    "<table><tr><td colspan=\"{}\">{}</td></tr></table>",
    "<p>x<sup>{}</sup> <s>{}</s></p>",
    "<!-- {} --><p>{}</p>",
    "<p title=\"a>b {}\">{}</p>",
    "<p>{}{}</p><p>\u{3000}{}</p><p>{} </p>",
    "<p id=\"{}\">{}</p><blockquote>{}\n{}</blockquote>",
    "<p class={}>{}</p>",
    "<h2>{}</h2>\n{}\n<hr>",
    "<p>&#xf0000;{}</p>",
    "<a href=\"&#109;ailto:{}\" title=\"{}\">{}</a>{}",
    "<a href=\"{}\"> </a><a href=\"{}\"><img src=\"{}\" alt=\"\"></a>",
];

const VALUES: &[&str] = &[
    "佐藤 花子",
    "2",
    "12,300円",
    "A &amp; B",
    "&lt;b&gt;",
    "",
    " ",
    "x  y",
    " x",
    "x ",
    "é",
    "👘",
    "か\u{3099}",
    "\u{301}x",
    "\u{200b}",
    "\u{a0}",
    "\u{3000}x",
    "\u{f0000}",
    "mailto:a@b.example",
    "lto:a",
    "https://shop.example/?a=1&amp;b=2",
    "display:none",
    "lt;b",
    "#39;",
    "a\nb",
    "&#39;",
    "&nosuch;",
    "--",
    "\"",
    "'",
    ">",
    "<br>",
    "</p>",
    "1. x",
    "&#xf0000;",
    "&#983041;",
    "&#109;ailto:x",
    "mailto&#58;x",
    "&#32;",
    "&#10;x",
];

fn page() -> impl Strategy<Value = Vec<String>> {
    let frames = proptest::collection::vec(proptest::sample::select(FRAMES), 1..4);
    let values = proptest::collection::vec(proptest::collection::vec(proptest::sample::select(VALUES), 8), 2..7);
    (frames, values).prop_map(|(frames, all)| {
        let page = frames.concat();
        let fill = |values: &Vec<&str>| {
            let mut values = values.iter().cycle();
            let mut parts = page.split("{}");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |out, part| out + values.next().map_or("", |value| value) + part)
        };
        all.iter().map(fill).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mails_that_were_read_before_change_nothing(pages in page()) {
        let known = Known::default();
        told(&known, &pages);
        told(&known, &pages);
    }
}

fn letters(page: &str, values: &[[&str; 2]]) -> Vec<String> {
    values.iter().map(|[one, other]| page.replace("{one}", one).replace("{other}", other)).collect()
}

#[test]
fn mails_that_differ_in_words_are_filled_in() {
    let page = "<!DOCTYPE html><html><head><title>{one}</title></head><body><div style=\"display:none\">{one}, {other}</div>\
        <h1>{one}</h1>\n<p>{one}様<br>あと {other} 回</p><a href=\"https://shop.example/{other}\">{other}</a></body></html>";
    let known = letters(page, &[["佐藤 花子", "3"], ["Ann", "12"]]);
    let fits = Known::default();
    told(&fits, &known);
    let others = letters(page, &[["鈴木", "4"], ["O&#39;Hara", "5"], ["A &amp; B", "/x?y=1&amp;z=2"]]);
    assert_eq!(fitting(&fits, &others), 3);
    assert_eq!(
        told(&fits, &others)[2].as_deref(),
        Some("■ A & B\n\nA & B様\nあと /x?y=1&z=2 回\n\n/x?y=1&z=2 https://shop.example//x?y=1&z=2\n")
    );
    // Words whose letters the reader looks at are read whole.
    let odd = letters(page, &[["か\u{3099}", "4"], ["a\u{200b}", "5"], ["a  b", "6"], ["👘", "7"]]);
    assert_eq!(fitting(&fits, &odd), 0);
    told(&fits, &odd);
    // And so are lines that may become too long.
    let long = "茶".repeat(900);
    let long = letters(page, &[[&long, "4"], [&long, &long]]);
    assert_eq!(fitting(&fits, &long), 0);
    told(&fits, &long);
}

#[test]
fn what_is_written_by_references_is_no_other_than_what_is_written() {
    for page in
        ["<p>&#xF0000; &#983041;</p><p>{one}</p><p>{other}</p>", "<div style=\"display:none\">&#xF0001;</div><p>{one}</p>\u{f0001}<br>"]
    {
        told(&Known::default(), &letters(page, &[["a", "b"], ["c", "d"], ["e", "f"]]));
    }
    let links = "<p>{other}</p><a href=\"{one}\">x</a>";
    let values =
        [["https://a.example", "a"], ["&#109;ailto:b@b.example", "b"], ["mailto&#58;c@c.example", "c"], ["mailto:d", "d"], ["e", "e"]];
    told(&Known::default(), &letters(links, &values));
}

#[test]
fn a_template_may_have_several_stencils_and_is_given_up_where_there_are_too_many() {
    let page = |paragraphs: usize, word: &str| format!("<p>{word}</p>").repeat(paragraphs);
    let pages: Vec<String> = (1..=4).flat_map(|many| [page(many, "a"), page(many, "b")]).collect();
    let some = Known::default();
    told(&some, &pages);
    assert_eq!(fitting(&some, &(1..=4).map(|many| page(many, "c")).collect::<Vec<_>>()), 4);
    let many = Known::default();
    told(&many, &(1..=40).map(|many| page(many, "a")).collect::<Vec<_>>());
    assert_eq!(many.stencils.read().unwrap().len(), KEPT);
    told(&many, &(41..=2 * PATIENCE / LEARNING).map(|many| page(many, "a")).collect::<Vec<_>>());
    assert_eq!((many.stencils.read().unwrap().len(), many.spent.load(Relaxed)), (0, PATIENCE), "nothing is compared any more");
    // Text at the very end has no tag behind it, and is no slot.
    let end = Known::default();
    let pages = ["a", "b", "c"].map(|word| format!("<p>x</p>{word}"));
    told(&end, &pages);
    assert_eq!(fitting(&end, &pages), 3);
    let large = Known::default();
    told(&large, &(1..=4).map(|many| page(many, "a") + &"<p>large</p>".repeat(ROOM / 24 - 9)).collect::<Vec<_>>());
    assert!(large.stencils.read().unwrap().iter().map(|known| known.html.len()).sum::<usize>() <= ROOM);
}
