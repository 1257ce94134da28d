//! How the job was understood, for people: ranges written out.

use crate::domain::campaign::{Campaign, DayRange, NumberRange, Once, RankMove, RankRange, WhereTest};
use crate::domain::ladder::{Down, Review, Up, Window};
use crate::domain::offer::{OfferKind, Valid};
use crate::domain::points::{CashbackAs, Expire, Lasting};
use crate::domain::recommend::Overdue;
use crate::domain::{Channel, Currency, Job};
use chrono::NaiveDate;

/// How ranges and dates were understood, in the job's language: one line for the ranks and one for each campaign.
#[must_use]
pub fn echo(job: &Job) -> Vec<String> {
    let ladder = &job.ladder;
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    let review = match (&ladder.review, ladder.down) {
        (_, Down::Never) => pick("ランクは下がらない".to_owned(), "no rank falls".to_owned()),
        (Review::Monthly, _) => pick("見直しは毎月 1 日".to_owned(), "reviews on the 1st of each month".to_owned()),
        (Review::Dates(days), _) => {
            let days: Vec<_> = days.iter().map(|(month, day)| format!("{month:02}-{day:02}")).collect();
            let days = days.join(", ");
            pick(format!("見直しは毎年 {days}"), format!("reviews on {days} of each year"))
        }
    };
    let names: Vec<_> = ladder.ranks.iter().map(|rank| rank.name.as_str()).collect();
    let names = names.join(" < ");
    let of = ladder.of.as_ref().map_or_else(String::new, |of| pick(format!("（`{of}` が決める）"), format!(" (decided by `{of}`)")));
    let mut lines = vec![pick(
        format!("ランク{of}: {names}、{}の注文、{review}", window(job)),
        format!("ranks{of}: {names}; orders of {}; {review}", window(job)),
    )];
    lines[0] += &how_they_rise(job);
    lines.extend(points_line(job));
    lines.extend(job.budget.map(|budget| {
        let budget = job.currency.show(budget);
        pick(format!("予算: 1 回の実行で {budget} まで"), format!("budget: at most {budget} in one run"))
    }));
    if job.approvals > 0 {
        let people = job.approvals;
        lines.push(pick(
            format!("承認: 送信の前に {people} 人の承認が必要"),
            format!("approval: {people} must approve a plan before it is sent"),
        ));
    }
    lines.extend(job.campaigns.iter().map(|campaign| format!("{}: {}", campaign.name, campaign_line(job, campaign))));
    lines
}

fn window(job: &Job) -> String {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    match job.ladder.window {
        Window::Months(months) => pick(format!("過去 {months} か月"), counted(months, "month")),
        Window::Days(days) => pick(format!("過去 {days} 日"), counted(days, "day")),
        Window::YearFrom(1, 1) => pick("暦年（1 月 1 日から）".to_owned(), "the calendar year".to_owned()),
        Window::YearFrom(month, day) => pick(format!("{month} 月 {day} 日からの 1 年"), format!("the year from {month:02}-{day:02}")),
        Window::HalfYearFrom(month, day) => {
            pick(format!("{month} 月 {day} 日からの半年ごと"), format!("the half year from {month:02}-{day:02} and six months later"))
        }
        Window::AllTime => pick("全期間".to_owned(), "all time".to_owned()),
    }
}

/// What the ranks' line says of rising, where that is not as usual.
fn how_they_rise(job: &Job) -> String {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    let ladder = &job.ladder;
    let mut more = String::new();
    if ladder.up == Up::AtReview {
        more += &pick("、上がるのも見直しのときだけ".to_owned(), "; ranks rise at reviews only".to_owned());
    }
    if ladder.settle_days > 0 {
        let days = ladder.settle_days;
        more += &pick(format!("、注文は {days} 日過ぎてから数える"), format!("; an order counts after {}", counted(days, "day")));
    }
    more
}

/// Until when points can be used.
fn points_line(job: &Job) -> Option<String> {
    let rule = job.accounts()?;
    let lasting = |lasting: Lasting| match lasting {
        Lasting::Months(months) => job.language.pick(format!("{months} か月後"), counted(months, "month")),
        Lasting::Days(days) => job.language.pick(format!("{days} 日後"), counted(days, "day")),
    };
    let (ja, en) = match rule.expire {
        Expire::Never => ("失効なし".to_owned(), "they never expire".to_owned()),
        Expire::AfterLastOrder(length) => {
            (format!("最後の注文の {}まで", lasting(length)), format!("all of them until {} after the last order", lasting(length)))
        }
        Expire::AfterEarning(length) => {
            (format!("獲得の {}まで", lasting(length)), format!("each until {} after it was earned", lasting(length)))
        }
        Expire::Yearly { month, day } => {
            (format!("毎年 {month:02}-{day:02} まで"), format!("all of them until {month:02}-{day:02} of each year"))
        }
    };
    let end = if rule.month_end { job.language.pick("（その月の末日まで）", ", up to the end of that month") } else { "" };
    Some(job.language.pick(format!("ポイント: {ja}{end}"), format!("points: {en}{end}")))
}

fn counted(number: u32, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn campaign_line(job: &Job, campaign: &Campaign) -> String {
    let pick = |ja: &str, en: &str| job.language.pick(ja, en).to_owned();
    let ranks = match &campaign.ranks {
        RankRange::NoRank => pick("ランクなし", "people without a rank"),
        RankRange::Ranks(ranks) => ranks.iter().map(|rank| job.ladder.name(*rank)).collect::<Vec<_>>().join(", "),
    };
    let mut parts = vec![ranks];
    when(job, campaign, &mut parts);
    wheres(job, campaign, &mut parts);
    match campaign.once {
        Once::Occasion => {}
        Once::Month => parts.push(pick("月に一度", "once a month")),
        Once::Months(months) => {
            parts.push(job.language.pick(format!("{months} か月に一度"), format!("once in {}", counted(months, "month"))));
        }
        Once::Year => parts.push(pick("年に一度", "once a year")),
        Once::Ever => parts.push(pick("一度だけ", "once ever")),
        Once::EveryRun => parts.push(pick("毎回", "at every run")),
    }
    if let Some(OfferKind::Recommend(rule)) = campaign.offer.as_ref().map(|offer| &offer.kind) {
        let (count, from) = (rule.count, rule.from.word());
        parts
            .push(job.language.pick(format!("おすすめを {count} 点まで（{from}）"), format!("recommends up to {count} products ({from})")));
    }
    if campaign.channels != [Channel::Mail] {
        let words: Vec<_> = campaign.channels.iter().map(|channel| channel.told(job.language)).collect();
        parts.push(job.language.pick(format!("{} で", words.join("、なければ")), format!("by {}", words.join(", else "))));
    }
    if let Some(Valid::Until(last)) = campaign.offer.as_ref().and_then(|offer| offer.valid) {
        parts.push(job.language.pick(format!("特典は {last} まで"), format!("offer until {last}")));
    }
    if let Some(send) = campaign.send {
        let (day, time) = (send.day, send.time.format("%H:%M"));
        parts.push(job.language.pick(format!("{day} 日 {time} に送信"), format!("leaves on day {day} at {time}")));
    }
    limits(job, campaign, &mut parts);
    parts.join(job.language.pick("、", "; "))
}

/// Who of those it is for gets it.
fn limits(job: &Job, campaign: &Campaign, parts: &mut Vec<String>) {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    if let Some(share) = campaign.share {
        let percent = (share * 1e6).round() / 1e4;
        parts.push(pick(format!("そのうち {percent}% の方"), format!("{percent}% of them")));
    }
    if !campaign.variants.is_empty() {
        let shares: Vec<_> =
            campaign.variants.iter().map(|variant| format!("{} {}%", variant.name, (variant.share * 1e6).round() / 1e4)).collect();
        parts.push(pick(format!("文面は {}", shares.join("、")), format!("templates {}", shares.join(", "))));
    }
    parts.extend(campaign.budget.map(|budget| {
        let budget = job.currency.show(budget);
        pick(format!("予算は {budget}"), format!("within {budget}"))
    }));
    let Some(offer) = &campaign.offer else { return };
    parts.extend(offer.limit.map(|limit| pick(format!("特典は上位 {limit} 人まで"), format!("offer for the first {limit}"))));
    parts.extend(offer.budget.map(|budget| {
        let budget = job.currency.show(budget);
        pick(format!("特典の予算は {budget}"), format!("offer within {budget}"))
    }));
    if let OfferKind::Draw { seats, .. } = offer.kind {
        parts.push(pick(format!("抽選で {seats} 人"), format!("{seats} drawn by lot")));
    }
    for reduction in &campaign.reduced_by {
        if let Some(other) = job.campaigns.get(reduction.by) {
            let (name, off) = (&other.name, f64::from(reduction.off) / 100.0);
            parts.push(pick(format!("{name} も届く方は割引を {off}% 減らす"), format!("{off}% less off with {name}")));
        }
    }
}

fn when(job: &Job, campaign: &Campaign, parts: &mut Vec<String>) {
    let (language, when) = (job.language, &campaign.when);
    let days = |name: &str, days: Option<DayRange>| days.map(|days| format!("{name} {}", days_of(job, days)));
    parts.extend(days(language.pick("誕生日が", "birthday"), when.birthday));
    parts.extend(days(language.pick("記念日が", "anniversary"), when.anniversary));
    if let Some(months) = &when.month {
        let months: Vec<_> = months.iter().map(u32::to_string).collect();
        let months = months.join(", ");
        parts.push(language.pick(format!("基準日が {months} 月"), format!("as of month {months}")));
    }
    parts.extend(when.dates.map(|(first, last)| {
        language.pick(format!("基準日が {first} から {last} まで"), format!("as of {first} to {last}, both included"))
    }));
    let numbers = [
        ("最後の注文からの日数", "days since the last order", when.days_since_last_order, None),
        ("最初の注文からの日数", "days since the first order", when.days_since_first_order, None),
        ("期間内の注文", "orders in the window", when.orders, None),
        ("通算の注文", "orders ever", when.orders_ever, None),
        ("期間内の購入額", "spend in the window", when.spend, Some(&job.currency)),
        ("通算の購入額", "spend ever", when.spend_ever, Some(&job.currency)),
    ];
    for (ja, en, range, currency) in numbers {
        parts.extend(range.map(|range| format!("{} {}", language.pick(ja, en), range_of(job, range, currency))));
    }
    parts.extend(when.points.map(|range| format!("{} {}", language.pick("ポイント残高", "points"), range_of(job, range, None))));
    parts.extend(
        when.points_expire_within
            .map(|days| language.pick(format!("{days} 日以内にポイントが失効"), format!("points expire within {}", counted(days, "day")))),
    );
    parts.extend(when.cashback.map(|range| {
        let coupon = job.cashback.as_ref().is_some_and(|rule| rule.paid_as == CashbackAs::Coupon);
        format!("{} {}", language.pick("還元", "paid back"), range_of(job, range, Some(&job.currency).filter(|_| coupon)))
    }));
    parts.extend(when.rank.map(|moved| {
        let (ja, en) = match moved {
            RankMove::Up => ("昇格した", "rank went up"),
            RankMove::Down => ("降格した", "rank went down"),
            RankMove::New => ("新規", "rank is new"),
            RankMove::AtRisk => ("ランクの維持に不足がある", "rank is at risk"),
        };
        language.pick(ja, en).to_owned()
    }));
    parts.extend(when.overdue.map(|overdue| overdue_line(job, overdue)));
    for (wanted, ja, en) in [(&when.bought, "購入あり", "bought any of"), (&when.not_bought, "購入なし", "bought none of")] {
        parts.extend(wanted.as_ref().map(|found| format!("{} {}", language.pick(ja, en), found.names.join(", "))));
    }
}

fn overdue_line(job: &Job, overdue: Overdue) -> String {
    let times = |thousandths: u32| f64::from(thousandths) / 1_000.0;
    let from = times(overdue.from);
    match overdue.to.map(times) {
        Some(to) => job.language.pick(
            format!("最後の注文からいつもの間隔の {from} 倍から {to} 倍"),
            format!("{from} to {to} times the usual interval since the last order"),
        ),
        None => job.language.pick(
            format!("最後の注文からいつもの間隔の {from} 倍以上"),
            format!("{from} times the usual interval since the last order, or more"),
        ),
    }
}

fn wheres(job: &Job, campaign: &Campaign, parts: &mut Vec<String>) {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    parts.extend(campaign.wheres.iter().map(|test| {
        let what = match &test.test {
            WhereTest::OneOf(values) => pick(format!("が {}", values.join(" か ")), format!("is {}", values.join(" or "))),
            WhereTest::Truth(truth) => format!("{}{truth}", job.language.pick("が ", "is ")),
            WhereTest::Range(range) => format!("{}{}", job.language.pick("が ", "is "), range_of(job, *range, None)),
            WhereTest::DateRange { from, to } => {
                let end = |day: &Option<NaiveDate>, ja: &str, en: &str| {
                    day.map_or_else(String::new, |day| pick(format!(" {day} {ja}"), format!(" {en} {day}")))
                };
                format!("{}{}{}", job.language.pick("が", "is"), end(from, "から", "from"), end(to, "まで", "to"))
            }
            WhereTest::Missing(true) => job.language.pick("がない", "is missing").to_owned(),
            WhereTest::Missing(false) => job.language.pick("がある", "is there").to_owned(),
        };
        format!("`{}` {what}", test.column)
    }));
}

fn days_of(job: &Job, days: DayRange) -> String {
    let (ja, en) = match days {
        DayRange::ThisMonth => ("今月", "this month"),
        DayRange::NextMonth => ("来月", "next month"),
        DayRange::ThisWeek => ("今週（月曜から日曜）", "this week, Monday to Sunday"),
        DayRange::Today => ("今日", "today"),
        DayRange::InDays(days) => return job.language.pick(format!("{days} 日後"), format!("in {}", counted(days, "day"))),
    };
    job.language.pick(ja, en).to_owned()
}

/// A range in words; amounts are minor units.
fn range_of(job: &Job, range: NumberRange, currency: Option<&Currency>) -> String {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    #[expect(clippy::cast_possible_truncation, reason = "amounts are whole and below 9e15")]
    let show = |number: f64| currency.map_or_else(|| number.to_string(), |currency| currency.show(number as i64));
    match (range.from.map(show), range.to.map(show)) {
        (Some(from), Some(to)) if from == to => from,
        (Some(from), Some(to)) => pick(format!("{from} から {to}"), format!("{from} to {to}")),
        (Some(from), None) => pick(format!("{from} 以上"), format!("{from} or more")),
        (None, Some(to)) => pick(format!("{to} 以下"), format!("{to} or less")),
        (None, None) => pick("すべて".to_owned(), "any".to_owned()),
    }
}
