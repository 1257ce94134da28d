//! The words of the report in its two languages.

use crate::domain::job::Language;
use crate::domain::money::{grouped, many};
use crate::domain::{Currency, Exposure, Zone};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use std::collections::BTreeMap;

/// Name, Japanese, English. `{}` is filled in.
const WORDS: &[(&str, &str, &str)] = &[
    ("title", "{} の配信計画", "Plan for {}"),
    ("customers", "顧客", "Customers"),
    ("customers_note", "購入または登録のある方", "who bought or are on the list"),
    ("mails", "送るメール", "Mails"),
    ("mails_note", "条件に合った {} 件のうち {}", "{}, of which {}"),
    ("skipped", "見送り", "Skipped"),
    ("skipped_note", "理由は下に", "reasons below"),
    ("cost", "特典の費用", "Cost of offers"),
    ("cost_note", "全員が使った場合", "if everybody uses them"),
    ("expected", "うち見込み", "Expected"),
    ("last_time", "前回は {}", "{} last time"),
    ("since_last", "前回より {}", "{} since last time"),
    ("brakes", "このままでは止まります", "This run would stop"),
    (
        "brakes_note",
        "内容に納得したら、--accept に続けて右の名前を付けて実行してください。",
        "If this is as it should be, run with --accept and the name shown.",
    ),
    ("all_clear", "止める理由も注意もありません。", "Nothing stands in the way, and there are no warnings."),
    ("warnings", "ご確認ください", "Please look at"),
    ("ladder", "ランクごとの人数", "The ladder"),
    ("ladder_note", "上の段ほど上のランクです。", "The highest rank is on top."),
    ("no_rank", "ランクなし", "no rank"),
    ("moves", "ランクの動き", "Who moved"),
    ("moves_note", "前回 {} から。左が前回、右が今回です。", "Since {}. Left: then, right: now."),
    (
        "moves_list",
        "顧客リストにあったランクから。左が元のランク、右が今回です。",
        "From the ranks in the customer list (left) to those of now (right).",
    ),
    (
        "first_run",
        "はじめての計画なので、比べる前回がありません。次の回から、誰がどのランクへ動いたかをここに描きます。",
        "This is the first run, so there is nothing to compare with. From the next one on, this shows who moved where.",
    ),
    ("before", "前回", "then"),
    ("now", "今回", "now"),
    ("from_to", "前 ＼ 今回", "then \\ now"),
    ("up", "昇格", "up"),
    ("down", "降格", "down"),
    ("new", "新規", "new"),
    ("kept", "維持", "kept"),
    ("people", "{} 人", "{}"),
    ("heat", "ランクとキャンペーンごとのメール", "Mails by rank and campaign"),
    ("heat_note", "色が濃いほど多く送ります。", "The stronger the colour, the more mails."),
    ("campaign", "キャンペーン", "Campaign"),
    ("total", "計", "Total"),
    ("skips", "見送りの理由", "Why mails are skipped"),
    (
        "skips_note",
        "条件に合ったのに送らない {} 件。最初に当てはまった理由で数えています。",
        "{} that get no mail, each counted under its first reason.",
    ),
    ("skips_none", "見送りはありません。", "Nobody is skipped."),
    ("samples", "メールの見本", "Sample mails"),
    (
        "samples_note",
        "実際に組み立てたメールです。Web 上の画像はここでは読み込みません。",
        "Real mails of this plan. Pictures from the web are not loaded here.",
    ),
    ("full_size", "原寸で見る", "Full size"),
    ("sample_frame", "{} の見本", "Sample of {}"),
    ("read", "読み込んだデータ", "What was read"),
    ("lines", "数えた明細", "Lines counted"),
    ("newest", "いちばん新しい購入", "Newest purchase"),
    ("guests", "会員外の明細", "Guest lines"),
    ("lines_excluded", "除外した明細", "Lines excluded"),
    ("bad_rows", "読めない行", "Bad rows"),
    ("customers_excluded", "除外した顧客", "Customers excluded"),
    ("holdout", "対照群の顧客", "Customers held out"),
    ("nameless", "名前のないメール", "Mails without a name"),
    ("about", "この計画について", "About this plan"),
    ("job", "ジョブ", "Job"),
    ("as_of", "基準日", "As of"),
    ("closing", "ランクの締め日", "Closing"),
    ("next_closing", "次の締め日", "Next closing"),
    ("review", "今回の見直し日", "Review due"),
    ("keep_by", "次の見直し日", "Next review"),
    ("previous", "前回の実行", "Last adopted run"),
    ("planned_at", "作成", "Planned at"),
    ("key_id", "鍵", "Key"),
    ("digest", "識別値", "Digest"),
    ("none", "なし", "none"),
    ("brake_audience", "配信数やランクの人数が大きく変わりました", "Mails or rank sizes moved a lot"),
    ("brake_stale", "購入データが古いままです", "The purchases are stale"),
    ("brake_history", "過去の購入データが変わりました", "Past purchases changed"),
    ("brake_late", "予定の時刻を過ぎています", "The due time has passed"),
    ("brake_old-plan", "計画を立ててから日が経っています", "The plan is old"),
    ("brake_future", "基準日がかなり先です", "The as-of date is far ahead"),
    ("brake_consent", "だれも同意していません", "Nobody has consented"),
    ("brake_names", "名前のないメールが多くあります", "Many mails greet without a name"),
    ("brake_failures", "届かないメールが続いています", "Many mails are refused"),
    ("brake_budget", "特典の費用が予算を超えます", "Offers may cost more than the budget"),
];

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    /// The word of a name; the name itself where there is none.
    pub fn get(self, name: &'static str) -> &'static str {
        self.find(name).unwrap_or(name)
    }

    fn find(self, name: &str) -> Option<&'static str> {
        WORDS.iter().find(|word| word.0 == name).map(|word| self.pick(word.1, word.2))
    }

    fn pick(self, japanese: &'static str, english: &'static str) -> &'static str {
        self.0.pick(japanese, english)
    }

    /// All words by name, for the template.
    pub fn all(self) -> BTreeMap<&'static str, &'static str> {
        WORDS.iter().map(|word| (word.0, self.pick(word.1, word.2))).collect()
    }

    /// Pairs of a person and a campaign that match.
    pub fn matches(self, count: u64) -> String {
        self.0.pick(grouped(count), many(count, "match", "matches"))
    }

    /// A word with its gaps filled, one after the other.
    pub fn fill(self, name: &'static str, with: &[&str]) -> String {
        let mut pieces = self.get(name).split("{}");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for (at, piece) in pieces.enumerate() {
            text.push_str(with.get(at).copied().unwrap_or_default());
            text.push_str(piece);
        }
        text
    }

    pub fn people(self, number: u64) -> String {
        self.fill("people", &[&grouped(number)])
    }

    /// What a brake means; its own name where it is unknown.
    pub fn brake(self, name: &str) -> String {
        self.find(&format!("brake_{name}")).map_or_else(|| name.to_owned(), str::to_owned)
    }

    /// `2026年12月1日(火)`, `Tue 1 December 2026`.
    pub fn day(self, day: NaiveDate) -> String {
        match self.0 {
            Language::Ja => {
                let weekday = ["月", "火", "水", "木", "金", "土", "日"];
                let weekday = weekday.get(day.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
                format!("{}年{}月{}日({weekday})", day.year(), day.month(), day.day())
            }
            Language::En => day.format("%a %-d %B %Y").to_string(),
        }
    }

    /// The local day and time of an instant.
    pub fn time(self, instant: i64, zone: Zone) -> String {
        let show = |local: NaiveDateTime| format!("{} {}:{:02}", self.day(local.date()), local.hour(), local.minute());
        zone.local(instant).map(show).unwrap_or_default()
    }

    /// What is expected of a cost, with the interval that holds it in 95 of 100 cases.
    pub fn expected(self, exposure: &Exposure, currency: &Currency) -> String {
        match exposure.expected().map(|interval| interval.map(|amount| currency.show(amount))) {
            _ if exposure.face == 0 => String::new(),
            Some([low, expected, high]) => format!("{expected} ({low}–{high})"),
            None => self.pick("実績なし", "no history yet").into(),
        }
    }
}
