//! What can happen to Redis.

use super::Scene;
use crate::servers::{Proxy, Redis};
use std::time::Duration;

/// A scene whose sessions are in this Redis, by way of a proxy if there is one.
fn scene(redis: &Redis, proxy: Option<&Proxy>) -> Scene {
    let url = proxy.map_or(redis.url(), |proxy| redis.url_at(proxy.port()));
    Scene::set(&[("COUNTERSIGN_REDIS_URL", &url)])
}

/// Redis fails in this way and is well again afterwards.
fn fails(hurt: impl FnOnce(&Redis, &Proxy), heal: impl FnOnce(&Redis, &Proxy)) {
    let redis = Redis::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let proxy = Proxy::to(redis.address());
    let mut scene = scene(&redis, Some(&proxy));
    hurt(&redis, &proxy);
    scene.is_closed();
    scene.goes_stale();
    scene.is_closed();
    heal(&redis, &proxy);
    scene.recovers();
}

// F01, F08
#[test]
fn killed_and_started_again() {
    fails(|redis, _| redis.kill(), |redis, _| redis.start_again());
}

// F01
#[test]
fn frozen() {
    fails(|redis, _| redis.stop(), |redis, _| redis.resume());
}

// F01
#[test]
fn five_seconds_late() {
    fails(|_, proxy| proxy.delay(Duration::from_secs(5)), |_, proxy| proxy.pass());
}

// F01
#[test]
fn cut_off() {
    fails(|_, proxy| proxy.cut(), |_, proxy| proxy.pass());
}

// F01
#[test]
fn gone_without_a_word() {
    fails(|_, proxy| proxy.blackhole(), |_, proxy| proxy.pass());
}
