//! rankmail from the outside.

mod bad_jobs;
mod job_docs;
