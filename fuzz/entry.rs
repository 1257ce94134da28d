//! What all entry points share: the targets of `testdata/fuzz`, called by name.

#[path = "../testdata/fuzz/hand.rs"]
mod hand;
#[path = "../testdata/fuzz/shop.rs"]
mod shop;
#[path = "../testdata/fuzz/targets.rs"]
pub mod targets;
