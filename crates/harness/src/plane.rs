//! A world for one test: a plane on a real engine, a clock to turn by hand, ids from a seed.
//!
//! A replica is another plane over connections of its own to the same store, as another process would have.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use domain::agent::{Principal, Role};
use domain::time::Time;
use plane::{Call, Idempotency, Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use store::{Clock, Hand, Store};
use tempfile::TempDir;

use crate::invariants;
use crate::postgres::{self, Database};

/// Where every test's clock stands at first: 2026-11-22T08:00:00Z.
pub const START: Time = Time(1_795_334_400_000);

/// On which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// SQLite without a file: nobody else can open it.
    Memory,
    /// SQLite in a temporary file.
    Sqlite,
    /// A database of its own on the run's Postgres.
    Postgres,
}

/// A plane and what is around it.
#[derive(Debug)]
pub struct World {
    /// The plane under test.
    pub plane: Plane,
    /// Turns the clock of every plane of this world.
    pub hand: Hand,
    moment: Arc<AtomicI64>,
    seeds: AtomicU64,
    home: Home,
    spoilt: AtomicBool,
}

#[derive(Debug)]
enum Home {
    Memory,
    File(TempDir),
    Database(Database),
}

impl World {
    /// A fresh world whose first plane writes to its log only.
    pub async fn new(on: On) -> Self {
        Self::seeded(on, 0, |_| {}).await
    }

    /// A fresh world with its own seed and settings.
    pub async fn seeded(on: On, seed: u64, set: impl FnOnce(&mut Settings)) -> Self {
        let home = match on {
            On::Memory => Home::Memory,
            On::Sqlite => Home::File(tempfile::tempdir().expect("a folder")),
            On::Postgres => Home::Database(postgres::database().await),
        };
        let (clock, hand) = Clock::turned_by_hand(START);
        let Clock::Turned(moment) = &clock else { unreachable!("it was just turned by hand") };
        let moment = Arc::clone(moment);
        let store = Store::open(&home.url(), clock).await.expect("a store");
        store.migrate().await.expect("a schema");
        // Far apart, so that the replicas of neighbouring seeds do not share their chance.
        let seed = seed << 16;
        let plane = Plane::new(store, settings(set), StdRng::seed_from_u64(seed));
        Self { plane, hand, moment, seeds: AtomicU64::new(seed + 1), home, spoilt: AtomicBool::new(false) }
    }

    /// On which engine it is.
    pub fn on(&self) -> On {
        match self.home {
            Home::Memory => On::Memory,
            Home::File(_) => On::Sqlite,
            Home::Database(_) => On::Postgres,
        }
    }

    /// The address of its store; a store in memory has none that leads back to it.
    pub fn url(&self) -> String {
        assert!(self.on() != On::Memory, "a store in memory belongs to whoever opened it");
        self.home.url()
    }

    /// The first plane's store.
    pub fn store(&self) -> &Store {
        self.plane.store()
    }

    /// The same store by connections of its own.
    pub async fn open(&self) -> Store {
        self.opener().open().await
    }

    /// Another plane over connections of its own.
    pub async fn replica(&self) -> Plane {
        self.replica_with(|_| {}).await
    }

    /// Another plane with its own settings.
    pub async fn replica_with(&self, set: impl FnOnce(&mut Settings)) -> Plane {
        self.opener().replica(set).await
    }

    /// The moment of its clock, for a world outside that keeps the same time.
    pub fn moment(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.moment)
    }

    /// What opens the store again, to be taken into another [`crate::Process`].
    pub fn opener(&self) -> Opener {
        Opener { url: self.url(), moment: Arc::clone(&self.moment), seed: self.seeds.fetch_add(1, Ordering::Relaxed) }
    }

    /// Says that the test breaks the store on purpose, so that it is not checked at the end.
    pub fn spoil(&self) {
        self.spoilt.store(true, Ordering::Relaxed);
    }

    /// Checks every invariant, unless the test broke the store on purpose.
    pub async fn check(&self) {
        if !self.spoilt.load(Ordering::Relaxed) {
            let broken = invariants::broken(self.store()).await;
            assert!(broken.is_empty(), "the store is in disorder:\n{}", broken.join("\n"));
        }
    }

    /// Gives back what it stands on.
    pub async fn discard(self) {
        match self.home {
            Home::Memory => {}
            Home::File(folder) => folder.close().expect("the folder removed"),
            Home::Database(database) => database.discard().await,
        }
    }
}

impl Home {
    fn url(&self) -> String {
        match self {
            Self::Memory => "sqlite::memory:".to_owned(),
            Self::File(folder) => format!("sqlite:{}", folder.path().join("gapwright.db").display()),
            Self::Database(database) => database.url.clone(),
        }
    }
}

/// Opens a world's store again, from wherever it is taken.
#[derive(Debug, Clone)]
pub struct Opener {
    url: String,
    moment: Arc<AtomicI64>,
    seed: u64,
}

impl Opener {
    /// The store by connections of its own.
    pub async fn open(&self) -> Store {
        Store::open(&self.url, Clock::Turned(Arc::clone(&self.moment))).await.expect("the store once more")
    }

    /// A plane over connections of its own.
    pub async fn replica(&self, set: impl FnOnce(&mut Settings)) -> Plane {
        Plane::new(self.open().await, settings(set), StdRng::seed_from_u64(self.seed))
    }
}

/// Settings of a plane that only writes to its log, but for what is set.
pub fn settings(set: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::new(client());
    set(&mut settings);
    settings
}

/// What planes ask of the world: one client for all, for it takes long to make; no connection of it outlives its request,
/// and so none the process that it was made in.
pub(crate) fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        notify::install_tls();
        reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client")
    });
    CLIENT.clone()
}

/// A call of somebody in a role, by a tool.
pub fn call(role: Role, name: &str, tool: &'static str) -> Call {
    Call { by: Principal::local(name, role), tool, request_id: format!("request-of-{name}"), idempotency: None }
}

/// The same call under an idempotency key; `request` stands for its arguments.
pub fn keyed(call: &Call, key: &str, request: &str) -> Call {
    let idempotency = Some(Idempotency { key: key.to_owned(), request: request.to_owned() });
    Call { idempotency, ..call.clone() }
}

/// Holds an exam in a fresh world, and checks every invariant at its end.
pub async fn examine(on: On, exam: impl AsyncFnOnce(&World)) {
    let world = World::new(on).await;
    exam(&world).await;
    world.check().await;
    world.discard().await;
}
