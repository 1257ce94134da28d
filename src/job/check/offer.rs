//! The offer of a campaign.

use super::super::file::{CampaignFile, OfferFile, OnFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use super::{Around, Lack, campaign};
use crate::domain::OfferRule;
use crate::domain::campaign::{RankRange, When};
use crate::domain::offer::{Discount, OfferKind, On, PerRank, Valid};
use chrono::NaiveDate;

/// The keys of each kind, besides `kind` and `ranks`.
const KINDS: [(&str, &[&str]); 5] = [
    ("coupon", &["percent", "amount", "over", "on", "valid", "code"]),
    ("gift", &["choose_by", "gifts", "otherwise", "cost", "valid"]),
    ("bundle", &["buy", "on", "valid"]),
    ("free_shipping", &["over", "valid"]),
    ("invitation", &["what", "on", "place", "reply_url", "valid"]),
];

/// Reads the offer of a campaign for `range`.
pub fn rule(at: At<&OfferFile>, sells: bool, range: Option<&RankRange>, around: &Around<'_>, report: &mut Report) -> Option<OfferRule> {
    let At { span, value: file } = at;
    let kind = kind(file, span, sells, report)?;
    let before = report.found.len();
    let ranks = report.lines(&file.ranks, "ranks").and_then(|texts| some_ranks(file, &texts, range, around, report));
    let valid = valid(&file.valid, report);
    let known = match kind {
        "coupon" => coupon(file, span, around, report),
        "gift" => Some(gift(file, span, around, report)),
        "bundle" => bundle(file, span, report),
        "free_shipping" => Some(OfferKind::FreeShipping { over: per_rank(&file.over, "over", around, &mut money_of(around), report) }),
        _ => invitation(file, span, report),
    };
    let rule = OfferRule { kind: known?, ranks, valid };
    if before == report.found.len() {
        for_somebody(&rule, file, range, report);
    }
    Some(rule)
}

/// The kind of the offer; keys that belong to another kind are problems.
fn kind(file: &OfferFile, span: Span, sells: bool, report: &mut Report) -> Option<&'static str> {
    let kinds = KINDS.map(|(kind, _)| (kind, kind));
    if matches!(file.kind, Key::Absent) {
        report.missing(span, "kind", &words::choice("", kinds.iter().map(|(kind, _)| *kind)));
    }
    if let Some(At { span, value }) = report.get(&file.kind, "kind")
        && ["recommend", "points", "extra_points", "extra points"].contains(&value.as_str())
    {
        report.add(span, format!("an offer of kind \"{value}\" is not supported yet"), "not supported yet", "take the offer out");
        return None;
    }
    let kind = report.word(&file.kind, "kind", &kinds)?;
    let belongs = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    let written = [
        ("valid", file.valid.span()),
        ("percent", file.percent.span()),
        ("amount", file.amount.span()),
        ("over", file.over.span()),
        ("on", file.on.span()),
        ("code", file.code.span()),
        ("choose_by", file.choose_by.span()),
        ("gifts", file.gifts.span()),
        ("otherwise", file.otherwise.span()),
        ("cost", file.cost.span()),
        ("buy", file.buy.span()),
        ("what", file.what.span()),
        ("place", file.place.span()),
        ("reply_url", file.reply_url.span()),
    ];
    for (name, place) in written {
        if let Some(place) = place
            && !belongs.contains(&name)
        {
            let help = format!("the keys of this kind are {}", belongs.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
            report.add(place, format!("`{name}` does not belong to an offer of kind \"{kind}\""), "of another kind", help);
        }
    }
    if !sells && ["coupon", "bundle", "free_shipping"].contains(&kind) {
        let help = "take the offer out, or `sells = false`";
        report.add(
            file.kind.span().unwrap_or(span),
            format!("an offer of kind \"{kind}\" sells, and the campaign has `sells = false`"),
            "this sells",
            help,
        );
    }
    Some(kind)
}

/// `ranks` of the offer: ranks that the campaign is for.
fn some_ranks(
    file: &OfferFile,
    texts: &[At<&str>],
    range: Option<&RankRange>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Vec<u8>> {
    let RankRange::Ranks(ranks) = campaign::range(texts, around, report)? else {
        let help = "leave `ranks` of the offer out in a campaign for people without a rank";
        report.add(file.ranks.span()?, "an offer cannot be for \"none\"", "people without a rank", help);
        return None;
    };
    if let Some(range) = range
        && let Some(outside) = ranks.iter().find(|rank| !range.holds(Some(**rank)))
    {
        let name = around.names.as_ref().and_then(|names| names.get(usize::from(*outside))).map_or("", String::as_str);
        let message = format!("the offer is for rank {}, the campaign is not", words::plain(name));
        report.add(file.ranks.span()?, message, "ranks of the offer", "name ranks of the campaign only");
    }
    Some(ranks)
}

fn valid(key: &Key<String>, report: &mut Report) -> Option<Valid> {
    let At { span, value } = report.line(key, "valid")?;
    let read = match value {
        "this month" => Some(Valid::ThisMonth),
        "next month" => Some(Valid::NextMonth),
        _ => match (value.strip_prefix("until "), words::counted(value)) {
            (Some(date), _) => words::day(date.trim()).map(Valid::Until),
            (None, Some((days, "day"))) if days <= 3_660 => Some(Valid::Days(days)),
            _ => None,
        },
    };
    if read.is_none() {
        let help = "write \"this month\", \"next month\", \"31 days\" or \"until 2026-12-25\"";
        report.add(span, format!("`valid` cannot be {}", words::quote(value)), "not a length of time", help);
    }
    read
}

/// Reads one number of a table, or the only one; `Ok(None)` is no offer.
type Read<'a, T> = dyn FnMut(&Scalar) -> Result<Option<T>, &'static str> + 'a;

fn money_of<'a>(around: &'a Around<'_>) -> impl FnMut(&Scalar) -> Result<Option<i64>, &'static str> + 'a {
    |value| words::money(value, &around.currency).map(|amount| Some(amount).filter(|amount| *amount != 0))
}

/// Percent above 0 up to 100; 5 or "5%". Zero is no offer.
fn percent_of(value: &Scalar) -> Result<Option<f64>, &'static str> {
    let percent = match value {
        #[expect(clippy::cast_precision_loss, reason = "only 0 to 100 are taken")]
        Scalar::Int(number) => *number as f64,
        Scalar::Float(number) => *number,
        Scalar::Text(text) => words::percent(text).ok_or("it is not a percentage")?,
        _ => return Err("it is not a percentage"),
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err("it must be above 0 and at most 100");
    }
    Ok(Some(percent).filter(|percent| *percent > 0.0))
}

/// One number for all ranks, or a table in which a rank that is not named has the value of the nearest named one below.
fn per_rank<T: Copy>(
    key: &Key<Or<Entries<Scalar>>>,
    name: &str,
    around: &Around<'_>,
    read: &mut Read<'_, T>,
    report: &mut Report,
) -> PerRank<T> {
    let count = around.names.as_ref().map_or(0, Vec::len);
    let Some(At { span, value }) = report.get(key, name) else { return vec![None; count] };
    let mut read = |value: &Scalar, span: Span, report: &mut Report| match read(value) {
        Ok(number) => number,
        Err(why) => {
            report.add(span, format!("`{name}` cannot be {}: {why}", words::quote(&value.text())), "for one rank or all", "write a number");
            None
        }
    };
    let entries = match value {
        Or::Plain(Many::One(only)) => return vec![read(only, span, report); count],
        Or::Plain(Many::List(_)) => {
            report.add(span, format!("`{name}` cannot be a list"), "a list", "write one number, or one for each rank: { A = 5, AA = 8 }");
            return vec![None; count];
        }
        Or::Table(Entries(entries)) => entries,
    };
    let mut named: Vec<Option<Option<T>>> = vec![None; count];
    for entry in entries {
        let at = campaign::rank(&entry.name, entry.span, around, report);
        let Some(At { span, value }) = report.get(&entry.value, &entry.name) else { continue };
        let number = read(value, span, report);
        if let Some(place) = at.and_then(|at| named.get_mut(usize::from(at))) {
            *place = Some(number);
        }
    }
    let mut below = None;
    named
        .into_iter()
        .map(|own| {
            below = own.unwrap_or(below);
            below
        })
        .collect()
}

fn coupon(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    let over = per_rank(&file.over, "over", around, &mut money_of(around), report);
    let on = on(&file.on, report);
    let code = report.line(&file.code, "code");
    if let Some(code) = code
        && (code.value.len() > 64 || code.value.contains(char::is_whitespace))
    {
        report.add(code.span, "`code` has blanks in it or is longer than 64 bytes", "customers type this", "write it like \"WINTER15\"");
    }
    let percent = per_rank(&file.percent, "percent", around, &mut percent_of, report);
    let amount = per_rank(&file.amount, "amount", around, &mut money_of(around), report);
    let discount = match (file.percent.span(), file.amount.span()) {
        (Some(_), None) => Discount::Percent(percent),
        (None, Some(_)) => Discount::Amount(amount),
        (None, None) => {
            report.missing(span, "percent", "write percent = 10 or amount = 500");
            return None;
        }
        (Some(percent), Some(amount)) => {
            report.add(amount, "a coupon takes off a percentage or an amount, not both", "one too many", "keep one of them");
            report.also(percent, "the other");
            return None;
        }
    };
    Some(OfferKind::Coupon { discount, over, on, code: code.map(|code| code.value.to_owned()) })
}

/// The categories and products that a discount is on.
fn on(key: &Key<Or<OnFile>>, report: &mut Report) -> Option<On> {
    let At { span, value } = report.get(key, "on")?;
    let table = match value {
        Or::Table(file) if file.date.is_empty() => Some(file),
        _ => None,
    };
    let Some(file) = table else {
        let help = "write on = { category = [\"…\"] } or on = { product = [\"…\"] }";
        report.add(span, "`on` of a discount is a table", "which categories or products?", help);
        return None;
    };
    let mut list = |key: &Key<Many<Scalar>>, name: &str| {
        let values = report.get(key, name).and_then(|at| report.texts(at.span, at.value, name));
        values.unwrap_or_default().into_iter().map(|value| value.value).collect::<Vec<_>>()
    };
    let on = On { category: list(&file.category, "category"), product: list(&file.product, "product") };
    if matches!((&file.category, &file.product), (Key::Absent, Key::Absent)) {
        report.add(
            span,
            "`on` names nothing",
            "which categories or products?",
            "write category = [\"…\"] or product = [\"…\"], or leave `on` out",
        );
    }
    Some(on)
}

fn gift(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> OfferKind {
    let choose_by = report.line(&file.choose_by, "choose_by");
    let otherwise = report.line(&file.otherwise, "otherwise");
    if let Some(choose_by) = choose_by
        && around.lacks.contains(&Lack::Customers)
    {
        report.add(choose_by.span, "`choose_by` looks at the customer list, and there is none", "no such column", "add [customers]");
    }
    let cost = report.get(&file.cost, "cost").and_then(|at| {
        words::money(at.value, &around.currency)
            .map_err(|why| report.add(at.span, format!("`cost` is not an amount: {why}"), "in major units", "write it like 5_000"))
            .ok()
    });
    let list = report.get(&file.gifts, "gifts");
    match (&list, choose_by, &otherwise) {
        (None, None, None) => {
            report.add(span, "this offer has no gift", "what is given?", "write otherwise = \"…\", or choose_by and gifts");
        }
        (Some(list), None, _) if matches!(file.choose_by, Key::Absent) => {
            let help = "name the customer column that chooses: choose_by = \"…\"";
            report.add(list.span, "`gifts` has no `choose_by`", "who gets which?", help);
        }
        (None, Some(by), _) => {
            report.add(by.span, "`choose_by` has no `gifts`", "which gifts?", "add gifts = [{ … = \"…\", gift = \"…\" }]");
        }
        _ => {}
    }
    let column = choose_by.map(|by| by.value);
    let mut gifts = Vec::new();
    if let (Some(list), Some(column)) = (list, column) {
        for item in list.value {
            gifts.extend(report.get(item, "gifts").and_then(|item| one_gift(item, column, report)));
        }
        if list.value.is_empty() {
            report.add(
                list.span,
                "`gifts` is an empty list",
                "no gift",
                "write { … = \"…\", gift = \"…\" } for each value, or take it out",
            );
        }
    }
    let otherwise = otherwise.map(|otherwise| otherwise.value.to_owned());
    OfferKind::Gift { choose_by: column.map(str::to_owned), gifts, otherwise, cost }
}

fn one_gift(item: At<&Entries<Scalar>>, column: &str, report: &mut Report) -> Option<(String, String)> {
    let At { span, value: entries } = item;
    let name = words::plain(column);
    for entry in entries.0.iter().filter(|entry| entry.name != column && entry.name != "gift") {
        let help = format!("a gift has the keys `{name}` and `gift`");
        report.add(entry.span, format!("unknown key `{}` in `gifts`", words::plain(&entry.name)), "not a key of a gift", help);
    }
    let mut text = |key: &str| {
        let Some(entry) = entries.get(key) else {
            report.missing(span, key, &format!("write {{ {name} = \"…\", gift = \"…\" }}"));
            return None;
        };
        report.get(&entry.value, key).map(|at| at.value.text())
    };
    text(column).zip(text("gift"))
}

fn bundle(file: &OfferFile, span: Span, report: &mut Report) -> Option<OfferKind> {
    let on = on(&file.on, report);
    if matches!(file.buy, Key::Absent) {
        report.missing(span, "buy", "write buy = { 2 = \"10%\", 3 = \"15%\" }: percent off by number of pieces");
    }
    let At { span, value: Entries(entries) } = report.get(&file.buy, "buy")?;
    let mut steps: Vec<(u32, f64)> = Vec::new();
    for entry in entries {
        let pieces = entry.name.parse().ok().filter(|pieces| (1..=10_000).contains(pieces));
        if pieces.is_none() {
            let message = format!("`{}` is not a number of pieces", words::plain(&entry.name));
            report.add(entry.span, message, "how many pieces?", "write { 2 = \"10%\" } for 10 percent off two pieces");
        }
        let Some(value) = report.get(&entry.value, &entry.name) else { continue };
        match percent_of(value.value) {
            Ok(Some(percent)) => steps.extend(pieces.map(|pieces| (pieces, percent))),
            Ok(None) => report.add(value.span, "0% off is no offer", "nothing off", "take this step out"),
            Err(why) => {
                report.add(value.span, format!("`buy` has a percentage that cannot be: {why}"), "percent off", "write it like \"10%\"");
            }
        }
    }
    steps.sort_by_key(|(pieces, _)| *pieces);
    let falls = steps.windows(2).any(|pair| matches!(pair, [fewer, more] if fewer.0 == more.0 || fewer.1 >= more.1));
    if falls || entries.is_empty() {
        let help = "write at least one step, and let the percentage rise with the pieces: { 2 = \"10%\", 3 = \"15%\" }";
        report.add(span, "`buy` does not rise", "more pieces, more off", help);
    }
    Some(OfferKind::Bundle { steps, on })
}

fn invitation(file: &OfferFile, span: Span, report: &mut Report) -> Option<OfferKind> {
    let what = report.needed(&file.what, span, "what", "write what people are invited to");
    let on = report.get(&file.on, "on").and_then(|at| {
        let day = day_of(at.value);
        if day.is_none() {
            report.add(at.span, "`on` of an invitation is a day", "not a date of the calendar", "write it like 2027-01-24");
        }
        day
    });
    let place = report.line(&file.place, "place").map(|place| place.value.to_owned());
    let reply_url = report.line(&file.reply_url, "reply_url");
    if let Some(url) = reply_url
        && !(url.value.starts_with("https://") || url.value.starts_with("http://"))
    {
        report.add(url.span, "`reply_url` is not a web address", "no https:// in front", "write it like \"https://shop.example/salon\"");
    }
    Some(OfferKind::Invitation { what: what?.value.to_owned(), on, place, reply_url: reply_url.map(|url| url.value.to_owned()) })
}

fn day_of(value: &Or<OnFile>) -> Option<NaiveDate> {
    match value {
        Or::Plain(Many::One(Scalar::Text(text))) => words::day(text),
        Or::Table(OnFile { date, .. }) => words::day(date),
        _ => None,
    }
}

/// A coupon that is worth nothing to every rank of its campaign is a mistake.
fn for_somebody(rule: &OfferRule, file: &OfferFile, range: Option<&RankRange>, report: &mut Report) {
    let OfferKind::Coupon { discount, .. } = &rule.kind else { return };
    let (key, has): (_, Vec<bool>) = match discount {
        Discount::Percent(values) => (&file.percent, values.iter().map(Option::is_some).collect()),
        Discount::Amount(values) => (&file.amount, values.iter().map(Option::is_some).collect()),
    };
    let Some(span) = key.span() else { return };
    let by_rank = matches!(key.value(), Some(Or::Table(_)));
    match range {
        Some(RankRange::NoRank) if by_rank => {
            let help = "write one number; people without a rank have no row in such a table";
            report.add(span, "a campaign for people without a rank cannot have values for ranks", "by rank", help);
        }
        Some(RankRange::Ranks(ranks)) => {
            let offered = rule.ranks.as_ref().unwrap_or(ranks);
            if !offered.iter().any(|rank| has.get(usize::from(*rank)).copied().unwrap_or(false)) {
                let help = "write a value above 0 for one of the campaign's ranks, or take the offer out";
                report.add(span, "no rank of the campaign gets anything off", "nothing for anybody", help);
            }
        }
        _ => {}
    }
}

/// An offer that ends before its campaign begins is for nobody.
pub fn in_time(file: &CampaignFile, when: &When, offer: Option<&OfferRule>, report: &mut Report) {
    let (Some((first, _)), Some(OfferRule { valid: Some(Valid::Until(last)), .. })) = (when.dates, offer) else { return };
    let Some(span) = file.offer.value().and_then(|offer| offer.valid.span()) else { return };
    if *last < first {
        let message = format!("the offer ends on {last}, before the campaign begins on {first}");
        report.add(span, message, "over before it begins", "move one of the dates");
        if let Some(dates) = file.when.value().and_then(|when| when.dates.span()) {
            report.also(dates, "the campaign");
        }
    }
}
