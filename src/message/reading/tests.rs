//! The short way from HTML to text gives what the long way gives, or nothing.

use super::super::markup::hides;
use super::super::plain;
use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The text by the long way. It cannot read a list in which nothing stands: its own reckoning of the room goes below nothing.
fn long(html: &str) -> Option<String> {
    let text = std::panic::catch_unwind(|| plain::from_html(html)).ok()?.ok()?;
    Some(plain::tidy(&text))
}

/// The text by the short way, where that is taken; it must be the same as by the long one.
fn short(html: &str) -> Option<String> {
    let text = plain::tidy(&read(html)?.text);
    if let Some(long) = long(html) {
        assert_eq!(text, long, "{html}");
    }
    Some(text)
}

fn one_of(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(choices).prop_map(str::to_owned)
}

const WORDS: &[&str] = &[
    "茶",
    "お茶 と",
    " x ",
    "\n",
    " ",
    "\u{3000}",
    "&nbsp;",
    "A &amp; B",
    "D&#39;Arc",
    "a\u{301}b",
    "👘",
    "ｶﾞ",
    "&copy;",
    "x\u{a0}y",
    "★\t☆",
    "&yen;1,000",
    "this & that",
    "&#x3000;",
    "a\r\nb",
    "1. ",
    "・",
    "\u{2003}",
    "か\u{3099}",
    "end",
    ".",
    "ﾞ",
    "<br>",
    "<br/>",
    "<br />",
    "<img src=a.png alt=b>",
    "<img src=\"a\" alt=\"\">",
    "<img alt='x'>",
    "<img src='a' alt=' 椿 の '/>",
    "<!-- c -->",
    "<!--[if !mso]><!--> <!--<![endif]-->",
    "<style>p{a:b}</style>",
    "<sup>12</sup>",
    "<sup>*</sup>",
    "<span></span>",
    "<b></b>",
    "<a href=\"x\"></a>",
    "<a href=\"x\"> </a>",
    "<a href=\"x\"><img src=a alt=''></a>",
    "<a href=\"x\"><b></b></a>",
    "<a href=\"x\"><b> </b></a>",
    "<a href=\"x\"><div><i></i></div></a>",
    "<a href=\"x\"> <b>y</b></a>",
];

const ODD: &[&str] = &[
    "\u{301}",
    "\u{200b}",
    "\u{feff}",
    "\u{ad}",
    "&unknown;",
    "&copy",
    "<",
    "a<b",
    "</p>",
    "<p>",
    "<x>",
    "<td>",
    "<hr id=a>",
    "<hr>",
    "\u{7}",
    "<title>t</title>",
    "<wbr>",
    "<pre> a\n b</pre>",
    "&#128;",
    "&#0;",
    "<!-->",
    "<! x>",
    "<br id=x>",
    "<font\tcolor=a>b</font>",
    "<P>a</P>",
    "<ruby>漢<rt>かん</rt></ruby>",
    "<dl><dt>a</dt><dd>b</dd></dl>",
    "<form>a</form>",
    "<li>x</li>",
    "\u{85}",
    "&#13;",
    "<a id=x href=y>z</a>",
    "<table><tr><td rowspan=2>a</td></tr></table>",
    "<table>a<tr><td colspan=2>b</td></tr></table>",
    "<ol start=7><li>a</li></ol>",
    "</body>",
    "<body>",
    "<html>",
    "<meta charset=x>",
    "<input>",
    "<svg><title>t</title></svg>",
    "<center>c</center>",
    "<b><p>x</b></p>",
];

fn wrapped(
    inner: impl Strategy<Value = String> + 'static,
    around: &'static [(&'static str, &'static str)],
) -> impl Strategy<Value = String> {
    (proptest::collection::vec(inner, 0..4), proptest::sample::select(around))
        .prop_map(|(inner, (before, behind))| format!("{before}{}{behind}", inner.concat()))
}

const INLINE: &[(&str, &str)] = &[
    ("<b>", "</b>"),
    ("<em>", "</em>"),
    ("<span style=\"color:red\">", "</span>"),
    ("<span id=x>", "</span>"),
    ("<a href=\"https://a.example/?a=1&amp;b=2&c=3\">", "</a>"),
    ("<a style='x' href='mailto:a@b.example'>", "</a>"),
    ("<a name=top>", "</a>"),
    ("<s>", "</s>"),
    ("<u>", "</u>"),
    ("<span style='display:none'>", "</span>"),
    ("<code>", "</code>"),
];

fn inline() -> impl Strategy<Value = String> {
    one_of(WORDS).prop_recursive(3, 12, 4, |inner| prop_oneof![3 => wrapped(inner, INLINE), 1 => one_of(WORDS)])
}

const BLOCKS: &[(&str, &str)] = &[
    ("<div>", "</div>"),
    ("<div style=\"display : none ;x:y\">", "</div>"),
    ("<div id=\"d\">", "</div>\n"),
    ("<center>", "</center>"),
    ("<blockquote>", "</blockquote>"),
    ("<h1>", "</h1>"),
    ("<h2 style=\"a\">", "</h2>\n"),
    ("<h1><div>", "</div></h1>"),
    ("<b>", "</b>"),
    ("<a href='https://b.example'>", "</a>"),
    ("<ul>\n<li>", "</li><li>z</li></ul>"),
    ("<ul><li>a</li>\n<li>", "</li>\n</ul>\n"),
    ("<ol><li>", "</li> <li></li><li><br></li><li>z</li></ol>"),
    ("<ul><li id=x>a<p>", "</p></li><li style='display:none'>h</li></ul>"),
    ("<table><tr><td>", "</td></tr></table>"),
    ("<table width=\"100%\">\n<tr>\n<td>a</td>\n<td colspan=2>", "</td></tr>\n<tr><td>b</td></tr>\n</table>\n"),
    ("<table><thead><tr><th>H</th></tr></thead><tbody><tr><td>", "</td><td></td></tr></tbody></table>"),
    ("<table><tr style='display:none'><td>", "</td></tr></table>"),
    ("<table> <tbody> </tbody> </table>", ""),
    ("<table><tr></tr></table>", ""),
    ("<ol> </ol>", ""),
    ("<ul></ul>", ""),
];

fn flow() -> impl Strategy<Value = String> {
    let paragraph = wrapped(inline(), &[("<p>", "</p>"), ("<p style=\"margin:0\">\n", "</p>\n"), ("", "\n")]);
    paragraph.prop_recursive(4, 24, 4, |inner| {
        let paragraph = wrapped(inline(), &[("<p>", "</p>"), ("<p class=x>", "</p> ")]);
        prop_oneof![3 => wrapped(inner, BLOCKS), 1 => paragraph, 1 => inline()]
    })
}

const PAGES: &[(&str, &str)] = &[
    ("", ""),
    (
        "<!DOCTYPE html>\n<html lang=\"ja\">\n<head>\n<meta charset=\"utf-8\">\n<title>t &amp; u</title>\n</head>\n<body style=\"margin:0\">\n",
        "</body>\n</html>\n",
    ),
    ("<style>a{}</style><title>x</title>\n", "</body>"),
    ("<html><body>", "</body></html>"),
    ("<html><head></head><body bgcolor=white>", "<!-- end --></body></html>"),
    (" <!-- c --><!doctype html><p>first</p>", "</html>"),
];

fn page() -> impl Strategy<Value = String> {
    wrapped(flow(), PAGES)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_lead_to_the_same_text(html in page()) {
        short(&html);
    }

    #[test]
    fn what_is_odd_is_read_as_it_is_or_not_at_all(pieces in proptest::collection::vec(prop_oneof![3 => flow(), 1 => one_of(ODD)], 1..5)) {
        short(&pieces.concat());
    }

    #[test]
    fn pieces_of_tags_are_read_as_they_are_or_not_at_all(html in page(), cuts in proptest::collection::vec(any::<(u16, u8)>(), 1..4)) {
        let mut characters: Vec<char> = html.chars().collect();
        for (at, what) in cuts {
            let at = usize::from(at) % (characters.len() + 1);
            match what % 4 {
                0 => characters.truncate(at),
                1 if at < characters.len() => drop(characters.remove(at)),
                _ => characters.insert(at, ['<', '>', '"', '/', '&', ' ', '\0', '\''][usize::from(what / 4) % 8]),
            }
        }
        short(&characters.iter().collect::<String>());
    }
}

#[test]
fn the_short_way_is_taken_nearly_always() {
    let mut runner = TestRunner::deterministic();
    let pages: Vec<String> = (0..600).map(|_| page().new_tree(&mut runner).expect("a page").current()).collect();
    let taken = pages.iter().filter(|html| short(html).is_some()).count();
    assert!(taken * 10 > pages.len() * 5, "{taken}");
}

#[test]
fn what_is_known_takes_the_short_way() {
    for (html, wanted) in [
        ("<p>a<br>b</p><p>c</p>", "a\nb\n\nc\n"),
        ("<h1>題</h1><ul><li>一<br>二</li><li><p>三</p></li></ul><ol><li>x</li></ol>", "■ 題\n・一\n   二\n・三\n1. x\n"),
        ("<p>a</p><table><tr><td>b</td><td>c</td></tr></table>d", "a\n\nb\nc\nd\n"),
        (
            "<a href='https://x.example?a=1&amp;b=2'>開く</a>、<a href=\"mailto:a@b.example\">mail</a>",
            "開く https://x.example?a=1&b=2 、mail a@b.example\n",
        ),
        ("<div style='display:none'>hidden</div><blockquote>q<br><br>r</blockquote>", "> q\n>\n> r\n"),
        ("<p>通常 <s>500円</s> 10<sup>2</sup><img src=a alt='椿'></p>", "通常 5\u{336}0\u{336}0\u{336}円\u{336} 10²椿\n"),
    ] {
        assert_eq!(short(html).as_deref(), Some(wanted), "{html}");
    }
}

#[test]
fn a_list_within_a_link_is_left_to_the_long_way() {
    for html in ["<a href='https://b.example'><ol> </ol></a>", "<a href=x><table><tr><td><ul><li>a</li></ul></td></tr></table></a>"] {
        assert_eq!(short(html), None, "{html}");
    }
}

#[test]
fn a_style_hides_whatever_is_said_beside_it() {
    for style in [
        "display:none",
        "color:red; DISPLAY : None !important",
        "/* a */display:none",
        "display:none/* b; */",
        "display:/* c */none",
        "yy:y; \tdisplay\n:none ;y",
    ] {
        assert!(hides(style), "{style}");
    }
    for style in [
        "",
        "display:block",
        "/* display:none */",
        "display:none;display:block",
        "/* display:none",
        "mso-display:none",
        "a:display:none",
        "display",
        "y",
        "display;none",
    ] {
        assert!(!hides(style), "{style}");
    }
}

#[test]
fn hidden_words_are_told() {
    let reading = read("<div style=\"display:none\">a &amp; b</div><p>c</p>").expect("the short way");
    assert_eq!((reading.hidden.trim(), reading.text.trim(), reading.is_mirror), ("a & b", "c", true));
    assert!(!read("<img src=a alt=b>").expect("the short way").is_mirror);
}

#[test]
fn deep_and_long_html_is_left_to_the_long_way() {
    assert!(read(&"<div>".repeat(100_000)).is_none());
    assert!(read(&format!("{}{}", "<div>".repeat(101), "</div>".repeat(101))).is_none());
    assert!(read(&"長".repeat(2_000)).is_none());
    assert!(read(&format!("<table><tr>{}</tr></table>", "<td></td>".repeat(2_000))).is_none());
    assert!(read(&format!("<ol>{}</ol>", "<li>a</li>".repeat(10))).is_none());
}

#[test]
fn a_stroke_behind_a_bare_value_belongs_to_it() {
    assert_eq!(short("<p><img src=a alt=b/>c</p>"), None, "a browser reads `b/`");
    assert_eq!(short("<p><img src=a alt=b />c</p>").as_deref(), Some("bc\n"));
}
