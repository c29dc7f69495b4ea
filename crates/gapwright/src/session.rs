//! What a command works with: the open store, the plane over it, and the caller, who is the person at the keyboard.

use std::path::{Path, PathBuf};

use domain::agent::{Principal, Role};
use forge::broker::{self, Broker};
use forge::git;
use forge::local::Local;
use plane::mirror::Home;
use plane::{Call, Plane};
use rand::rngs::StdRng;
use secrecy::ExposeSecret as _;
use store::{Clock, Store};

use crate::config::{Config, ForgeKind, Place};
use crate::failure::Failure;

/// What to do about a SQLite file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make it: something is to be put in.
    Make,
    /// Refuse: an empty answer from the wrong folder would mislead.
    Refuse,
}

/// A plane and its caller.
pub(crate) struct Session {
    /// The plane.
    pub(crate) plane: Plane,
    /// Who calls, by which command.
    pub(crate) call: Call,
}

impl Session {
    /// Opens the store as it is configured. The plane sends nothing and asks nobody: it knows no secret but the
    /// database's.
    pub(crate) async fn open(config: &Config, tool: &'static str, missing: Missing) -> Result<Self, Failure> {
        Self::over(config, config.settings(public_url(config)?)?, tool, missing).await
    }

    /// The same for a plane that sends messages and asks for alerts.
    pub(crate) async fn open_with_secrets(
        config: &Config,
        tool: &'static str,
        missing: Missing,
    ) -> Result<Self, Failure> {
        Self::over(config, config.settings_with_secrets(public_url(config)?)?, tool, missing).await
    }

    /// The same for a plane that reads the forge and what was changed there.
    pub(crate) async fn open_with_home(config: &Config, tool: &'static str) -> Result<Self, Failure> {
        let store = open(config, Missing::Refuse).await?;
        check_schema(&store, Missing::Refuse).await?;
        let home = home(config, &store).await?;
        let settings = plane::Settings { home, ..config.settings(public_url(config)?)? };
        let plane = Plane::new(store, settings, chance());
        let call = call(&plane, tool);
        Ok(Self { plane, call })
    }

    async fn over(
        config: &Config,
        settings: plane::Settings,
        tool: &'static str,
        missing: Missing,
    ) -> Result<Self, Failure> {
        let store = open(config, missing).await?;
        check_schema(&store, missing).await?;
        let plane = Plane::new(store, settings, chance());
        let call = call(&plane, tool);
        Ok(Self { plane, call })
    }
}

/// The forge with the broker through which changes reach it, if any do.
pub(crate) async fn home(config: &Config, store: &Store) -> Result<Option<Home>, Failure> {
    let Some(home) = config.home(store, chance())? else { return Ok(None) };
    match config.broker()? {
        Place::Folder(folder) => Ok(Some(Home { broker: Some(broker(config, &folder).await?), ..home })),
        Place::Nowhere(_) => Ok(Some(home)),
        Place::Unsaid(why, next) => {
            tracing::warn!(why, next, "no pull request is made");
            Ok(Some(home))
        }
    }
}

/// The local forge, where that is the home.
pub(crate) fn local(config: &Config, store: &Store) -> Result<Option<Local>, Failure> {
    match config.forge_kind()? {
        ForgeKind::Local => config.local(store, chance()).map(Some),
        ForgeKind::None | ForgeKind::GitHub => Ok(None),
    }
}

/// Opens the broker in this folder, and makes it where there is nothing.
pub(crate) async fn broker(config: &Config, folder: &Path) -> Result<Broker, Failure> {
    let prefix = config.sections.pipeline.branch_prefix.clone();
    let settings = broker::Settings { prefix, ..broker::Settings::default() };
    Broker::open(folder, settings).await.map_err(|trouble| unopened(&trouble))
}

/// Why a broker cannot be used, and what to do.
pub(crate) fn unopened(trouble: &broker::Trouble) -> Failure {
    let next = match trouble {
        broker::Trouble::Git(git::Trouble::Program(_)) => {
            "install git 2.43 or later, in /usr/bin or /usr/local/bin; or set forge.broker to none, and no pull request \
             is made"
        }
        broker::Trouble::Git(git::Trouble::Folder(_)) => {
            "let the user who runs this write there, or name another folder in forge.broker; the one above it must be there"
        }
        broker::Trouble::Git(git::Trouble::Foreign(_)) => {
            "use it as the user whose it is, and let nobody else write there: chmod -R go-w"
        }
        broker::Trouble::Git(
            git::Trouble::Missing(_)
            | git::Trouble::Name(_)
            | git::Trouble::Failed(_)
            | git::Trouble::Late(_)
            | git::Trouble::TooMuch(_),
        )
        | broker::Trouble::Unfit(_) => "run gapwright doctor",
    };
    Failure::new("the broker cannot be used").why(trouble.to_string()).hint(next)
}

/// A call by the person at the keyboard.
pub(crate) fn call(plane: &Plane, tool: &'static str) -> Call {
    let by = Principal::local(&os_user(), Role::Operator);
    Call { by, tool, request_id: format!("{:032x}", plane.draw()), idempotency: None }
}

/// Where ids come from.
pub(crate) fn chance() -> StdRng {
    rand::make_rng()
}

/// Opens the store without touching its schema.
pub(crate) async fn open(config: &Config, missing: Missing) -> Result<Store, Failure> {
    let url = config.database_url()?;
    if let Some(file) = sqlite_file(url.expose_secret()) {
        check_place(&file, missing).map_err(|failure| {
            failure.why(format!("database.url was set by {}", config.origin(&["database", "url"])))
        })?;
    }
    Ok(Store::open(url.expose_secret(), Clock::default()).await?)
}

/// Refuses a file that is not there and is not to be made, and one whose folder is not there: a folder is never made,
/// for a mistyped path would be one.
fn check_place(file: &Path, missing: Missing) -> Result<(), Failure> {
    if missing == Missing::Refuse && !file.exists() {
        return Err(Failure::not_found(format!("there is no database at {}", file.display()))
            .hint("name another with --database or GAPWRIGHT__DATABASE__URL; gapwright serve makes a new one"));
    }
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(Failure::not_found(format!("there is no folder {} for the database", folder.display()))
                .hint("make the folder, or name another with --database or GAPWRIGHT__DATABASE__URL"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a schema that is not this program's. An empty database gets its schema from a command that puts something
/// in; an old one is left to whoever chooses the moment.
pub(crate) async fn check_schema(store: &Store, missing: Missing) -> Result<(), Failure> {
    let newest = store::schema_version();
    match store.schema().await?.last() {
        Some(version) if *version < newest => Err(Failure::new("cannot use the database yet")
            .why(format!("it has schema version {version}, and this program works with {newest}"))
            .hint("run gapwright migrate, or start gapwright serve, which does it")),
        None if missing == Missing::Refuse => Err(Failure::new("cannot use the database yet")
            .why("it is empty")
            .hint("run gapwright migrate, or start gapwright serve, which does it")),
        Some(_) | None => {
            store.migrate().await?;
            Ok(())
        }
    }
}

/// Where the server is reached: as configured, or at the address it is to listen on.
pub(crate) fn public_url(config: &Config) -> Result<String, Failure> {
    Ok(match config.public_url()? {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => local_url(config.listen()?),
    })
}

/// An address as this machine reaches it.
pub(crate) fn local_url(mut address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// The file of a SQLite address; none for one in memory or on Postgres.
fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or_default();
    // An escaped path is left to the store, which reads it.
    let plain = !path.contains('%') && !url.contains(":memory:") && !url.contains("mode=memory");
    plain.then(|| Path::new(path).to_path_buf())
}

/// The name of the user who runs this, for the audit: the system's word, not the environment's.
pub(crate) fn os_user() -> String {
    let id = nix::unistd::Uid::effective();
    let known = nix::unistd::User::from_uid(id).ok().flatten();
    known.map_or_else(|| format!("uid-{id}"), |user| user.name)
}

/// Keeps what this process knows, the tokens in its environment first, from whatever else the same user runs, as agents.
pub(crate) fn hide() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!(%error, "agents of the same user may read the environment of this process");
    }
}
