//! What is legacy's own: the tools that it starts.
mod starts;
