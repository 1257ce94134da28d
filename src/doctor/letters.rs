//! Finished mails as a receiver sees them.

use super::html;
use crate::domain::health::{Check, Health, Topic};
use crate::domain::job::Language;
use mail_parser::{Address, Message, MessageParser, PartType};
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr;

/// Gmail shows so many bytes of the HTML and hides the rest, the opt-out link first of all, behind a link.
const CLIP: usize = 102 * 1024;
/// Half-width letters: twenty full-width ones, which is what telephones show of a subject.
const SUBJECT: usize = 40;
/// Fewer letters beside pictures, the shop's own displays left aside, are hardly any text.
const WORDS: usize = 60;
/// So many findings are told of one check.
const TOLD: usize = 5;
/// Left parts of addresses at which nobody reads.
const NOREPLY: [&str; 5] = ["noreply", "donotreply", "dontreply", "noresponse", "norespond"];

/// A finished mail and what it stands for.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Campaign, variant and rank.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What of a mail is not its own words: the displays that the law wants.
#[derive(Debug, Clone, Default)]
pub struct Shop {
    pub displays: Vec<String>,
}

/// What was seen of one mail.
struct Looked<'a> {
    name: &'a str,
    size: usize,
    subject: String,
    from: Vec<String>,
    /// `None` where there is no such header.
    reply_to: Option<Vec<String>>,
    /// Headers whose text holds a line break or another control character.
    torn: Vec<String>,
    has_text: bool,
    html_size: usize,
    html: html::Seen,
}

/// Looks at mails; `most` is what the server takes, in bytes.
#[must_use]
pub fn letters(samples: &[Sample], shop: &Shop, most: Option<u64>, language: Language) -> Vec<Check> {
    let mut mails = Vec::new();
    let mut unread = Vec::new();
    for sample in samples {
        match look(sample) {
            Some(looked) => mails.push(looked),
            None => unread.push(sample.name.clone()),
        }
    }
    if !unread.is_empty() {
        let seen = language.pick("メールとして読めません", "not readable as a mail");
        return vec![Check::bad(Topic::Headers, format!("{seen}: {}", unread.join(", ")), "")];
    }
    let looking = Looking { mails: &mails, language };
    [looking.head(), looking.measures(most), looking.body(shop), looking.reading()].concat()
}

/// The mails that are looked at together.
struct Looking<'a> {
    mails: &'a [Looked<'a>],
    language: Language,
}

impl Looking<'_> {
    /// One check: what is found of each mail, or that all is well.
    fn of(
        &self,
        topic: Topic,
        health: Health,
        found: &dyn Fn(&Looked) -> Option<String>,
        good: impl Into<String>,
        advice: (&str, &str),
    ) -> Check {
        let told: BTreeSet<String> = self.mails.iter().filter_map(|mail| Some(format!("{}: {}", mail.name, found(mail)?))).collect();
        if told.is_empty() {
            return Check::good(topic, good);
        }
        Check { topic, health, seen: some(&told, self.language), advice: self.language.pick(advice.0, advice.1).to_owned() }
    }

    /// Who writes, and about what.
    fn head(&self) -> Vec<Check> {
        let language = self.language;
        vec![
            self.of(
                Topic::Headers,
                Health::Bad,
                &|mail| headers(mail, language),
                language
                    .pick("件名・差出人・返信先は一行で読めます", "subject, sender and reply address are one line each, and readable")
                    .to_owned(),
                ("件名のテンプレートと from / reply_to を直してください", "mend the subject's template, or `from` and `reply_to`"),
            ),
        ]
    }

    fn measures(&self, most: Option<u64>) -> Vec<Check> {
        let language = self.language;
        let biggest_html = self.mails.iter().map(|mail| mail.html_size).max().unwrap_or_default();
        vec![
            size(self.mails, most, self.language),
            self.of(
                Topic::Clip,
                Health::Bad,
                &|mail| (mail.html_size > CLIP).then(|| kib(mail.html_size)),
                language.pick(
                    format!("HTML は最大 {}（Gmail は 102 KB まで表示）", kib(biggest_html)),
                    format!("HTML of at most {}; Gmail shows 102 KB", kib(biggest_html)),
                ),
                (
                    "102 KB を超えた部分は Gmail で隠れ、配信停止リンクも見えません。HTML を短くしてください",
                    "Gmail hides what is beyond 102 KB, the opt-out link with it: make the HTML shorter",
                ),
            ),
        ]
    }

    /// Words and pictures.
    fn body(&self, shop: &Shop) -> Vec<Check> {
        let language = self.language;
        vec![
            self.of(
                Topic::Text,
                Health::Bad,
                &|mail| (!mail.has_text).then(|| language.pick("テキスト部が空です", "its text part is empty").to_owned()),
                language.pick("どのメールにもテキスト部があります", "every mail has one").to_owned(),
                ("body.txt を書いてください", "write a `body.txt`"),
            ),
            self.of(
                Topic::Images,
                Health::Hint,
                &|mail| {
                    (mail.html.without_alt > 0).then(|| {
                        language.pick(
                            format!("画像 {} 枚のうち {} 枚に alt なし", mail.html.images, mail.html.without_alt),
                            format!("{} of {} images have no `alt`", mail.html.without_alt, mail.html.images),
                        )
                    })
                },
                language.pick("alt のない画像はありません", "no image is without").to_owned(),
                (
                    "画像を表示しない人にも伝わるよう alt を書いてください（飾りなら alt=\"\"）",
                    "write an `alt` for those who see no images (`alt=\"\"` for what only decorates)",
                ),
            ),
            self.of(
                Topic::ImageOnly,
                Health::Bad,
                &|mail| {
                    image_only(mail, shop).map(|letters| {
                        language.pick(
                            format!("画像 {} 枚に文字 {letters} 字", mail.html.images),
                            format!("{} images and {letters} letters", mail.html.images),
                        )
                    })
                },
                language.pick("文字のないメールはありません", "no mail says all in images").to_owned(),
                (
                    "画像だけのメールは迷惑メールと判定されやすく、画像を表示しない人には何も届きません。本文を文字で書いてください",
                    "filters take such mails for spam, and who sees no images reads nothing: write the message as text",
                ),
            ),
        ]
    }

    /// What people see first, and where it leads them.
    fn reading(&self) -> Vec<Check> {
        let language = self.language;
        let widest = self.mails.iter().map(|mail| mail.subject.width()).max().unwrap_or_default();
        vec![
            self.of(
                Topic::Subject,
                Health::Hint,
                &|mail| {
                    Some(mail.subject.width())
                        .filter(|width| *width > SUBJECT)
                        .map(|width| language.pick(format!("全角 {} 字", half(width)), format!("{} full-width letters", half(width))))
                },
                language.pick(format!("全角 {} 字以内", half(widest)), format!("at most {} full-width letters", half(widest))),
                (
                    "携帯電話では全角 20 字ほどしか見えません。大事な言葉を前に置き、短くしてください",
                    "telephones show about 20: put what matters first, and shorten it",
                ),
            ),
            self.of(
                Topic::NoReply,
                Health::Hint,
                &noreply,
                language.pick("返信できる差出人です", "senders can be answered").to_owned(),
                ("返信の読めるアドレスにするか reply_to を書いてください", "take an address that somebody reads, or write `reply_to`"),
            ),
            self.of(
                Topic::Links,
                Health::Hint,
                &|mail| {
                    let plain: BTreeSet<&str> = mail.html.links.iter().filter_map(|link| insecure(link)).collect();
                    (!plain.is_empty()).then(|| plain.into_iter().take(2).collect::<Vec<_>>().join(", "))
                },
                language.pick("http:// のリンクはありません", "none begins with http://").to_owned(),
                ("https:// にしてください", "write https://"),
            ),
        ]
    }
}

fn look(sample: &Sample) -> Option<Looked<'_>> {
    let mail = MessageParser::default().parse(&sample.bytes)?;
    let torn = |text: &str| text.chars().any(char::is_control);
    let mut headers = Vec::new();
    if torn(mail.subject().unwrap_or_default()) {
        headers.push("Subject".to_owned());
    }
    for (name, address) in [("From", mail.from()), ("Reply-To", mail.reply_to())] {
        let mut people = address.into_iter().flat_map(Address::iter);
        if people.any(|one| torn(one.name().unwrap_or_default()) || torn(one.address().unwrap_or_default())) {
            headers.push(name.to_owned());
        }
    }
    // RFC 8058 §4 and mail programs want the opt-out link unfolded.
    if mail.header_raw("List-Unsubscribe").is_some_and(|raw| raw.trim().contains('\n')) {
        headers.push("List-Unsubscribe".to_owned());
    }
    let html = mail.html_part(0).and_then(|part| part.text_contents()).unwrap_or_default();
    Some(Looked {
        name: &sample.name,
        size: sample.bytes.len(),
        subject: mail.subject().unwrap_or_default().to_owned(),
        from: addresses(mail.from()),
        reply_to: mail.reply_to().map(|found| addresses(Some(found))),
        torn: headers,
        has_text: has_text(&mail),
        html_size: html.len(),
        html: html::look(html),
    })
}

fn addresses(found: Option<&Address>) -> Vec<String> {
    let people = found.into_iter().flat_map(Address::iter);
    people.map(|one| one.address().unwrap_or_default().to_owned()).filter(|address| address.contains('@')).collect()
}

fn has_text(mail: &Message) -> bool {
    mail.text_bodies().any(|part| matches!(&part.body, PartType::Text(text) if !text.trim().is_empty()))
}

fn headers(mail: &Looked, language: Language) -> Option<String> {
    let mut found = Vec::new();
    if !mail.torn.is_empty() {
        let broken = language.pick("改行や制御文字を含む", "broken over lines or with control characters");
        found.push(format!("{} ({broken})", mail.torn.join(", ")));
    }
    if mail.subject.trim().is_empty() {
        found.push(language.pick("件名が空", "no subject").to_owned());
    }
    if mail.from.len() != 1 {
        found.push(language.pick("差出人が読めない", "From is no address").to_owned());
    }
    if mail.reply_to.as_ref().is_some_and(Vec::is_empty) {
        found.push(language.pick("返信先が読めない", "Reply-To is no address").to_owned());
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// Mails against what the server takes.
fn size(mails: &[Looked], most: Option<u64>, language: Language) -> Check {
    let biggest = mails.iter().map(|mail| mail.size).max().unwrap_or_default();
    let Some(most) = most.filter(|most| *most > 0) else {
        return Check::good(Topic::Size, language.pick(format!("最大 {}", kib(biggest)), format!("at most {}", kib(biggest))));
    };
    let taken = usize::try_from(most).unwrap_or(usize::MAX);
    let over: BTreeSet<String> =
        mails.iter().filter(|mail| mail.size > taken).map(|mail| format!("{}: {}", mail.name, kib(mail.size))).collect();
    if over.is_empty() {
        let (biggest, taken) = (kib(biggest), kib(taken));
        return Check::good(
            Topic::Size,
            language.pick(format!("最大 {biggest}（サーバーの上限 {taken}）"), format!("at most {biggest}; the server takes {taken}")),
        );
    }
    let advice = language.pick(
        format!("サーバーは {} までしか受け取りません。メールを小さくするか上限を上げてください", kib(taken)),
        format!("the server takes {}: make the mails smaller, or raise its limit", kib(taken)),
    );
    Check::bad(Topic::Size, some(&over, language), advice)
}

/// The letters of a mail that says nearly all in pictures.
fn image_only(mail: &Looked, shop: &Shop) -> Option<usize> {
    if mail.html.images == 0 {
        return None;
    }
    let bare = |text: &str| -> String { text.chars().filter(|letter| !letter.is_whitespace()).collect() };
    let mut words = bare(&mail.html.words);
    for display in shop.displays.iter().chain(&mail.html.links).map(|display| bare(display)).filter(|display| !display.is_empty()) {
        words = words.replace(&display, "");
    }
    Some(words.chars().count()).filter(|letters| *letters < WORDS)
}

/// A sender at which nobody reads, where answers go there.
fn noreply(mail: &Looked) -> Option<String> {
    let answers = mail.reply_to.as_ref().unwrap_or(&mail.from);
    let nobody = |address: &&String| {
        let local = address.split('@').next().unwrap_or_default().to_lowercase();
        let plain: String = local.chars().filter(|letter| letter.is_alphanumeric()).collect();
        NOREPLY.iter().any(|word| plain.starts_with(word))
    };
    answers.iter().find(nobody).cloned()
}

/// A link that anybody on the way can read and change, up to its path.
fn insecure(link: &str) -> Option<&str> {
    let rest = link.get(..7).filter(|start| start.eq_ignore_ascii_case("http://")).and(link.get(7..))?;
    let end = 7 + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    link.get(..end)
}

/// The first of what was found, and how many more there are.
fn some(found: &BTreeSet<String>, language: Language) -> String {
    let mut told = found.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    if let Some(more) = found.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told += &language.pick(format!("；ほか {more} 件"), format!("; and {more} more"));
    }
    told
}

fn kib(bytes: usize) -> String {
    format!("{} KB", bytes.div_ceil(1024))
}

/// Half-width letters as full-width ones.
fn half(width: usize) -> String {
    if width.is_multiple_of(2) { (width / 2).to_string() } else { format!("{}.5", width / 2) }
}
