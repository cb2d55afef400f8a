//! chainkeeper: keeps kubelet's iptables utility chains in place.
//!
//! This crate decides: what should be there (`policy`), when to look and what to say. It speaks no
//! netlink and knows no byte of any encoding; that is the backends' job.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "nftnl", feature = "pure")))]
compile_error!("choose an encoder: cargo feature `nftnl` (the default) or `pure`");

pub mod advice;
mod alarm;
pub mod backends;
pub mod chains;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod culprit;
pub mod daemon;
pub mod damage;
pub mod exit;
pub mod flows;
pub mod host;
pub mod http;
pub mod logging;
pub mod memory;
pub mod messages;
pub mod metrics;
pub mod monitor;
pub mod netns;
pub mod notify;
pub mod policy;
pub mod probe;
pub mod reconcile;
pub mod reference;
pub mod report;
pub mod safe;
pub mod sandbox;
pub mod sight;
pub mod status;
pub mod story;
pub mod switch;
pub mod teller;
pub mod worker;
