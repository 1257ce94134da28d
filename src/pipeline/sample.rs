//! Values of an invented customer, to try templates with before any data is opened.

use crate::domain::campaign::RankMove;
use crate::domain::customers::Product;
use crate::domain::ladder::Admission;
use crate::domain::offer::{CodeSource, Discount, OfferKind, PerRank, Valid};
use crate::domain::orders::OrderItem;
use crate::domain::person::Listed;
use crate::domain::points::Holding;
use crate::domain::recommend::{Interval, Item};
use crate::domain::zone::months_before;
use crate::domain::{
    Address, Campaign, Customers, FeatureRow, Ladder, LastOrder, Occasion, Offer, Person, RankChange, RankIndex, RankRange, Standing, Value,
};
use crate::message::{ValueParts, values};
use chrono::{Datelike, NaiveDate, TimeDelta};

/// The values of a mail of this campaign to an invented customer, 山田 花子, of this rank (the campaign's lowest when it is `None`)
/// at this date. `columns` are those of the customer list; each gets some text.
#[must_use]
pub fn sample(campaign: &Campaign, ladder: &Ladder, rank: Option<RankIndex>, as_of: NaiveDate, columns: &[String]) -> Value {
    let lowest = match &campaign.ranks {
        RankRange::NoRank => None,
        RankRange::Ranks(ranks) => ranks.first().copied(),
    };
    let rank = rank.or(lowest);
    let ago = |days: i64| as_of.checked_sub_signed(TimeDelta::days(days));
    let features = FeatureRow { orders_ever: 12, spend_ever: 184_500, orders: 4, spend: 62_300, ..FeatureRow::default() };
    let standing = standing(campaign, ladder, rank, as_of);
    let customers = customers(columns);
    let last_order = LastOrder {
        store: Some("京都".into()),
        items: vec![OrderItem { product: Some("P001".into()), category: Some("煎茶".into()), quantity: Some(2), amount: 3_240 }],
    };
    let product = Product {
        id: "P001".into(),
        name: "宇治煎茶 百グラム".into(),
        category: Some("煎茶".into()),
        price: Some(1_620),
        url: Some("https://shop.example/p/P001".into()),
        image: Some("https://shop.example/p/P001.jpg".into()),
        stock: Some(40),
    };
    let person = Person {
        id: "C00042",
        features: &features,
        standing: &standing,
        listed: Some(Listed { customers: &customers, row: 0 }),
        first_order_on: ago(760),
        anniversary_of: ago(760),
        last_order_on: ago(100),
        last_order: Some(&last_order),
        holdout: false,
        received: &[],
        interval: Some(Interval { twice_usual: 61, since: 100 }),
        holding: Holding::default(),
    };
    let offer = offer(campaign, rank, as_of);
    let occasion = Occasion { word: as_of.year().to_string(), date: Some(as_of), years: Some(2) };
    let find = |id: &str| (id == "P001").then_some(&product);
    let parts = ValueParts {
        ladder,
        campaign,
        variant: None,
        offer: offer.as_ref(),
        channel: crate::domain::Channel::Mail,
        occasion: &occasion,
        product: &find,
        as_of,
        unsubscribe: "https://shop.example/u/1.sample.sample",
    };
    values(&person, &parts)
}

fn customers(columns: &[String]) -> Customers {
    Customers {
        id: ["C00042"].into_iter().collect(),
        address: vec![Address::Usable { wire: "hanako@example.jp".into(), irregular: false }],
        name: ["山田 花子"].into_iter().collect(),
        birthday: vec![NaiveDate::from_ymd_opt(1980, 12, 14)],
        consent: vec![true],
        columns: columns.iter().map(|name| (name.clone(), std::iter::once(Value::Text("見本".into())).collect())).collect(),
        ..Customers::default()
    }
}

/// Two orders and some money short of everything.
fn standing(campaign: &Campaign, ladder: &Ladder, rank: Option<RankIndex>, as_of: NaiveDate) -> Standing {
    let above = rank.map_or(0, |rank| rank.saturating_add(1));
    let next = ladder.ranks.get(usize::from(above)).map(|_| above);
    let counted = next.and_then(|next| ladder.ranks.get(usize::from(next))).is_some_and(|rank| matches!(rank.admits, Admission::AnyOf(_)));
    let change = match campaign.when.rank {
        Some(RankMove::Up) => RankChange::Up,
        Some(RankMove::Down) => RankChange::Down,
        Some(RankMove::New) => RankChange::New,
        _ => RankChange::Kept,
    };
    Standing {
        qualifies: rank,
        rank,
        previous: if change == RankChange::Up { rank.and_then(|rank| rank.checked_sub(1)) } else { rank },
        change,
        since: rank.map(|_| as_of),
        next_rank: next,
        next_orders: next.filter(|_| counted).map(|_| 1),
        next_spend: next.map(|_| 12_700),
        next_last_day: next.and_then(|_| month_after(as_of).pred_opt()),
        keep_by: rank.map(|_| month_after(as_of)),
        keep_last_day: rank.and_then(|_| month_after(as_of).pred_opt()),
        keep_orders: rank.map(|_| 1),
        keep_spend: rank.map(|_| 8_000),
        ..Standing::default()
    }
}

fn month_after(day: NaiveDate) -> NaiveDate {
    months_before(day, -1)
}

/// A rank's own value.
fn of<T: Copy>(values: &PerRank<T>, rank: RankIndex) -> Option<T> {
    values.get(usize::from(rank)).copied().flatten()
}

/// What the campaign's rule would offer, with an invented code.
fn offer(campaign: &Campaign, rank: Option<RankIndex>, as_of: NaiveDate) -> Option<Offer> {
    let rule = campaign.offer.as_ref()?;
    let rank = rank?;
    if rule.ranks.as_ref().is_some_and(|ranks| !ranks.contains(&rank)) {
        return None;
    }
    let empty = Offer { kind: "coupon", valid_until: rule.valid.and_then(|valid| last_day(valid, as_of)), ..Offer::default() };
    Some(match &rule.kind {
        OfferKind::Coupon { discount, over, on, code } => {
            let (percent, amount) = match discount {
                Discount::Percent(values) => (Some(of(values, rank)?), None),
                Discount::Amount(values) => (None, Some(of(values, rank)?)),
                Discount::Cashback => (None, Some(500)),
            };
            let code = match code {
                CodeSource::Fixed(code) => code.clone(),
                CodeSource::Own | CodeSource::Pool(_) => "ABCD2345EFGH".into(),
            };
            Offer { percent, amount, over: of(over, rank), on: on.clone(), code: Some(code), ..empty }
        }
        OfferKind::Gift { gifts, otherwise, .. } => {
            let gift = gifts.first().map(|gift| gift.gift.clone()).or_else(|| otherwise.clone());
            Offer { kind: "gift", gift, ..empty }
        }
        OfferKind::Bundle { steps, on } => Offer { kind: "bundle", steps: steps.clone(), on: on.clone(), ..empty },
        OfferKind::FreeShipping { over } => Offer { kind: "free_shipping", over: of(over, rank), ..empty },
        OfferKind::Invitation { what, on, place, reply_url, .. } => {
            let what = Some(what.clone());
            Offer { kind: "invitation", what, held_on: *on, place: place.clone(), reply_url: reply_url.clone(), ..empty }
        }
        OfferKind::Recommend(_) => {
            let reason = "お茶をお求めの方に".to_owned();
            let item = Item {
                product: "P011".into(),
                name: "季節の羊羹".into(),
                category: Some("和菓子".into()),
                price: Some(1_200),
                url: Some("https://shop.example/p/P011".into()),
                image: Some("https://shop.example/p/P011.jpg".into()),
                reason: reason.clone(),
            };
            Offer { kind: "recommend", items: vec![item], reason: Some(reason), ..empty }
        }
        OfferKind::Set { products, .. } => Offer { kind: "set", products: products.clone(), price: Some(2_400), ..empty },
        OfferKind::Points { times, over, on } => {
            Offer { kind: "points", times: of(times, rank), over: of(over, rank), on: on.clone(), ..empty }
        }
        OfferKind::Draw { prize, seats } => Offer { kind: "draw", prize: Some(prize.clone()), seats: Some(*seats), ..empty },
        OfferKind::EarlyAccess { what, opens, url } => {
            Offer { kind: "early_access", what: Some(what.clone()), opens: of(opens, rank), url: url.clone(), ..empty }
        }
    })
}

fn last_day(valid: Valid, as_of: NaiveDate) -> Option<NaiveDate> {
    let months = |count| as_of.with_day(1)?.checked_add_months(chrono::Months::new(count))?.pred_opt();
    match valid {
        Valid::ThisMonth => months(1),
        Valid::NextMonth => months(2),
        Valid::Days(days) => as_of.checked_add_signed(TimeDelta::days(i64::from(days))),
        Valid::Until(day) => Some(day),
    }
}
