//! The images in real engines, each joined to a namespace that plays the node. `make image-test` starts them.
#![allow(clippy::unwrap_used)]
mod backend;
mod built;
mod engines;
mod keeping;
mod matrix;
mod measured;
mod node;
