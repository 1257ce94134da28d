//! The program from outside, and the house from inside.

mod demo;
mod house;
mod program;
