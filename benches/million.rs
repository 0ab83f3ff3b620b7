//! What a session takes to keep, and whether a million of them make a refresh or a revocation slower:
//! `cargo bench --bench million`, or for fewer, or
//! for one of them, `cargo bench --bench million -- 100000 sqlite`. In PostgreSQL: how long removing ended
//! sessions and old revocations takes among so many, within the usual deadline
//! (`cargo bench --bench million -- 5000000 postgres`).
//!
//! A session for each of as many users, as browsers make them: with one of 300 user agents of some 110
//! bytes and an address. Beside the full store stands one with a thousand; both are asked in turn, for
//! sessions picked at random.

#[path = "../tests/servers/mod.rs"]
mod servers;

use countersign::{
    clock::{Clock, SystemClock},
    refresh_token::Salt,
    session::SessionId,
    store::{
        Advance, Creation, Device, Session, SessionStore, Transport, postgres::PostgresStore,
        redis::RedisStore, sqlite::SqliteStore,
    },
    user::UserId,
};
use servers::{Postgres, Redis};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

const FEW: usize = 1_000;
const ROUNDS: usize = 21;
const ADVANCES: usize = 300;
const REVOCATIONS: usize = 15;
const GRACE: Duration = Duration::from_secs(10);
const PATIENT: Duration = Duration::from_secs(60);

type Store = Arc<dyn SessionStore>;

#[tokio::main]
async fn main() {
    let many = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    println!(
        "{:<8} {:>10} {:>12} {:>16} {:>16}",
        "store", "sessions", "bytes each", "advance µs", "revoke µs"
    );
    let only = |name: &str| {
        std::env::args().all(|word| !["redis", "sqlite", "postgres"].contains(&&*word) || word == name)
    };
    if only("redis") {
        on_redis(many).await;
    }
    if only("sqlite") {
        on_sqlite(many).await;
    }
    if only("postgres") {
        on_postgres(many).await;
    }
}

/// A tenth of the sessions have ended, another tenth would have if they had not been used, and half of as many
/// revocations are old.
async fn on_postgres(many: usize) {
    let server = Postgres::start();
    let url = server.database();
    let database = url.rsplit('/').next().expect("a name");
    let store = PostgresStore::open(&url, 2, Duration::from_millis(500)).await.expect("it opens");
    store.begin_epoch(0).await.expect("an epoch");
    let now = SystemClock.now();
    let fill = format!(
        "SET synchronous_commit = off;
         INSERT INTO sessions (id, user_id, client_id, scope, transport, created_at, last_used_at, expires_at,
             idle, generation, salt, due_at, user_agent, address)
         SELECT uuid_send(gen_random_uuid()), gen_random_uuid(), 'first-party', '', 0, {now} - 2000000, used,
             {now} + 4000000, 1209600, 0, uuid_send(gen_random_uuid()), due, 'Mozilla/5.0 (X11; Linux x86_64)',
             '198.51.100.7'
         FROM (SELECT CASE WHEN n % 10 = 0 THEN {now} - 1300000 ELSE {now} - 1000 END AS used,
                   CASE WHEN n % 10 < 2 THEN {now} - 90400 ELSE {now} + 1200000 END AS due
               FROM generate_series(1, {many}) AS n) AS times;
         INSERT INTO revocations (at, session_id)
             SELECT CASE WHEN n % 2 = 0 THEN {now} - 200000 ELSE {now} END, uuid_send(gen_random_uuid())
             FROM generate_series(1, {many} / 5) AS n;
         ANALYZE;"
    );
    let filled = Instant::now();
    server.sql(database, &fill);
    println!("postgres: filled with {many} sessions in {:.0} s", filled.elapsed().as_secs_f64());
    let before = now.minus(Duration::from_secs(86_400));
    let purged = removed(async |limit| store.purge(now, before, limit).await.expect("purged")).await;
    let trimmed = removed(async |limit| store.trim(before, limit).await.expect("trimmed")).await;
    for (what, (count, seconds, slowest)) in [("sessions", purged), ("revocations", trimmed)] {
        println!(
            "postgres: {count} {what} removed in {seconds:.1} s, {:.0} a second, 500 in {slowest:.0} ms at most",
            count as f64 / seconds
        );
    }
    let started = Instant::now();
    assert_eq!(store.purge(now, before, 500).await.expect("purged"), 0);
    println!("postgres: with nothing to remove {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
}

/// Removes 500 at a time as long as there are any: how many, in how many seconds, and the longest step's
/// milliseconds.
async fn removed(remove: impl AsyncFn(u32) -> u64) -> (u64, f64, f64) {
    let (started, mut count, mut slowest) = (Instant::now(), 0, 0.0_f64);
    loop {
        let step = Instant::now();
        let some = remove(500).await;
        slowest = slowest.max(step.elapsed().as_secs_f64() * 1e3);
        count += some;
        if some < 500 {
            return (count, started.elapsed().as_secs_f64(), slowest);
        }
    }
}

async fn on_redis(many: usize) {
    let servers = [Redis::start(), Redis::start()];
    let mut kept = vec![];
    let mut bytes = vec![];
    for (server, count) in servers.iter().zip([FEW, many]) {
        let url = server.url().parse().expect("a URL");
        let store: Store = Arc::new(RedisStore::open(&url, "countersign", PATIENT).await.expect("it opens"));
        store.begin_epoch(0).await.expect("an epoch");
        // So that what scripts and connections take is not counted.
        fill(&store, 10, 64).await;
        let before = used(server);
        let sessions = fill(&store, count, 64).await;
        bytes.push((used(server) - before) / count as f64);
        kept.push(Kept { store, sessions });
    }
    compare("redis", &mut kept, &bytes).await;
}

fn used(redis: &Redis) -> f64 {
    let info = redis.command(&["INFO", "memory"]);
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a line");
    line.trim().parse().expect("a number")
}

/// Filled in memory, since that waits for no disk; asked where others keep it.
async fn on_sqlite(many: usize) {
    let [shared, disk] =
        ["/dev/shm", "/tmp"].map(|place| tempfile::TempDir::new_in(place).expect("a folder"));
    let mut kept = vec![];
    let mut bytes = vec![];
    for count in [FEW, many] {
        let [filled, path] = [&shared, &disk].map(|folder| folder.path().join(format!("{count}.db")));
        let store = opened(&filled).await;
        let empty = size(&filled);
        let sessions = fill_at_once(&store, count).await;
        store.close().await;
        bytes.push((size(&filled) - empty) / count as f64);
        std::fs::copy(&filled, &path).expect("copied");
        std::fs::remove_file(&filled).expect("removed");
        kept.push(Kept { store: opened(&path).await, sessions });
    }
    compare("sqlite", &mut kept, &bytes).await;
}

/// Some by the store, and the others after their pattern: a million creations would wait for as many commits.
async fn fill_at_once(store: &Arc<SqliteStore>, count: usize) -> Vec<(SessionId, u64)> {
    const BY_STORE: usize = 300;
    fill(&(store.clone() as Store), BY_STORE, 1).await;
    let more = "INSERT INTO sessions (id, user_id, client, scope, transport, created_at, last_used_at, expires_at,
            idle, generation, salt, due_at, user_agent, address)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        SELECT randomblob(16), randomblob(16), client, scope, transport, created_at, last_used_at, expires_at,
            idle, generation, randomblob(16), due_at, user_agent, '198.51.' || (i / 256 % 256) || '.' || (i % 256)
        FROM n JOIN sessions ON number = i % ?2 + 1";
    let [many, by_store] =
        [count - BY_STORE, BY_STORE].map(|count| i64::try_from(count).expect("not that many"));
    sqlx::query(more).bind(many).bind(by_store).execute(store.writer()).await.expect("filled");
    sqlx::query("UPDATE texts SET count = count + ?")
        .bind(many / by_store)
        .execute(store.writer())
        .await
        .expect("counted");
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM sessions").fetch_all(store.writer()).await.expect("the ids");
    ids.iter().map(|id| (SessionId::from_bytes(id.as_slice().try_into().expect("an id")), 0)).collect()
}

async fn opened(path: &Path) -> Arc<SqliteStore> {
    let store = Arc::new(SqliteStore::open(path, 2, PATIENT).await.expect("the file opens"));
    store.begin_epoch(0).await.expect("an epoch");
    store
}

fn size(path: &Path) -> f64 {
    std::fs::metadata(path).expect("a file").len() as f64
}

/// Adds so many sessions, several at once; says which, and that all are of the first generation.
async fn fill(store: &Store, count: usize, at_once: usize) -> Vec<(SessionId, u64)> {
    let tasks: Vec<_> = (0..at_once)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut ids = vec![];
                for at in (task..count).step_by(at_once) {
                    let session = session(at);
                    let revision = store.revision(session.user).await.expect("revision");
                    let creation = store.create(&session, revision, 50).await.expect("create");
                    assert_eq!(creation, Creation::Created);
                    ids.push((session.id, 0));
                }
                ids
            })
        })
        .collect();
    let mut all = vec![];
    for task in tasks {
        all.extend(task.await.expect("filled"));
    }
    all
}

fn session(at: usize) -> Session {
    let now = SystemClock.now();
    let agent = format!(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
        at % 300
    );
    Session {
        id: SessionId::random().expect("randomness"),
        user: UserId::random(),
        client_id: "first-party".into(),
        scope: Default::default(),
        transport: Transport::Cookie,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus(Duration::from_secs(90 * 86_400)),
        idle: Duration::from_secs(14 * 86_400),
        generation: 0,
        salt: Salt::random().expect("randomness"),
        device: Device {
            user_agent: Some(agent),
            address: Some(format!("198.51.{}.{}", at / 256 % 256, at % 256).parse().expect("an address")),
            name: None,
        },
    }
}

struct Kept<S: ?Sized = dyn SessionStore> {
    store: Arc<S>,
    /// With the generation of each.
    sessions: Vec<(SessionId, u64)>,
}

impl<S: SessionStore + ?Sized> Kept<S> {
    /// Another of them, at random.
    fn pick(&self) -> usize {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("randomness");
        (u64::from_le_bytes(bytes) % self.sessions.len() as u64) as usize
    }

    async fn advance(&mut self) -> f64 {
        let started = Instant::now();
        for _ in 0..ADVANCES {
            let at = self.pick();
            let (id, generation) = self.sessions[at];
            let answer = self.store.advance(id, generation, SystemClock.now(), GRACE).await.expect("advance");
            assert_eq!(answer, Advance::Advanced(generation + 1));
            self.sessions[at].1 += 1;
        }
        started.elapsed().as_secs_f64() * 1e6 / ADVANCES as f64
    }

    async fn revoke(&mut self) -> f64 {
        let started = Instant::now();
        for _ in 0..REVOCATIONS {
            let at = self.pick();
            let (id, _) = self.sessions.swap_remove(at);
            assert!(self.store.revoke(id, SystemClock.now()).await.expect("revoke"));
        }
        started.elapsed().as_secs_f64() * 1e6 / REVOCATIONS as f64
    }
}

async fn compare<S: SessionStore + ?Sized>(name: &str, kept: &mut [Kept<S>], bytes: &[f64]) {
    let counts: Vec<_> = kept.iter().map(|kept| kept.sessions.len()).collect();
    let mut advances = vec![vec![]; 2];
    let mut revocations = vec![vec![]; 2];
    for _ in 0..ROUNDS {
        for (at, kept) in kept.iter_mut().enumerate() {
            advances[at].push(kept.advance().await);
            revocations[at].push(kept.revoke().await);
        }
    }
    for at in 0..2 {
        let (advance, revoke) =
            (median(advances[at].iter().copied()), median(revocations[at].iter().copied()));
        println!("{name:<8} {:>10} {:>12.0} {advance:>16.1} {revoke:>16.1}", counts[at], bytes[at]);
    }
    let ratio = |times: &[Vec<f64>]| median(times[1].iter().zip(&times[0]).map(|(many, few)| many / few));
    println!(
        "{:<32} {:>16.2} {:>16.2}",
        "of many, as multiples of few:",
        ratio(&advances),
        ratio(&revocations)
    );
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
