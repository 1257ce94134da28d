//! From the bytes of a mail to what it reports, if it reports anything.

use super::judge::{Evidence, status};
use mail_parser::{Address, ContentType, HeaderValue, Message, MessageParser, MimeHeaders, PartType};

/// What is looked at of a text, in bytes. Reports say what happened before they quote what they report of.
const LONGEST_TEXT: usize = 32 << 10;
/// More parts than any report has.
const MOST_PARTS: usize = 64;
/// Texts that could be a token. One mail is reported of one mail.
const MOST_TOKENS: usize = 8;
/// Subjects under which mail systems write, in lower case.
const SUBJECTS: [&str; 16] = [
    "undeliver",
    "returned mail",
    "returning message",
    "delivery status",
    "delivery failure",
    "failure notice",
    "delivery failed",
    "mail delivery",
    "mail system error",
    "could not be delivered",
    "配信不能",
    "配信できません",
    "配送できません",
    "送信できません",
    "送信エラー",
    "不達",
];

/// Words of a warning that a mail waits and is tried on, in lower case: of its subject or of its text.
const DELAYS: [&str; 10] = [
    "could not send message for past",
    "delayed mail",
    "delivery delayed",
    "(delay)",
    "still being retried",
    "has not yet been delivered",
    "this is a warning message only",
    "do not need to resend your message",
    "配信遅延",
    "配送遅延",
];

/// A mail that reports of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A mail was refused. Texts that could be the token of its return path come with it.
    Refused { tokens: Vec<String>, evidence: Evidence },
    /// A recipient called a mail spam.
    Complaint { tokens: Vec<String> },
    /// It tells of nothing that went wrong for good: a delay, an absence, a delivery.
    Notice,
}

/// What a mail reports. `token_length` is that of the tokens that return paths carry: hex digits between other letters.
#[must_use]
pub fn read(bytes: &[u8], token_length: usize) -> Report {
    let Some(mail) = MessageParser::default().parse(bytes) else { return Report::Notice };
    let texts = texts(&mail);
    let tokens = || {
        let mut tokens = Vec::new();
        find_tokens(&String::from_utf8_lossy(bytes), token_length, &mut tokens);
        for (_, text) in &texts {
            find_tokens(text, token_length, &mut tokens);
        }
        tokens
    };
    let part = |kind: &str| texts.iter().find(|(found, _)| found == kind).map(|(_, text)| text.as_str());
    if let Some(feedback) = part("message/feedback-report") {
        let kind = field(feedback, "Feedback-Type").unwrap_or_default().to_lowercase();
        return if ["abuse", "fraud", "virus", "other"].contains(&kind.as_str()) {
            Report::Complaint { tokens: tokens() }
        } else {
            Report::Notice
        };
    }
    let delivery = part("message/delivery-status").or_else(|| part("message/global-delivery-status"));
    if let Some(delivery) = delivery {
        return match failed(delivery) {
            Some(evidence) => Report::Refused { tokens: tokens(), evidence },
            None => Report::Notice,
        };
    }
    if !is_from_a_mail_system(&mail) {
        return Report::Notice;
    }
    let words: Vec<&str> = texts.iter().filter(|(kind, _)| kind.starts_with("text/")).map(|(_, text)| before_quote(text)).collect();
    let words = words.join("\n");
    if is_delay(&mail.subject().unwrap_or_default().to_lowercase(), &words.to_lowercase()) {
        return Report::Notice;
    }
    Report::Refused { tokens: tokens(), evidence: Evidence::of_words(None, &words) }
}

/// The texts of a mail's parts, each with its type; HTML is text enough.
fn texts(mail: &Message<'_>) -> Vec<(String, String)> {
    let parts = mail.parts.iter().take(MOST_PARTS);
    parts
        .filter_map(|part| {
            let kind = part.content_type().map_or_else(
                || "text/plain".to_owned(),
                |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_lowercase(),
            );
            match &part.body {
                PartType::Text(text) | PartType::Html(text) => Some((kind, cut(text).to_owned())),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
                    Some((kind, String::from_utf8_lossy(bytes).into_owned()))
                }
                PartType::Message(_) | PartType::Multipart(_) => None,
            }
        })
        .collect()
}

/// The first part of a text.
fn cut(text: &str) -> &str {
    let end = (0..=LONGEST_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.split_at(end).0
}

/// What went wrong for good with the first recipient of a delivery report of whom that is said.
fn failed(delivery: &str) -> Option<Evidence> {
    let delivery = delivery.replace("\r\n", "\n");
    let block = delivery.split("\n\n").find(|block| field(block, "Action").is_some_and(|action| action.eq_ignore_ascii_case("failed")))?;
    let words = field(block, "Diagnostic-Code").unwrap_or_default();
    let evidence = Evidence::of_words(None, &words);
    let told = field(block, "Status").as_deref().and_then(|text| status(text.split([' ', '(']).next().unwrap_or_default()));
    // `5.0.0` says no more than that it failed; the server's own words may say more.
    let vague = |status: &[u16; 3]| status[1] == 0;
    let status = told.filter(|status| !vague(status)).or(evidence.status).or(told);
    Some(Evidence { status, ..evidence })
}

/// A field of a block of headers, its folded lines joined.
fn field(block: &str, name: &str) -> Option<String> {
    let mut lines = block.lines();
    let first = lines.by_ref().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })?;
    Some(lines.take_while(|line| line.starts_with([' ', '\t'])).fold(first, |whole, line| whole + " " + line.trim()))
}

/// Whether a mail without the parts of a report was written by a mail system about another mail.
fn is_from_a_mail_system(mail: &Message<'_>) -> bool {
    if let Some(HeaderValue::Text(kind)) = mail.header("Auto-Submitted")
        && kind.trim().to_lowercase().starts_with("auto-replied")
    {
        return false;
    }
    let from = mail.from().and_then(Address::first).and_then(|from| from.address.as_deref()).unwrap_or_default().to_lowercase();
    let system = ["mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"].contains(&from.split('@').next().unwrap_or_default());
    let is_report = || {
        let is = |kind: &ContentType<'_>| {
            kind.ctype().eq_ignore_ascii_case("multipart") && kind.subtype().is_some_and(|sub| sub.eq_ignore_ascii_case("report"))
        };
        mail.content_type().is_some_and(is)
    };
    let subject = mail.subject().unwrap_or_default().to_lowercase();
    system || (SUBJECTS.iter().any(|words| subject.contains(words)) && (!is_answer(&subject) || is_report()))
}

/// Whether a mail system only warns that a mail takes its time; subject and text in lower case.
fn is_delay(subject: &str, text: &str) -> bool {
    let warns = subject.starts_with("warning: message ") && subject.contains(" delayed ");
    warns || DELAYS.iter().any(|words| subject.contains(words) || text.contains(words))
}

/// Whether a person answers or passes on: `re: …`, `re[2]: …`, `返信：…`, in lower case.
fn is_answer(subject: &str) -> bool {
    let Some((mark, _)) = subject.split_once([':', '：']) else { return false };
    let mark = mark.split(['[', '(']).next().unwrap_or_default().trim();
    ["re", "fw", "fwd", "aw", "wg", "sv", "回复", "返信", "転送"].contains(&mark)
}

/// A text up to where the mail that it reports of is quoted.
fn before_quote(text: &str) -> &str {
    let marks = [
        "----- Original message",
        "---- Original message",
        "------ This is a copy",
        "--- Below this line is a copy",
        "\nReturn-Path:",
        "\nReceived:",
    ];
    let end = marks.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text.split_at(end).0
}

/// Runs of so many hex digits, which no digit or letter touches.
fn find_tokens(text: &str, length: usize, found: &mut Vec<String>) {
    for run in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if found.len() >= MOST_TOKENS {
            return;
        }
        if run.len() == length && run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let run = run.to_ascii_lowercase();
            if !found.contains(&run) {
                found.push(run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use crate::domain::BounceKind::{self, Blocked, Hard, Soft};
    use proptest::prelude::*;

    const TOKEN: &str = "ab12ee5200841f8ec121b8cf78aa567501234567";

    fn dsn(fields: &str) -> String {
        format!(
            "From: MAILER-DAEMON@relay.example\r\nTo: bounce+{TOKEN}@shop.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; taro@b.example\r\n{fields}\r\n--b--\r\n"
        )
    }

    fn kind(mail: &[u8]) -> Option<BounceKind> {
        match read(mail, TOKEN.len()) {
            Report::Refused { tokens, evidence } => {
                assert_eq!(tokens, [TOKEN]);
                Some(judge(&evidence, "taro@b.example"))
            }
            Report::Complaint { tokens } => {
                assert_eq!(tokens, [TOKEN]);
                Some(BounceKind::Complaint)
            }
            Report::Notice => None,
        }
    }

    #[test]
    fn delivery_reports_are_read() {
        for (fields, wanted) in [
            ("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n", Some(Hard)),
            ("Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 no such\r\n user here\r\n", Some(Hard)),
            ("Action: FAILED\r\nStatus: 5.0.0 (permanent)\r\nDiagnostic-Code: x-postfix; 550 5.2.2\r\n", Some(Soft)),
            ("Action: failed\r\nStatus: 4.4.7\r\n", Some(Soft)),
            ("Status: 5.7.1\r\nAction: failed\r\n", Some(Blocked)),
            ("Action: delayed\r\nStatus: 4.4.1\r\n", None),
            ("Action: delivered\r\nStatus: 2.0.0\r\n", None),
            ("", None),
        ] {
            assert_eq!(kind(dsn(fields).as_bytes()), wanted, "{fields}");
        }
    }

    #[test]
    fn complaints_are_read_and_other_feedback_is_none() {
        let arf = |kind: &str| {
            format!(
                "From: fbl@b.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
                 Feedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Mail-From: <Bounce+{}@shop.example>\r\n\r\n--b\r\n\
                 Content-Type: message/rfc822\r\n\r\nFrom: hello@shop.example\r\nSubject: a\r\n\r\nb\r\n--b--\r\n",
                TOKEN.to_uppercase()
            )
        };
        assert_eq!(kind(arf("abuse").as_bytes()), Some(BounceKind::Complaint));
        for none in ["not-spam", "auth-failure"] {
            assert_eq!(read(arf(none).as_bytes(), TOKEN.len()), Report::Notice, "{none}");
        }
    }

    /// As Japanese carriers and mail systems write, in the encoding that they use.
    fn letter(subject: &str, from: &str, body: &str) -> Vec<u8> {
        let (body, _, _) = encoding_rs::ISO_2022_JP.encode(body);
        let (subject, _, _) = encoding_rs::ISO_2022_JP.encode(subject);
        let subject = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, subject);
        let head = format!(
            "From: {from}\r\nTo: <bounce+{TOKEN}@shop.example>\r\nSubject: =?ISO-2022-JP?B?{subject}?=\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        );
        [head.as_bytes(), &body].concat()
    }

    #[test]
    fn the_words_of_japanese_carriers_are_read() {
        for (subject, from, body, wanted) in [
            (
                "配信不能通知",
                "postmaster@docomo.ne.jp",
                "次のあて先へのメッセージはエラーのため送信できませんでした。\r\n送信先メールアドレスが見つかりません。\r\n",
                Hard,
            ),
            (
                "Mail System Error - Returned Mail",
                "Postmaster@ezweb.ne.jp",
                "Each of the following recipients was rejected by a remote mail server.\r\n  Recipient: <taro@ezweb.ne.jp>\r\n  Reason: 5.1.1 <taro@ezweb.ne.jp>... User Unknown\r\n",
                Hard,
            ),
            (
                "Undelivered",
                "mailer-daemon@softbank.ne.jp",
                "<taro@softbank.ne.jp>: 550 Invalid recipient: <taro@softbank.ne.jp>\r\n",
                Hard,
            ),
            ("送信エラーのお知らせ", "info@carrier.example", "メールボックスの容量がいっぱいのため、お届けできませんでした。\r\n", Soft),
            (
                "メールをお届けできません（不達）",
                "info@carrier.example",
                "お客様の設定により受信を拒否されました。迷惑メールフィルターをご確認ください。\r\n",
                Blocked,
            ),
            (
                "Returned mail: see transcript",
                "MAILER-DAEMON@relay.example",
                "The following addresses had permanent fatal errors\r\n\r\nReceived: 550 user unknown\r\n",
                Soft,
            ),
        ] {
            assert_eq!(kind(&letter(subject, from, body)), Some(wanted), "{subject} {body}");
        }
        for (subject, from) in [("不在のお知らせ", "taro@b.example"), ("Re: 冬のお便り", "taro@b.example")] {
            assert_eq!(kind(&letter(subject, from, "宛先不明 user unknown")), None, "{subject}");
        }
        for subject in ["Re: Undelivered gift", "RE:Undelivered gift", "Fwd: failure notice", "返信: 不達のお知らせ", "Re[2]：配信不能"]
        {
            assert_eq!(kind(&letter(subject, "taro@b.example", "user unknown")), None, "{subject}");
            assert_eq!(kind(&letter(subject, "MAILER-DAEMON@b.example", "user unknown")), Some(Hard), "{subject}");
        }
        let report = dsn("Action: failed\r\nStatus: 5.1.1\r\n");
        assert_eq!(kind(report.replace("Subject: ", "Subject: Re: ").replace("MAILER-DAEMON", "taro").as_bytes()), Some(Hard));
        let vacation =
            [b"Auto-Submitted: auto-replied\r\n".to_vec(), letter("undeliverable", "postmaster@b.example", "user unknown")].concat();
        assert_eq!(kind(&vacation), None);
    }

    #[test]
    fn warnings_of_a_delay_are_no_bounces() {
        let daemon = "Mail Delivery Subsystem <MAILER-DAEMON@relay.example>";
        let transcript =
            "   ----- Transcript of session follows -----\r\n<taro@b.example>... Deferred: Connection timed out with b.example.\r\n";
        let exim = "A message that you sent has not yet been delivered to one or more of its\r\nrecipients after more than 24 hours on the queue on relay.example.\r\n";
        for (subject, body) in [
            ("Warning: could not send message for past 4 hours", transcript),
            ("Warning: message 1kXyZa-0001Ab-CD delayed 24 hours", exim),
            ("Mail delivery system", exim),
            ("Returned mail: see transcript", "    **      THIS IS A WARNING MESSAGE ONLY      **\r\n"),
            ("Delayed Mail (still being retried)", "user unknown soon"),
        ] {
            assert_eq!(kind(&letter(subject, daemon, body)), None, "{subject}");
        }
        assert_eq!(kind(&letter("Returned mail: warning: user unknown", daemon, transcript)), Some(Soft));
        let given_up = "A message that you sent could not be delivered.\r\n  taro@b.example\r\n    550 user unknown\r\n";
        assert_eq!(kind(&letter("Mail delivery failed: returning message to sender", daemon, given_up)), Some(Hard));
        let quoted = format!("{given_up}------ This is a copy of the message ------\r\nhas not yet been delivered\r\n");
        assert_eq!(kind(&letter("Mail delivery failed: returning message to sender", daemon, &quoted)), Some(Hard));
    }

    #[test]
    fn a_token_is_a_whole_word_and_many_are_too_many() {
        let found = |text: &str| {
            let mut found = Vec::new();
            find_tokens(text, 4, &mut found);
            found
        };
        assert_eq!(found("bounce+12AB@x =12ab 12abc x12ab 12ag"), ["12ab"]);
        assert_eq!(found(&(1_000..1_100).map(|number| number.to_string()).collect::<Vec<_>>().join(" ")).len(), MOST_TOKENS);
    }

    #[test]
    fn hostile_mails_end_soon() {
        let nested = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(2_000);
        assert_eq!(read(nested.as_bytes(), TOKEN.len()), Report::Notice);
        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(2_000);
        assert_eq!(read(messages.as_bytes(), TOKEN.len()), Report::Notice);
        let long = dsn(&format!("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; {}\r\n", "あ".repeat(200_000)));
        assert!(matches!(read(long.as_bytes(), TOKEN.len()), Report::Refused { .. }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), head in "(From: postmaster@a\r\n|Content-Type: multipart/report; boundary=b\r\n)?") {
            let _ = read(&[head.as_bytes(), b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n", &bytes].concat(), TOKEN.len());
            let _ = read(&bytes, TOKEN.len());
        }
    }
}
