//! What an address of the page of people asks for. What means nothing in this plan is told, and then nobody is meant.

use super::audience::NO_RANK;
use super::page::way;
use super::people::PAGE;
use crate::domain::{RankIndex, SkipReason};
use crate::pipeline::Studio;
use crate::pipeline::studio::{Filter, Query, Ready, Sort, Wanted};

/// A column of the customer list is this, or holds this: `is.store=京都`.
pub const IS: &str = "is";
pub const HAS: &str = "has";
/// Sorted by a column of the customer list: `sort=list.store`.
pub const COLUMN: &str = "list.";
/// Further fields of an address are passed over.
const FIELDS: usize = 40;

pub struct Asked {
    /// The fields of the address that say something.
    fields: Vec<(String, String)>,
    pub query: Query,
    /// Fields whose values this plan does not have.
    pub unknown: Vec<(String, String)>,
}

impl Asked {
    pub fn read(studio: &Studio, address: &str) -> Self {
        let fields = url::form_urlencoded::parse(address.as_bytes()).filter(|(_, value)| !value.is_empty()).take(FIELDS);
        let fields: Vec<(String, String)> = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let mut asked = Self { fields, query: Query::default(), unknown: Vec::new() };
        asked.query = asked.meant(studio);
        asked.unknown = asked.unknown(studio);
        asked
    }

    fn meant(&self, studio: &Studio) -> Query {
        let summary = studio.summary();
        let rank = |name: &str| match self.get(name) {
            "" => None,
            NO_RANK => Some(None),
            rank => summary.ranks.iter().position(|own| own == rank).and_then(|at| RankIndex::try_from(at).ok()).map(Some),
        };
        let fate = self.get("fate");
        let page: usize = self.get("page").parse().unwrap_or(1);
        let mut query = Query {
            campaign: summary.campaigns.iter().position(|name| name == self.get("campaign")),
            mailed: fate == "mailed",
            skipped: fate == "skipped",
            reason: SkipReason::from_word(fate),
            rank: rank("rank"),
            previous: rank("before"),
            text: self.get("q").to_owned(),
            filters: Vec::new(),
            sort: match self.get("sort") {
                "name" => Sort::Name,
                "address" => Sort::Address,
                "rank" => Sort::Rank,
                "orders" => Sort::Orders,
                "spend" => Sort::Spend,
                "last" => Sort::LastOrder,
                _ => Sort::Id,
            },
            descending: !self.get("desc").is_empty(),
            from: page.saturating_sub(1).saturating_mul(PAGE),
            many: PAGE,
        };
        if let Ready::Yes(people) = studio.people() {
            let columns = &people.index.layout().columns;
            let place = |name: &str| columns.iter().position(|own| own == name);
            for (name, value) in &self.fields {
                let (how, name) = name.split_once('.').unwrap_or_default();
                let wanted = match how {
                    IS => Wanted::Is(value.clone()),
                    HAS => Wanted::Has(value.clone()),
                    _ => continue,
                };
                query.filters.extend(place(name).map(|column| Filter { column, wanted }));
            }
            if let Some(at) = self.get("sort").strip_prefix(COLUMN).and_then(place) {
                query.sort = Sort::Column(at);
            }
        }
        query
    }

    /// What is not in this plan, or is no question at all. What a column of the customer list holds is looked for, whatever it is.
    fn unknown(&self, studio: &Studio) -> Vec<(String, String)> {
        let people = studio.people();
        let columns = match &people {
            Ready::Yes(people) => Some(&people.index.layout().columns),
            Ready::Soon(_) | Ready::Never(_) => None,
        };
        let query = &self.query;
        let is_unknown = |name: &str| match name {
            "campaign" => query.campaign.is_none(),
            "rank" => query.rank.is_none(),
            "before" => query.previous.is_none(),
            "fate" => !query.mailed && !query.skipped && query.reason.is_none(),
            "sort" => query.sort == Sort::Id && self.get("sort") != "id" && (columns.is_some() || !self.get("sort").starts_with(COLUMN)),
            "page" => !self.get("page").parse().is_ok_and(|page: usize| page > 0),
            "q" | "desc" => false,
            other => match (other.split_once('.'), columns) {
                (Some((IS | HAS, column)), Some(columns)) => !columns.iter().any(|own| own == column),
                (Some((IS | HAS, _)), None) => false,
                _ => true,
            },
        };
        self.fields.iter().filter(|(name, _)| is_unknown(name)).cloned().collect()
    }

    /// A field; empty where it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// Whether nothing narrows people down.
    pub fn is_any(&self) -> bool {
        self.fields.iter().all(|(name, _)| ["sort", "desc", "page"].contains(&name.as_str()))
    }

    /// The same address with other values of some fields; an empty one takes the field out.
    pub fn way(&self, other: &[(&str, &str)]) -> String {
        let kept = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        let fields: Vec<(&str, &str)> = kept.chain(other.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
        way("/people", &fields)
    }
}
