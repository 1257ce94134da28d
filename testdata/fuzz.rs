//! Damages files and has rankmail read them: `cargo run --example fuzz -- SECONDS [SEED [TARGET]]`.
//!
//! Fails when a reader panics, takes more memory than `MOST` or does not come to an end. The last line says what makes it again: seed and
//! target, with 0 seconds; after a crash without words the file `fuzz-PROCESS` among the temporary ones does.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "it is a test that runs for as long as one likes")]

#[path = "fuzz/drive.rs"]
mod drive;
#[path = "fuzz/hand.rs"]
mod hand;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/shop.rs"]
mod shop;
#[path = "fuzz/targets.rs"]
mod targets;

use drive::Moment;
use std::fs;
use std::sync::Mutex;

/// Kilobytes that reading one damaged file may add at its highest, to what the process has.
const MOST: u64 = 700 << 10;

/// What is being read: seed and target.
static LAST: Mutex<String> = Mutex::new(String::new());

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("say how long: fuzz SECONDS [SEED [TARGET]]")?.parse()?;
    let seed: u64 = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let only = arguments.next();
    // Panics of the reader are errors; all others are what is looked for.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !rankmail::gate::is_watched() {
            usual(panic);
            eprintln!("seed and target: {}", LAST.lock().map_or_else(|_| String::new(), |last| last.clone()));
        }
    }));
    let note = std::env::temp_dir().join(format!("fuzz-{}", std::process::id()));
    let mut base = 0;
    let mut highest = (0, String::new());
    let files = drive::drive(seconds, seed, only.as_deref(), &mut |target, seed, moment| match moment {
        Moment::Before => {
            let text = format!("{seed} {target}");
            // A process that is ended by the system says nothing; this file does.
            let _ = fs::write(&note, &text);
            if let Ok(mut last) = LAST.lock() {
                *last = text;
            }
            // Makes the highest so far forgotten; where that is not possible memory is not watched.
            let _ = fs::write("/proc/self/clear_refs", "5");
            base = memory("VmRSS:");
        }
        Moment::After => {
            let grown = memory("VmHWM:").saturating_sub(base);
            if grown > highest.0 {
                highest = (grown, format!("{seed} {target}"));
            }
            assert!(grown < MOST, "{target} with seed {seed} took {} MB", grown >> 10);
        }
    });
    let _ = fs::remove_file(&note);
    println!("fuzz: {files} damaged files read, none with a panic; the highest took {} MB ({})", highest.0 >> 10, highest.1);
    Ok(())
}

/// Kilobytes of this process, as Linux tells them.
fn memory(which: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
