//! The schema, as scripts compiled in: one set for both engines, only ever added to.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::engine::Engine;

/// Every migration, compiled in.
pub(crate) fn all(engine: Engine) -> Migrator {
    const SCRIPTS: [(i64, &str, &str); 7] = [
        (1, "v1 surface", include_str!("../../../migrations/0001_v1_surface.sql")),
        (2, "gap registry", include_str!("../../../migrations/0002_gap_registry.sql")),
        (3, "local forge", include_str!("../../../migrations/0003_local_forge.sql")),
        (4, "pipeline", include_str!("../../../migrations/0004_pipeline.sql")),
        (5, "people and routines", include_str!("../../../migrations/0005_people_and_routines.sql")),
        (6, "evidence", include_str!("../../../migrations/0006_evidence.sql")),
        (7, "control room", include_str!("../../../migrations/0007_control_room.sql")),
    ];
    let migrations = SCRIPTS.map(|(version, about, sql)| {
        let sql = match engine {
            // SQLite orders by bytes as it is, and does not know the name for it.
            Engine::Sqlite => AssertSqlSafe(sql.replace(" COLLATE \"C\"", "")).into_sql_str(),
            Engine::Postgres => sql.into_sql_str(),
        };
        Migration::new(version, about.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.to_vec())
}

/// The newest schema version that this program knows.
pub fn schema_version() -> i64 {
    all(Engine::Sqlite).iter().map(|migration| migration.version).max().unwrap_or(0)
}
