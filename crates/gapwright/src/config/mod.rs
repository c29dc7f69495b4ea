//! The program's settings: the manual's defaults, then one file, then the environment, then flags.
//!
//! Each value keeps where it came from, and what cannot be right is refused by key, origin and expectation before
//! anything is touched. Secrets are read from files or the environment, and never shown.

mod check;
mod environment;
mod fire;
mod forge;
mod gate;
mod known;
mod leaf;
mod pipeline;
mod secret;
mod sections;
mod settings;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format as _, Toml};
use figment::value::Dict;
use figment::{Metadata, Profile, Provider};

pub(crate) use environment::{variable, variables};
pub(crate) use forge::{Kind as ForgeKind, machine_time};
pub(crate) use leaf::{Leaf, Origin, masked};
pub(crate) use pipeline::Place;
pub(crate) use sections::Sections;

use crate::failure::Failure;
use environment::Single;

/// The defaults, which are the manual.
pub(crate) const MANUAL: &str = include_str!("config.default.toml");

/// What the command line says about the settings.
#[derive(Debug, Default, Clone)]
pub(crate) struct Flags {
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// `--database`.
    pub(crate) database: Option<String>,
    /// `serve --listen`.
    pub(crate) listen: Option<String>,
    /// `serve --insecure-no-auth`.
    pub(crate) insecure_no_auth: bool,
}

/// Settings that make sense.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The values.
    pub(crate) sections: Sections,
    /// The same values one by one, with their origins.
    pub(crate) leaves: Vec<Leaf>,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
}

/// Reads the settings from everywhere.
pub(crate) fn load(flags: &Flags) -> Result<Config, Failure> {
    let file = find_file(flags.file.as_deref())?;
    let mut figment = Figment::from(Manual);
    if let Some(path) = &file {
        let layer = Toml::file_exact(path);
        layer.data().map_err(|error| check::not_toml(path, &error))?;
        figment = figment.merge(layer);
    }
    let known = merged(&figment)?;
    for layer in environment::layers(&known) {
        figment = figment.merge(layer);
    }
    for layer in flag_layers(flags)? {
        figment = figment.merge(layer);
    }
    known::variables()?;
    made_of(&figment, file)
}

/// Reads one file over the defaults. Neither the environment nor a flag has a say: whatever they name, it is not touched.
pub(crate) fn load_alone(path: &Path) -> Result<Config, Failure> {
    let layer = Toml::file_exact(path);
    layer.data().map_err(|error| check::not_toml(path, &error))?;
    made_of(&Figment::from(Manual).merge(layer), Some(path.to_path_buf()))
}

fn made_of(figment: &Figment, file: Option<PathBuf>) -> Result<Config, Failure> {
    let leaves = leaf::leaves(figment, &merged(figment)?);
    known::keys(&leaves)?;
    let sections = figment.extract().map_err(|error| check::unreadable(&error))?;
    let config = Config { sections, leaves, file };
    config.check()?;
    Ok(config)
}

impl Config {
    /// The setting at a key, if it has a value.
    fn leaf(&self, path: &[&str]) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.path == path)
    }

    /// Where a setting came from.
    pub(crate) fn origin(&self, path: &[&str]) -> Origin {
        self.leaf(path).map_or(Origin::Default, |leaf| leaf.origin.clone())
    }
}

/// The defaults as a layer.
struct Manual;

impl Provider for Manual {
    fn metadata(&self) -> Metadata {
        Metadata::named("default")
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        Toml::string(MANUAL).data()
    }
}

fn merged(figment: &Figment) -> Result<Dict, Failure> {
    let mut profiles = figment.data().map_err(|error| check::unreadable(&error))?;
    Ok(profiles.remove(&Profile::Default).unwrap_or_default())
}

/// The one file to read: the one that was asked for, or the first that exists.
fn find_file(asked: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = asked {
        return match std::fs::read_to_string(path) {
            Ok(_) => Ok(Some(path.to_path_buf())),
            Err(error) => Err(Failure::usage("cannot read the configuration file")
                .why(format!("{}: {error}", path.display()))
                .hint("check --config or GAPWRIGHT_CONFIG; gapwright config default prints a file to start from")),
        };
    }
    let home = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = home.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
    let places = [
        Some(PathBuf::from("gapwright.toml")),
        Some(PathBuf::from("/etc/gapwright/config.toml")),
        home.map(|home| home.join("gapwright/config.toml")),
    ];
    Ok(places.into_iter().flatten().find(|path| path.is_file()))
}

fn flag_layers(flags: &Flags) -> Result<Vec<Single>, Failure> {
    let path = |section: &str, key: &str| [section.to_owned(), key.to_owned()];
    let mut layers = Vec::new();
    if let Some(database) = &flags.database {
        let url = check::database_flag(database)?;
        layers.push(Single::new("flag --database".to_owned(), &path("database", "url"), url.into()));
    }
    if let Some(listen) = &flags.listen {
        let listen = listen.as_str().into();
        layers.push(Single::new("flag --listen".to_owned(), &path("server", "listen"), listen));
    }
    if flags.insecure_no_auth {
        let key = path("server", "insecure_no_auth");
        layers.push(Single::new("flag --insecure-no-auth".to_owned(), &key, true.into()));
    }
    Ok(layers)
}
