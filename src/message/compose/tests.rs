//! Every mail is parsed back by a parser that shares no code with us.

use super::*;
use mail_parser::{Address as Parsed, MessageParser};
use proptest::prelude::*;

fn head<'a>(name: &'a str, address: &'a str) -> Head<'a> {
    Head {
        mail_id: "0123456789abcdef0123456789abcdef",
        from: "つばき堂 <hello@tsubaki.example>",
        reply_to: Some("support@tsubaki.example"),
        to_name: name,
        to_address: address,
        date: 1_796_086_020_000_000,
        zone: Zone(chrono_tz::Asia::Tokyo),
        unsubscribe: "https://tsubaki.example/u/1.abc.def",
        one_click: true,
        list_id: Some("monthly.tsubaki.example"),
    }
}

fn content(subject: &str, text: &str) -> Content {
    Content { subject: subject.into(), preheader: None, html: format!("<p>{text}</p>"), text: text.into(), is_mirror: false }
}

/// No bare CR or LF, no NUL, no line of 998 bytes or more.
fn assert_wire(bytes: &[u8]) {
    assert!(bytes.ends_with(b"\r\n") && !bytes.contains(&0));
    let text = String::from_utf8(bytes.to_vec()).expect("a mail is ASCII");
    assert!(text.is_ascii());
    for line in text.strip_suffix("\r\n").unwrap_or_default().split("\r\n") {
        assert!(!line.contains(['\r', '\n']) && line.len() < 998, "{line:?}");
    }
}

const HEADERS: [&str; 11] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "MIME-Version",
    "Content-Type",
];

/// Composes, checks the wire, and compares what a parser finds with what went in.
fn round_trip(name: &str, address: &str, subject: &str, text: &str) {
    let head = head(name, address);
    let bytes = compose(&head, &content(subject, text)).expect("it composes");
    assert_wire(&bytes);
    let mail = MessageParser::default().parse(&bytes).expect("it parses");
    let names: Vec<String> = mail.headers().iter().map(|header| header.name().to_owned()).collect();
    assert_eq!(names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>(), HEADERS.map(str::to_lowercase));
    assert_eq!(mail.subject().unwrap_or_default(), encode::clean(subject));
    let Some(Parsed::List(to)) = mail.to() else { panic!("no list in To: {:?}", mail.to()) };
    let [to] = to.as_slice() else { panic!("{} in To", to.len()) };
    assert_eq!(to.name().unwrap_or_default(), encode::clean(name), "{:?}", String::from_utf8_lossy(&bytes));
    assert_eq!(to.address().unwrap_or_default(), address);
    assert_eq!(mail.body_text(0).expect("text").replace("\r\n", "\n").trim_end(), encode::lines(text).trim_end());
    assert!(mail.body_html(0).is_some());
    assert_eq!(mail.parts.len(), 3);
}

/// Pieces that break weak composers.
const PIECES: [&str; 18] = [
    "\r\n",
    "\r",
    "\n",
    "\0",
    "=?utf-8?B?QmNjOiB4?=",
    "=?utf-8?Q?=0D=0ABcc:_x?=",
    "Bcc: x@evil.example",
    "\"",
    "\\",
    "<x@y>, ",
    "👘👩‍👩‍👧",
    "山田　花子",
    "\u{2028}\u{85}",
    "  ",
    "plain words ",
    "(comment)",
    "とても長い文がつづくと、一行には収まらないので、どこかで折り返す必要があります。それでも文字の途中で切れてはいけません。",
    "a_very_long_word_without_any_blank_in_it_that_no_line_of_a_header_can_hold_as_it_is_written_here_________________________",
];

/// Some of those pieces with single characters of any kind between them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn any_address() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9._+-]{1,30}@[a-z0-9-]{1,20}\\.example",
        "[a-z]{1,8}\\.\\.[a-z]{1,8}@docomo\\.ne\\.jp",
        "\\.?[a-z]{1,8}\\.@ezweb\\.ne\\.jp",
        "\"[a-z.]{1,8}\"@docomo\\.ne\\.jp",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_name_subject_or_text_breaks_a_mail(name in hostile(), address in any_address(), subject in hostile(), text in hostile()) {
        round_trip(&name, &address, &subject, &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_address_gets_through_that_could_break_a_header(address in hostile()) {
        let composed = compose(&head("a", &address), &content("s", "t"));
        if let Ok(bytes) = composed {
            assert_wire(&bytes);
            prop_assert!(address.is_ascii() && !address.contains([' ', '<', '>', ',', '\r', '\n', '\0']));
        }
    }
}

#[test]
fn the_headers_are_what_mail_programs_expect() {
    let bytes = compose(&head("山田 花子", "a..b@docomo.ne.jp"), &content("お誕生日おめでとうございます", "こんにちは\n")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    insta::assert_snapshot!(head.replace("\r\n", "\n"));
}

#[test]
fn one_click_is_promised_only_with_a_token() {
    let plain = Head { one_click: false, list_id: None, reply_to: None, ..head("", "a@b.example") };
    let text = String::from_utf8(compose(&plain, &content("s", "t")).unwrap()).unwrap();
    assert!(!text.contains("List-Unsubscribe-Post") && !text.contains("List-Id") && !text.contains("Reply-To"));
    assert!(text.contains("To: <a@b.example>\r\n"));
}

#[test]
fn what_could_break_a_header_is_refused() {
    let content = content("s", "t");
    assert!(matches!(compose(&head("", "a b@c.example"), &content), Err(ComposeError::Address { .. })));
    assert!(matches!(compose(&head("", "a@c.example\r\nBcc: x@y"), &content), Err(ComposeError::Address { .. })));
    let bad = |change: fn(&mut Head)| {
        let mut head = head("", "a@b.example");
        change(&mut head);
        compose(&head, &content)
    };
    assert!(matches!(bad(|head| head.unsubscribe = "https://x/\r\nBcc: y"), Err(ComposeError::Word { .. })));
    assert!(matches!(bad(|head| head.mail_id = "a b"), Err(ComposeError::Word { .. })));
    assert!(matches!(bad(|head| head.list_id = Some("a>")), Err(ComposeError::Word { .. })));
    assert!(matches!(bad(|head| head.from = "nobody"), Err(ComposeError::Address { .. })));
    assert!(matches!(bad(|head| head.date = i64::MAX), Err(ComposeError::Date(_))));
}

#[test]
fn the_same_mail_has_the_same_bytes() {
    let make = || compose(&head("山田", "a@b.example"), &content("件名", "本文\n")).unwrap();
    assert_eq!(make(), make());
}
