//! A database that is not there, not ours, not writable, or not of our time.

use sqlx::{Connection as _, SqliteConnection};

use crate::program::Home;

#[test]
fn looking_into_a_database_that_is_not_there_makes_none() {
    let home = Home::new();
    let said = home.fails(3, &["jobs", "list"]);
    assert!(said.contains("there is no database at gapwright.db"), "{said}");
    assert!(!home.path().join("gapwright.db").exists());
}

#[test]
fn a_mistyped_address_is_refused_and_nothing_is_made_of_it() {
    let home = Home::new();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for address in ["mysql://h/x", "postgress://h/x"] {
        let said = home.fails(2, &[&["--database", address], &serve[..]].concat());
        assert!(said.contains("begins neither with sqlite: nor with postgres://"), "{said}");
        assert!(said.contains("hint: write database.url as sqlite:PATH"), "{said}");
    }
    for address in ["sqlite:no-such/x.db", "no-such/x.db", "sqlite://no-such/deeper/x.db"] {
        for args in [&serve[..], &["mcp"], &["migrate"], &["jobs", "add", "a", "--kind", "x"]] {
            let said = home.fails(3, &[&["--database", address], args].concat());
            assert!(said.contains("there is no folder no-such"), "{args:?}: {said}");
            assert!(said.contains("flag --database") && said.contains("hint: make the folder"), "{args:?}: {said}");
        }
    }
    // A path that the program does not read itself is the engine's to refuse.
    home.fails(1, &["--database", "no-such/100%.db", "migrate"]);
    assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 0);
}

#[test]
fn the_schema_is_looked_at_without_touching_it_and_then_made() {
    let home = Home::new();
    home.fails(3, &["migrate", "--status"]);
    home.write("gapwright.db", "");
    let newest = store::schema_version();
    let ended = home.run(&["migrate", "--status"]);
    assert_eq!((ended.code, ended.out), (1, format!("the schema has version 0; {newest} is to come\n")));
    assert_eq!(home.ok(&["migrate"]), format!("migrated from version 0 to {newest}\n"));
    let told = format!("the schema is up to date, at version {newest}\n");
    assert_eq!(home.ok(&["migrate", "--status"]), told);
    assert_eq!(home.ok(&["migrate"]), told);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused_by_every_command() {
    let home = Home::with_database();
    let path = home.path().join("gapwright.db");
    let mut base = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.expect("the database");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'later', TRUE, x'00', 0)",
    )
    .execute(&mut base)
    .await
    .expect("a later version");
    base.close().await.expect("written");
    for args in
        [&["jobs", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["migrate"], &["migrate", "--status"], &["mcp"]]
    {
        let said = home.fails(1, args);
        let newest = format!("those up to {}", store::schema_version());
        assert!(said.contains("schema version 99") && said.contains(&newest), "{args:?}: {said}");
        assert!(said.contains("hint: run the gapwright that migrated it"), "{said}");
    }
    let report = home.run(&["doctor"]);
    assert_eq!(report.code, 1);
    assert!(report.out.contains("fail     schema"), "{}", report.out);
}

#[test]
fn a_database_that_cannot_be_written_or_opened_is_told_with_a_next_step() {
    let home = Home::with_database();
    let said = home.fails(1, &["--database", "sqlite:gapwright.db?mode=ro", "jobs", "add", "a", "--kind", "x"]);
    assert!(said.contains("read-only") && said.contains("hint: let the user who runs this write"), "{said}");
    let folder = home.path().display().to_string();
    let said = home.fails(1, &["--database", &folder, "jobs", "list"]);
    assert!(said.contains("cannot be reached") && said.contains("hint: check the path"), "{said}");
    home.write(
        "text.db",
        "this is not a database, and it is long enough to have a header of one hundred bytes: 0123456789",
    );
    let said = home.fails(1, &["--database", "text.db", "jobs", "list"]);
    assert!(said.contains("cannot use the database"), "{said}");
}

#[tokio::test]
async fn a_postgres_that_cannot_be_used_is_told_with_its_own_reason_and_without_the_password() {
    let database = harness::postgres::database().await;
    let (user, place) = database.url.trim_start_matches("postgres://").split_once('@').expect("user@host:port/name");
    let host = place.split_once('/').expect("host:port/name").0.to_owned();
    for (url, reason) in [
        ("postgres://gapwright:pw-secret@127.0.0.1:1/x".to_owned(), "Connection refused"),
        (format!("postgres://{user}:pw-secret@{host}/no-such-database"), "\"no-such-database\" does not exist"),
        (format!("postgres://no-such-role:pw-secret@{place}"), "\"no-such-role\" does not exist"),
    ] {
        let home = Home::new().set("GAPWRIGHT__DATABASE__URL", &url);
        for args in [&["jobs", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = home.fails(1, args);
            assert!(said.contains("cannot be reached") && said.contains(reason), "{args:?}: {said}");
            assert!(said.contains("hint: check the path or the address") && !said.contains("pw-secret"), "{said}");
        }
        let report = home.run(&["doctor"]).out;
        assert!(report.contains("fail     database") && report.contains(reason), "{report}");
        assert!(!report.contains("pw-secret"), "{report}");
    }
    database.discard().await;
}
