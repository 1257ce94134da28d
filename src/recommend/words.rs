//! Recommendations in words.

use super::History;
use super::goods::Goods;
use crate::domain::job::Language;
use crate::domain::recommend::{Because, Item, Pick};

/// A pick as a template shows it.
pub fn item(history: &History<'_>, goods: &Goods, pick: &Pick, language: Language) -> Item {
    let listed = goods.listed(pick.product, history);
    Item {
        product: history.book.products.get(pick.product as usize).to_owned(),
        name: name(history, goods, pick.product),
        category: goods.category(pick.product).map(str::to_owned),
        price: listed.and_then(|product| product.price),
        url: listed.and_then(|product| product.url.clone()),
        image: listed.and_then(|product| product.image.clone()),
        reason: reason(history, goods, pick.because, language),
    }
}

/// A product without a name is called by its id.
fn name(history: &History<'_>, goods: &Goods, product: u32) -> String {
    let listed = goods.listed(product, history).map(|product| product.name.as_str()).filter(|name| !name.is_empty());
    listed.unwrap_or_else(|| history.book.products.get(product as usize)).to_owned()
}

fn reason(history: &History<'_>, goods: &Goods, because: Because, language: Language) -> String {
    let for_buyers = |of: &str| language.pick(format!("{of}をお求めの方に"), format!("for those who buy {of}"));
    match because {
        Because::Wallet(wallet) => for_buyers(goods.wallets.get(wallet as usize).map_or("", String::as_str)),
        Because::With(product) => for_buyers(&name(history, goods, product)),
        Because::Again(days) => {
            let every = if days == 1 { "day".to_owned() } else { format!("{days} days") };
            language.pick(format!("いつもの間隔（約{days}日）を過ぎました"), format!("usually bought again after about {every}"))
        }
    }
}

/// One reason for all picks: their own when it is the same, else what they have in common.
pub fn reason_of_all(history: &History<'_>, goods: &Goods, first: &Pick, picks: &[Pick], language: Language) -> String {
    if picks.iter().all(|pick| pick.because == first.because) {
        return reason(history, goods, first.because, language);
    }
    let (ja, en) = match first.because {
        Because::Again(_) => ("いつもの間隔を過ぎた品です", "usually bought again by now"),
        Because::With(_) | Because::Wallet(_) => ("最近お求めの品に合わせて", "to go with your last order"),
    };
    language.pick(ja, en).to_owned()
}
