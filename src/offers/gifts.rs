//! Which gift a customer gets: the first that is liked, does no harm and was not given before.

use crate::domain::offer::Gift;
use crate::domain::text::folded;
use crate::domain::{Person, Value};
use std::borrow::Cow;

/// The gift for a customer. `otherwise` is for whom none is left, and may come again: a mail about a gift without one would be worse.
pub fn choose<'a>(
    gifts: &'a [Gift],
    otherwise: Option<&'a String>,
    choose_by: Option<&String>,
    allergies: Option<&String>,
    person: &Person<'_>,
) -> Option<&'a String> {
    let column = |name: Option<&String>| name.map_or(Cow::Owned(Value::Null), |column| person.column(column));
    let (likes, allergies) = (column(choose_by), column(allergies));
    let is_new = |gift: &&String| !person.received.contains(gift);
    let suits = |gift: &&Gift| likes.is_written_alike(&gift.likes) && !gift.never_with.iter().any(|word| names(&allergies, word));
    let chosen = gifts.iter().filter(suits).map(|gift| &gift.gift).find(is_new);
    chosen.or(otherwise)
}

/// Whether what is known of a customer's allergies names something. It is looked for within the text too, for "牛肉（少量可）" names
/// 牛肉, and no gift is better than a wrong one. ｴﾋﾞ is エビ.
fn names(allergies: &Value, word: &str) -> bool {
    match allergies {
        Value::Text(text) => folded(text).contains(&folded(word)),
        Value::List(values) => values.iter().any(|value| names(value, word)),
        other => other.is_written(word),
    }
}
