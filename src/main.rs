//! The `rankmail` program: `rankmail::cli` does the work, this file ends the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rankmail::cli::run())
}
