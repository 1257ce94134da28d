//! rankmail: ranks customers by their purchases, chooses each rank's mails, and sends each of them once.
//!
//! Data walks through the rooms in one direction:
//!
//! ```text
//! job → purchases → features → ranks → campaigns → offers → message → runs (the plan folder)
//!                                                      runs → delivery ⇄ ledger → report
//! ```
//!
//! `domain` holds the nouns. A room knows `domain` and itself; those that read Parquet know `gate`, which every such file passes. `pipeline` knows every room; `pipeline/plan.rs` is the page to read
//! first. `cli` and `web` are faces: they know `pipeline` and `domain`. Only `cli` prints and reads the clock.

pub mod audience;
pub mod bounces;
pub mod campaigns;
pub mod cli;
pub mod coupons;
pub mod delivery;
pub mod doctor;
pub mod domain;
pub mod features;
pub mod gate;
pub mod import;
pub mod job;
pub mod keys;
pub mod ledger;
pub mod lint;
pub mod lists;
pub mod message;
pub mod offers;
pub mod optout;
pub mod piles;
pub mod pipeline;
pub mod points;
pub mod purchases;
pub mod ranks;
pub mod recommend;
pub mod report;
pub mod runs;
pub mod schedule;
pub mod tables;
pub mod web;
