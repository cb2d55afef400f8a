//! Tests of the whole program on a real kernel. Every test makes its own network namespace, which
//! goes away with it, even when it fails; the host's own rules are never touched.
mod beside;
mod commands;
mod culprit;
mod damage;
mod dialects;
mod encoders;
mod eyes;
mod gather;
mod input;
mod keeper;
mod legacy;
mod locks;
mod memory;
mod monitor;
mod moving;
mod neighbours;
mod outcomes;
mod packets;
mod policy;
mod probe;
mod reference;
mod screens;
mod support;
mod teller;
mod texts;
mod tracer;
