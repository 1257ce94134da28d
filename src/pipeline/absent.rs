//! What a job names and the data do not have. A word that is written otherwise there leaves people out without a sound.

use super::error::Error;
use super::list::List;
use crate::domain::campaign::WhereTest;
use crate::domain::customers::{Product, Strangers};
use crate::domain::job::{Language, RuleKind};
use crate::domain::money::grouped;
use crate::domain::offer::{OfferKind, On};
use crate::domain::{Campaign, Customers, Job, RuleValue, Value};
use crate::purchases::{MOST_RULE_VALUES, Names, Purchases};
use crate::tables;
use chrono::NaiveDate;
use std::collections::HashSet;

/// How many values of a column are quoted.
const QUOTED: usize = 5;
/// The key of gifts, whose words are compared whatever their width.
const GIFTS: &str = "`gifts`";

/// For each word that campaigns want in columns of the customer list, in their order, whether one of these customers has it.
pub fn written(job: &Job, customers: &Customers) -> Vec<bool> {
    let mut written = Vec::new();
    for (key, column, wanted) in job.campaigns.iter().flat_map(wanted_of_customers) {
        let values = customers.columns.iter().find(|(name, _)| name == column).map(|(_, values)| values);
        let is = if key == GIFTS { Value::is_written_alike } else { Value::is_written };
        written.extend(wanted.into_iter().map(|word| values.is_some_and(|values| values.iter().any(|value| is(&value, word)))));
    }
    written
}

/// What the customer list and the product list lack, campaign by campaign.
pub fn in_lists(job: &Job, customers: &List, products: &[Product]) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    let mut written = customers.facts().written.iter().copied();
    for campaign in &job.campaigns {
        let name = &campaign.name;
        for (key, column, wanted) in wanted_of_customers(campaign) {
            // Of a list without customers there are no such facts.
            let lacking: Vec<&str> = wanted.into_iter().filter(|_| written.next() == Some(false)).collect();
            let is_there = !customers.is_empty() && customers.facts().columns.iter().any(|name| name == column);
            if is_there && !lacking.is_empty() {
                let (lacking, held) = (quoted(&lacking), some_values(customers, column)?);
                told.push(job.language.pick(
                    format!("キャンペーン `{name}`: {key} の {lacking} は顧客リストの列 `{column}` にひとつもありません。値は {held} です"),
                    format!("campaign `{name}`: nobody in the customer list has {lacking}, which {key} asks for; the column `{column}` holds {held}"),
                ));
            }
        }
        let has = |id: &&str| products.binary_search_by(|product| product.id.as_str().cmp(id)).is_ok();
        let lacking: Vec<&str> = named(campaign).1.into_iter().filter(|id| job.products.is_some() && !has(id)).collect();
        if !lacking.is_empty() {
            let lacking = quoted(&lacking);
            told.push(job.language.pick(
                format!("キャンペーン `{name}`: 特典の商品 {lacking} が商品リストにありません"),
                format!("campaign `{name}`: its offer names {lacking}, which the product list does not have"),
            ));
        }
    }
    Ok(told)
}

/// What neither the purchases nor the product list know: categories, and products where there is no product list.
pub fn in_purchases(job: &Job, products: &[Product], purchases: &Purchases, as_of: NaiveDate) -> Result<Vec<String>, Error> {
    let listed: HashSet<&str> = products.iter().filter_map(|product| product.category.as_deref()).collect();
    let mut names = Names::default();
    for campaign in &job.campaigns {
        let (categories, ids) = named(campaign);
        names.categories.extend(categories.into_iter().filter(|name| !listed.contains(name)).map(str::to_owned));
        names.products.extend(ids.into_iter().filter(|_| job.products.is_none()).map(str::to_owned));
    }
    let lacking = purchases.lacking(job.zone.midnight(as_of), names)?;
    let mut told = Vec::new();
    for campaign in &job.campaigns {
        let (categories, ids) = named(campaign);
        let name = &campaign.name;
        let categories: Vec<&str> = categories.into_iter().filter(|name| lacking.categories.contains(*name)).collect();
        if !categories.is_empty() {
            let lacking = quoted(&categories);
            told.push(job.language.pick(
                format!("キャンペーン `{name}`: カテゴリ {lacking} は購入データにも商品リストにもありません"),
                format!("campaign `{name}`: no purchase and no product has the category {lacking}"),
            ));
        }
        let ids: Vec<&str> = ids.into_iter().filter(|id| lacking.products.contains(*id)).collect();
        if !ids.is_empty() {
            let lacking = quoted(&ids);
            told.push(job.language.pick(
                format!("キャンペーン `{name}`: 特典の商品 {lacking} を買った人がいません"),
                format!("campaign `{name}`: its offer names {lacking}, which nobody has ever bought"),
            ));
        }
    }
    Ok(told)
}

/// Those who bought and are not in the customer list, where they are most: then the ids of the two are written in different ways, or the
/// list is another shop's.
pub fn in_list(job: &Job, customers: &List, strangers: &Strangers) -> Result<Option<String>, Error> {
    let Strangers { buyers, unknown, examples } = strangers;
    if customers.is_empty() || unknown.saturating_mul(2) <= *buyers {
        return Ok(None);
    }
    let bare = |id: &str| id.trim_start_matches('0').to_owned();
    let alike = |customers: &Customers| -> Vec<Option<String>> {
        let alike = |id: &String| customers.id.iter().find(|listed| bare(listed) == bare(id)).map(str::to_owned);
        examples.iter().map(alike).collect()
    };
    let found = customers.scan(alike)?;
    let first = |at: usize| found.iter().filter_map(|own| own.get(at)?.as_deref()).min();
    let pair = examples.iter().enumerate().find_map(|(at, id)| Some((id, first(at)?)));
    let some = customers.first(3, |customers, row| Some(customers.id.get(row).to_owned()))?;
    let (theirs, listed) = (few(examples.iter().map(String::as_str)), few(some.iter().map(String::as_str)));
    let (unknown, buyers) = (grouped(*unknown), grouped(*buyers));
    let zeros = pair.map_or_else(String::new, |(id, listed)| {
        job.language.pick(
            format!("。先頭の 0 を除けば `{id}` は `{listed}` と同じです。ID の書き方をそろえてください"),
            format!("; without leading zeros `{id}` is `{listed}`: write the ids alike in both"),
        )
    });
    Ok(Some(job.language.pick(
        format!("購入データの顧客 {buyers} 人のうち {unknown} 人が顧客リストになく、何も届きません。購入データの ID は {theirs} など、リストの ID は {listed} などです{zeros}"),
        format!("{unknown} of {buyers} customers of the purchases are not in the customer list and get nothing; ids of the purchases: {theirs}; of the list: {listed}{zeros}"),
    )))
}

/// What `[customers] exclude` names and the list lacks.
pub fn of_exclude(absent: &tables::Absent, language: Language) -> String {
    let words: Vec<&str> = absent.words.iter().map(String::as_str).collect();
    let (words, held, column) = (quoted(&words), few(absent.held()), &absent.column);
    language.pick(
        format!("`[customers] exclude`: {words} は顧客リストの列 `{column}` にひとつもありません。値は {held} です"),
        format!("`[customers] exclude`: nobody in the customer list has {words}; the column `{column}` holds {held}"),
    )
}

/// What `exclude` and `include` of `[purchases]` name and no line has; `values` are those of each rule's column.
pub fn in_rules(job: &Job, values: &[(String, Vec<RuleValue>)]) -> Vec<String> {
    let mut told = Vec::new();
    for (rule, (column, values)) in job.purchases.rules.iter().zip(values) {
        let there = || values.iter().filter_map(|value| value.value.as_deref());
        let lacking: Vec<&str> = rule.values.iter().map(String::as_str).filter(|word| !there().any(|value| value == *word)).collect();
        // Of more values not all are known.
        if lacking.is_empty() || values.is_empty() || values.len() >= MOST_RULE_VALUES {
            continue;
        }
        let (lacking, held) = (quoted(&lacking), few(there()));
        let key = match rule.kind {
            RuleKind::Exclude => "exclude",
            RuleKind::Include => "include",
        };
        told.push(job.language.pick(
            format!("`[purchases] {key}`: {lacking} は購入データの列 `{column}` にひとつもありません。値は {held} です"),
            format!("`[purchases] {key}`: no line of the purchases has {lacking}; the column `{column}` holds {held}"),
        ));
    }
    told
}

/// The values that a campaign wants in columns of the customer list, with the key that says so.
fn wanted_of_customers(campaign: &Campaign) -> Vec<(&'static str, &str, Vec<&str>)> {
    let mut wanted = Vec::new();
    for test in &campaign.wheres {
        if let WhereTest::OneOf(values) = &test.test {
            wanted.push(("`where`", test.column.as_str(), values.iter().map(String::as_str).collect()));
        }
    }
    if let Some(OfferKind::Gift { choose_by: Some(column), gifts, .. }) = campaign.offer.as_ref().map(|offer| &offer.kind) {
        wanted.push((GIFTS, column.as_str(), gifts.iter().map(|gift| gift.likes.as_str()).collect()));
    }
    wanted
}

/// The categories that a campaign names, in its conditions and its offer, and the products.
fn named(campaign: &Campaign) -> (Vec<&str>, Vec<&str>) {
    let asked = [&campaign.when.bought, &campaign.when.not_bought];
    let mut categories: Vec<&str> = asked.into_iter().flatten().flat_map(|asked| &asked.names).map(String::as_str).collect();
    let mut products = Vec::new();
    let on: Option<&On> = match campaign.offer.as_ref().map(|offer| &offer.kind) {
        Some(OfferKind::Coupon { on, .. } | OfferKind::Bundle { on, .. } | OfferKind::Points { on, .. }) => on.as_ref(),
        Some(OfferKind::Recommend(recommend)) => recommend.on.as_ref(),
        Some(OfferKind::Set { products: set, .. }) => {
            products.extend(set.iter().map(String::as_str));
            None
        }
        _ => None,
    };
    if let Some(on) = on {
        categories.extend(on.category.iter().map(String::as_str));
        products.extend(on.product.iter().map(String::as_str));
    }
    (categories, products)
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The first few of these values.
fn few<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let first: Vec<&str> = values.take(QUOTED + 1).collect();
    match first.len() {
        0 => "-".to_owned(),
        count if count > QUOTED => format!("{}, …", quoted(&first[..QUOTED])),
        _ => quoted(&first),
    }
}

/// The first few values of a column, as they are written.
pub fn some_values(customers: &List, column: &str) -> Result<String, Error> {
    let written = |customers: &Customers, row: usize| match &*customers.value(column, row) {
        Value::Text(text) if text.trim().is_empty() => None,
        Value::Text(text) => Some(format!("`{text}`")),
        Value::Int(number) => Some(format!("`{number}`")),
        Value::Bool(truth) => Some(format!("`{truth}`")),
        Value::Date(day) => Some(format!("`{day}`")),
        _ => None,
    };
    let mut found = customers.first(QUOTED + 1, written)?;
    if let Some(more) = found.get_mut(QUOTED) {
        "…".clone_into(more);
    }
    Ok(if found.is_empty() { "-".to_owned() } else { found.join(", ") })
}
