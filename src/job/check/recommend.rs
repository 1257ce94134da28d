//! `[wallets]`, and offers that recommend.

use super::super::file::{JobFile, OfferFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Scalar, Span};
use super::{Around, Lack, kinds};
use crate::domain::offer::OfferKind;
use crate::domain::recommend::{Overdue, Recommend, Source, Support, Wallet};

/// The most products that one mail recommends.
const MOST: i64 = 20;
const USUAL_COUNT: usize = 3;
const USUAL_SUPPORT: Support = Support::Count(5);
/// What has been left for longer is taken as given up.
const USUAL_OVERDUE: Overdue = Overdue { from: 1_000, to: Some(3_000) };

/// What competes for the same money. Each category belongs to one wallet.
pub fn wallets(key: &Key<Entries<Many<Scalar>>>, report: &mut Report) -> Vec<Wallet> {
    let Some(At { value: Entries(entries), .. }) = report.get(key, "wallets") else { return Vec::new() };
    let mut seen: Vec<(String, Span, &str)> = Vec::new();
    let mut wallets = Vec::new();
    for entry in entries {
        if entry.name.trim().is_empty() || entry.name.chars().any(char::is_control) {
            let help = "write a name that may stand in a mail, such as \"お茶\"";
            report.add(entry.span, "a wallet has no usable name", "empty, or not one line", help);
        }
        let Some(At { span, value }) = report.get(&entry.value, &entry.name) else { continue };
        let mut categories = Vec::new();
        for At { span, value } in report.texts(span, value, &entry.name).unwrap_or_default() {
            if let Some((_, first, wallet)) = seen.iter().find(|(category, ..)| *category == value) {
                let shown = words::quote(&value);
                let message = if *wallet == entry.name {
                    format!("the wallet {} names the category {shown} twice", words::quote(wallet))
                } else {
                    format!("the category {shown} is in two wallets")
                };
                report.add(span, message, "again", "leave it in one of them: its money cannot be spent twice");
                report.also(*first, "first here");
            } else {
                seen.push((value.clone(), span, entry.name.as_str()));
                categories.push(value);
            }
        }
        wallets.push(Wallet { name: entry.name.clone(), categories });
    }
    wallets
}

/// What is recommended, from what.
pub fn offer(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    let sources = [Source::OtherWallets, Source::BoughtTogether, Source::BuyAgain].map(|source| (source.word(), source));
    if matches!(file.from, Key::Absent) {
        report.missing(span, "from", &words::choice("", sources.iter().map(|(word, _)| *word)));
    }
    let from = report.word(&file.from, "from", &sources);
    let count = report.whole(&file.count, "count", 1, MOST).and_then(|count| usize::try_from(count).ok());
    let on = kinds::on(&file.on, report);
    let support = support(file, from, report);
    let overdue = match (from, file.overdue.span()) {
        (Some(Source::OtherWallets | Source::BoughtTogether), Some(span)) => {
            let help = "take it out, or put it into `when`: when = { overdue = \"1.5x\" }";
            report.add(span, "`overdue` belongs to from = \"buy again\"", "nothing is due here", help);
            None
        }
        _ => overdue(&file.overdue, report),
    };
    let from = from?;
    lacking(file, from, around, report);
    Some(OfferKind::Recommend(Recommend {
        from,
        count: count.unwrap_or(USUAL_COUNT),
        on,
        support: support.unwrap_or(USUAL_SUPPORT),
        overdue: overdue.unwrap_or(USUAL_OVERDUE),
    }))
}

fn support(file: &OfferFile, from: Option<Source>, report: &mut Report) -> Option<Support> {
    let At { span, value } = report.get(&file.support, "support")?;
    if from == Some(Source::BuyAgain) {
        let help = "take it out; what one customer buys again needs no others to speak for it";
        report.add(span, "`support` does not belong to from = \"buy again\"", "no others are asked", help);
        return None;
    }
    let read = words::support(value);
    if let Err(why) = read {
        let message = format!("`support` cannot be {}: {why}", words::quote(&value.text()));
        report.add(span, message, "how many must speak for it?", "write a number such as 20, or a share such as \"0.1%\"");
    }
    read.ok()
}

/// How many times a usual interval has passed.
pub fn overdue(key: &Key<String>, report: &mut Report) -> Option<Overdue> {
    let At { span, value } = report.line(key, "overdue")?;
    let read = words::overdue(value);
    if let Err(why) = read {
        let message = format!("`overdue` cannot be {}: {why}", words::quote(value));
        let help = "write \"1.5x\" for one and a half times the usual interval or more, \"1.5x..3x\" for up to three times";
        report.add(span, message, "not so many times the usual interval", help);
    }
    read.ok()
}

/// Reports the columns without which nothing can be recommended.
fn lacking(file: &OfferFile, from: Source, around: &Around<'_>, report: &mut Report) {
    let Some(span) = file.from.span() else { return };
    if around.lacks.contains(&Lack::Products) {
        let help = "name the column in [purchases.columns] with product = \"…\"";
        report.add(span, "a recommendation needs to know which products were bought", "there is no product column", help);
    }
    let asks = (from == Source::OtherWallets).then_some(span);
    let on = file.on.value().and_then(|on| match on {
        super::super::written::Or::Table(on) => on.category.span(),
        super::super::written::Or::Plain(_) => None,
    });
    if let Some(span) = asks.or(on)
        && around.lacks.contains(&Lack::AnyCategories)
    {
        let help = "name the column with category = \"…\" in [purchases.columns] or in [products.columns]";
        report.add(span, "this needs the categories of products", "there is no category column", help);
    }
}

/// What the job surely does not have, of what recommendations need.
pub fn lacks(file: &JobFile) -> [(Lack, bool); 2] {
    let purchases = file.purchases.value().and_then(|source| source.columns.value());
    let absent = |key: &Key<String>| matches!(key, Key::Absent);
    let listed = match &file.products {
        Key::Absent => Some(false),
        key => key.value().and_then(|list| list.columns.value()).map(|columns| !absent(&columns.category)),
    };
    [
        (Lack::Products, purchases.is_some_and(|columns| absent(&columns.product))),
        (Lack::AnyCategories, purchases.is_some_and(|columns| absent(&columns.category)) && listed == Some(false)),
    ]
}
