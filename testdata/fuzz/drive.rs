//! Runs targets on damaged files until the time is over, and ends the process when one does not come to an end.

use super::mutate::{Dice, mutated};
use super::shop::Shop;
use super::targets::{TARGETS, Target};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seconds that one damaged file may take.
const LONGEST: u64 = 30;

/// Runs one target after the other, each on so many files, until `seconds` are over (one round at least); gives the number of files. `told` is called before
/// each with what makes it again: the target's name and the seed; and after it, to look at the memory.
pub fn drive(seconds: f64, seed: u64, only: Option<&str>, told: &mut dyn FnMut(&str, u64, Moment)) -> u64 {
    let began = Instant::now();
    let started = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&started);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let since = watched.load(Ordering::SeqCst);
            if since == u64::MAX {
                return;
            }
            if began.elapsed().as_secs() > since + LONGEST {
                eprintln!("a file takes more than {LONGEST} seconds");
                std::process::abort();
            }
        }
    });
    let corpus: Vec<Vec<Vec<u8>>> = TARGETS.iter().map(|target| Shop::here(|shop| shop.seeds(target.name))).collect();
    let mut files = 0;
    let mut round = seed;
    loop {
        for (target, seeds) in TARGETS.iter().zip(&corpus).filter(|(target, _)| only.is_none_or(|only| only == target.name)) {
            for _ in 0..8 {
                started.store(began.elapsed().as_secs(), Ordering::SeqCst);
                told(target.name, round, Moment::Before);
                (target.run)(&made(target, seeds, round));
                told(target.name, round, Moment::After);
                files += 1;
                round += 1;
            }
        }
        if began.elapsed().as_secs_f64() >= seconds {
            break;
        }
    }
    started.store(u64::MAX, Ordering::SeqCst);
    files
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// The file that a seed makes.
pub fn made(target: &Target, seeds: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let whole = &seeds[dice.below(seeds.len())];
    mutated(whole, seeds, target.marks, &mut dice)
}
