//! Everything that a template may say of one mail, but the shop itself.

use super::names::{CONTACTS, ROLES};
use crate::domain::customers::Product;
use crate::domain::points::{Cashback, Points};
use crate::domain::recommend::Item;
use crate::domain::{Address, Campaign, Channel, Contacts, Ladder, LastOrder, Name, Occasion, Offer, Person, RankIndex, Texts, Value};
use chrono::NaiveDate;
use std::borrow::Cow;

/// What beside the person decides a mail's values.
#[derive(Clone, Copy)]
pub struct ValueParts<'a> {
    pub ladder: &'a Ladder,
    pub campaign: &'a Campaign,
    /// Whose templates are rendered, where the campaign has variants.
    pub variant: Option<&'a str>,
    /// What this mail offers; none leaves `offer` undefined.
    pub offer: Option<&'a Offer>,
    pub occasion: &'a Occasion,
    /// How it reaches the customer.
    pub channel: Channel,
    /// A product by its id, from the product list.
    pub product: &'a (dyn Fn(&str) -> Option<&'a Product> + Sync),
    pub as_of: NaiveDate,
    /// The opt-out address with this customer's token in it.
    pub unsubscribe: &'a str,
}

/// The values of one mail, as a record in a fixed order. Money is minor units. What is not there is not in it, and a template that writes
/// it fails; of the customer all columns of the list are there, an empty one as `Null`. Text from the customer list comes without control
/// characters, its line breaks as LF.
#[must_use]
pub fn values(person: &Person, parts: &ValueParts) -> Value {
    // Templates need not know the channel, for a campaign's texts are made for it. Lists need to know who may be mailed too.
    let consent = if parts.channel == Channel::Mail { Value::Null } else { person.consented().into() };
    record([
        ("customer", customer(person)),
        ("rank", rank(person, parts)),
        ("metrics", metrics(person, parts.as_of)),
        ("points", person.holding.points.map_or(Value::Null, points)),
        ("cashback", cashback(person.holding.cashback)),
        ("offer", parts.offer.map_or(Value::Null, |offer| self::offer(offer, parts))),
        ("occasion", record([("date", Value::maybe(parts.occasion.date)), ("years", Value::maybe(parts.occasion.years))])),
        ("last_order", last_order(person, parts)),
        ("campaign", campaign(parts)),
        ("links", record([("unsubscribe", parts.unsubscribe.into())])),
        ("as_of", parts.as_of.into()),
        ("mail_consent", consent),
    ])
}

fn campaign(parts: &ValueParts) -> Value {
    let ValueParts { campaign, variant, .. } = parts;
    record([("name", campaign.name.as_str().into()), ("sells", campaign.sells.into()), ("variant", Value::maybe(*variant))])
}

/// A record of what is there of these.
#[inline]
fn record<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let mut there = Vec::with_capacity(N);
    for (name, value) in fields {
        if !matches!(value, Value::Null) {
            there.push((Name::Borrowed(name), value));
        }
    }
    Value::Record(there)
}

/// The roles first; a column of the list that is called like a role gives way to it.
fn customer(person: &Person) -> Value {
    let email = match person.address() {
        Address::Usable { wire, .. } => Value::Text(str::to_owned(wire)),
        Address::Missing | Address::Bad => Value::Null,
    };
    let columns = person.listed.map_or(0, |listed| listed.customers.columns.len());
    let mut fields: Vec<(Name, Value)> = Vec::with_capacity(ROLES.len() + CONTACTS.len() + columns);
    let roles = [text(person.id), email, text(person.name()), Value::maybe(person.birthday())];
    fields.extend(ROLES.map(Name::Borrowed).into_iter().zip(roles));
    if let Some(listed) = person.listed {
        fields.extend(contacts(&listed.customers.contacts).map(|(name, column)| (name.into(), text(column.get(listed.row)))));
        let roles = fields.len();
        for (name, column) in &listed.customers.columns {
            if fields.iter().take(roles).any(|(role, _)| role == name) {
                continue;
            }
            fields.push((name.clone().into(), column.get(listed.row).map_or(Value::Null, cleaned)));
        }
    }
    Value::Record(fields)
}

/// The ways to reach customers that the job maps.
fn contacts(known: &Contacts) -> impl Iterator<Item = (&'static str, &Texts)> {
    let columns = [&known.postal_code, &known.postal_address, &known.line_id, &known.phone];
    CONTACTS.into_iter().zip(columns).filter(|(_, column)| !column.is_empty())
}

/// A value of the customer list with its texts cleaned.
fn cleaned(value: Cow<Value>) -> Value {
    match value.as_ref() {
        Value::Text(written) if is_clean(written) => value.into_owned(),
        Value::Text(written) => text(written),
        Value::List(items) => Value::List(items.iter().map(Cow::Borrowed).map(cleaned).collect()),
        Value::Record(fields) => Value::Record(fields.iter().map(|(name, field)| (name.clone(), cleaned(Cow::Borrowed(field)))).collect()),
        _ => value.into_owned(),
    }
}

/// Whether a text stays as it is.
fn is_clean(written: &str) -> bool {
    // All bytes are looked at, without a branch for each: what may begin a control character is one below a space, DEL, or C2.
    let may_have_any = written.bytes().fold(false, |found, byte| found | matches!(byte, ..b' ' | 0x7f | 0xc2));
    let is_trimmed = || written.trim().len() == written.len();
    !written.is_empty() && is_trimmed() && !(may_have_any && written.chars().any(char::is_control))
}

/// Text from a customer without control characters; `Null` when nothing is left, so that no mail has a hole there.
fn text(written: &str) -> Value {
    let trimmed = written.trim();
    if is_clean(trimmed) {
        return Value::Text(trimmed.to_owned());
    }
    let lines = written.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n");
    let spaced = lines.chars().map(|character| if character != '\n' && character.is_control() { ' ' } else { character });
    let kept = spaced.collect::<String>().trim().to_owned();
    if kept.is_empty() { Value::Null } else { Value::Text(kept) }
}

fn rank(person: &Person, parts: &ValueParts) -> Value {
    let (standing, ladder) = (person.standing, parts.ladder);
    let name = |rank: Option<RankIndex>| rank.map_or(Value::Null, |rank| ladder.name(rank).into());
    let next = standing.next_rank.map_or(Value::Null, |rank| {
        record([
            ("name", name(Some(rank))),
            ("orders", Value::maybe(standing.next_orders)),
            ("spend", Value::maybe(standing.next_spend)),
            ("on", Value::maybe(standing.next_on)),
            ("last_day", Value::maybe(standing.next_last_day)),
        ])
    });
    let keep = standing.keep_by.map_or(Value::Null, |by| {
        record([
            ("by", by.into()),
            ("last_day", Value::maybe(standing.keep_last_day)),
            ("orders", Value::maybe(standing.keep_orders)),
            ("spend", Value::maybe(standing.keep_spend)),
            ("at_risk", standing.at_risk().into()),
        ])
    });
    record([
        ("name", name(standing.rank)),
        ("previous", name(standing.previous)),
        ("change", standing.change.word().into()),
        ("since", Value::maybe(standing.since)),
        ("next", next),
        ("keep", keep),
    ])
}

fn metrics(person: &Person, as_of: NaiveDate) -> Value {
    let days = |day: Option<NaiveDate>| Value::maybe(day.map(|day| as_of.signed_duration_since(day).num_days()));
    record([
        ("orders", person.features.orders.into()),
        ("spend", person.features.spend.into()),
        ("orders_ever", person.features.orders_ever.into()),
        ("spend_ever", person.features.spend_ever.into()),
        ("days_since_first_order", days(person.first_order_on)),
        ("days_since_last_order", days(person.last_order_on)),
        ("usual_interval", Value::maybe(person.interval.map(|interval| interval.usual_days()))),
    ])
}

/// What does not expire has no day, and nothing that is about to.
fn points(points: Points) -> Value {
    let expiring = points.expire_on.map(|_| points.expiring);
    record([("balance", points.balance.into()), ("expiring", Value::maybe(expiring)), ("expire_on", Value::maybe(points.expire_on))])
}

/// There where something is paid back at this closing.
fn cashback(paid: Cashback) -> Value {
    if paid.paid().is_none() {
        return Value::Null;
    }
    record([("points", Value::maybe(paid.points)), ("amount", Value::maybe(paid.amount))])
}

/// A percentage as people write it: 5, not 5.0.
fn percent(share: f64) -> Value {
    if share.fract() == 0.0 && share.abs() < 1e9 {
        #[expect(clippy::cast_possible_truncation, reason = "the number is whole and small")]
        let whole = share as i64;
        Value::Int(whole)
    } else {
        Value::Float(share)
    }
}

fn offer(offer: &Offer, parts: &ValueParts) -> Value {
    let names = |names: &[String]| Value::List(names.iter().map(|name| Value::Text(name.clone())).collect());
    let on = match (&offer.on, offer.held_on) {
        (Some(on), _) => {
            let products = on.product.iter().map(|id| (parts.product)(id).map_or(id, |product| &product.name));
            let products = Value::List(products.map(|name| Value::Text(name.clone())).collect());
            record([("category", names(&on.category)), ("product", products)])
        }
        (None, held_on) => Value::maybe(held_on),
    };
    let steps = offer.steps.iter().map(|(count, share)| record([("count", i64::from(*count).into()), ("percent", percent(*share))]));
    record([
        ("kind", offer.kind.into()),
        ("percent", offer.percent.map_or(Value::Null, percent)),
        ("amount", Value::maybe(offer.amount)),
        ("over", Value::maybe(offer.over.filter(|over| *over > 0))),
        ("on", on),
        ("code", Value::maybe(offer.code.as_deref())),
        ("valid_until", Value::maybe(offer.valid_until)),
        ("gift", Value::maybe(offer.gift.as_deref())),
        ("steps", Value::List(steps.collect())),
        ("what", Value::maybe(offer.what.as_deref())),
        ("place", Value::maybe(offer.place.as_deref())),
        ("reply_url", Value::maybe(offer.reply_url.as_deref())),
        ("products", Value::List(offer.products.iter().map(|id| set_product(id, parts)).collect())),
        ("price", Value::maybe(offer.price)),
        ("times", offer.times.map_or(Value::Null, percent)),
        ("prize", Value::maybe(offer.prize.as_deref())),
        ("seats", Value::maybe(offer.seats.and_then(|seats| i64::try_from(seats).ok()))),
        ("opens", Value::maybe(offer.opens.map(|opens| opens.day))),
        ("opens_at", offer.opens.and_then(|opens| opens.time).map_or(Value::Null, |time| Value::Text(time.format("%H:%M").to_string()))),
        ("url", Value::maybe(offer.url.as_deref())),
        ("reduced", offer.reduced.into()),
        ("items", Value::List(offer.items.iter().map(item).collect())),
        ("reason", offer.reason.as_deref().map_or(Value::Null, text)),
    ])
}

/// A product of a set; one that the list does not have is called by its id.
fn set_product(id: &str, parts: &ValueParts) -> Value {
    let product = (parts.product)(id);
    record([
        ("name", text(product.map_or(id, |product| &product.name))),
        ("price", Value::maybe(product.and_then(|product| product.price))),
        ("url", Value::maybe(product.and_then(|product| product.url.as_deref()))),
        ("image", Value::maybe(product.and_then(|product| product.image.as_deref()))),
    ])
}

/// A recommended product.
fn item(item: &Item) -> Value {
    record([
        ("product", text(&item.product)),
        ("name", text(&item.name)),
        ("category", item.category.as_deref().map_or(Value::Null, text)),
        ("price", Value::maybe(item.price)),
        ("url", Value::maybe(item.url.as_deref())),
        ("image", Value::maybe(item.image.as_deref())),
        ("reason", text(&item.reason)),
    ])
}

/// The last order; its store and items only where the person carries them.
fn last_order(person: &Person, parts: &ValueParts) -> Value {
    let Some(date) = person.last_order_on else { return Value::Null };
    let mut fields: Vec<(Name, Value)> = vec![("date".into(), Value::Date(date))];
    if let Some(LastOrder { store, items }) = person.last_order {
        let store = store.as_deref().map_or(Value::Null, text);
        fields.extend(Some(("store".into(), store)).filter(|(_, store)| !matches!(store, Value::Null)));
        let items = items.iter().map(|item| {
            let product = item.product.as_deref().and_then(|id| (parts.product)(id));
            let category = item.category.as_deref().or_else(|| product.and_then(|product| product.category.as_deref()));
            record([
                ("name", product.map_or(Value::Null, |product| text(&product.name))),
                ("category", category.map_or(Value::Null, text)),
                ("quantity", Value::maybe(item.quantity)),
                ("amount", item.amount.into()),
                ("price", Value::maybe(product.and_then(|product| product.price))),
                ("url", Value::maybe(product.and_then(|product| product.url.as_deref()))),
                ("image", Value::maybe(product.and_then(|product| product.image.as_deref()))),
            ])
        });
        fields.push(("items".into(), Value::List(items.collect())));
    }
    Value::Record(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customer_text_is_cleaned_and_never_empty() {
        assert_eq!(text(" 山田\u{7}花子 "), Value::Text("山田 花子".into()));
        assert_eq!(text("a\r\nb\rc"), Value::Text("a\nb\nc".into()));
        assert_eq!(text(" \t\u{0} "), Value::Null);
    }

    #[test]
    fn whatever_is_a_control_character_is_found() {
        for character in '\0'..=char::MAX {
            assert_eq!(is_clean(&format!("a{character}b")), !character.is_control(), "{character:?}");
        }
    }

    #[test]
    fn percentages_are_written_as_people_do() {
        assert_eq!(percent(5.0), Value::Int(5));
        assert_eq!(percent(7.5), Value::Float(7.5));
    }
}
