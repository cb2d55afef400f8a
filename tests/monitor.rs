//! The monitor in a world without a host: a clock that is set, writers that tell or do not, an environment
//! that does what it is told. Every step is checked, see `law`.
mod every;
mod failures;
mod fights;
mod law;
mod looks;
mod rules;
mod settle;
mod world;
