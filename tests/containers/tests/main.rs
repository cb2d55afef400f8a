//! The images in real engines, each joined to a namespace that plays the node. `make image-test` starts them.
#![allow(clippy::unwrap_used)]
mod backend;
mod beside;
mod built;
mod commits;
mod consumer;
mod engines;
mod keeping;
mod matrix;
mod measured;
mod node;
mod other;
mod two;
mod upgrade;
