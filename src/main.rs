//! The `rankmail` program: `rankmail::cli` does the work, this file ends the process.

use std::process::ExitCode;

/// Mails are made of many small pieces, on all threads at once; this takes and gives back memory with less than the system's own way.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(rankmail::cli::run())
}
