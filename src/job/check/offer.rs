//! The offer of a campaign.

use super::super::file::{CampaignFile, OfferFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use super::{Around, campaign, kinds, limits, recommend, rewards, worth};
use crate::domain::OfferRule;
use crate::domain::campaign::{RankRange, When};
use crate::domain::offer::{Deal, Discount, OfferKind, PerRank, Valid};

/// The keys of each kind, besides `kind`, `ranks`, `valid` and `budget`, which all have. What has seats needs no `limit`.
const KINDS: [(&str, &[&str]); 10] = [
    ("coupon", &["percent", "amount", "over", "on", "code", "limit"]),
    ("gift", &["choose_by", "gifts", "allergies", "otherwise", "cost", "limit"]),
    ("bundle", &["buy", "on", "limit"]),
    ("set", &["products", "price", "percent", "limit"]),
    ("free_shipping", &["over", "cost", "limit"]),
    ("points", &["times", "over", "on", "limit"]),
    ("draw", &["prize", "seats", "cost"]),
    ("invitation", &["what", "on", "place", "reply_url", "seats", "cost"]),
    ("early_access", &["what", "opens", "url", "cost", "limit"]),
    ("recommend", &["from", "count", "on", "support", "overdue", "limit"]),
];

/// The kinds that make people buy.
const SELLING: [&str; 7] = ["coupon", "bundle", "set", "free_shipping", "points", "early_access", "recommend"];

/// Reads the offer of a campaign for `range`.
pub fn rule(at: At<&OfferFile>, sells: bool, range: Option<&RankRange>, around: &Around<'_>, report: &mut Report) -> Option<OfferRule> {
    let At { span, value: file } = at;
    let kind = kind(file, span, sells, report)?;
    let before = report.found.len();
    let ranks = report.lines(&file.ranks, "ranks").and_then(|texts| some_ranks(file, &texts, range, around, report));
    let valid = valid(&file.valid, report);
    let known = match kind {
        "coupon" => kinds::coupon(file, span, around, report),
        "gift" => Some(kinds::gift(file, span, around, report)),
        "bundle" => kinds::bundle(file, span, report),
        "set" => rewards::set(file, span, around, report),
        "points" => rewards::points(file, span, around, report),
        "draw" => rewards::draw(file, span, report),
        "early_access" => rewards::early_access(file, span, around, report),
        "free_shipping" => Some(OfferKind::FreeShipping { over: per_rank(&file.over, "over", around, &mut money_of(around), report) }),
        "recommend" => recommend::offer(file, span, around, report),
        _ => kinds::invitation(file, span, report),
    };
    let cost = per_rank(&file.cost, "cost", around, &mut money_of(around), report);
    let limit = limits::limit(file, report);
    let budget = limits::budget(&file.budget, &around.currency, report);
    let rule = OfferRule { kind: known?, ranks, valid, cost, limit, budget };
    if before == report.found.len() {
        for_somebody(&rule, file, range, report);
    }
    if before == report.found.len() {
        worth::within_reach(&rule, file, range, report);
    }
    Some(rule)
}

/// The kind of the offer; keys that belong to another kind are problems.
fn kind(file: &OfferFile, span: Span, sells: bool, report: &mut Report) -> Option<&'static str> {
    let kinds = KINDS.map(|(kind, _)| (kind, kind));
    if matches!(file.kind, Key::Absent) {
        report.missing(span, "kind", &words::choice("", kinds.iter().map(|(kind, _)| *kind)));
    }
    let kind = report.word(&file.kind, "kind", &kinds)?;
    let belongs = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    let written = [
        ("percent", file.percent.span()),
        ("amount", file.amount.span()),
        ("over", file.over.span()),
        ("on", file.on.span()),
        ("code", file.code.span()),
        ("choose_by", file.choose_by.span()),
        ("gifts", file.gifts.span()),
        ("allergies", file.allergies.span()),
        ("otherwise", file.otherwise.span()),
        ("cost", file.cost.span()),
        ("buy", file.buy.span()),
        ("products", file.products.span()),
        ("price", file.price.span()),
        ("times", file.times.span()),
        ("prize", file.prize.span()),
        ("seats", file.seats.span()),
        ("opens", file.opens.span()),
        ("url", file.url.span()),
        ("limit", file.limit.span()),
        ("what", file.what.span()),
        ("place", file.place.span()),
        ("reply_url", file.reply_url.span()),
        ("from", file.from.span()),
        ("count", file.count.span()),
        ("support", file.support.span()),
        ("overdue", file.overdue.span()),
    ];
    for (name, place) in written {
        if let Some(place) = place
            && !belongs.contains(&name)
        {
            let keys = belongs.iter().chain(&["ranks", "valid", "budget"]).map(|key| format!("`{key}`")).collect::<Vec<_>>();
            let help = format!("the keys of this kind are {}", keys.join(", "));
            report.add(place, format!("`{name}` does not belong to an offer of kind \"{kind}\""), "of another kind", help);
        }
    }
    if !sells && SELLING.contains(&kind) {
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
pub type Read<'a, T> = dyn FnMut(&Scalar) -> Result<Option<T>, &'static str> + 'a;

pub fn money_of<'a>(around: &'a Around<'_>) -> impl FnMut(&Scalar) -> Result<Option<i64>, &'static str> + 'a {
    |value| words::money(value, &around.currency).map(|amount| Some(amount).filter(|amount| *amount != 0))
}

/// One number for all ranks, or a table in which a rank that is not named has the value of the nearest named one below.
pub fn per_rank<T: Copy>(
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
            report.add(
                span,
                format!("`{name}` cannot be {}: {why}", words::quote(&value.text())),
                "for one rank or all",
                "write one for all ranks, or { A = …, VIP = … }",
            );
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
    spread(named)
}

/// A rank that is not named has the value of the nearest named one below.
#[expect(clippy::option_option, reason = "a rank that is not named, and one that is named and gets nothing")]
pub fn spread<T: Copy>(named: Vec<Option<Option<T>>>) -> PerRank<T> {
    let mut below = None;
    named
        .into_iter()
        .map(|own| {
            below = own.unwrap_or(below);
            below
        })
        .collect()
}

/// An offer that is worth nothing to every rank of its campaign is a mistake.
fn for_somebody(rule: &OfferRule, file: &OfferFile, range: Option<&RankRange>, report: &mut Report) {
    let (key, has) = match &rule.kind {
        OfferKind::Coupon { discount: Discount::Percent(values), .. } | OfferKind::Set { deal: Deal::Percent(values), .. } => {
            (&file.percent, given(values))
        }
        OfferKind::Coupon { discount: Discount::Amount(values), .. } => (&file.amount, given(values)),
        OfferKind::Set { deal: Deal::Price(values), .. } => (&file.price, given(values)),
        OfferKind::Points { times, .. } => (&file.times, given(times)),
        OfferKind::EarlyAccess { opens, .. } => (&file.opens, given(opens)),
        // One amount of 0 is shipping that is free for every order; a table names the ranks that have the offer.
        OfferKind::FreeShipping { over } if matches!(file.over.value(), Some(Or::Table(_))) => (&file.over, given(over)),
        _ => return,
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
                report.add(span, "no rank of the campaign gets anything", "nothing for anybody", help);
            }
        }
        _ => {}
    }
}

/// Which ranks have a value.
fn given<T>(values: &PerRank<T>) -> Vec<bool> {
    values.iter().map(Option::is_some).collect()
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
