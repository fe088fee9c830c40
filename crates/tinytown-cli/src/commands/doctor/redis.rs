//! A store on Redis: whether the server answers, and whether it is one to be relied upon.

use std::time::Duration;

use tinytown_redis::health::{self, Concern, RedisHealth, Severity};
use tinytown_store::Glance;
use tokio::time::timeout;

use super::finding::Finding;
use super::hangs;
use super::store::{CODE, unusable};
use crate::compose;
use crate::failure::Failure;
use crate::town::Town;

/// Looks at the server, and at what the store says goes on in the town, if it can be read.
pub(super) async fn check(town: &Town, patience: Duration) -> (Vec<Finding>, Option<Glance>) {
    let mut findings = match timeout(patience, server(town)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(failure)) => return (vec![Finding::of_failure(CODE, &failure, "see whether it runs")], None),
        Err(_over) => return (vec![hangs(CODE, patience)], None),
    };
    let glance = async { Ok::<_, Failure>(compose::onlooker(town).await?.glance().await) };
    match timeout(patience, glance).await {
        Ok(Ok(Ok(glance))) => return (findings, Some(glance)),
        Ok(Ok(Err(error))) => findings.push(unusable(&error)),
        Ok(Err(failure)) => findings.push(Finding::of_failure(CODE, &failure, "see whether it runs")),
        Err(_over) => findings.push(hangs(CODE, patience)),
    }
    (findings, None)
}

async fn server(town: &Town) -> Result<Vec<Finding>, Failure> {
    let RedisHealth { flavour, version, concerns } =
        health::inspect(&compose::redis_url(&town.store)?).await?;
    let version = version.map_or_else(String::new, |version| format!(" {version}"));
    let mut findings = vec![Finding::ok(CODE, format!("store {}, {flavour}{version}", town.store))];
    findings.extend(concerns.iter().map(finding));
    Ok(findings)
}

fn finding(concern: &Concern) -> Finding {
    match concern.severity() {
        Severity::Error => Finding::error(CODE, concern.to_string(), concern.mend()),
        Severity::Warning => Finding::warning(CODE, concern.to_string(), concern.mend()),
    }
}
