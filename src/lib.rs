//! rankmail: ranks customers by their purchases, chooses each rank's mails, and sends each of them once.

pub mod domain;
pub mod keys;
pub mod schedule;
pub mod tables;
