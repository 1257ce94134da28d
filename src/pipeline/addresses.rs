//! The meeting of those who share an address: of customers with one address, the best gets what a campaign sends there.

use super::people::{People, Shop};
use crate::campaigns;
use crate::domain::{Channel, Customers, RankIndex};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

/// Marks of the addresses that more than one customer of the list has: few, so that the meeting over them stays small.
#[derive(Default)]
pub struct Several(HashSet<u64>);

/// Where a campaign sends something, in the form in which two places are compared.
type Place = (usize, Channel, String);

/// A match that wants to be the one at its place.
pub struct Claim {
    place: Place,
    rank: Option<RankIndex>,
    spend: i64,
    id: String,
    /// Its partition, and its place among that one's matches.
    of: (usize, usize),
}

impl Several {
    /// Those of the marks of all customers.
    pub fn of(mut marks: Vec<u64>) -> Self {
        marks.sort_unstable();
        let several = marks.chunk_by(|one, other| one == other).filter(|alike| alike.len() > 1);
        Self(several.filter_map(|alike| alike.first().copied()).collect())
    }

    /// The marks of the addresses that these customers have.
    pub fn marks(customers: &Customers) -> Vec<u64> {
        customers.address.iter().filter_map(|address| Some(mark(&address.same()?))).collect()
    }

    /// The claims of one partition's matches. Only those compete who could be reached at all, and most addresses are one customer's only.
    pub fn claims(&self, shop: &Shop, at: usize, part: &People) -> Vec<Claim> {
        let claim = |(nth, matched): (usize, &super::people::Match)| {
            let channel = matched.reach.ok()?;
            let person = part.person(shop, matched.row);
            let to = match (channel, person.address().same()) {
                (Channel::Mail, Some(same)) if !self.0.contains(&mark(&same)) => return None,
                (Channel::Mail, Some(same)) => same.into_owned(),
                _ => campaigns::same_place(channel, &person),
            };
            let (rank, spend) = (part.standings[matched.row].rank, part.features[matched.row].spend);
            Some(Claim { place: (matched.campaign, channel, to), rank, spend, id: person.id.to_owned(), of: (at, nth) })
        };
        part.matches.iter().enumerate().filter_map(claim).collect()
    }
}

fn mark(address: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one(address)
}

impl Claim {
    fn rival(&self) -> campaigns::Rival<'_> {
        campaigns::Rival { rank: self.rank, spend: self.spend, id: &self.id }
    }
}

/// The matches, by partition and place in it, that somebody else goes before.
pub fn lost(claims: &[Claim]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&Place, Vec<&Claim>> = HashMap::new();
    for claim in claims {
        places.entry(&claim.place).or_default().push(claim);
    }
    let mut lost = Vec::new();
    for claims in places.into_values().filter(|claims| claims.len() > 1) {
        let best = claims.iter().min_by(|one, other| campaigns::wins(&one.rival(), &other.rival())).map(|best| best.of);
        lost.extend(claims.into_iter().map(|claim| claim.of).filter(|of| Some(*of) != best));
    }
    lost
}
