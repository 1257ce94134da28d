//! The `rankmail` program: `rankmail::cli` does the work, this file ends the process.

use std::process::ExitCode;

/// A plan makes and gives back hundreds of small things for each mail; see docs/decisions/038.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(rankmail::cli::run())
}
