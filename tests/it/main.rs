//! The program from outside, and the house from inside.

#[cfg(test)]
mod approval;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_jobs;
#[cfg(test)]
mod bounces;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod coupons;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod findings;
#[cfg(test)]
mod forget;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod house;
#[cfg(test)]
mod job_docs;
#[cfg(test)]
mod keep_runs;
#[cfg(test)]
mod ladder;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod message;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod monthly;
#[cfg(test)]
#[cfg(feature = "dns")]
mod name_server;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod optout;
#[cfg(test)]
mod order;
#[cfg(test)]
mod other_shops;
#[cfg(test)]
mod people;
#[cfg(test)]
mod points;
#[cfg(test)]
mod program;
#[cfg(test)]
mod purchases;
#[cfg(test)]
mod rank_rules;
#[cfg(test)]
mod recommend;
#[cfg(test)]
mod second_job;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod sink;
#[cfg(test)]
mod small_shop;
#[cfg(test)]
mod spilling;
#[cfg(test)]
mod studio;
#[cfg(test)]
mod studio_approve;
#[cfg(test)]
mod studio_changes;
#[cfg(test)]
mod studio_elsewhere;
#[cfg(test)]
mod studio_folder;
#[cfg(test)]
mod studio_growth;
mod studio_mends;
#[cfg(test)]
mod studio_pages;
#[cfg(test)]
mod studio_people;
#[cfg(test)]
mod studio_saves;
#[cfg(test)]
mod studio_server;
#[cfg(test)]
mod studio_templates;
#[cfg(test)]
mod studio_told;
mod studio_words;
#[cfg(test)]
mod variants;
#[cfg(test)]
mod whatif;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod year;
