//! The only room that knows two rooms: each file is one thing a person asks for, written as the list of its steps.
//!
//! It prints nothing and reads no clock: the as-of date and the time are handed in.

mod absent;
mod accounts;
mod adopt;
mod assess;
mod brakes;
mod check;
mod choose;
mod coupons;
mod destination;
mod diff;
mod error;
mod explain;
mod export;
mod features;
mod figures;
mod head;
mod households;
mod import;
mod inputs;
mod letters;
mod listed;
mod people;
mod plan;
mod previous;
mod progress;
mod promises;
mod recommend;
mod register;
mod round;
mod run;
mod send;
mod show;
mod spent;
mod status;
mod timetable;
mod trial;
mod whatif;

pub use check::{Checked, DataCheck, check, schema};
pub use coupons::{Coupons, coupons};
pub use destination::{Server, outbox};
pub use diff::{Request as DiffRequest, diff};
pub use error::Error;
pub use explain::{Explanation, Known, Pair, PairFate, explain};
pub use export::{Exported, Wanted, export};
pub use features::features;
pub use import::{ColumnType, Imported, Request as ImportRequest, import, max_bad_rows};
pub use inputs::load_job;
pub use plan::{Next, Planned, Request as PlanRequest, plan};
pub use previous::rank_slots;
pub use progress::{Step, Watch, unwatched};
pub use recommend::{pairs, support};
pub use register::{ForCart, for_cart};
pub use run::{Ran, due, run};
pub use send::{Request as SendRequest, Sent, send, unfinished};
pub use show::{Shown, latest_plan, plan_folder, show};
pub use status::{Status, status};
pub use timetable::{cron, next_times, systemd};
pub use trial::{Trial, trial};
pub use whatif::{Request as WhatIfRequest, whatif};

pub use crate::ranks::{Purpose, RankCheck};
