//! The nouns of the house: what every room may talk about, and the tables that travel between rooms as columns.
//!
//! Nothing here reads, writes, prints or knows the time of day. It uses the standard library, `chrono` and `chrono-tz` only.

pub mod address;
pub mod book;
pub mod campaign;
pub mod cells;
pub mod channel;
pub mod coupon;
pub mod customers;
pub mod dates;
pub mod delivery;
pub mod diff;
pub mod exposure;
pub mod features;
pub mod finding;
pub mod job;
pub mod key;
pub mod ladder;
pub mod list;
pub mod mail;
pub mod merges;
pub mod money;
pub mod offer;
pub mod orders;
pub mod person;
pub mod plan;
pub mod points;
pub mod recommend;
pub mod standing;
pub mod text;
pub mod value;
pub mod whatif;
pub mod zone;

pub use address::Address;
pub use book::{BookPart, OrderBook};
pub use campaign::{Campaign, Contact, Holdout, Once, RankRange, When, Where};
pub use channel::{Channel, Contacts};
pub use customers::Customers;
pub use dates::{Bounds, Dates};
pub use delivery::{Letter, Outcome, State};
pub use exposure::{Exposure, Rate};
pub use features::{FeatureRow, Features};
pub use finding::Finding;
pub use job::Job;
pub use key::Key;
pub use ladder::{Ladder, Rank, RankIndex};
pub use mail::{Occasion, SkipReason, Unmatched};
pub use money::Currency;
pub use offer::{Offer, OfferRule};
pub use orders::{HistoryLine, LastOrder, RuleValue};
pub use person::Person;
pub use points::{CashbackRule, Points, PointsRule};
pub use standing::{RankChange, Standing, Standings};
pub use text::Texts;
pub use value::Value;
pub use zone::Zone;
