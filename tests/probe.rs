//! Which backend holds this host's rules: the decision table, without a host.
mod asked;
mod conflicts;
mod facts;
mod lattice;
mod missing;
mod named;
mod nobody;
mod ours;
mod unread;
mod words;
