//! Attacks on the verification of work: each is carried out, judged by the chain's own functions, and put
//! into money.
//!
//! | file | what it does |
//! |---|---|
//! | [`scene`] | a model of the repository, split in profile exact, with its engine, entry and trace |
//! | [`court`] | a stage on trial: lead, checker, dispute, third worker, verdicts |
//! | [`engine`] | attacks on the rows of the real engine |
//! | [`simulation`] | attacks on draws, money and time, with made-up rows or none |
//! | [`money`] | verdicts as gains and losses, in units of the pay of a stage |
//! | [`report`] | the table, and whether an attack pays |
//!
//! Nothing here runs a network: real processes are `e2e/attacks`, whose findings [`observed`] puts into the
//! same table. Whatever is random comes from one seed.

#![forbid(unsafe_code)]

pub mod court;
pub mod dice;
pub mod engine;
pub mod money;
pub mod observed;
pub mod report;
pub mod scene;
pub mod simulation;
