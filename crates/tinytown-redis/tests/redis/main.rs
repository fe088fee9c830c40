//! The Redis store on real servers: the conformance suite, the model, and its own promises.

mod access;
mod cost;
mod forgetting;
mod golden;
mod health;
mod life;
mod model;
mod mutants;
mod outages;
mod place;
mod repeats;
mod suite;
